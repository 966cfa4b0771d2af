//! When a fault acts, and whom it strikes: windows that come back, probabilities that change, a share of the callers.

use super::{FaultKind, FaultSpec, Strikes};
use crate::kernel::{Dur, Time};
use crate::protocol::Endpoint;
use crate::spec::leaf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share of the users, of the network addresses, of the apps or of the regions, chosen at random. All faults of one share strike the
/// same callers, and those of a larger share strike the callers of a smaller one and others. An action on the same share
/// of the users concerns those users too.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "only")]
pub struct Only {
    /// The share.
    #[schemars(with = "leaf::Share", example = 0.1)]
    pub share: f64,
    /// Of what it is a share.
    #[schemars(example = &"ip")]
    pub of: ShareOf,
}

/// What a share of the callers is counted in. A generic client is a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShareOf {
    /// Users.
    User,
    /// Network addresses: all users behind an address, or none.
    Ip,
    /// Apps: all users of an app, or none.
    App,
    /// Regions: all users of a region, or none.
    Region,
}

impl Only {
    /// The callers in words: `10% of the apps`.
    pub fn in_words(self) -> String {
        let of = match self.of {
            ShareOf::User => "users",
            ShareOf::Ip => "addresses",
            ShareOf::App => "apps",
            ShareOf::Region => "regions",
        };
        format!("{}% of the {of}", (self.share * 1e4 + 0.5).floor() / 100.0)
    }
}

/// A region of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name; empty for the region of the callers without one.
    pub name: String,
    /// The users and generic clients in it.
    pub callers: u64,
}

/// The regions that a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub struct Struck {
    /// Whether it strikes a region, by number.
    pub regions: Vec<bool>,
    /// Share of all callers that are in these regions.
    pub share: f64,
}

impl Struck {
    fn of(names: &[String], regions: &[Region]) -> Option<Struck> {
        if names.is_empty() {
            return None;
        }
        let strikes = |region: &Region| names.contains(&region.name);
        let callers = |all: &mut dyn Iterator<Item = &Region>| all.map(|region| region.callers).sum::<u64>();
        let inside = callers(&mut regions.iter().filter(|region| strikes(region)));
        let all = callers(&mut regions.iter()).max(1);
        Some(Struck { regions: regions.iter().map(strikes).collect(), share: inside as f64 / all as f64 })
    }
}

/// Windows that come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Time from one begin to the next.
    pub every: Dur,
    /// Length of a window; zero for a fault of instants.
    pub lasts: Dur,
}

/// A fault made ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The kind, with its values.
    pub kind: FaultKind,
    /// Whether it strikes calls of an endpoint, by endpoint.
    pub endpoints: [bool; Endpoint::COUNT],
    /// Begin of the window.
    pub from: Time,
    /// End of the last window, excluded; [`Time::NEVER`] for a fault without an end.
    pub to: Time,
    /// Further windows.
    pub repeat: Option<Repeat>,
    /// Probability that the fault strikes a call at the begin of a window.
    pub probability: f64,
    /// Probability at the end of a window, and the window's length, if it changes.
    pub ramp: Option<(f64, Dur)>,
    /// The callers whom it strikes.
    pub only: Option<Only>,
    /// The regions whose callers it strikes; `None` for all.
    pub regions: Option<Struck>,
    /// The largest number of calls that it strikes in the whole run.
    pub count: u64,
    /// Index of its error code in the scenario's list; 0 for none.
    pub code: u8,
    /// Its random streams: see `stream_names`.
    pub streams: FaultStreams,
}

/// The random streams of a fault: one per family of clients whose calls it may strike.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultStreams {
    /// Their names.
    pub names: Vec<String>,
    /// Which of them the calls of an endpoint have, by endpoint.
    pub of_endpoints: [u8; Endpoint::COUNT],
}

impl FaultStreams {
    /// One stream for all calls.
    pub fn one(name: String) -> FaultStreams {
        FaultStreams { names: vec![name], of_endpoints: [0; Endpoint::COUNT] }
    }
}

impl Fault {
    /// Compiles a description, for a run until `horizon`. `code` is the index of its error code in the scenario's list; 0
    /// for none. `regions` are those of the scenario by number.
    pub fn new(
        spec: &FaultSpec,
        streams: FaultStreams,
        code: u8,
        horizon: Time,
        regions: &[Region],
    ) -> Fault {
        let everywhere = spec.endpoints.is_empty();
        let lasts = spec.to.map_or(Dur::ZERO, |to| Dur(to.0.saturating_sub(spec.from.0)));
        let whole = Dur(horizon.since(Time(spec.from.0)).0.max(1));
        // What does not end does not come back.
        let comes_back = spec.to.is_some() || spec.is_instant();
        let repeat = spec.repeat_every.filter(|_| comes_back).map(|every| Repeat { every, lasts });
        let last = spec.repeat_until.map(|until| Time(until.0)).unwrap_or(Time::NEVER);
        let to = match (repeat, spec.to) {
            (Some(repeat), _) => last_begin(Time(spec.from.0), repeat.every, last).after(lasts),
            (None, Some(to)) => Time(to.0),
            (None, None) => Time::NEVER,
        };
        Fault {
            kind: spec.kind.clone(),
            endpoints: Endpoint::ALL.map(|e| everywhere || spec.endpoints.contains(&e)),
            from: Time(spec.from.0),
            to,
            repeat,
            probability: spec.probability,
            ramp: spec.probability_to.map(|to| (to, if spec.to.is_some() { lasts } else { whole })),
            only: spec.only,
            regions: Struck::of(&spec.regions, regions),
            count: spec.count.unwrap_or(u64::MAX),
            code,
            streams,
        }
    }

