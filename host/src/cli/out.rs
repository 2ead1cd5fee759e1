//! All printing of the clients. What agents say is hostile, so nothing reaches a terminal that
//! could move its cursor.
//!
//! A reader that went away (`lazaret sessions list | head -1`) is no error: the rest is not
//! wanted.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;

use crate::{error::HostError, text::shown};

/// Where a command's results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Out {
    json: bool,
}

impl Out {
    /// Prints for scripts, or for people.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether scripts read it.
    pub(super) fn json(self) -> bool {
        self.json
    }

    /// One line for people.
    pub(super) fn line(self, text: impl Display) {
        let _unread = writeln!(io::stdout(), "{}", shown::block(&text.to_string())).is_err();
    }

    /// One JSON value on a line of its own.
    pub(super) fn object(self, value: &impl Serialize) {
        let line = serde_json::to_string(value).unwrap_or_default();
        let _unread = writeln!(io::stdout(), "{line}").is_err();
    }

    /// Something beside the result, for people only.
    pub(super) fn note(self, text: impl Display) {
        let _unread = writeln!(io::stderr(), "{}", shown::block(&text.to_string())).is_err();
    }

    /// A result in the form that was asked for.
    pub(super) fn result<T: Serialize>(self, value: &T, for_people: impl FnOnce(&T) -> String) {
        if self.json {
            self.object(value);
        } else {
            self.line(for_people(value));
        }
    }
}

/// Bytes of our own making, for other programs.
pub(super) fn raw(bytes: &[u8]) {
    let _unread = io::stdout().write_all(bytes).is_err();
}

/// Tells why the command failed.
pub(super) fn report(error: &HostError) {
    let mut text = format!("error: {}", shown::block(&error.chain()));
    if let Some(hint) = error.hint_text() {
        text.push_str("\nhint: ");
        text.push_str(&shown::block(hint));
    }
    let _unread = writeln!(io::stderr(), "{text}").is_err();
}
