//! Rules for names that become file names, and for error codes of answers.

/// The rule for names, for messages.
pub const NAME_RULE: &str = "1 to 64 of a-z, 0-9, '.', '_' and '-', a letter or digit first";

/// Why this is not a valid name; `None` if it is valid. Names become file and directory names on every platform.
pub fn why_not_a_name(name: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let well_formed = (1..=64).contains(&name.len())
        && name.bytes().enumerate().all(|(i, b)| plain(b) || i > 0 && b"._-".contains(&b));
    if !well_formed {
        return Some("not a name".into());
    }
    if name.ends_with('.') {
        return Some("a name that ends with a dot".into());
    }
    let stem = name.split('.').next().unwrap_or(name);
    let numbered = stem.len() == 4
        && (stem.starts_with("com") || stem.starts_with("lpt"))
        && stem.ends_with(|c: char| c.is_ascii_digit());
    if numbered || ["con", "prn", "aux", "nul"].contains(&stem) {
        return Some(format!("`{stem}` is a device name on Windows, not a file name"));
    }
    None
}

/// The rule for error codes, for messages.
pub const ERROR_CODE_RULE: &str = "1 to 64 of A-Z, a-z, 0-9 and '_'";

/// Whether this is a well-formed error code: `authentication_invalid`, `USER_DISABLED`, ...
pub fn is_error_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names_everywhere() {
        for good in ["a", "old", "not-429", "v1.2_x", "console", "com", "lpt10", &"a".repeat(64)] {
            assert_eq!(why_not_a_name(good), None, "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/abs",
            "a/b",
            "a\\b",
            "c:x",
            "CON",
            "con",
            "nul.csv",
            "aux",
            "com1",
            "lpt9.txt",
            "a.",
            "a ",
            "-rf",
            "--force",
            "_a",
            ".a",
            "é",
            "Old",
            "a\u{0}b",
            &"a".repeat(65),
        ] {
            assert!(why_not_a_name(bad).is_some(), "{bad:?}");
        }
    }
}
