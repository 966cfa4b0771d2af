//! Finds the nesting depth of a TOML text by a flat scan, so that a recursive reader never meets a hostile depth.

use std::ops::Range;

/// The greatest permitted nesting of arrays, tables and dotted keys in a text.
pub const MAX_DEPTH: usize = 32;

/// The first place where brackets, braces and dots nest deeper than [`MAX_DEPTH`].
///
/// The scan knows only strings and comments of TOML. On text that is not TOML it may misjudge, but only towards a depth
/// that the parser would not reach either: every level costs a bracket, a brace or a dot.
pub fn too_deep(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Number of dots in the keys above, one entry per open bracket or brace, and their sum.
    let mut open: Vec<usize> = Vec::new();
    let (mut dots, mut total, mut at) = (0usize, 0usize, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at = end_of_string(bytes, at, quote);
                continue;
            }
            b'#' => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
                continue;
            }
            b'[' | b'{' => {
                open.push(dots);
                (dots, total) = (0, total + 1);
            }
            b']' | b'}' => {
                if let Some(outer) = open.pop() {
                    total -= dots + 1;
                    dots = outer;
                }
            }
            b'.' => (dots, total) = (dots + 1, total + 1),
            b',' | b'\n' => {
                total -= dots;
                dots = 0;
            }
            _ => {}
        }
        if total > MAX_DEPTH {
            return Some(at..at + 1);
        }
        at += 1;
    }
    None
}

/// The first byte after the string that starts here. An unclosed string ends with its line or, in its long form, with the
/// text.
fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !triple => return at,
            b if b == quote && !triple => return at + 1,
            b if b == quote && bytes[at..].starts_with(&[quote; 3]) => {
                // Up to two more quotes belong to the string itself.
                let extra = bytes[at + 3..].iter().take(2).take_while(|&&b| b == quote).count();
                return at + 3 + extra;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_braces_and_dots_outside_strings() {
        let array = |n: usize| format!("a = {}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(too_deep(&array(32)), None);
        assert_eq!(too_deep(&array(33)), Some(36..37));
        assert!(too_deep(&vec!["a"; 100].join(".")).is_some());
        assert!(too_deep(&format!("[{}]", vec!["a"; 100].join("."))).is_some());
        for text in [
            format!("a = \"{}\"", "[".repeat(100)),
            format!("a = '{}'", "[".repeat(100)),
            format!("# {}", "[".repeat(100)),
            format!("a = \"\"\"\n{}\"\"\"\"", "[".repeat(100)),
            format!("a = \"\\\"{}\"", "[".repeat(100)),
            "a = 1.5\n".repeat(100),
            "a = []\n".repeat(100),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }
}
