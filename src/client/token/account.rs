//! The server's side of a session: its refresh tokens.

use super::words::Issued;
use crate::kernel::{Dur, Time};
use std::num::NonZeroU32;

/// The server's rules for refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Each refresh issues a new refresh token.
    pub rotates: bool,
    /// A used token is accepted for this long after its first use. `None`: a reuse always ends the session, even of the
    /// parent.
    pub reuse: Option<Dur>,
    /// A used token is accepted at any time while it is the parent of the newest.
    pub accepts_parent: bool,
    /// A refused reuse ends the session.
    pub reuse_ends: bool,
    /// Life of an access token.
    pub life: Dur,
}

/// The token endpoint's answer, as far as the session decides it.
pub type Grant = Result<Issued, Refusal>;

/// The reason why no token is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The session has been revoked, or it ended before.
    Gone,
    /// The refresh token had been used before, so the session ends.
    Reused,
}

/// A session on the server.
///
/// A used token that is the parent of the newest gets the newest token again, with a new access token. Any other used
/// token that is accepted gets a new refresh token, and the previous newest token stays unused (supabase/auth,
/// `internal/tokens`: "the active refresh token instead of creating a new one").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    newest: NonZeroU32,
    /// Parent of the newest; 0 for the first.
    parent: u32,
    /// The last access token issued; a refresh token issued with it has the same number.
    access: NonZeroU32,
    ended: Option<Refusal>,
    /// Refresh tokens whose state does not follow from the newest. Used tokens within the window have the time of their
    /// first use. Tokens that were passed over and never used have none.
    marks: Box<[(u32, Option<Time>)]>,
}

impl Account {
    /// A session whose first tokens have just been issued.
    pub fn new() -> Account {
        Account {
            newest: NonZeroU32::MIN,
            parent: 0,
            access: NonZeroU32::MIN,
            ended: None,
            marks: Box::default(),
        }
    }

    /// The first tokens of the session, issued at `now`.
    pub fn first(&self, rules: &Rotation, now: Time) -> Issued {
        self.issue(rules, now)
    }

    /// Ends the session: the server refuses its refresh tokens from now on. Access tokens stay valid until they expire.
    pub fn revoke(&mut self) {
        self.ended.get_or_insert(Refusal::Gone);
    }

    /// The reason why the session has ended, if it has.
    pub fn ended(&self) -> Option<Refusal> {
        self.ended
    }

    /// Refreshes with refresh token number `token`.
    ///
    /// # Errors
    /// The reason why no token is issued.
    pub fn refresh(&mut self, rules: &Rotation, token: NonZeroU32, now: Time) -> Grant {
        if self.ended.is_some() {
            return Err(Refusal::Gone);
        }
        self.access = self.access.checked_add(1).expect("fewer than 2^32 refreshes of a session");
        if !rules.rotates {
            return Ok(self.issue(rules, now));
        }
        let mut passed_over = None;
        if token != self.newest {
            match self.mark(token) {
                Some(None) => {}
                used => {
                    let Some(window) = rules.reuse else { return self.reused(rules) };
                    if rules.accepts_parent && self.parent == token.get() {
                        return Ok(self.issue(rules, now));
                    }
                    if used.flatten().is_none_or(|at| now.since(at) > window) {
                        return self.reused(rules);
                    }
                }
            }
            passed_over = Some((self.newest.get(), None));
        }
        self.note(rules, token, passed_over, now);
        self.newest = self.access;
        self.parent = token.get();
        Ok(self.issue(rules, now))
    }

    /// Records the use of a token, and a token that is passed over. Drops records older than the window.
    fn note(
        &mut self,
        rules: &Rotation,
        token: NonZeroU32,
        passed_over: Option<(u32, Option<Time>)>,
        now: Time,
    ) {
        let window = rules.reuse.unwrap_or(Dur::ZERO);
        let first_use = self.mark(token).flatten().unwrap_or(now);
        let kept = self
            .marks
            .iter()
            .filter(|(t, at)| *t != token.get() && at.is_none_or(|at| now.since(at) <= window));
        let new = [Some((token.get(), Some(first_use))), passed_over];
        self.marks = kept.copied().chain(new.into_iter().flatten()).collect();
    }

    /// The record of a token: `None` for no record; otherwise the time of its first use, if it was used.
    fn mark(&self, token: NonZeroU32) -> Option<Option<Time>> {
        self.marks.iter().find(|(t, _)| *t == token.get()).map(|(_, first_use)| *first_use)
    }

    fn reused(&mut self, rules: &Rotation) -> Grant {
        if rules.reuse_ends {
            self.ended = Some(Refusal::Reused);
        }
        Err(Refusal::Reused)
    }

    fn issue(&self, rules: &Rotation, now: Time) -> Issued {
        let life_s = rules.life.0 / crate::kernel::time::NS_PER_S;
        let exp_s = u32::try_from(now.whole_seconds() + life_s).unwrap_or(u32::MAX);
        Issued { refresh: self.newest, access: self.access.get(), exp_s, life: rules.life }
    }
}

impl Default for Account {
    fn default() -> Account {
        Account::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rotation = Rotation {
        rotates: true,
        reuse: Some(Dur::from_secs(10)),
        accepts_parent: true,
        reuse_ends: true,
        life: Dur::from_secs(300),
    };

    fn token(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("tokens count from 1")
    }

    #[test]
    fn a_used_token_is_accepted_within_the_window_or_as_the_parent_of_the_newest() {
        let at = Time::from_ms;
        let refresh =
            |account: &mut Account, n, t| account.refresh(&RULES, token(n), t).map(|i| i.refresh.get());
        let mut account = Account::new();
        assert_eq!(refresh(&mut account, 1, at(1_000)), Ok(2));
        assert_eq!(
            refresh(&mut account, 1, at(900_000)),
            Ok(2),
            "the parent gets the newest again, at any time"
        );
        assert_eq!(refresh(&mut account, 2, at(900_000)), Ok(4));
        assert_eq!(refresh(&mut account, 4, at(900_000)), Ok(5));
        assert_eq!(refresh(&mut account, 2, at(910_000)), Ok(6), "first used 10 s ago, to the nanosecond");
        assert_eq!(refresh(&mut account, 5, at(910_000)), Ok(7), "5 was passed over and stayed unused");
        let late = Time(at(910_000).0 + 1);
        assert_eq!(refresh(&mut account, 4, late), Err(Refusal::Reused));
        assert_eq!(refresh(&mut account, 7, late), Err(Refusal::Gone), "the whole family ends");
    }

    #[test]
    fn without_a_window_the_parent_is_refused_too() {
        let strict = Rotation { reuse: None, ..RULES };
        let mut account = Account::new();
        assert!(account.refresh(&strict, token(1), Time::ZERO).is_ok());
        assert_eq!(account.refresh(&strict, token(1), Time::ZERO), Err(Refusal::Reused));
        assert_eq!(account.ended(), Some(Refusal::Reused));
    }

    #[test]
    fn a_token_that_does_not_rotate_serves_for_ever_until_the_session_is_revoked() {
        let fixed = Rotation { rotates: false, ..RULES };
        let mut account = Account::new();
        for second in 0..3 {
            let issued = account
                .refresh(&fixed, token(1), Time::from_ms(second * 1_500))
                .expect("the session is alive");
            assert_eq!((issued.refresh.get(), u64::from(issued.exp_s)), (1, second * 1_500 / 1_000 + 300));
        }
        account.revoke();
        assert_eq!(account.refresh(&fixed, token(1), Time::ZERO), Err(Refusal::Gone));
    }
}
