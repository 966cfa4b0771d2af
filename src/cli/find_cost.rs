//! The cost of a search, known before its first run.

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::memory;
use super::scenario::RunOptions;
use super::sweep_cost::{COLUMNS, MOST_EVENTS};
use authstorm::Study;
use authstorm::experiment::cost::count;
use authstorm::experiment::estimate::estimate;
use authstorm::experiment::find::Question;
use authstorm::spec::json::output_schema;
use authstorm::text::capitalised;
use authstorm::text::number::whole;
use authstorm::world::Control;
use schemars::JsonSchema;
use serde::Serialize;

/// Runs that a search usually takes. One whose values differ little takes three times as many.
const USUAL_RUNS: u32 = 4_000;

/// The cost of a search.
pub(super) struct FindCost {
    /// Events of the usual number of runs.
    events: f64,
}

impl FindCost {
    /// Runs pilots at both ends of the range.
    pub(super) fn measure(
        study: &Study,
        question: &Question,
        (pool, control): (&rayon::ThreadPool, &Control),
    ) -> Result<FindCost, Failure> {
        let mut events = 0.0;
        for end in [0, question.vary.len() - 1] {
            let mut at_end = study.at(&question.vary, end)?;
            at_end.replications(1)?;
            let each = memory::on(pool, || estimate(&at_end, control)).map_err(authstorm::Error::from)?;
            events += each.events() / 2.0 * f64::from(USUAL_RUNS);
        }
        Ok(FindCost { events })
    }

    /// The cost in a sentence, without full stop.
    fn in_words(&self) -> String {
        format!(
            "about {} runs, or three times as many where neighbouring values differ little; about {} events",
            whole(USUAL_RUNS.into()),
            count(self.events)
        )
    }

    /// Why it is not run. `yes`: a large one is asked for twice.
    fn refusal(&self, yes: bool) -> Option<String> {
        (self.events > MOST_EVENTS && !yes).then(|| {
            format!(
                "{}; more than {} events need --yes; a shorter horizon or fewer users need less",
                self.in_words(),
                count(MOST_EVENTS)
            )
        })
    }

    /// Refuses a large search that is not asked for twice.
    pub(super) fn check(&self, yes: bool) -> Result<(), Failure> {
        self.refusal(yes).map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
    }

    /// Prints the cost.
    pub(super) fn tell(
        &self,
        options: &RunOptions,
        form: Option<Format>,
        yes: bool,
    ) -> Result<Exit, Failure> {
        if options.quiet {
            return Ok(Exit::Yes);
        }
        let refused = self.refusal(yes);
        let report = Report {
            runs: USUAL_RUNS,
            events: self.events.round(),
            refused: refused.iter().cloned().collect(),
        };
        let text = || {
            let refused = refused.map(|why| format!("refused: {why}\n")).unwrap_or_default();
            format!("{}\n{refused}", capitalised(&self.in_words()))
        };
        let rows = report.rows();
        format::say(Format::of(form, options.json), (&COLUMNS, 1), &rows, text, || serde_json::json!(report))
    }
}

/// The cost of a search as data.
#[derive(Serialize, JsonSchema)]
struct Report {
    /// Runs that a search usually takes. One whose neighbouring values differ little takes three times as many.
    runs: u32,
    /// Events of these runs, as small pilots at both ends of the range tell.
    events: f64,
    /// Why the search would be refused. Empty if it would not.
    refused: Vec<String>,
}

impl Report {
    /// One fact a row.
    fn rows(&self) -> Vec<[String; 3]> {
        let of = |quantity: &str, value: String, unit: &str| [quantity.to_owned(), value, unit.to_owned()];
        let mut rows =
            vec![of("runs", self.runs.to_string(), "runs"), of("events", self.events.to_string(), "events")];
        rows.extend(self.refused.iter().map(|why| of("refused", why.clone(), "")));
        rows
    }
}

/// The JSON Schema of what `find --estimate --json` prints, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Report>("What `find --estimate --json` prints"))
}
