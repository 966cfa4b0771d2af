//! How numbers and names are written. No word of the domain stands here.

pub mod number;

use crate::scenario::text::escape;

/// A name or a text from outside on one line, with its hidden characters as escapes: XML forbids some of them, and others
/// change how their neighbours read.
pub fn clean(text: &str) -> String {
    escape(&text.replace('\n', " "))
}
