//! What a model writes as its answer, and to whom it goes. PURE.
//!
//! Plain words answer where the question came from. `<message to="name">…</message>` goes to that
//! destination (without a name, to the origin, as a message of its own), `<internal>…</internal>`
//! to nobody, and [`NO_REPLY`] alone is a chosen silence. Owns that the same holds for the whole
//! answer ([`replies`]), for what a stopped turn had said ([`cut_off`]) and for what is shown while
//! it is written ([`Shown`]). Tolerant: unknown tags, ends without a beginning, a message within a
//! message and everything in code are text. A block that is never closed ends with the words: what
//! was meant for somebody else, or for nobody, is not shown for want of a tag.

mod reader;
mod tag;

use reader::{Bit, End, Reader};
use schemas::ids::MessageId;

use crate::{
    limits,
    reply::{NO_REPLY, Reply},
};

/// The replies that an answer consists of, in order. Empty when nothing was said at all; an answer
/// of which nobody may see anything is the explicit choice of no reply.
#[must_use]
pub fn replies(text: &str, origin: &MessageId) -> Vec<Reply> {
    told(text, End::Whole).replies(origin)
}

/// The replies of an answer that was not finished: the last of them says where it was cut off.
#[must_use]
pub fn cut_off(text: &str, origin: &MessageId) -> Vec<Reply> {
    let mut told = told(text, End::Cut);
    let open = !told.internal;
    if let Some(last) = told.parts.last_mut().filter(|part| open && !part.closed) {
        last.text.truncate(last.text.trim_end().len());
        last.text.push_str(limits::CUT_OFF);
    }
    told.hidden = false;
    told.replies(origin)
}

/// Lets out of an answer only what may be shown where the question came from, as early as it is
/// known.
#[derive(Debug, Default)]
pub struct Shown {
    reader: Reader,
    elsewhere: bool,
    /// What may still become a chosen silence.
    held: Option<String>,
}

impl Shown {
    /// An answer that has not begun.
    #[must_use]
    pub fn begin() -> Self {
        Self { held: Some(String::new()), ..Self::default() }
    }

    /// Takes the next piece; what may be shown now.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        self.read(|reader, out| reader.push(piece, out))
    }

    /// There are no more pieces; what may be shown of the rest.
    #[must_use]
    pub fn finish(&mut self) -> String {
        let mut shown = self.read(|reader, out| reader.finish(End::Whole, out));
        if let Some(held) = self.held.take()
            && held.trim() != NO_REPLY
        {
            shown.push_str(&held);
        }
        shown
    }

    fn read(&mut self, take: impl FnOnce(&mut Reader, &mut dyn FnMut(Bit<'_>))) -> String {
        let (mut shown, elsewhere, held) = (String::new(), &mut self.elsewhere, &mut self.held);
        take(&mut self.reader, &mut |bit| match bit {
            Bit::Message(to) => *elsewhere = to.is_some(),
            Bit::MessageEnds => *elsewhere = false,
            Bit::Internal | Bit::InternalEnds => {}
            Bit::Text(_) if *elsewhere => {}
            Bit::Text(text) => {
                let mut text = text.to_owned();
                if let Some(before) = held.take() {
                    text.insert_str(0, &before);
                    if may_be_silence(&text) {
                        *held = Some(text);
                        return;
                    }
                }
                shown.push_str(&text);
            }
        });
        shown
    }
}

fn may_be_silence(text: &str) -> bool {
    let begun = text.trim_start();
    NO_REPLY.starts_with(begun) || begun.trim_end() == NO_REPLY
}

/// An answer, sorted by whom it is for.
#[derive(Debug, Default)]
struct Told {
    parts: Vec<Part>,
    /// It ends in a block that nobody sees.
    internal: bool,
    /// Something was said that nobody sees, and it was closed.
    hidden: bool,
}

#[derive(Debug, Default)]
struct Part {
    to: Option<String>,
    text: String,
    closed: bool,
}

fn told(text: &str, end: End) -> Told {
    let mut told = Told::default();
    let mut reader = Reader::default();
    let mut out = |bit: Bit<'_>| told.take(bit);
    reader.push(text, &mut out);
    reader.finish(end, &mut out);
    told.internal = reader.is_internal();
    told
}

impl Told {
    fn take(&mut self, bit: Bit<'_>) {
        match bit {
            Bit::Text(text) => match self.parts.last_mut().filter(|part| !part.closed) {
                Some(part) => part.text.push_str(text),
                None => self.parts.push(Part { text: text.to_owned(), ..Part::default() }),
            },
            Bit::Message(to) => {
                self.close();
                self.parts.push(Part { to, ..Part::default() });
            }
            Bit::MessageEnds => {
                self.close();
                self.hidden = true;
            }
            Bit::Internal => {}
            Bit::InternalEnds => self.hidden = true,
        }
    }

    fn close(&mut self) {
        if let Some(part) = self.parts.last_mut() {
            part.closed = true;
        }
    }

    fn replies(self, origin: &MessageId) -> Vec<Reply> {
        let said = self.parts.into_iter().filter(|part| !part.text.trim().is_empty());
        let mut replies: Vec<Reply> = said
            .map(|part| Reply { to: part.to, ..Reply::words(origin.clone(), part.text.trim()) })
            .collect();
        if replies.is_empty() && self.hidden {
            replies.push(Reply::words(origin.clone(), ""));
        }
        replies
    }
}

#[cfg(test)]
mod tests;
