//! Numbers and texts at the few places of a JSON document that are looked for. PURE.
//!
//! A machine with a stack of a few keys: one byte at a time, no document in memory, no error. It
//! takes for granted that the bytes are JSON; where they are not it finds other things or nothing,
//! and never more than its bounds.

/// Keys that matter, by any of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Message,
    Response,
    Usage,
    Model,
    Input,
    Output,
    CacheRead,
    CacheWrite,
    /// The parts of the input, in OpenAI's words.
    InputDetails,
    /// The part of it that was known.
    Cached,
    Other,
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"message" => Self::Message,
            b"response" => Self::Response,
            b"usage" => Self::Usage,
            b"model" => Self::Model,
            b"input_tokens" | b"prompt_tokens" => Self::Input,
            b"output_tokens" | b"completion_tokens" => Self::Output,
            b"cache_read_input_tokens" => Self::CacheRead,
            b"cache_creation_input_tokens" => Self::CacheWrite,
            b"input_tokens_details" | b"prompt_tokens_details" => Self::InputDetails,
            b"cached_tokens" => Self::Cached,
            _ => Self::Other,
        }
    }
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A number, as it is written.
    Number(&'a [u8]),
    /// A text without escapes.
    Text(&'a [u8]),
}

/// Nothing that is looked for lies deeper.
const DEPTH: usize = 4;

/// Longer than any key that is looked for, any count, and any model's name.
const KEPT: usize = 128;

/// The machine.
#[derive(Debug)]
pub(super) struct Json {
    /// The key at which we are in each open object.
    path: Vec<Key>,
    /// How many are open below it that are not followed: lists, and what lies in them or too deep.
    ignored: u64,
    at: At,
    kept: Vec<u8>,
    /// Whether what is kept is not the whole of it.
    partial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a key or a value.
    Between {
        key: bool,
    },
    Text {
        key: bool,
        escaped: bool,
    },
    /// A number, or a word such as `null`.
    Scalar,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            path: Vec::new(),
            ignored: 0,
            at: At::Between { key: false },
            kept: Vec::new(),
            partial: false,
        }
    }
}

impl Json {
    /// Looks at the next byte; `told` hears of what ended with it, and of the keys that lead there.
    pub(super) fn byte(&mut self, byte: u8, told: &mut impl FnMut(&[Key], Found<'_>)) {
        match self.at {
            At::Text { key, escaped } => self.in_text(byte, (key, escaped), told),
            At::Between { key } => self.between(byte, key),
            At::Scalar => {
                if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte) {
                    self.keep(byte);
                    return;
                }
                if self.ignored == 0 && !self.partial {
                    told(&self.path, Found::Number(&self.kept));
                }
                // What ends it is not part of it.
                self.between(byte, false);
            }
        }
    }

    fn in_text(
        &mut self,
        byte: u8,
        (key, escaped): (bool, bool),
        told: &mut impl FnMut(&[Key], Found<'_>),
    ) {
        if escaped || byte == b'\\' {
            // Nothing that is looked for is written with escapes.
            self.partial = true;
            self.at = At::Text { key, escaped: !escaped };
            return;
        }
        if byte != b'"' {
            self.keep(byte);
            return;
        }
        self.at = At::Between { key: false };
        if key {
            let name = if self.partial { Key::Other } else { Key::of(&self.kept) };
            if let Some(last) = self.path.last_mut() {
                *last = name;
            }
        } else if self.ignored == 0 && !self.partial {
            told(&self.path, Found::Text(&self.kept));
        }
    }

    fn between(&mut self, byte: u8, key: bool) {
        let followed = self.ignored == 0;
        self.at = match byte {
            b'{' if followed && self.path.len() < DEPTH => {
                self.path.push(Key::Other);
                At::Between { key: true }
            }
            b'{' | b'[' => {
                self.ignored = self.ignored.saturating_add(1);
                At::Between { key: false }
            }
            b'}' | b']' => {
                if !followed {
                    self.ignored -= 1;
                } else if byte == b'}' {
                    self.path.pop();
                }
                At::Between { key: false }
            }
            b',' => At::Between { key: followed && !self.path.is_empty() },
            b':' => At::Between { key: false },
            b' ' | b'\t' | b'\r' | b'\n' => At::Between { key },
            _ => {
                self.kept.clear();
                self.partial = false;
                if byte == b'"' {
                    At::Text { key: key && followed, escaped: false }
                } else {
                    self.keep(byte);
                    At::Scalar
                }
            }
        };
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < KEPT {
            self.kept.push(byte);
        } else {
            self.partial = true;
        }
    }
}
