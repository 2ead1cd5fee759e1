//! Server-sent events from bytes. PURE; takes pieces as they come, however they are cut.
//!
//! Of the format it knows what our host writes: `data:` lines and empty lines. Names, ids and
//! comments are skipped, as the standard allows.

/// Gathers pieces until an event is whole.
#[derive(Debug, Default)]
pub(super) struct Parser {
    bytes: Vec<u8>,
    /// How far `bytes` is known to hold no line's end.
    searched: usize,
    data: Vec<u8>,
}

impl Parser {
    /// Takes a piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// Bytes that are held for an event that is not whole yet.
    pub(super) fn held(&self) -> usize {
        self.bytes.len() + self.data.len()
    }

    /// The data of the next whole event.
    pub(super) fn event(&mut self) -> Option<Vec<u8>> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                if !self.data.is_empty() {
                    return Some(std::mem::take(&mut self.data));
                }
            } else if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
        }
        None
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(offset) = unsearched.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let mut line: Vec<u8> = self.bytes.drain(..=self.searched + offset).collect();
        self.searched = 0;
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece);
            while let Some(event) = parser.event() {
                events.push(String::from_utf8(event).unwrap());
            }
        }
        events
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let bytes: &[u8] = b"id: 3\ndata: {\"a\":1}\n\n:\n\ndata: two\r\ndata:lines\r\n\r\n";
        let whole = events(&[bytes]);
        assert_eq!(whole, ["{\"a\":1}", "two\nlines"]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single), whole);
    }

    #[test]
    fn an_event_that_is_not_whole_is_no_event() {
        assert!(events(&[b"data: {\"a\"", b":1}\n"]).is_empty());
    }
}
