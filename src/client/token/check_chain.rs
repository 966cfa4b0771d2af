//! Refuses keys of a profile that need another key to have an effect.

use super::compile::Unusable;
use super::profile::{Answer, KeptIn, Profile};
use crate::kernel::Dur;
use crate::toml_text::Code;

impl Profile {
    /// Checks that each key of discovery, iframe, cool-down and timer can have an effect.
    ///
    /// # Errors
    /// The first key that has none.
    pub(super) fn check_chain(&self) -> Result<(), Unusable> {
        let needs = |key: String, why, found: &str, allowed| {
            let (code, found) = (Code::NeedsKey, found.to_owned());
            Err(Unusable { code, key, why, found, allowed })
        };
        let first = |says: fn(&Answer) -> bool| self.answer.iter().position(says);
        if let Some(n) = first(|row| row.opens_iframe).filter(|_| self.iframe.is_none()) {
            let key = format!("answer[{n}].opens-iframe");
            return needs(key, "the client has no iframe", "true", "false, or a table [iframe]");
        }
        if let Some(n) = first(|row| row.cools_down).filter(|_| self.cooldown.is_none()) {
            let key = format!("answer[{n}].cools-down");
            return needs(key, "the client remembers no failure", "true", "false, or a table [cooldown]");
        }
        if self.session.kept_in == KeptIn::Page && self.iframe.is_none() {
            let (why, allowed) =
                ("the next page gets its session through the iframe", "another place, or [iframe]");
            return needs("session.kept-in".to_owned(), why, "\"page\"", allowed);
        }
        if self.visible.at_most_every > Dur::ZERO && !self.visible.refreshes {
            let (why, allowed) = ("a tab that becomes visible refreshes nothing", "visible.refreshes");
            return needs("visible.at-most-every".to_owned(), why, "a duration", allowed);
        }
        if self.session.newest_refresh_only && self.session.shares_refresh {
            return Err(Unusable {
                code: Code::KeyOfOtherKind,
                key: "session.newest-refresh-only".to_owned(),
                why: "a refresh is shared, or ended by a newer one",
                found: "true".to_owned(),
                allowed: "false, or shares-refresh = false",
            });
        }
        let Some(timer) = &self.timer else { return Ok(()) };
        if timer.tells_expired_after.is_some() && timer.checks_every.is_none() {
            let (why, allowed) =
                ("only a timer that looks at the clock has a second one", "timer.checks-every");
            return needs("timer.tells-expired-after".to_owned(), why, "a duration", allowed);
        }
        if timer.checks_every.is_some() && timer.computed_in_seconds {
            return Err(Unusable {
                code: Code::KeyOfOtherKind,
                key: "timer.computed-in-seconds".to_owned(),
                why: "a timer that looks at the clock counts whole seconds",
                found: "true".to_owned(),
                allowed: "false, or no timer.checks-every",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each key that needs another one is refused without it, at its place.
    #[test]
    fn a_key_without_the_one_that_it_needs_is_refused() {
        let base = "[sdk]\nname = \"a\"\npackage = \"a\"\nversion = \"1\"\n\
                    [session]\nexpiry-clock = \"receipt\"\nkept-in = \"KEPT\"\n";
        let refused = |kept: &str, more: &str| {
            let text = base.replace("KEPT", kept) + more;
            Profile::parse(&text).expect_err("a key without an effect").to_string()
        };
        for (more, key) in [
            ("[[answer]]\nstatus = [\"400\"]\nopens-iframe = true\n", "answer[0].opens-iframe"),
            ("[[answer]]\nstatus = [\"400\"]\ncools-down = true\n", "answer[0].cools-down"),
            ("[visible]\nat-most-every = \"5s\"\n", "visible.at-most-every"),
            ("[timer]\nbefore-expiry = \"1s\"\ntells-expired-after = \"1s\"\n", "timer.tells-expired-after"),
            (
                "[timer]\nbefore-expiry = \"1s\"\nchecks-every = \"5s\"\ncomputed-in-seconds = true\n",
                "timer.computed-in-seconds",
            ),
        ] {
            let said = refused("storage", more);
            assert!(said.contains(key) && said.contains("allowed: "), "{said}");
        }
        assert!(refused("page", "").contains("session.kept-in"));
    }
}
