//! Bounds of what waits for people.

use jiff::SignedDuration;

/// How long a one-time code holds that makes somebody the owner: to walk to another device and
/// type it there.
pub const CLAIM_LIFE: SignedDuration = SignedDuration::from_secs(15 * 60);

/// Guesses at such a code; of its 80 random bits they are nothing.
pub const CLAIM_GUESSES: u32 = 10;

/// Letters of such a code: the random part of an id.
pub const CLAIM_LETTERS: usize = 16;

/// How long something waits for a person's yes: everybody looks at their messages once a day.
pub const APPROVAL_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// When people are reminded of it: halfway.
pub const APPROVAL_REMINDER: SignedDuration = SignedDuration::from_hours(12);

/// Messages that wait with one approval: a person who writes line by line, not a flood.
pub const HELD_MESSAGES: i64 = 50;

/// Bytes of them: a screenshot fits; strangers must not fill the disk before anybody said yes.
pub const HELD_BYTES: i64 = 2 * 1024 * 1024;

/// Questions of one session that may wait for people at once: nobody answers more.
pub const OPEN_QUESTIONS: i64 = 50;

/// Questions that a list shows, and that a start remembers.
pub const LISTED_QUESTIONS: u32 = 10_000;

/// Bytes of one message that waits with its files: a screenshot. Files of larger ones are not kept
/// before somebody said yes.
pub const HELD_MESSAGE_BYTES: usize = 1024 * 1024;

/// Wishes of one session that may wait at once: more than that nobody reads with care.
pub const ASKED_BY_A_SESSION: i64 = 20;

/// Rooms and strangers that may wait at once: with what they said they stay below 200 MB.
pub const ASKED_BY_STRANGERS: i64 = 100;
