//! The data files of a search.

use super::search::Stage;
use super::{Found, Question, Ran};
use crate::results::DataFile;
use crate::results::csv::{of, text};

/// The file with a row for each run, in the order of the search.
pub const RUNS: &str = "runs.csv";
/// The file with a row for each value that was looked at.
pub const CURVE: &str = "curve.csv";
/// The file with the answer as data.
pub const JSON: &str = "find.json";

/// [`RUNS`], [`CURVE`] and [`JSON`].
pub fn write(found: &Found, question: &Question, runs: &[Ran]) -> Vec<DataFile> {
    vec![
        DataFile::new(RUNS, of_runs(question, runs)),
        DataFile::new(CURVE, found.csv()),
        DataFile::new(JSON, found.json()),
    ]
}

impl Stage {
    /// The stage as find's files and progress name it.
    pub const fn word(self) -> &'static str {
        match self {
            Stage::Explore => "explore",
            Stage::Enough => "enough",
            Stage::NotEnough => "not-enough",
            Stage::Beyond => "beyond",
        }
    }
}

impl Found {
    /// The values that were looked at, as CSV. What fresh runs tell is empty where there are none.
    pub fn csv(&self) -> Vec<u8> {
        let optional = |end: Option<f64>| end.map_or(String::new(), |end| end.to_string());
        let row = |rate: &super::Rate| {
            [
                text(&rate.value),
                rate.number.to_string(),
                rate.fresh.to_string(),
                rate.fresh_meet.to_string(),
                optional(rate.low),
                optional(rate.high),
                rate.explored.to_string(),
                rate.explored_meet.to_string(),
                optional(rate.fitted),
            ]
        };
        let rows: Vec<[String; 9]> = self.rates.iter().map(row).collect();
        let columns =
            ["value", "number", "fresh", "fresh_meet", "low", "high", "explored", "explored_meet", "fitted"];
        of(&columns, &rows)
    }
}

fn of_runs(question: &Question, runs: &[Ran]) -> Vec<u8> {
    let row = |(number, ran): (usize, &Ran)| {
        let i = question.index(ran.step);
        [
            number.to_string(),
            ran.stage.word().to_owned(),
            text(&question.vary.text(i)),
            question.vary.number(i).map_or(String::new(), |number| number.to_string()),
            ran.replication.to_string(),
            ran.passes.to_string(),
            ran.exercised.to_string(),
            ran.events.to_string(),
        ]
    };
    let rows: Vec<[String; 8]> = runs.iter().enumerate().map(row).collect();
    of(&["run", "stage", "value", "number", "replication", "meets", "exercised", "events"], &rows)
}
