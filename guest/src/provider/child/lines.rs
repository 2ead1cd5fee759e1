//! Lines from a pipe, whole and of bounded length; whoever stops waiting for one loses nothing.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// A line is longer than may be; nothing after it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// What reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    from: BufReader<R>,
    /// A line as far as it has come.
    part: Vec<u8>,
    most: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most so many bytes.
    pub fn new(from: R, most: usize) -> Self {
        Self { from: BufReader::with_capacity(32 << 10, from), part: Vec::new(), most }
    }

    /// The next line, without its end; `None` after the last. What stands behind the last end of a
    /// line is none.
    ///
    /// # Errors
    /// When it is too long.
    pub async fn next(&mut self) -> Result<Option<String>, TooLong> {
        loop {
            let piece = match self.from.fill_buf().await {
                Ok([]) | Err(_) => return Ok(None),
                Ok(piece) => piece,
            };
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(piece.len(), |end| end + 1);
            self.part.extend_from_slice(piece.get(..end.unwrap_or(taken)).unwrap_or_default());
            self.from.consume(taken);
            if self.part.len() > self.most {
                return Err(TooLong);
            }
            if end.is_some() {
                let line = std::mem::take(&mut self.part);
                let line = String::from_utf8(line);
                return Ok(Some(line.unwrap_or_else(|error| {
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                })));
            }
        }
    }

    /// Reads what there is and forgets it; whether there may be more.
    pub async fn skip(&mut self) -> bool {
        let read = self.from.fill_buf().await.map_or(0, <[u8]>::len);
        self.from.consume(read);
        read > 0
    }
}
