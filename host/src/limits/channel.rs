//! Bounds of posting: how often, how long, and when a channel is left alone.

use std::time::Duration;

use jiff::SignedDuration;

/// Pauses between the attempts of one delivery; past the last it is given up.
pub const DELIVERY_PAUSES: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(45),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// Pause before a channel that is down is tried again.
pub const CHANNEL_DOWN_PAUSE: Duration = Duration::from_secs(30);

/// Shortest pause that a platform may name: one that names none would be asked without end.
pub const CHANNEL_PAUSE_LEAST: Duration = Duration::from_secs(1);

/// Longest such pause that is believed; asking once an hour bothers nobody.
pub const CHANNEL_PAUSE_MOST: Duration = Duration::from_secs(3_600);

/// What a platform gets to answer a post. An adapter's own time-outs are shorter; this is for one
/// that forgot them, and its destination must not fall silent for ever.
pub const POST_TIME: Duration = Duration::from_secs(60);

/// The same for a notice, a sign of typing or the end of a run: nothing waits for those.
pub const NOTICE_TIME: Duration = Duration::from_secs(10);

/// Posts of one session that wait in memory; what else the guest wrote waits in its file.
pub const QUEUED_POSTS: usize = 2_000;

/// Posts of one session that wait for a time of their own: reminders of a conversation, and a
/// twentieth of [`QUEUED_POSTS`], so that those for later never keep today's out.
pub const LATER_POSTS: usize = 100;

/// Bytes of what somebody says on a platform: GitHub's 65,536 characters of four bytes each, and no
/// platform has longer messages. The whole of a longer one comes along as a file.
pub const TEXT_BYTES: usize = 256 * 1024;

/// Characters of a name of a sender or a room, and of the like: no platform has longer ones.
pub const NAME_CHARS: usize = 200;

/// Bytes of a message that is answered, and of a file's name: a long paragraph.
pub const QUOTE_BYTES: usize = 4 * 1024;

/// Bytes of the fields of a message that we do not know; past it they are left out.
pub const EXTRA_BYTES: usize = 16 * 1024;

/// By how much of itself a pause grows at most, so that what failed together is not tried together:
/// one in so many parts.
pub const JITTER_PART: u32 = 4;

/// Errors of a channel in a row, of whatever sessions, after which nobody tries but one post at a
/// time: one may be a hiccup, three are not.
pub const BREAKER_ERRORS: u32 = 3;

/// Longest pause between two such probes; the first is [`CHANNEL_DOWN_PAUSE`], and it doubles. What
/// a channel that comes back costs in delay at worst.
pub const BREAKER_PAUSE_MOST: Duration = Duration::from_secs(300);

/// A probe that has not ended by then is given to another post: its session may be gone.
pub const PROBE_TIME: Duration = Duration::from_secs(150);

/// Over how long the sessions are spread that wait for the next probe: one is enough to find out.
pub const PROBE_SPREAD: Duration = Duration::from_secs(5);

/// How long a post waits for a channel before it is given up: a token that was revoked on a Friday
/// is renewed by the next.
pub const WAIT_MOST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long after that a last attempt may still be noted: the longest pause, with its jitter.
pub const WAIT_SLACK: SignedDuration = SignedDuration::from_hours(2);

/// How long a channel is down before its owner hears of it: restarts of platforms take less.
pub const DOWN_NOTICE: Duration = Duration::from_secs(600);

/// How long a channel that came back is spared.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// The least time between two posts meanwhile: what waited goes out within seconds, and not all of
/// it in one millisecond.
pub const RECOVERY_STEP: Duration = Duration::from_millis(20);

/// Between two sleeping sessions that are woken for a channel that came back.
pub const WAKE_STEP: SignedDuration = SignedDuration::from_millis(10);

/// What an agent whose mailbox is full gets before it is written to again, in seconds.
pub const PEER_PAUSE: u64 = 5;

/// Messages that were given up, of one session and in one direction, that a list holds; older ones
/// stay in the session's own files.
pub const DEAD_KEPT: u32 = 1_000;

/// After the owner was told that a message was given up, further ones are told together, after
/// this.
pub const DEAD_QUIET: Duration = Duration::from_secs(600);

/// Messages that one `/retry` takes up at most: those of one turn.
pub const RETRIED: usize = 10;
