//! A secret in memory. PURE.
//!
//! Owns that it is shown by nobody who does not say so: not by `Debug`, not in an error, not in what
//! is serialized, and that its bytes are overwritten when it goes.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    error::{ErrorKind, HostError, Result},
    limits::broker as limits,
};

/// A value that nobody may see by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes it as it is.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// What somebody typed or piped in: one line of printable characters, as keys are.
    ///
    /// # Errors
    /// When it is none; the words do not show it.
    pub fn typed(text: &str) -> Result<Self> {
        let value = text.trim_end_matches(['\n', '\r']);
        let refused = |why: &str| {
            Err(HostError::new(ErrorKind::Invalid, format!("the value {why}"))
                .hint("a key is one line of printable characters"))
        };
        if value.is_empty() {
            return refused("is empty");
        }
        if value.len() > limits::SECRET_BYTES {
            return refused("is too long");
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refused("holds a space, an end of line, or what is no ASCII");
        }
        Ok(Self::new(value.to_owned()))
    }

    /// The value itself: for whoever hands it on, and nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret on the two ways on which it is written down: to the host over its own socket, and into
/// what is encrypted. A field asks for it by name, so that nothing is written out by accident.
pub mod handed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    /// Writes the value.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    /// Reads it.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_by_nobody() {
        let secret = Secret::new("sk-very-secret".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(…) Some(Secret(…))");
    }

    #[test]
    fn a_typed_secret_is_one_printable_line() {
        assert_eq!(Secret::typed("sk-1\n").unwrap().expose(), "sk-1");
        assert_eq!(Secret::typed("sk-1\r\n").unwrap().expose(), "sk-1");
        let long = "x".repeat(limits::SECRET_BYTES + 1);
        for bad in ["", "\n", "two words", "two\nlines", "tab\there", "caf\u{e9}", long.as_str()] {
            let refused = Secret::typed(bad).unwrap_err();
            assert!(bad.trim().is_empty() || !refused.chain().contains(bad.trim()), "{refused}");
        }
    }
}
