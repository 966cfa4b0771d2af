//! The client-side throttling of Google's SRE book.

use super::{Ended, Mechanism};
use crate::kernel::random::chance;
use crate::kernel::{Dur, Time};
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Slices of the window.
const SLICES: u64 = 60;

/// Client-side throttling (Google SRE book, chapter 21, "Client-Side Throttling"). Of the calls of the last `window`, the
/// client counts its requests, refused ones included, and the accepts: answers other than 429 and 5xx. It refuses a try by
/// itself with probability `max(0, (requests - k * accepts) / (requests + 1))`. The try then has failed without an answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "sre-throttling")]
pub struct SreThrottling {
    /// How many requests the client makes for each that is accepted before it refuses some itself.
    #[serde(default = "two")]
    #[schemars(range(min = 1), extend("x-unit" = "requests per accept"))]
    pub k: Decimal,
    /// Length of the history, which moves on in sixtieths.
    #[serde(default = "two_minutes")]
    #[schemars(extend("x-above-zero" = true))]
    pub window: Dur,
}

fn two() -> Decimal {
    Decimal { millionths: 2_000_000 }
}

fn two_minutes() -> Dur {
    Dur::from_secs(120)
}

/// Requests and accepts by slices of the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct History {
    /// In the place of each slice, by its number modulo [`SLICES`].
    slices: Vec<Slice>,
    requests: u64,
    accepts: u64,
    /// Number of the newest slice.
    newest: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slice {
    requests: u64,
    accepts: u64,
}

impl History {
    fn turn(&mut self, number: u64) -> &mut Slice {
        if self.slices.is_empty() {
            self.slices = vec![Slice::default(); SLICES as usize];
            self.newest = number;
        }
        for next in self.newest + 1..=number.min(self.newest + SLICES) {
            let old = std::mem::take(&mut self.slices[(next % SLICES) as usize]);
            self.requests -= old.requests;
            self.accepts -= old.accepts;
        }
        self.newest = number;
        &mut self.slices[(number % SLICES) as usize]
    }
}

impl SreThrottling {
    fn slice(&self, now: Time) -> u64 {
        now.0 / (self.window.0 / SLICES).max(1)
    }

    fn refuses(&self, history: &History) -> f64 {
        let (requests, accepts) = (history.requests as f64, history.accepts as f64);
        ((requests - self.k.millionths as f64 / 1e6 * accepts) / (requests + 1.0)).max(0.0)
    }
}

impl Mechanism for SreThrottling {
    type State = History;

    fn list_bytes(&self) -> u64 {
        SLICES * size_of::<Slice>() as u64
    }

    fn lets_through(&self, state: &mut History, now: Time, draw: impl FnOnce() -> u64) -> bool {
        state.turn(self.slice(now));
        let refuses = self.refuses(state);
        let refused = refuses > 0.0 && chance(draw(), refuses);
        state.turn(self.slice(now)).requests += 1;
        state.requests += 1;
        !refused
    }

    fn ended(&self, state: &mut History, ended: &Ended, now: Time) {
        let accepted = ended.failure.is_none_or(|f| f.status != 0 && f.status != 429 && f.status < 500);
        if accepted {
            state.turn(self.slice(now)).accepts += 1;
            state.accepts += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failed, succeeded};
    use super::*;

    /// The formula's own values with K = 2: 0 up to half of the requests accepted, then the excess over 2 accepts.
    #[test]
    fn the_probability_is_that_of_the_book() {
        let throttling = SreThrottling { k: two(), window: two_minutes() };
        for (requests, accepts, expected) in [
            (0, 0, 0.0),
            (10, 10, 0.0),
            (10, 5, 0.0),
            (10, 4, 2.0 / 11.0),
            (10, 0, 10.0 / 11.0),
            (999, 100, 0.799),
        ] {
            let history = History { requests, accepts, ..History::default() };
            assert!((throttling.refuses(&history) - expected).abs() < 1e-12, "{requests} {accepts}");
        }
    }

    #[test]
    fn the_history_is_forgotten_after_its_window() {
        let throttling = SreThrottling { k: two(), window: two_minutes() };
        let mut history = History::default();
        for second in 0..240 {
            let now = Time::from_ms(second * 1_000);
            throttling.lets_through(&mut history, now, || u64::MAX);
            if second < 120 {
                throttling.ended(&mut history, &succeeded(), now);
            } else {
                throttling.ended(&mut history, &failed(429), now);
            }
            // The slice under way and the 59 before it.
            assert_eq!(history.requests, (second + 1).min(118 + second % 2 + 1), "at {second} s");
        }
        assert_eq!(history.accepts, 0, "the accepts of the first two minutes are forgotten");
        throttling.lets_through(&mut history, Time::from_ms(3_600_000), || u64::MAX);
        assert_eq!((history.requests, history.accepts), (1, 0), "an hour later");
    }
}