    /// Whether the fault strikes sessions instead of calls.
    pub fn strikes_sessions(&self) -> bool {
        self.kind.strikes() == Strikes::Sessions
    }

    /// Time since the begin of the window that lasts now. `None` outside of windows.
    #[inline]
    pub fn since(&self, now: Time) -> Option<Dur> {
        if now < self.from || now >= self.to {
            return None;
        }
        let since = now.since(self.from);
        match self.repeat {
            None => Some(since),
            Some(Repeat { every, lasts }) => {
                let within = Dur(since.0 % every.0);
                (within < lasts).then_some(within)
            }
        }
    }

    /// Probability that the fault strikes a call that comes this long after the begin of a window.
    #[inline]
    pub fn probability_at(&self, since: Dur) -> f64 {
        match self.ramp {
            None => self.probability,
            Some((to, lasts)) => {
                self.probability + (to - self.probability) * (since.0 as f64 / lasts.0 as f64)
            }
        }
    }

    /// The mean over the callers and over a window of the probability that the fault strikes a call.
    pub fn mean_probability(&self) -> f64 {
        let mean = self.ramp.map_or(self.probability, |(to, _)| (self.probability + to) / 2.0);
        let of_regions = self.regions.as_ref().map_or(1.0, |struck| struck.share);
        mean * of_regions * self.only.map_or(1.0, |only| only.share)
    }

    /// The first begin of a window after `now`. `None` without one.
    pub fn next_begin(&self, now: Time) -> Option<Time> {
        if now < self.from {
            return Some(self.from);
        }
        let Repeat { every, lasts } = self.repeat?;
        let rounds = now.since(self.from).0 / every.0 + 1;
        let next = self.from.after(Dur(rounds.saturating_mul(every.0)));
        (next < Time::NEVER && next.after(lasts) <= self.to).then_some(next)
    }

    /// Begin and end of the last window that begins before `horizon`; the end is not cut. `None` when none does.
    pub fn last_window(&self, horizon: Time) -> Option<(Time, Time)> {
        if self.from >= horizon {
            return None;
        }
        let Some(Repeat { every, lasts }) = self.repeat else {
            let instant = self.kind.strikes() != Strikes::Calls;
            return Some((self.from, if instant { self.from } else { self.to }));
        };
        let end = if self.to == Time::NEVER { horizon } else { horizon.min(Time(self.to.0 - lasts.0 + 1)) };
        let begin = last_begin(self.from, every, end);
        Some((begin, begin.after(lasts)))
    }
}

/// The last begin before `until` of windows that come back. `until` is after the first begin.
fn last_begin(from: Time, every: Dur, until: Time) -> Time {
    if until == Time::NEVER {
        return Time::NEVER;
    }
    let rounds = until.since(from).0.saturating_sub(1) / every.0;
    from.after(Dur(rounds.saturating_mul(every.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        let spec: FaultSpec = toml::from_str(text).unwrap_or_else(|e| panic!("{e}"));
        Fault::new(&spec, FaultStreams::one(String::new()), 0, Time::from_ms(100_000), &[])
    }

    #[test]
    fn windows_come_back_until_they_do_not() {
        let fault =
            fault("kind = 'outage'\nfrom = '10s'\nto = '13s'\nrepeat-every = '10s'\nrepeat-until = '31s'");
        let acts: Vec<u64> = (0..60).filter(|s| fault.since(Time::from_ms(1_000 * s)).is_some()).collect();
        assert_eq!(acts, [10, 11, 12, 20, 21, 22, 30, 31, 32]);
        let s = |s: u64| Time::from_ms(1_000 * s);
        let begins: Vec<_> =
            std::iter::successors(fault.next_begin(s(0)), |at| fault.next_begin(*at)).collect();
        assert_eq!(begins, [10, 20, 30].map(s));
        for (horizon, window) in
            [(10, None), (11, Some((10, 13))), (30, Some((20, 23))), (90, Some((30, 33)))]
        {
            assert_eq!(fault.last_window(s(horizon)), window.map(|(a, b)| (s(a), s(b))), "before {horizon}");
        }
        let ever = self::fault("kind = 'restart'\nfrom = '10s'\nrepeat-every = '10s'");
        assert_eq!((ever.next_begin(s(0)), ever.next_begin(s(70))), (Some(s(10)), Some(s(80))));
        assert_eq!(ever.last_window(s(95)), Some((s(90), s(90))));
        let once = self::fault("kind = 'outage'\nfrom = '10s'");
        assert_eq!((once.next_begin(s(0)), once.next_begin(s(10))), (Some(s(10)), None));
        assert_eq!(once.last_window(s(95)), Some((s(10), Time::NEVER)));
    }

    #[test]
    fn a_probability_changes_linearly_in_each_window() {
        let fault = fault(
            "kind = 'outage'\nfrom = '10s'\nto = '20s'\nprobability = 0.2\nprobability-to = 0.6\n\
             repeat-every = '1m'\nonly = { share = 0.5, of = 'app' }",
        );
        let at = |s: u64| fault.since(Time::from_ms(1_000 * s)).map(|since| fault.probability_at(since));
        assert_eq!([at(9), at(10), at(20)], [None, Some(0.2), None]);
        assert!((at(15).unwrap() - 0.4).abs() < 1e-12 && (at(75).unwrap() - 0.4).abs() < 1e-12);
        assert!((fault.mean_probability() - 0.2).abs() < 1e-12);
    }
}
