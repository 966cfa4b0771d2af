//! Reads a profile: returns it with its compiled rules, or every error with its place.

use super::format;
use super::profile::Profile;
use super::rules::Rules;
use crate::spec::check::check;
use crate::text::shorten;
use crate::toml_text::{Code, Doc, Errors, Source, TextError, TextErrors};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use toml::de::ValueDeserializer;

impl Profile {
    /// Reads a profile from text and compiles it. Messages call it `profile`.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(text: &str) -> Result<(Profile, Rules), TextErrors> {
        let source = Source::from_bytes("profile", text.as_bytes()).map_err(Errors::finish)?;
        Profile::read(&source).map_err(Errors::finish)
    }

    /// Reads a profile from a file and compiles it.
    ///
    /// # Errors
    /// Why the file cannot be read, or everything that is wrong with it.
    pub fn load(path: &Path) -> Result<(Profile, Rules), TextErrors> {
        let source = Source::read(&path.display().to_string(), path).map_err(Errors::finish)?;
        Profile::read(&source).map_err(Errors::finish)
    }

    /// Reads a profile from a source and compiles it.
    ///
    /// # Errors
    /// Everything that is wrong with the text: its place, what was found and what is allowed.
    pub fn read(source: &Arc<Source>) -> Result<(Profile, Rules), Errors> {
        let (doc, mut errors) = Doc::parse(source)?;
        check(source, &doc.root, format::profile(), &mut errors);
        errors.into_result()?;
        // Every check has passed, so a refusal here means a missing check. It is still an error with a place.
        let profile = Profile::deserialize(ValueDeserializer::from(doc.root.clone())).map_err(|e| {
            let what = shorten(e.message(), 200);
            TextError::new(Code::Malformed, source, e.span().unwrap_or(0..0), what)
        })?;
        let rules = profile.rules().map_err(|unusable| {
            let error = TextError::new(
                unusable.code,
                source,
                doc.at(&unusable.key),
                format!("`{}`: {}", unusable.key, unusable.why),
            );
            error.found(unusable.found).allowed(unusable.allowed)
        })?;
        Ok((profile, rules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[sdk]\nname = \"x\"\npackage = \"x\"\nversion = \"1\"\n\n[session]\n\
                        expiry-clock = \"server\"\nkept-in = \"storage\"\n";

    #[test]
    fn an_error_has_its_place_and_says_what_is_allowed() {
        assert!(Profile::parse(GOOD).is_ok());
        for (more, place, says) in [
            ("\n[caller]\nmargn = \"90s\"\n", (11, 1), "did you mean `margin`?"),
            ("\n[caller]\nmargin = 90\n", (11, 10), "write \"90s\""),
            ("\n[lock]\nwait = \"5s\"\nthen = \"skip\"\n", (12, 8), "allowed: steal, error"),
            ("\n[lock]\nwait = \"5s\"\n", (10, 1), "add then = \"steal\""),
            ("\n[[answer]]\nstatus = [\"200\"]\n", (11, 11), "allowed: a status from 300 to 599"),
            ("\n[[answer]]\nstatus = []\n", (11, 10), "allowed: 1 to 1000"),
            ("\n[[answer]]\nstatus = [\"429\"]\nretry = true\n", (12, 9), "allowed: false, or a schedule"),
            ("\n[ticker]\nperiod = \"0s\"\nrefresh-below = \"1s\"\n", (11, 10), "a duration above zero"),
            ("\n[request.retry]\nfirst = \"1s\"\nfactor = 0.5\n", (12, 10), "allowed: 1 to 1000000"),
            (
                "\n[request.retry]\nfirst = \"1s\"\njitter = \"1s\"\nspread = \"full\"\n",
                (13, 10),
                "allowed: one of the two",
            ),
            ("\n[request]\nhonours-retry-after = true\n", (11, 23), "or a schedule in request.retry"),
            (
                "\n[timer]\nbefore-expiry = \"1s\"\n[timer.no-answer]\nfirst = \"1s\"\nwithin = \"9s\"\n",
                (14, 10),
                "allowed: `tries`, or neither",
            ),
            (
                "\n[timer]\nbefore-expiry = \"1s\"\n[timer.no-answer]\nfirst = \"1s\"\nspread = \"decorrelated\"\n",
                (14, 10),
                "allowed: none, full, equal",
            ),
            (
                "\n[request.retry]\nfirst = \"1s\"\ntries = 3\nwithin = \"9s\"\n",
                (13, 10),
                "allowed: one of the two",
            ),
        ] {
            let found = Profile::parse(&format!("{GOOD}{more}")).expect_err(more);
            let [error] = &found.errors[..] else { panic!("{more}: {found}") };
            assert!(error.message().contains(says), "{more}: {found}");
            assert_eq!(error.place(), Some(place), "{more}: {found}");
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let text = GOOD.replace("\"server\"", "\"srever\"").replace("kept-in", "keptin");
        let found = Profile::parse(&text).expect_err("two slips");
        assert_eq!(found.errors.len(), 2, "{found}");
    }
}
