//! Whom a limit refuses: keys, callers, and callers that never ask more than their fair share.
//!
//! The fair share of a caller is what the limit promises its key ([`LimitKind::promise`]), divided by the callers that
//! share the key, and at least one call. Not the promise is divided but a call counts as many times as there are callers, so
//! that nothing is rounded. A caller is innocent as long as all its calls, refused ones too, are within its share.

use super::pace::Pace;
use super::{LimitKind, Verdict};
use crate::backend::spec::LimitSpec;
use crate::kernel::Time;
use serde::{Deserialize, Serialize};

/// What a limit did to keys and callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Keys with any call.
    pub keys: u64,
    /// Keys of which any call was refused.
    pub keys_refused: u64,
    /// Calls of the key of which most were refused; among several, of the one with most calls.
    pub worst_key_asked: u64,
    /// The refused ones of these.
    pub worst_key_refused: u64,
    /// Callers with any call.
    pub callers: u64,
    /// Callers of which any call was refused.
    pub callers_refused: u64,
    /// Callers that never asked more than their fair share.
    pub innocent: u64,
    /// Those of them of which any call was refused.
    pub innocent_refused: u64,
}

impl Refused {
    /// Adds other keys and callers, of another part of the run or of another run.
    pub fn add(&mut self, other: &Refused) {
        let worst = |of: &Refused| (of.worst_key_refused, of.worst_key_asked);
        if worst(other) > worst(self) {
            self.worst_key_asked = other.worst_key_asked;
            self.worst_key_refused = other.worst_key_refused;
        }
        self.keys += other.keys;
        self.keys_refused += other.keys_refused;
        self.callers += other.callers;
        self.callers_refused += other.callers_refused;
        self.innocent += other.innocent;
        self.innocent_refused += other.innocent_refused;
    }
}

/// Counts of the keys and callers of one limit.
#[derive(Clone, Debug)]
pub struct Report {
    keys: Vec<Key>,
    callers: Vec<u8>,
    shares: Option<Shares>,
}

/// Calls of a key. They stop at 2^32 - 1.
#[derive(Clone, Copy, Debug, Default)]
struct Key {
    asked: u32,
    refused: u32,
    /// Callers that share it.
    sharers: u32,
}

/// The fair shares of all callers.
#[derive(Clone, Debug)]
struct Shares {
    promise: Promise,
    /// What each caller has asked: a theoretical arrival time, as GCRA has it, or a window's index and its calls.
    asked: Vec<u128>,
}

/// What the limit promises a key.
#[derive(Clone, Copy, Debug)]
enum Promise {
    Pace(Pace, u32),
    Window(u32, u64),
}

impl Shares {
    /// Whether a call of this caller is within its share. It counts as `cost` requests, and `sharers` callers share the key.
    fn hold(&mut self, caller: usize, now: Time, cost: u32, sharers: u32) -> bool {
        let asked = &mut self.asked[caller];
        let counts_as = cost.saturating_mul(sharers);
        match self.promise {
            Promise::Pace(pace, burst) => {
                let now = pace.units_at(now);
                *asked = (*asked).max(now) + pace.units_of(counts_as);
                *asked <= now + pace.units_of(burst.max(counts_as))
            }
            Promise::Window(limit, window) => {
                let index = u128::from(now.0 / window) << 64;
                let before = if *asked >= index { *asked } else { index };
                *asked = before + u128::from(counts_as);
                *asked - index <= u128::from(limit.max(counts_as))
            }
        }
    }
}

/// Memory of a key, in bytes.
pub const KEY_BYTES: usize = size_of::<Key>();
/// Memory of a caller, in bytes: its flags and its share.
pub const CALLER_BYTES: usize = size_of::<u8>() + size_of::<u128>();

/// A caller has called.
const ASKED: u8 = 1;
/// A call was refused.
const REFUSED: u8 = 2;
/// A call was above the fair share.
const ABOVE: u8 = 4;

impl Report {
    /// A report on a limit of so many keys. `key_of` has the key of every caller.
    pub fn new(spec: &LimitSpec, keys: u32, key_of: impl ExactSizeIterator<Item = u32>) -> Report {
        let callers = key_of.len();
        let mut of_keys = vec![Key::default(); keys as usize];
        key_of.for_each(|key| of_keys[key as usize].sharers += 1);
        let shares = spec.kind.promise().map(|promise| {
            let promise = match promise {
                LimitKind::Gcra(of) => Promise::Pace(Pace::new(of.rate), of.burst),
                LimitKind::FixedWindow(of) => Promise::Window(of.limit, of.window.0),
                other => unreachable!("{} is no promise", other.name()),
            };
            Shares { promise, asked: vec![0; callers] }
        });
        Report { keys: of_keys, callers: vec![0; callers], shares }
    }

