//! The answer to a question in sentences.

use super::search::GUARD_RUNS;
use super::{Claim, Found, Rate, Verdict};
use crate::text::number::{counted, share, short, whole};
use crate::text::{clean, shorten};

impl Found {
    /// The answer, and what shows it, a sentence each, without full stops.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = self.claims();
        words.extend(self.caution());
        words.push(format!(
            "{} took {}",
            counted(self.runs, "run", "runs"),
            counted(self.events, "event", "events")
        ));
        words
    }

    /// What the columns of [`Found::rows_in_words`] are.
    pub const COLUMNS: [&str; 6] =
        ["value", "fresh runs", "meet it", "95% interval, each for its value", "explored", "meet it"];

    /// A row for each value that was looked at: the value, fresh runs, those that meet the target, the interval of their share, runs
    /// that explored, and those that meet it.
    pub fn rows_in_words(&self) -> Vec<[String; 6]> {
        let row = |rate: &Rate| {
            let ends = match (rate.low, rate.high) {
                (Some(low), Some(high)) => format!("{} to {}", share(low), share(high)),
                _ => "-".to_owned(),
            };
            let [fresh, fresh_meet] = [rate.fresh, rate.fresh_meet].map(whole);
            [clean(&rate.value), fresh, fresh_meet, ends, whole(rate.explored), whole(rate.explored_meet)]
        };
        self.rates.iter().map(row).collect()
    }

    /// The first sentence: the answer itself.
    pub fn headline(&self) -> String {
        let value =
            |claim: &Option<Claim>| claim.as_ref().map_or_else(String::new, |claim| claim.value.clone());
        let (key, superlative, share) = (&self.key, self.superlative(), share(self.share));
        let (too_little, target) = (self.too_little(), format!("`{}`", shorten(&self.target, 200)));
        match self.verdict {
            Verdict::Neighbours => {
                format!(
                    "{key} = {} is the {superlative} value at which at least {share} of runs meet {target}",
                    value(&self.enough)
                )
            }
            Verdict::Bracket => format!(
                "{key} = {} is enough: at least {share} of runs meet {target}; {} is {too_little}; between them nothing is decided",
                value(&self.enough),
                value(&self.not_enough)
            ),
            Verdict::Everywhere => {
                format!(
                    "every value looked at is enough: at {key} = {}, at least {share} of runs meet {target}",
                    value(&self.enough)
                )
            }
            Verdict::Nowhere => {
                format!(
                    "no value of the range is enough: at {key} = {}, less than {share} of runs meet {target}",
                    value(&self.not_enough)
                )
            }
            Verdict::NotDecided => match (&self.enough, &self.not_enough) {
                (Some(claim), _) => format!(
                    "{key} = {} is enough: at least {share} of runs meet {target}; no value is shown to be {too_little}",
                    claim.value
                ),
                (None, Some(claim)) => format!(
                    "{key} = {} is {too_little}: less than {share} of runs meet {target}; no value is shown to be enough",
                    claim.value
                ),
                (None, None) => format!(
                    "not decided: no value of {key} is shown to be enough for {target}, and none to be {too_little}"
                ),
            },
            Verdict::NotMonotone => format!(
                "refused: the share of runs that meet {target} does not only rise with {}, so no single value separates the range",
                if self.largest { format!("falling {key}") } else { key.clone() }
            ),
            Verdict::Vacuous => format!(
                "not judged: in {} something happened that could have broken {target}",
                match self.exercised {
                    None | Some(0) => "no run".to_owned(),
                    Some(runs) => format!("only {}", counted(runs, "run", "runs")),
                }
            ),
        }
    }

    fn superlative(&self) -> &'static str {
        if self.largest { "largest" } else { "smallest" }
    }

    /// What the value is that is not enough.
    pub(crate) fn too_little(&self) -> &'static str {
        if self.largest { "too much" } else { "too little" }
    }

    fn claims(&self) -> Vec<String> {
        let shown = |claim: &Claim| {
            format!(
                "{} of {} fresh runs at {} meet it (e-value {}, {} is needed)",
                whole(claim.meet),
                whole(claim.runs),
                claim.value,
                short(claim.evidence),
                short(claim.needed)
            )
        };
        let mut words = vec![self.headline()];
        let vacuous = self.verdict == Verdict::Vacuous;
        let enough =
            |claim| format!("{}: {}", if vacuous { "the runs" } else { "shown to be enough" }, shown(claim));
        words.extend(self.enough.as_ref().map(enough));
        words.extend(
            self.not_enough
                .as_ref()
                .map(|claim| format!("shown to be {}: {}", self.too_little(), shown(claim))),
        );
        words.extend(self.contradiction.as_ref().map(|claim| {
            format!(
                "contradicted at {}: {} of {} runs meet it",
                claim.value,
                whole(claim.meet),
                whole(claim.runs)
            )
        }));
        let claims = self.enough.iter().chain(&self.not_enough).count();
        if claims > 0 && !vacuous {
            let subject = if claims == 2 { "one of the two claims is" } else { "the claim is" };
            words.push(format!(
                "the probability that {subject} false is at most {}, all looks together",
                share(1.0 - self.confidence)
            ));
        }
        words
    }

    /// What the answer does not say.
    fn caution(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.warm_up.clone());
        if !self.every_value {
            words.push(format!(
                "the search chose among {} of the range {} to {}; those between them are not judged",
                counted(self.values, "value", "values"),
                self.range[0],
                self.range[1]
            ));
        }
        if let Some(exercised) = self.exercised.filter(|_| self.verdict != Verdict::Vacuous) {
            words.push(format!("in {} something could have broken it", counted(exercised, "run", "runs")));
        }
        let [below, above] = self.guard_spacing;
        let spaced = |spacing: u64, of: &str| {
            (spacing > 0).then(|| {
                format!("{} apart beyond the value that is {of}", counted(spacing, "value", "values"))
            })
        };
        let spacings: Vec<String> =
            [spaced(above, "enough"), spaced(below, self.too_little())].into_iter().flatten().collect();
        if !spacings.is_empty() && self.contradiction.is_none() {
            words.push(format!(
                "no contradiction in {} more at each of the values looked at ({}), which the table counts too; a narrower dip is \
                 not seen",
                counted(GUARD_RUNS.into(), "fresh run", "fresh runs"),
                spacings.join(", ")
            ));
        }
        words.push(
            "the intervals of shares are of fresh runs, hold however many there are, and each for its own value; runs that explored \
             are no fair sample of their value"
                .to_owned(),
        );
        if self.reversals > 0 {
            words.push(format!(
                "{} of {} runs with the same random numbers meet it at a value and not at one that should be easier",
                self.reversals, self.compared
            ));
        }
        if let Some(likeness) = self.likeness {
            words.push(format!(
                "outcomes of one run at neighbouring values are alike to {} (1: every run has one threshold; 0: they say \
                 nothing of each other)",
                short(likeness)
            ));
        }
        words
    }
}
