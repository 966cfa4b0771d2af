//! The server's side of a session: its refresh tokens.

use super::pool::{NONE, Pool};
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
///
/// The state of a refresh token follows from the newest, except for [`Marks`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    newest: NonZeroU32,
    /// Parent of the newest; 0 for the first.
    parent: u32,
    /// The last access token issued; a refresh token issued with it has the same number.
    access: NonZeroU32,
    /// The slot of the session's marks, or [`NONE`].
    marks: u32,
    /// The time of the parent's first use, shifted left by two, in two halves; below it, how the session ended. A time fits
    /// in 62 bits, because a run lasts at most 100 years.
    used: [u32; 2],
}

/// The refresh tokens of some sessions whose state does not follow from the newest token, beside its parent. Used tokens
/// within the window have the time of their first use. Tokens that were passed over and never used have none. A session
/// without such tokens has no entry.
#[derive(Clone, Debug, Default)]
pub struct Marks(Pool<Vec<Mark>>);

/// A refresh token, and the time of its first use, if it was used.
type Mark = (u32, Option<Time>);

/// How a session ended, in two bits.
const ENDED: [Option<Refusal>; 3] = [None, Some(Refusal::Gone), Some(Refusal::Reused)];

impl Account {
    /// A session whose first tokens have just been issued.
    pub const fn new() -> Account {
        Account { newest: NonZeroU32::MIN, parent: 0, access: NonZeroU32::MIN, marks: NONE, used: [0; 2] }
    }

    /// The first tokens of the session, issued at `now`.
    pub fn first(&self, rules: &Rotation, now: Time) -> Issued {
        self.issue(rules, now)
    }

    /// Ends the session: the server refuses its refresh tokens from now on. Access tokens stay valid until they expire.
    pub fn revoke(&mut self) {
        if self.ended().is_none() {
            self.end(Refusal::Gone);
        }
    }

    /// The reason why the session has ended, if it has.
    pub fn ended(&self) -> Option<Refusal> {
        ENDED[(self.used[1] & 3) as usize]
    }

    fn end(&mut self, why: Refusal) {
        self.used[1] = self.used[1] & !3 | if why == Refusal::Gone { 1 } else { 2 };
    }

    /// The time of the parent's first use.
    fn used_at(&self) -> Time {
        Time((u64::from(self.used[0]) << 32 | u64::from(self.used[1])) >> 2)
    }

    fn set_used_at(&mut self, at: Time) {
        let bits = at.0 << 2 | u64::from(self.used[1] & 3);
        self.used = [(bits >> 32) as u32, bits as u32];
    }

