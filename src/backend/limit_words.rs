//! A limit in words. Charts, findings, stories, reports and the page take them from here.

use super::limit::{Counts, LimitKey, LimitSpec, TOO_MANY_REQUESTS};
use super::preset::Preset;
use crate::kernel::Dur;

impl LimitSpec {
    /// The limit, as a person would name it: `token-bucket of 5/10s, burst 5, per ip`. What differs from the defaults follows.
    pub fn in_words(&self) -> String {
        let whose = match self.key {
            LimitKey::Global => "for all together".to_owned(),
            key => format!("per {}", key.name()),
        };
        let when = match (self.from, self.to) {
            (Dur::ZERO, None) => String::new(),
            (from, None) => format!(", from {from}"),
            (Dur::ZERO, Some(to)) => format!(", until {to}"),
            (from, Some(to)) => format!(", from {from} to {to}"),
        };
        let mut words = format!("{} {}, {whose}{when}", self.kind.name(), self.kind.in_words());
        let mut more = |text: &str| {
            words.push_str(", ");
            words.push_str(text);
        };
        match self.counted() {
            Counts::Admitted => {}
            Counts::All => more("counts refused calls too"),
            Counts::Failures => more("counts failed calls only"),
            Counts::Successes => more("counts successful calls only"),
        }
        if self.cost != 1 {
            more(&format!("a call counts as {}", self.cost));
        }
        for (endpoint, cost) in &self.cost_of.0 {
            more(&format!("a call of /{endpoint} counts as {cost}"));
        }
        if self.in_front {
            more("in front of the faults");
        }
        match (self.readable, self.status, &self.code) {
            (false, ..) => more("the client cannot read a refusal"),
            (_, TOO_MANY_REQUESTS, None) => {}
            (_, status, None) => more(&format!("refuses with {status}")),
            (_, status, Some(code)) => more(&format!("refuses with {status} {code}")),
        }
        match (&self.penalty, self.penalty_prolonged) {
            (None, _) => {}
            (Some(penalty), false) => more(&format!("blocks a refused key for {penalty}")),
            (Some(penalty), true) => {
                more(&format!("blocks a refused key until it has not called for {penalty}"));
            }
        }
        if let Some((name, preset)) =
            self.preset.as_deref().and_then(|name| Some((name, Preset::named(name)?)))
        {
            more(&format!("preset {name}"));
            let assumed = self.assumed(preset);
            if !assumed.is_empty() {
                more(&format!("assumed: {}", assumed.join(", ")));
            }
        }
        words
    }

    /// The keys that the documentation behind the preset does not tell, and for which the scenario says nothing else.
    fn assumed(&self, preset: &Preset) -> Vec<String> {
        let own = serde_json::to_value(self).expect("a limit is written as JSON");
        let same = |key: &String| {
            let theirs = serde_json::to_value(&preset.limit[key]).expect("a value of TOML is one of JSON");
            own[key] == theirs
        };
        preset.assumed.iter().filter(|key| same(key)).cloned().collect()
    }
}
