//! The two sides of a relation: scenarios as tables, which are run and compared.

use super::tokens::with_token_clients;
use crate::experiment::Study;
use crate::results::{PolicyResults, Results};
use crate::scenario::load_text;
use crate::world::Control;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The most events of a run on the first side. A larger scenario is not checked.
const MAX_EVENTS: i64 = 40_000;
/// Factor by which the second side may have more events, since a relation may add events.
const MORE: i64 = 8;

/// Why a relation was not confirmed.
#[derive(Debug)]
pub(super) enum Not {
    /// The scenario is outside the relation's domain, or too large.
    Here,
    /// The relation is broken.
    Held(Box<Broken>),
}

/// A broken relation.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::verify::swarm) struct Broken {
    /// What differs.
    pub what: String,
    /// The first scenario.
    pub first: Table,
    /// The second scenario, which is compared with the first.
    pub second: Table,
}

pub(super) type Outcome = Result<(), Not>;

/// Both sides of one relation.
pub(super) struct Sides {
    /// The first scenario. The relation brings it into its domain.
    pub first: Table,
    /// The second scenario: the first one with changes.
    pub second: Table,
    /// Whether the second side is spoilt, so that the relation must break. Tests of a relation use this.
    pub spoilt: bool,
    /// Whether the users of both sides run token clients.
    pub tokens: bool,
}

impl Sides {
    /// Two equal sides.
    pub(super) fn of(first: Table, spoilt: bool, tokens: bool) -> Sides {
        Sides { second: Table::new(), first, spoilt, tokens }
    }

    /// Finishes the first side. Returns the second side, which starts as a copy of it.
    pub(super) fn part(&mut self) -> &mut Table {
        self.second = self.first.clone();
        &mut self.second
    }

    /// The study of the first side.
    ///
    /// # Errors
    /// When it does not load: the relation's changes and the drawn scenario conflict.
    pub(super) fn first_study(&self) -> Result<Study, Not> {
        self.study(&self.first, MAX_EVENTS).map_err(|_| Not::Here)
    }

    /// The study of the second side.
    ///
    /// # Errors
    /// When it does not load although the first side does.
    pub(super) fn second_study(&self) -> Result<Study, Not> {
        let mut second = self.second.clone();
        if self.spoilt {
            let seed = second.get("seed").and_then(Value::as_integer).unwrap_or(1);
            second.insert("seed".into(), Value::Integer(seed + 1));
        }
        self.study(&second, MAX_EVENTS * MORE)
            .map_err(|error| self.broken(format!("only the first side loads: {error}")))
    }

    /// The study of a side with a bound on its events.
    fn study(&self, side: &Table, max_events: i64) -> Result<Study, String> {
        study(&self.run_as(side, max_events))
    }

    /// The scenario of a side as it is run.
    fn run_as(&self, side: &Table, max_events: i64) -> Table {
        let mut table = side.clone();
        if self.tokens {
            with_token_clients(&mut table);
        }
        let guard = format!("max-events = {max_events}").parse().expect("a table");
        table.insert("guard".into(), Value::Table(guard));
        table
    }

    /// Results of both sides.
    ///
    /// # Errors
    /// When a side has no results.
    pub(super) fn results(&self) -> Result<(Results, Results), Not> {
        let first = run(&self.first_study()?)?;
        Ok((first, run(&self.second_study()?)?))
    }

    /// Compares two policies of the sides, except for these metrics.
    ///
    /// # Errors
    /// When they differ.
    pub(super) fn same(&self, first: &PolicyResults, second: &PolicyResults, without: &[&str]) -> Outcome {
        match difference(first, second, without) {
            Some(what) => Err(self.broken(format!("{}: {what}", first.name))),
            None => Ok(()),
        }
    }

    /// Runs both sides and compares all their policies by name, except for these metrics.
    ///
    /// # Errors
    /// When they differ.
    pub(super) fn all_same(&self, without: &[&str]) -> Outcome {
        let (first, second) = self.results()?;
        for policy in &first.policies {
            let other = second.policies.iter().find(|other| other.name == policy.name);
            let other =
                other.ok_or_else(|| self.broken(format!("{}: only the first has it", policy.name)))?;
            self.same(policy, other, without)?;
        }
        Ok(())
    }