    /// Refreshes with refresh token number `token`. `marks` are those of all sessions of this server.
    ///
    /// # Errors
    /// The reason why no token is issued.
    pub fn refresh(&mut self, marks: &mut Marks, rules: &Rotation, token: NonZeroU32, now: Time) -> Grant {
        if self.ended().is_some() {
            return Err(Refusal::Gone);
        }
        self.access = self.access.checked_add(1).expect("fewer than 2^32 refreshes of a session");
        if !rules.rotates {
            return Ok(self.issue(rules, now));
        }
        if token != self.newest {
            match self.mark(marks, token) {
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
        }
        self.note(marks, rules, token, now);
        self.newest = self.access;
        self.parent = token.get();
        Ok(self.issue(rules, now))
    }

    /// Exchanges a code from the provider's authorization page: a new family of refresh tokens begins. A session whose family
    /// a reuse has ended is alive again, because the provider still knows the user.
    ///
    /// # Errors
    /// When the session has been revoked.
    pub fn exchange(&mut self, marks: &mut Marks, rules: &Rotation, now: Time) -> Grant {
        if self.ended() == Some(Refusal::Gone) {
            return Err(Refusal::Gone);
        }
        self.access = self.access.checked_add(1).expect("fewer than 2^32 refreshes of a session");
        if self.marks != NONE {
            marks.0.free(self.marks);
        }
        *self = Account { newest: self.access, access: self.access, ..Account::new() };
        Ok(self.issue(rules, now))
    }

    /// Records the use of a token, which becomes the parent of the newest: the mark of the parent until now stays, and so
    /// does a newest token that is passed over. Drops marks older than the window.
    fn note(&mut self, marks: &mut Marks, rules: &Rotation, token: NonZeroU32, now: Time) {
        let window = rules.reuse.unwrap_or(Dur::ZERO);
        let lasts = |at: Option<Time>| at.is_none_or(|at| now.since(at) <= window);
        let first_use = self.mark(marks, token).flatten().unwrap_or(now);
        let before = (self.parent, Some(self.used_at()));
        let before = Some(before).filter(|(t, at)| *t != 0 && *t != token.get() && lasts(*at));
        let passed_over = Some((self.newest.get(), None)).filter(|_| token != self.newest);
        self.set_used_at(first_use);
        if self.marks == NONE {
            if before.is_none() && passed_over.is_none() {
                return;
            }
            self.marks = marks.0.insert(Vec::new()).slot;
        }
        let list = marks.0.at_mut(self.marks);
        list.retain(|(t, at)| *t != token.get() && lasts(*at));
        list.extend(before.into_iter().chain(passed_over));
        if list.is_empty() {
            marks.0.free(self.marks);
            self.marks = NONE;
        }
    }

    /// The mark of a token: `None` for none; otherwise the time of its first use, if it was used.
    fn mark(&self, marks: &Marks, token: NonZeroU32) -> Option<Option<Time>> {
        if token.get() == self.parent {
            return Some(Some(self.used_at()));
        }
        let list = if self.marks == NONE { None } else { marks.0.in_slot(self.marks) };
        list?.iter().find(|(t, _)| *t == token.get()).map(|(_, first_use)| *first_use)
    }

    fn reused(&mut self, rules: &Rotation) -> Grant {
        if rules.reuse_ends {
            self.end(Refusal::Reused);
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
        let mut marks = Marks::default();
        let mut refresh = |account: &mut Account, n, t| {
            account.refresh(&mut marks, &RULES, token(n), t).map(|i| i.refresh.get())
        };
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
        let (mut account, mut marks) = (Account::new(), Marks::default());
        assert!(account.refresh(&mut marks, &strict, token(1), Time::ZERO).is_ok());
        assert_eq!(account.refresh(&mut marks, &strict, token(1), Time::ZERO), Err(Refusal::Reused));
        assert_eq!(account.ended(), Some(Refusal::Reused));
    }

    #[test]
    fn a_token_that_does_not_rotate_serves_for_ever_until_the_session_is_revoked() {
        let fixed = Rotation { rotates: false, ..RULES };
        let (mut account, mut marks) = (Account::new(), Marks::default());
        for second in 0..3 {
            let issued = account
                .refresh(&mut marks, &fixed, token(1), Time::from_ms(second * 1_500))
                .expect("the session is alive");
            assert_eq!((issued.refresh.get(), u64::from(issued.exp_s)), (1, second * 1_500 / 1_000 + 300));
        }
        account.revoke();
        assert_eq!(account.refresh(&mut marks, &fixed, token(1), Time::ZERO), Err(Refusal::Gone));
    }

    #[test]
    fn a_code_begins_a_new_family_of_tokens_unless_the_session_is_revoked() {
        let strict = Rotation { reuse: None, ..RULES };
        let (mut account, mut marks) = (Account::new(), Marks::default());
        assert!(account.refresh(&mut marks, &strict, token(1), Time::ZERO).is_ok());
        assert_eq!(account.refresh(&mut marks, &strict, token(1), Time::ZERO), Err(Refusal::Reused));
        let issued = account.exchange(&mut marks, &strict, Time::ZERO).expect("the provider knows the user");
        assert_eq!(account.ended(), None);
        assert_eq!(account.refresh(&mut marks, &strict, token(2), Time::ZERO), Err(Refusal::Reused));
        let issued_again = account.exchange(&mut marks, &strict, Time::ZERO).expect("it knows the user");
        assert!(issued_again.refresh > issued.refresh);
        assert!(account.refresh(&mut marks, &strict, issued_again.refresh, Time::ZERO).is_ok());
        account.revoke();
        assert_eq!(account.exchange(&mut marks, &strict, Time::ZERO), Err(Refusal::Gone));
    }

    /// A session that one client refreshes has no marks of its own, so an idle one takes no memory for them. A second client
    /// that comes late leaves one, until the window has passed.
    #[test]
    fn marks_are_kept_for_as_long_as_they_matter() {
        let (mut account, mut marks) = (Account::new(), Marks::default());
        let mut newest = 1;
        for second in 0..3 {
            let issued = account.refresh(&mut marks, &RULES, token(newest), Time::from_ms(300_000 * second));
            newest = issued.expect("the session is alive").refresh.get();
            assert_eq!(account.marks, NONE, "{second}");
        }
        let at = Time::from_ms(600_001);
        assert!(account.refresh(&mut marks, &RULES, token(newest), at).is_ok());
        assert_ne!(account.marks, NONE, "the token used a millisecond ago still matters");
        let newest = account.newest;
        assert!(
            account
                .refresh(&mut marks, &RULES, newest, at.after(RULES.reuse.expect("a window")).after(Dur(1)))
                .is_ok()
        );
        assert_eq!(account.marks, NONE);
    }
}
