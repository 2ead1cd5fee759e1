//! One tag in the words of a model. PURE.
//!
//! Owns how it may be written: in any case, with attributes in double, single or no quotes and in
//! any order. Entities are left as they are.

/// A tag that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Message(Option<String>),
    MessageEnds,
    Internal,
    InternalEnds,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// A tag of so many bytes.
    Tag(usize, Seen),
    /// It may become one.
    Half,
    /// Something else.
    No,
}

/// Reads what begins with `<`; only tags of these names mean something.
pub(super) fn read(text: &str, known: &[&str]) -> Read {
    let behind = text.get(1..).unwrap_or_default();
    for name in known {
        let Some(head) = behind.get(..name.len()) else {
            let half =
                name.get(..behind.len()).is_some_and(|half| half.eq_ignore_ascii_case(behind));
            if half {
                return Read::Half;
            }
            continue;
        };
        if head.eq_ignore_ascii_case(name) {
            return named(name, behind.get(name.len()..).unwrap_or_default(), 1 + name.len());
        }
    }
    Read::No
}

/// What follows a name that is known, `before` bytes behind the `<`.
fn named(name: &str, rest: &str, before: usize) -> Read {
    match rest.chars().next() {
        None => return Read::Half,
        Some(c) if c == '>' || c.is_ascii_whitespace() => {}
        Some(_) => return Read::No,
    }
    let mut attributes = Attributes { rest };
    let mut to = None;
    loop {
        match attributes.next() {
            Attribute::Named(key, value) if key.eq_ignore_ascii_case("to") && to.is_none() => {
                to = Some(value.trim().to_owned()).filter(|name| !name.is_empty());
            }
            Attribute::Named(..) => {}
            Attribute::Half => return Read::Half,
            Attribute::Bad => return Read::No,
            Attribute::End => break,
        }
    }
    let bytes = before + rest.len() - attributes.rest.len();
    let seen = match name {
        "message" => Seen::Message(to),
        "/message" => Seen::MessageEnds,
        "internal" => Seen::Internal,
        _ => Seen::InternalEnds,
    };
    Read::Tag(bytes, seen)
}

struct Attributes<'a> {
    rest: &'a str,
}

enum Attribute<'a> {
    Named(&'a str, &'a str),
    /// The tag ends here.
    End,
    Half,
    Bad,
}

impl<'a> Attributes<'a> {
    fn next(&mut self) -> Attribute<'a> {
        self.rest = self.rest.trim_ascii_start();
        if let Some(rest) = self.rest.strip_prefix('>') {
            self.rest = rest;
            return Attribute::End;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        let key = self.take(|c| !plain(c));
        if key.is_empty() {
            return if self.rest.is_empty() { Attribute::Half } else { Attribute::Bad };
        }
        self.rest = self.rest.trim_ascii_start();
        let Some(value) = self.rest.strip_prefix('=') else {
            return if self.rest.is_empty() { Attribute::Half } else { Attribute::Named(key, "") };
        };
        self.rest = value.trim_ascii_start();
        match self.rest.chars().next() {
            None => Attribute::Half,
            Some(quote @ ('"' | '\'')) => {
                let quoted = self.rest.get(1..).unwrap_or_default();
                let Some((value, rest)) = quoted.split_once(quote) else { return Attribute::Half };
                self.rest = rest;
                Attribute::Named(key, value)
            }
            Some(_) => {
                let value = self.take(|c| c == '>' || c == '<' || c.is_ascii_whitespace());
                match (self.rest.is_empty(), value.is_empty()) {
                    (true, _) => Attribute::Half,
                    (false, true) => Attribute::Bad,
                    (false, false) => Attribute::Named(key, value),
                }
            }
        }
    }

    /// What stands before the first such character.
    fn take(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let at = self.rest.find(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}