    /// The relation is broken, with the difference.
    pub(super) fn broken(&self, what: String) -> Not {
        let [first, second] = [&self.first, &self.second].map(|side| match self.tokens {
            true => self.run_as(side, MAX_EVENTS),
            false => side.clone(),
        });
        Not::Held(Box::new(Broken { what, first, second }))
    }
}

/// The study of a scenario.
///
/// # Errors
/// When it does not load.
fn study(table: &Table) -> Result<Study, String> {
    let loaded = load_text("relation", &table.to_string(), &[]).map_err(|errors| errors.to_string())?;
    let mut study = Study::of(loaded).map_err(|refused| refused.to_string())?;
    study.all_sessions(true);
    Ok(study)
}

/// Results of a study.
///
/// # Errors
/// When a guard stops the run: the scenario is too large for a relation.
pub(super) fn run(study: &Study) -> Result<Results, Not> {
    study.run_under(&Control::default()).map_err(|_| Not::Here)
}

/// The first difference between two policies' results, except for their names and these metrics.
fn difference(first: &PolicyResults, second: &PolicyResults, without: &[&str]) -> Option<String> {
    for (a, b) in first.metrics.iter().zip(&second.metrics) {
        // Compares only values, because an idle fault or limit changes `exercised`.
        if !without.contains(&a.name.as_str()) && a.values != b.values {
            return Some(format!("{} {:?} against {:?}", a.name, a.values, b.values));
        }
    }
    if first.timelines != second.timelines {
        let pairs = first.timelines.iter().zip(&second.timelines);
        let at = pairs.flat_map(|(a, b)| a.buckets.iter().zip(&b.buckets)).position(|(a, b)| a != b);
        return Some(format!("timelines, at bucket {at:?}"));
    }
    if first.sessions != second.sessions {
        let pair = first.sessions.iter().zip(&second.sessions).find(|(a, b)| a != b);
        return Some(format!("sessions: {pair:?}"));
    }
    let rest = |p: &PolicyResults| {
        let mut rest = p.clone();
        rest.name.clear();
        rest.metrics.retain(|m| !without.contains(&m.name.as_str()));
        rest.metrics.iter_mut().for_each(|m| m.exercised = None);
        // Both name faults, limits and actions by their index in the scenario.
        rest.demand.clear();
        rest.not_exercised.clear();
        // The groups of a mix have the names of its policies.
        rest.groups.retain(|group| group.kind != "policy");
        // Workloads, and so their groups, may stand in another order.
        rest.groups.sort_by(|a, b| (&a.kind, &a.group).cmp(&(&b.kind, &b.group)));
        // A limit's words have its number in the scenario, and one that never refuses may be added.
        rest.limits.retain(|limit| limit.refused > 0);
        rest.limits.iter_mut().for_each(|limit| limit.limit.clear());
        rest.limits.sort_by_key(|limit| format!("{limit:?}"));
        rest
    };
    (rest(first) != rest(second)).then(|| "something beside metrics, timelines and sessions".to_owned())
}

/// The rows of a CSV file as counts. The key is every column except the last.
pub(super) fn rows(csv: &[u8]) -> BTreeMap<Vec<String>, u64> {
    let mut reader = csv::Reader::from_reader(csv);
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let mut cells: Vec<String> =
            record.expect("the simulator wrote the file").iter().map(str::to_owned).collect();
        let count = cells.pop().and_then(|cell| cell.parse().ok()).expect("the last column counts");
        rows.insert(cells, count);
    }
    rows
}

/// The list of tables at a path such as `backend.limit`. Creates it if it is absent.
pub(super) fn list<'a>(table: &'a mut Table, path: &str) -> &'a mut Vec<Value> {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = table;
    for key in parents.split('.').filter(|key| !key.is_empty()) {
        let entry = here.entry(key).or_insert_with(|| Value::Table(Table::new()));
        here = entry.as_table_mut().expect("a table of the format");
    }
    let entry = here.entry(last).or_insert_with(|| Value::Array(Vec::new()));
    entry.as_array_mut().expect("a list of the format")
}

/// Parses a table.
pub(super) fn table(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Milliseconds of a duration that is written as whole seconds or milliseconds, as in drawn scenarios.
pub(super) fn milliseconds(value: Option<&Value>) -> Option<u64> {
    let text = value?.as_str()?;
    match text.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => text.strip_suffix('s')?.parse::<u64>().ok().map(|s| s * 1_000),
    }
}
