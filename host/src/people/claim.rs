//! PURE: the one-time code with which the first owner says that the host is theirs.
//!
//! Owns what is kept of it: a hash, until when it holds, and how many guesses are left. The code
//! itself is shown once, to the operator, and is in no log and no database.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits;

/// What is kept of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    hash: String,
    expires_at: Timestamp,
    guesses_left: u32,
}

impl Claim {
    /// What to keep of a code that was just made.
    #[must_use]
    pub fn of(code: &str, now: Timestamp) -> Self {
        let expires_at = now.checked_add(limits::people::CLAIM_LIFE).unwrap_or(now);
        Self { hash: hash(code), expires_at, guesses_left: limits::people::CLAIM_GUESSES }
    }

    /// Whether this is the code. Every call uses up a guess, and a code without guesses is none.
    #[must_use]
    pub fn takes(&mut self, code: &str, now: Timestamp) -> bool {
        if !self.holds(now) {
            return false;
        }
        self.guesses_left -= 1;
        same(&self.hash, &hash(code))
    }

    /// Whether it can be guessed at all.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.guesses_left > 0 && now < self.expires_at
    }
}

/// A code from something random: groups that can be read out and typed.
#[must_use]
pub fn code(random: &str) -> String {
    let letters: Vec<char> = random.chars().rev().take(limits::people::CLAIM_LETTERS).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// People type what they read: case, hyphens and blanks do not count.
fn hash(code: &str) -> String {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    Sha256::digest(plain).iter().fold(String::new(), |mut hex, byte| {
        let _written = write!(hex, "{byte:02x}").is_ok();
        hex
    })
}

/// Compares in a time that tells nothing about where two texts of one length differ.
fn same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "01h455vb4pex5vsknk084sn02q";

    #[test]
    fn a_code_is_known_however_it_is_typed_and_only_while_it_holds() {
        let now = Timestamp::UNIX_EPOCH;
        let code = code(RANDOM);
        assert_eq!(code, "q20n-s480-knks-v5xe");
        let later = now + limits::people::CLAIM_LIFE;
        assert!(Claim::of(&code, now).takes("Q20N s480 knks v5xe", now));
        assert!(!Claim::of(&code, now).takes(&code, later));
        assert!(!Claim::of(&code, now).takes("", now));
    }

    #[test]
    fn a_code_ends_after_too_many_guesses() {
        let now = Timestamp::UNIX_EPOCH;
        let code = code(RANDOM);
        let mut claim = Claim::of(&code, now);
        for _ in 0..limits::people::CLAIM_GUESSES {
            assert!(!claim.takes("wrong", now));
        }
        assert!(!claim.takes(&code, now));
    }

    #[test]
    fn what_is_kept_of_a_code_does_not_tell_it() {
        let kept = serde_json::to_string(&Claim::of(&code(RANDOM), Timestamp::UNIX_EPOCH));
        assert!(!kept.unwrap().contains("q20n"));
    }
}
