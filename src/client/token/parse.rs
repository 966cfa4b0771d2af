//! Reads a profile: returns compiled rules, or one error with its place.

use super::profile::Profile;
use super::rules::Rules;
use std::fmt;
use toml::de::{DeTable, DeValue};

/// The error of a text that is not a valid profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column of the line, in characters, from 1.
    pub column: usize,
    /// The value found, and the values allowed.
    pub message: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ProfileError {}

impl Profile {
    /// Reads a profile and compiles it.
    ///
    /// # Errors
    /// For the first invalid place: its position, what was found and what is allowed.
    pub fn parse(text: &str) -> Result<(Profile, Rules), ProfileError> {
        let profile: Profile = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            error(text, at, e.message().trim_end().replace('\n', "; "))
        })?;
        let rules = profile.rules().map_err(|unusable| {
            let at = place(text, &unusable.key).unwrap_or(0);
            error(text, at, unusable.to_string())
        })?;
        Ok((profile, rules))
    }
}

fn error(text: &str, at: usize, message: String) -> ProfileError {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    ProfileError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message,
    }
}

/// The position of the value of a key such as `answer[2].status`; the position of the enclosing value if it is not
/// found.
fn place(text: &str, path: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = 0;
    let mut value = DeValue::Table(table.into_inner());
    for part in path.split('.') {
        let (key, index) = match part.split_once('[') {
            Some((key, rest)) => (key, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let DeValue::Table(mut table) = value else { return Some(at) };
        let Some(found) = table.remove(key) else { return Some(at) };
        at = found.span().start;
        value = match (index, found.into_inner()) {
            (Some(index), DeValue::Array(items)) => {
                let Some(item) = items.into_iter().nth(index) else { return Some(at) };
                at = item.span().start;
                item.into_inner()
            }
            (_, value) => value,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[sdk]\nname = \"x\"\npackage = \"x\"\nversion = \"1\"\n\n[session]\n\
                        expiry-clock = \"server\"\nkept-in = \"storage\"\n";

    #[test]
    fn an_error_has_its_place_and_says_what_is_allowed() {
        assert!(Profile::parse(GOOD).is_ok());
        for (more, line, column, says) in [
            ("\n[caller]\nmargn = \"90s\"\n", 11, 1, "expected one of `margin`"),
            ("\n[caller]\nmargin = 90\n", 11, 10, "did you mean \"90s\""),
            ("\n[lock]\nwait = \"5s\"\nthen = \"skip\"\n", 12, 8, "expected `steal` or `error`"),
            ("\n[[answer]]\nstatus = [\"200\"]\n", 11, 10, "allowed: a status from 300 to 599"),
            ("\n[[answer]]\nstatus = [\"429\"]\nretry = true\n", 12, 9, "allowed: false, or a schedule"),
            ("\n[ticker]\nperiod = \"0s\"\nrefresh-below = \"1s\"\n", 11, 10, "allowed: more than 0s"),
            ("\n[request.retry]\nfirst = \"1s\"\nfactor = 0\n", 12, 10, "allowed: 1 to 16"),
            (
                "\n[request.retry]\nfirst = \"1s\"\ntries = 3\nwithin = \"9s\"\n",
                13,
                10,
                "allowed: one of the two",
            ),
        ] {
            let found = Profile::parse(&format!("{GOOD}{more}")).expect_err(more);
            assert!(found.message.contains(says), "{more}: {found}");
            assert_eq!((found.line, found.column), (line, column), "{more}: {found}");
        }
    }
}
