//! The words of a model, piece by piece, as text and the few tags that mean something. PURE.
//!
//! Owns what a tag is and what code is. What cannot be told yet is kept until it can be, and what
//! is decided follows from the words alone: however they are cut into pieces, the outcome is the
//! same. What no rule knows is text.

use super::tag::{self, Seen};
use crate::limits;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bit<'a> {
    /// Words, outside of every block or in a message.
    Text(&'a str),
    /// `<message to="…">`.
    Message(Option<String>),
    /// `</message>`.
    MessageEnds,
    /// `<internal>`. What follows until its end is read over.
    Internal,
    /// `</internal>`.
    InternalEnds,
}

/// How the words end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The model was done: half a tag is text.
    Whole,
    /// It was stopped: what may have become a tag is dropped.
    Cut,
}

/// Where the reader stands.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pending: String,
    block: Block,
    fence: Option<Fence>,
    /// Whether something stands on this line already.
    in_line: bool,
}

/// The block that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Block {
    #[default]
    None,
    Message,
    Internal,
    InternalInMessage,
}

/// What a block of code ends with: at least so many of this character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fence {
    of: char,
    length: usize,
}

/// What the pending words begin with.
enum Next {
    /// So many bytes of text.
    Text(usize),
    /// So many bytes of text, after which this block of code has begun or ended.
    Fence(usize, Option<Fence>),
    /// A tag of so many bytes.
    Tag(usize, Seen),
    /// So many bytes that nobody sees.
    Hidden(usize),
    /// It cannot be told yet.
    Wait,
}

impl Reader {
    /// Whether the reader stands in a block that nobody sees.
    pub(super) fn is_internal(&self) -> bool {
        matches!(self.block, Block::Internal | Block::InternalInMessage)
    }