    /// A call of this key and caller was judged.
    pub fn judged(&mut self, key: u32, caller: u32, now: Time, cost: u32, verdict: Verdict) {
        let is_refused = matches!(verdict, Verdict::Refuse { .. });
        let key = &mut self.keys[key as usize];
        key.asked = key.asked.saturating_add(1);
        key.refused = key.refused.saturating_add(u32::from(is_refused));
        let flags = &mut self.callers[caller as usize];
        *flags |= ASKED | if is_refused { REFUSED } else { 0 };
        if let Some(shares) = &mut self.shares
            && *flags & ABOVE == 0
            && !shares.hold(caller as usize, now, cost, key.sharers)
        {
            *flags |= ABOVE;
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> Refused {
        let worst = self.keys.iter().max_by_key(|key| (key.refused, key.asked)).copied().unwrap_or_default();
        let keys = |is: fn(&&Key) -> bool| self.keys.iter().filter(is).count() as u64;
        let callers = |bits: u8, wanted: u8| {
            self.callers.iter().filter(|flags| **flags & bits == wanted).count() as u64
        };
        Refused {
            keys: keys(|key| key.asked > 0),
            keys_refused: keys(|key| key.refused > 0),
            worst_key_asked: worst.asked.into(),
            worst_key_refused: worst.refused.into(),
            callers: callers(ASKED, ASKED),
            callers_refused: callers(REFUSED, REFUSED),
            innocent: callers(ASKED | ABOVE, ASKED),
            innocent_refused: callers(REFUSED | ABOVE, REFUSED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Dur;

    fn report(text: &str, keys: u32, key_of: &[u32]) -> Report {
        let spec: LimitSpec =
            toml::from_str(&format!("endpoints = ['touch']\nkey = 'ip'\n{text}")).expect("a limit");
        Report::new(&spec, keys, key_of.iter().copied())
    }

    const PASSES: Verdict = Verdict::Admit { delay: Dur::ZERO };
    const IS_REFUSED: Verdict = Verdict::Refuse { wait: Dur(1) };

    /// Two callers share 4 in 10 ns: two each. The first asks two, then a third in the same window; the second asks two in
    /// each of two windows, and one of its calls is refused because of the first.
    #[test]
    fn a_caller_is_innocent_within_its_part_of_a_window() {
        let mut report = report("kind = 'fixed-window'\nlimit = 4\nwindow = '10ns'", 2, &[1, 1, 0]);
        for (caller, at, verdict) in [
            (0, 0, PASSES),
            (0, 1, PASSES),
            (1, 2, PASSES),
            (0, 3, PASSES),
            (1, 4, IS_REFUSED),
            (1, 10, PASSES),
            (1, 19, PASSES),
        ] {
            report.judged(1, caller, Time(at), 1, verdict);
        }
        let expected = Refused {
            keys: 1,
            keys_refused: 1,
            worst_key_asked: 7,
            worst_key_refused: 1,
            callers: 2,
            callers_refused: 1,
            innocent: 1,
            innocent_refused: 1,
        };
        assert_eq!(report.counts(), expected);
        let mut twice = expected;
        twice.add(&Refused { worst_key_refused: 2, worst_key_asked: 3, ..expected });
        assert_eq!((twice.keys, twice.worst_key_asked, twice.worst_key_refused), (2, 3, 2));
    }

    /// 10 callers share a burst of 5: each may ask one at a time, and one more when 10 tokens have come.
    #[test]
    fn a_share_is_at_least_one_call() {
        let mut report = report("kind = 'token-bucket'\nrate = '1/1ns'\nburst = 5", 1, &[0; 10]);
        for (caller, at) in [(0, 0), (0, 10), (1, 0), (1, 9)] {
            report.judged(0, caller, Time(at), 1, PASSES);
        }
        let counts = report.counts();
        assert_eq!(
            (counts.callers, counts.innocent),
            (2, 1),
            "ten tokens have come after 10 ns, and not after 9"
        );
    }

    /// A concurrency limit promises no number of calls: nobody is above a share.
    #[test]
    fn a_limit_without_a_promise_judges_nobody() {
        let mut report = report("kind = 'concurrency'\nlimit = 1", 1, &[0]);
        (0..9).for_each(|_| report.judged(0, 0, Time(0), 1, IS_REFUSED));
        assert_eq!((report.counts().innocent, report.counts().keys_refused), (1, 1));
        assert_eq!((KEY_BYTES, CALLER_BYTES), (12, 17));
    }
}
