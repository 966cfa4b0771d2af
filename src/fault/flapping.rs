//! Connections that fail again and again: a server that restarts in a loop, a link that goes up and down.

use super::{Effect, Kind};
use crate::kernel::Dur;
use crate::kernel::dice::Dice;
use crate::protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connection fails during the first `lasts` of every `every`, from the fault's begin on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Flapping {
    /// Time from the begin of one failure to the begin of the next.
    #[schemars(extend("x-above-zero" = true), example = "1m")]
    pub every: Dur,
    /// Length of a failure; `every` or longer is an outage.
    #[schemars(example = "10s")]
    pub lasts: Dur,
}

impl Kind for Flapping {
    /// Two such faults with different times may both be intended.
    const STEADY: bool = false;

    fn in_words(&self, places: &str) -> String {
        format!("{places} down for {} every {}", self.lasts, self.every)
    }

    fn failure(&self, _: u8) -> Option<Failure> {
        Some(Failure::NETWORK)
    }

    #[inline]
    fn judge(&self, _: u8, since: Dur, _: u64) -> Effect {
        match since.0 % self.every.0 < self.lasts.0 {
            true => Effect::Answer(Failure::NETWORK),
            false => Effect::None,
        }
    }

    fn draw(dice: &mut Dice) -> Flapping {
        Flapping { every: Dur::from_secs(dice.number(5, 60)), lasts: Dur::from_secs(dice.number(1, 10)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_begin_with_the_fault_and_come_back_every_period() {
        let flapping = Flapping { every: Dur(10), lasts: Dur(3) };
        for (since, fails) in
            [(0, true), (2, true), (3, false), (9, false), (10, true), (12, true), (13, false)]
        {
            let struck = flapping.judge(0, Dur(since), 0) == Effect::Answer(Failure::NETWORK);
            assert_eq!(struck, fails, "at {since}");
        }
        let never = Flapping { every: Dur(10), lasts: Dur::ZERO };
        assert!((0..20).all(|since| never.judge(0, Dur(since), 0) == Effect::None));
    }

    /// With a call every second from the begin of the fault, exactly the share `lasts / every` of the calls fails: 60
    /// of 600.
    #[test]
    fn a_poller_loses_the_share_of_time_that_is_down() {
        let text = "version = 1\nname = 'flapping'\nhorizon = '10m'\npolicies = ['new']\n\
                    [[workload]]\nname = 'poller'\nevery = '1s'\nuntil = '599s'\n\
                    [[fault]]\nkind = 'flapping'\nendpoints = ['generic']\nevery = '1m'\nlasts = '6s'\n";
        let results = crate::Study::parse("flapping", text).unwrap().run().unwrap();
        let of = |name: &str| results.policies[0].metric(name).mean;
        assert_eq!(of("requests_total") as u64, 600);
        assert!((of("goodput") - 0.9).abs() < 1e-12, "{}", of("goodput"));
    }
}
