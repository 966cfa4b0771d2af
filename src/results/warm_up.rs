//! What was cut from the begin of runs before their long-run rates were taken.

use crate::text::number::{counted, short, whole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was cut from the begin of each run for a rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUpCut {
    /// The rate, with its policy and labels: `new.calls_per_s{outcome=ok}`.
    pub of: String,
    /// How it was chosen, in words.
    pub how: String,
    /// Seconds that were cut, one value per replication; absent where the rule does not find an end in the first half of the run,
    /// so that the replication has no rate.
    pub cut_s: Vec<Option<f64>>,
}

impl WarmUpCut {
    /// A sentence without full stop.
    pub fn in_words(&self) -> String {
        let runs = self.cut_s.len();
        let mut cut: Vec<f64> = self.cut_s.iter().copied().flatten().collect();
        cut.sort_unstable_by(f64::total_cmp);
        let WarmUpCut { of, how, .. } = self;
        let mut text = match (cut.first(), cut.last()) {
            (Some(least), Some(most)) if least < most => {
                format!("{of}: a warm-up of {} s to {} s is cut {how}", short(*least), short(*most))
            }
            (Some(0.0), _) => format!("{of}: no warm-up is cut"),
            (Some(all), _) => format!("{of}: a warm-up of {} s is cut {how}", short(*all)),
            _ => format!("{of}: a warm-up is to be cut {how}"),
        };
        if cut.len() < runs {
            text.push_str(&format!(
                "; in {} of {} it does not end in the first half of the run, or the run has too few buckets, so that there is no rate",
                whole((runs - cut.len()) as u64),
                counted(runs as u64, "replication", "replications"),
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_said() {
        let said = |how: &str, cut_s: &[Option<f64>]| {
            WarmUpCut { of: "new.r".to_owned(), how: how.to_owned(), cut_s: cut_s.to_vec() }.in_words()
        };
        assert_eq!(
            said("by rule", &[Some(5.0), Some(40.0)]),
            "new.r: a warm-up of 5 s to 40 s is cut by rule"
        );
        assert_eq!(said("as given", &[Some(120.0); 3]), "new.r: a warm-up of 120 s is cut as given");
        assert_eq!(said("", &[Some(0.0); 3]), "new.r: no warm-up is cut");
        assert_eq!(
            said("by rule", &[None, Some(5.0)]),
            "new.r: a warm-up of 5 s is cut by rule; in 1 of 2 replications it does not end in the first half of the run, or the \
             run has too few buckets, so that there is no rate"
        );
    }
}
