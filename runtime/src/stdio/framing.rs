//! Line framing: one message a line.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line that is kept.
pub(super) const MAX_LINE_BYTES: usize = 4 << 20;

/// Reads lines.
pub(super) struct LineReader {
    // Boxed, so that the transport is one type.
    input: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// The beginning of a line; a field, because [`LineReader::next`] may be cancelled within a line.
    partial: Vec<u8>,
}

/// One line, with its line feed if it has one.
pub(super) enum InputLine {
    Complete(Vec<u8>),
    /// A line longer than [`MAX_LINE_BYTES`], which was discarded.
    TooLong,
}

impl LineReader {
    pub(super) fn new(input: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self { input: BufReader::new(Box::new(input)), partial: Vec::new() }
    }

    /// Reads to the end of a line; `None` at the end of the input, which ends a line as well.
    pub(super) async fn next(&mut self) -> io::Result<Option<InputLine>> {
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((!self.partial.is_empty()).then(|| self.take_line()));
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let read = end.map_or(chunk.len(), |end| end + 1);
            if self.partial.len() <= MAX_LINE_BYTES {
                self.partial.extend_from_slice(&chunk[..read]);
            }
            self.input.consume(read);
            if end.is_some() {
                return Ok(Some(self.take_line()));
            }
        }
    }

    fn take_line(&mut self) -> InputLine {
        let line = std::mem::take(&mut self.partial);
        if line.len() > MAX_LINE_BYTES { InputLine::TooLong } else { InputLine::Complete(line) }
    }
}
