//! The text of a file: read with a size limit, checked as bytes, with the line and column of every byte.

use super::error::{Code, Errors, TextError};
use crate::text::tick;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The most bytes that a file may have: 1 MiB.
pub const MAX_BYTES: u64 = 1 << 20;

/// A text and its name in messages.
#[derive(Debug, PartialEq)]
pub struct Source {
    /// The path as the user gave it, or the option of an override.
    pub name: String,
    /// The text: UTF-8 without byte order mark, lines ending in LF.
    pub text: String,
    /// Parts of the text that came from the command line.
    pub overridden: Vec<Override>,
}

/// A part of a text that came from the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Its range of bytes.
    pub bytes: Range<usize>,
    /// The override, as given, with its option.
    pub given: String,
    /// Number of lines that the text has more than the file. Places in the file do not count them.
    pub lines: isize,
}

impl Source {
    /// A source of this name and text, unchecked.
    pub fn new(name: &str, text: &str) -> Arc<Source> {
        Arc::new(Source { name: name.to_owned(), text: text.to_owned(), overridden: Vec::new() })
    }

    /// Reads a regular file, or a link to one, of at most 1 MiB. Does not open anything else, so a FIFO cannot block and a
    /// device cannot feed without end.
    ///
    /// # Errors
    /// Why the file cannot be read, or which forbidden bytes it has.
    pub fn read(name: &str, path: &Path) -> Result<Arc<Source>, Errors> {
        let nowhere = Source::new(name, "");
        let refuse = |code, what: String| Errors::from(TextError::of_file(code, &nowhere, what));
        let metadata =
            std::fs::metadata(path).map_err(|e| refuse(Code::Unreadable, format!("cannot read it: {e}")))?;
        if metadata.is_dir() {
            return Err(refuse(Code::NotAFile, "is a directory; give the file inside it".into()));
        }
        if !metadata.is_file() {
            return Err(refuse(
                Code::NotAFile,
                "is not a regular file (a device, a pipe or a socket); save its text as a file".into(),
            ));
        }
        let mut bytes = Vec::new();
        // Does not trust the size that the file system reports. The reader itself stops one byte past the limit.
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| refuse(Code::Unreadable, format!("cannot read it: {e}")))?;
        Source::from_bytes(name, &bytes)
    }

    /// Converts bytes to text: UTF-8, without a leading byte order mark, CRLF turned into LF.
    ///
    /// # Errors
    /// Too many bytes, UTF-16, not UTF-8, NUL, a lone CR, or a byte order mark after the start.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Arc<Source>, Errors> {
        let nowhere = Source::new(name, "");
        if bytes.len() as u64 > MAX_BYTES {
            let what = format!("larger than {MAX_BYTES} bytes (1 MiB)");
            return Err(TextError::of_file(Code::TooLarge, &nowhere, what).into());
        }
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = bytes {
            let what = "looks like UTF-16; save it as UTF-8";
            return Err(TextError::new(Code::Utf16, &nowhere, 0..0, what).into());
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(e) => {
                let at = e.valid_up_to();
                // The text before the bad byte gives the line and the column.
                let head = std::str::from_utf8(&bytes[..at]).expect("the bytes before the error are valid");
                let head =
                    Source::new(name, &head.strip_prefix('\u{feff}').unwrap_or(head).replace("\r\n", "\n"));
                let what = format!("not UTF-8: byte 0x{:02X} at offset {at}; save it as UTF-8", bytes[at]);
                let end = head.text.len();
                return Err(TextError::new(Code::NotUtf8, &head, end..end, what).into());
            }
        };
        let source = Source::new(name, &text.replace("\r\n", "\n"));
        let mut errors = Errors::default();
        for (at, c) in source.text.char_indices() {
            let what = match c {
                '\0' => "NUL character; remove it (a file full of them is UTF-16: save it as UTF-8)",
                '\r' => "a carriage return without a line feed; end lines with LF or CRLF",
                '\u{feff}' => "a byte order mark inside the text; it may only stand at the start",
                _ => continue,
            };
            errors.push(TextError::new(Code::ForbiddenCharacter, &source, at..at + c.len_utf8(), what));
            // UTF-16 without a mark has a NUL at every other byte. One error is enough.
            break;
        }
        errors.into_result()?;
        Ok(source)
    }

    /// The 1-based line and column of a byte, as in the file that the user sees; columns count characters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let head = &self.text[..self.boundary(at)];
        let line_start = head.rfind('\n').map_or(0, |newline| newline + 1);
        let added: isize =
            self.overridden.iter().filter(|o| o.bytes.end <= head.len()).map(|o| o.lines).sum();
        let line = (head.matches('\n').count() + 1).saturating_add_signed(-added);
        (line, head[line_start..].chars().count() + 1)
    }

    /// The start of the character that holds this byte; the end of the text for a byte past it.
    pub fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (0..=at).rev().find(|&i| self.text.is_char_boundary(i)).unwrap_or(0)
    }

    /// The text of a span, in back quotes and shortened.
    pub fn tick(&self, span: Range<usize>) -> String {
        let (start, end) = (self.boundary(span.start), self.boundary(span.end));
        tick(self.text.get(start..end).unwrap_or(""))
    }
}