    /// Takes a piece; `out` gets what is known now.
    pub(super) fn push(&mut self, piece: &str, out: &mut dyn FnMut(Bit<'_>)) {
        self.pending.push_str(piece);
        self.read(None, out);
    }

    /// There are no more pieces.
    pub(super) fn finish(&mut self, end: End, out: &mut dyn FnMut(Bit<'_>)) {
        self.read(Some(end), out);
    }

    fn read(&mut self, end: Option<End>, out: &mut dyn FnMut(Bit<'_>)) {
        let words = std::mem::take(&mut self.pending);
        let mut rest = words.as_str();
        while !rest.is_empty() {
            match self.next(rest, end) {
                Next::Text(bytes) => rest = self.text(rest, bytes, out),
                Next::Fence(bytes, fence) => {
                    rest = self.text(rest, bytes, out);
                    self.fence = fence;
                }
                Next::Tag(bytes, seen) => {
                    rest = rest.get(bytes..).unwrap_or_default();
                    self.tag(seen, out);
                }
                Next::Hidden(bytes) => rest = rest.get(bytes..).unwrap_or_default(),
                Next::Wait => break,
            }
        }
        rest.clone_into(&mut self.pending);
    }

    fn text<'w>(&mut self, rest: &'w str, bytes: usize, out: &mut dyn FnMut(Bit<'_>)) -> &'w str {
        let (text, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        self.in_line = !text.ends_with('\n');
        out(Bit::Text(text));
        after
    }

    fn tag(&mut self, seen: Seen, out: &mut dyn FnMut(Bit<'_>)) {
        // A message begins as if on a line of its own; after a block its line goes on.
        self.in_line = !matches!(seen, Seen::Message(_));
        match seen {
            Seen::Message(to) => {
                self.block = Block::Message;
                out(Bit::Message(to));
            }
            Seen::MessageEnds => {
                self.block = Block::None;
                out(Bit::MessageEnds);
            }
            Seen::Internal => {
                self.block = match self.block {
                    Block::Message => Block::InternalInMessage,
                    Block::None | Block::Internal | Block::InternalInMessage => Block::Internal,
                };
                out(Bit::Internal);
            }
            Seen::InternalEnds => {
                self.block = match self.block {
                    Block::InternalInMessage => Block::Message,
                    Block::None | Block::Internal | Block::Message => Block::None,
                };
                out(Bit::InternalEnds);
            }
        }
    }

    fn next(&self, rest: &str, end: Option<End>) -> Next {
        if self.is_internal() {
            return self.hidden(rest, end);
        }
        if !self.in_line
            && let Some(next) = self.line_begins(rest, end.is_some())
        {
            return next;
        }
        if self.fence.is_some() {
            let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
            return Next::Text(line);
        }
        match rest.find(['<', '`', '\n']) {
            None => Next::Text(rest.len()),
            Some(0) if rest.starts_with('<') => self.opens(rest, end),
            Some(0) if rest.starts_with('`') => code(rest, end.is_some()),
            Some(0) => Next::Text(1),
            Some(at) => Next::Text(at),
        }
    }

    /// In a block that nobody sees only its end counts.
    fn hidden(&self, rest: &str, end: Option<End>) -> Next {
        match rest.find('<') {
            None => Next::Hidden(rest.len()),
            Some(0) => match self.opens(rest, end) {
                Next::Text(bytes) => Next::Hidden(bytes),
                next @ (Next::Fence(..) | Next::Tag(..) | Next::Hidden(_) | Next::Wait) => next,
            },
            Some(at) => Next::Hidden(at),
        }
    }

    /// What a `<` is the beginning of.
    fn opens(&self, rest: &str, end: Option<End>) -> Next {
        let known: &[&str] = match self.block {
            Block::Internal | Block::InternalInMessage => &["/internal"],
            Block::Message => &["internal", "/message"],
            Block::None => &["internal", "message"],
        };
        match tag::read(within(rest, limits::SPOKEN_TAG_BYTES), known) {
            tag::Read::Tag(bytes, seen) => Next::Tag(bytes, seen),
            tag::Read::No => Next::Text(1),
            tag::Read::Half if rest.len() > limits::SPOKEN_TAG_BYTES => Next::Text(1),
            tag::Read::Half => match end {
                None => Next::Wait,
                Some(End::Whole) => Next::Text(1),
                Some(End::Cut) => Next::Hidden(rest.len()),
            },
        }
    }

    /// A block of code begins or ends where a line does; `None` for a line like any other.
    fn line_begins(&self, rest: &str, ended: bool) -> Option<Next> {
        let indent = rest.bytes().take_while(|byte| *byte == b' ').count();
        let mark = rest.get(indent..).unwrap_or_default();
        let Some(of) = mark.chars().next() else {
            return (indent <= 3 && !ended).then_some(Next::Wait);
        };
        if indent > 3 || !matches!(of, '`' | '~') {
            return None;
        }
        let (all, mark) = (mark.len(), within(mark, limits::SPOKEN_CODE_BYTES));
        let length = mark.chars().take_while(|c| *c == of).count();
        let told = ended || mark.len() < all;
        if length == mark.len() && !told {
            return Some(Next::Wait);
        }
        let after = mark.get(length..).unwrap_or_default();
        let line = after.split('\n').next().unwrap_or_default();
        let whole_line = line.len() < after.len() || told;
        match self.fence {
            Some(fence) if fence.of == of && length >= fence.length => {
                if !line.trim().is_empty() {
                    return None;
                }
                Some(if whole_line { Next::Fence(indent + length, None) } else { Next::Wait })
            }
            Some(_) => None,
            None if length < 3 => None,
            // A run that ends on its line is code within the line.
            None if of == '`' && line.contains('`') => None,
            None if !whole_line => Some(Next::Wait),
            None => {
                let fence = Some(Fence { of, length });
                Some(Next::Fence(indent + length + line.len(), fence))
            }
        }
    }
}

/// Code within a line: from a run of backticks to the next run of as many on that line. Without
/// one, the backticks are text, and so is nothing behind them.
fn code(rest: &str, ended: bool) -> Next {
    let window = within(rest, limits::SPOKEN_CODE_BYTES);
    let told = ended || window.len() < rest.len();
    let run = window.bytes().take_while(|byte| *byte == b'`').count();
    if run == window.len() {
        return if told { Next::Text(run) } else { Next::Wait };
    }
    let mut at = run;
    while let Some(found) = window.get(at..).and_then(|behind| behind.find(['`', '\n'])) {
        let from = at + found;
        let behind = window.get(from..).unwrap_or_default();
        if behind.starts_with('\n') {
            return Next::Text(run);
        }
        let length = behind.bytes().take_while(|byte| *byte == b'`').count();
        at = from + length;
        if at == window.len() && !told {
            return Next::Wait;
        }
        if length == run {
            return Next::Text(at);
        }
    }
    if told { Next::Text(run) } else { Next::Wait }
}

/// The beginning of a text, of at most so many bytes.
fn within(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}
