//! Conditions on the metrics of runs, such as `new.false_sign_outs == 0`: what they compare, and whether a run meets them.

mod fit;
mod of;
mod op;
mod parse;
mod spec;

pub use of::{EXPECT_OF, ExpectOf};
pub use op::Op;
pub use parse::{is_condition, parse_expectation};
pub use spec::{CheckSpec, ExpectSpec, places};

use super::Scenario;
use super::parts::{Clients, Parts};
use super::validate::Findings;
use super::validate::cohorts::check_name;
use crate::metrics::numbers::{FAILED, percent_of};
use crate::metrics::{
    Label, MetricDef, NUMBERS, Number, NumberDef, Outcome, Stimulus, all_metrics, is_counted_by_group,
    is_counted_by_workload, metrics_of,
};
use crate::toml_text::{Code, Doc, Errors, Source, TextError, TextErrors};
use fit::Scope;
use op::OPS;
use std::ops::Range;

/// A parsed condition: a comparison of two sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is compared.
    pub left: Side,
    /// The comparison.
    pub op: Op,
    /// What it is compared with.
    pub right: Side,
    /// The cohort whose users are counted where no label says otherwise; `None` for all users.
    pub cohort: Option<String>,
    /// Of which runs the condition is to hold.
    pub of: ExpectOf,
    /// Whether the condition may hold without having been exercised.
    pub may_be_vacuous: bool,
    /// The condition, as written.
    pub text: String,
}

/// A sum of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The terms; at least one.
    pub terms: Vec<Term>,
}

/// A value with a factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The factor; finite.
    pub factor: f64,
    /// The value.
    pub item: Item,
}

/// The value of a term.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// One: the term is its factor.
    One,
    /// The number of users of the scenario.
    Users {
        /// The cohort whose users are counted; `None` for all.
        cohort: Option<String>,
        /// Range of bytes in the condition: of the cohort, or of the whole.
        at: Range<usize>,
    },
    /// A metric or another number of a run.
    Of(Quantity),
}

/// A number of a run under a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The policy.
    pub policy: String,
    /// The number.
    pub what: What,
    /// Its labels with their values, each once, in the order of [`Label::ALL`].
    pub labels: Vec<(Label, String)>,
    /// Whether the value is that of the same replication of the baseline.
    pub of_baseline: bool,
    /// Where its parts are.
    pub places: Places,
}

/// Ranges of bytes in a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    /// The policy.
    pub policy: Range<usize>,
    /// The name of the number.
    pub metric: Range<usize>,
    /// The values of the labels, in their order. The label of the key `cohort` has none.
    pub labels: Vec<Range<usize>>,
}

/// A metric, or a number with labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A metric.
    Metric(&'static MetricDef),
    /// A number with labels.
    Number(&'static NumberDef),
}

impl What {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            What::Metric(def) => def.name,
            What::Number(def) => def.name,
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            What::Metric(def) => def.unit,
            What::Number(def) => def.unit,
        }
    }
}

impl Quantity {
    /// Its name with its labels: `answer_time_s{endpoint=touch, quantile=p99}`.
    pub fn name(&self) -> String {
        let labels: Vec<String> =
            self.labels.iter().map(|(label, value)| format!("{}={value}", label.name())).collect();
        match labels.is_empty() {
            true => self.what.name().to_owned(),
            false => format!("{}{{{}}}", self.what.name(), labels.join(", ")),
        }
    }

    /// The value of a label.
    pub fn label(&self, label: Label) -> Option<&str> {
        self.labels.iter().find(|(given, _)| *given == label).map(|(_, value)| value.as_str())
    }

    /// Whether it can have a label.
    fn takes(&self, label: Label) -> bool {
        match (self.what, label) {
            (What::Metric(def), label) if label.users().is_some() => is_counted_by_group(def.metric),
            (What::Metric(def), Label::Workload) => is_counted_by_workload(def.metric),
            (What::Metric(_), _) => false,
            (What::Number(def), label) => def.needs.contains(&label) || def.takes.contains(&label),
        }
    }

    /// What must occur in a run for the value to be meaningful, beside what the labels choose.
    pub fn stimulus(&self) -> Stimulus {
        match self.what {
            What::Metric(def) => def.stimulus,
            What::Number(def) => def.number.stimulus(self.label(Label::Outcome)),
        }
    }
}

impl Side {
    /// The value, from the numbers of users and the values of quantities; `None` where a quantity has none.
    pub fn value(
        &self,
        users: &dyn Fn(Option<&str>) -> f64,
        of: &dyn Fn(&Quantity) -> Option<f64>,
    ) -> Option<f64> {
        let mut sum = 0.0;
        for Term { factor, item } in &self.terms {
            let value = match item {
                Item::One => 1.0,
                Item::Users { cohort, .. } => users(cohort.as_deref()),
                Item::Of(quantity) => of(quantity)?,
            };
            // What counts zero times adds nothing, even infinity.
            sum += if factor.abs() > 0.0 { factor * value } else { 0.0 };
        }
        Some(sum)
    }

    /// The value of a side without quantities and users.
    fn constant(&self) -> Option<f64> {
        let is_number = |term: &Term| term.item == Item::One;
        self.terms.iter().all(is_number).then(|| self.value(&|_| 0.0, &|_| None)).flatten()
    }
}

/// An error in a condition, with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct BadCondition {
    /// The kind of error.
    pub code: Code,
    /// Range of bytes in the condition.
    pub at: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What is allowed.
    pub allowed: Option<String>,
    /// The name that was probably meant.
    pub meant: Option<String>,
}

impl Expectation {
    /// The condition, as written, with its cohort: `new.false_sign_outs == 0 (cohort office)`.
    pub fn in_words(&self) -> String {
        match &self.cohort {
            Some(cohort) => format!("{} (cohort {cohort})", self.text),
            None => self.text.clone(),
        }
    }

    /// All terms of both sides.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.left.terms.iter().chain(&self.right.terms)
    }

    /// The quantities of both sides.
    pub fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        self.terms().filter_map(|term| match &term.item {
            Item::Of(quantity) => Some(quantity),
            _ => None,
        })
    }

    /// The policies of the quantities that are not of the baseline, each once.
    pub fn policies(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for quantity in self.quantities().filter(|quantity| !quantity.of_baseline) {
            if !names.contains(&quantity.policy.as_str()) {
                names.push(&quantity.policy);
            }
        }
        names
    }

    /// Whether any quantity is of the baseline.
    pub fn needs_baseline(&self) -> bool {
        self.quantities().any(|quantity| quantity.of_baseline)
    }

    /// The metric and the number of a condition that compares one metric, of all users or of the key `cohort`, with a
    /// number; `None` for any other condition.
    pub fn plain(&self) -> Option<(&Quantity, f64)> {
        let [Term { factor, item: Item::Of(quantity) }] = &self.left.terms[..] else { return None };
        let of_cohort = || quantity.labels.iter().all(|(label, _)| *label == Label::Cohort);
        let is_plain = (*factor - 1.0).abs() <= 0.0
            && matches!(quantity.what, What::Metric(_))
            && !quantity.of_baseline
            && quantity.places.labels.is_empty()
            && of_cohort();
        self.right.constant().filter(|_| is_plain).map(|bound| (quantity, bound))
    }

    /// Counts the users of a cohort wherever no label says whose.
    fn of_cohort(&mut self, cohort: &str) {
        for term in self.left.terms.iter_mut().chain(&mut self.right.terms) {
            match &mut term.item {
                Item::One => {}
                Item::Users { cohort: of, .. } => drop(of.get_or_insert_with(|| cohort.to_owned())),
                Item::Of(quantity) => {
                    if !quantity.labels.iter().any(|(label, _)| label.says_whose()) {
                        quantity.labels.insert(0, (Label::Cohort, cohort.to_owned()));
                    }
                }
            }
        }
    }
}

/// Parses the scenario's conditions and checks that what they name is there.
pub fn read(findings: &mut Findings<'_>, parts: &Parts, clients: &[Clients]) -> Vec<Expectation> {
    let scope = Scope::of_parts(parts, clients);
    let mut read = Vec::new();
    for entry in &parts.expectations {
        let path = format!("{}.that", entry.path);
        match parse_expectation(&entry.spec.that, entry.spec.of) {
            Ok(mut expectation) => {
                expectation.may_be_vacuous = entry.spec.may_be_vacuous;
                if let Some(name) = &entry.spec.cohort {
                    check_name(findings, parts, &format!("{}.cohort", entry.path), name);
                    let lacking =
                        expectation.quantities().filter_map(|quantity| scope.lacking(quantity, name));
                    for bad in scope.not_of_cohort(&expectation).into_iter().chain(lacking) {
                        refuse(findings, &path, bad);
                    }
                }
                for bad in scope.unfit(&expectation) {
                    refuse(findings, &path, bad);
                }
                if let Some(name) = &entry.spec.cohort {
                    expectation.of_cohort(name);
                    expectation.cohort = Some(name.clone());
                }
                read.push(expectation);
            }
            Err(bad) => refuse(findings, &path, bad),
        }
    }
    read
}

/// Reports an error in the condition at this path.
fn refuse(findings: &mut Findings<'_>, path: &str, bad: BadCondition) {
    let at = within(findings.doc, path, bad.at.clone());
    let error = findings.at_span(at, bad.code, bad.what);
    let error = TextError { allowed: bad.allowed, ..error };
    findings.push(error.did_you_mean(bad.meant.as_deref()));
}

/// Reads a condition that is given beside a scenario, for each run by itself. Messages call it `name`. `policies` are those
/// that are run.
///
/// # Errors
/// What is wrong with it, and its place in the text.
pub fn read_target(
    name: &str,
    text: &str,
    scenario: &Scenario,
    policies: &[String],
) -> Result<Expectation, TextErrors> {
    let target = parse_expectation(text, ExpectOf::Every);
    fitting(name, text, target, scenario, policies)
}

/// Reads a sum of metrics that is given beside a scenario, for each run by itself: the left side of the condition. Messages
/// call it `name`.
///
/// # Errors
/// As [`read_target`].
pub fn read_sum(
    name: &str,
    text: &str,
    scenario: &Scenario,
    policies: &[String],
) -> Result<Expectation, TextErrors> {
    let target = parse_expectation(&format!("{text} >= 0"), ExpectOf::Every);
    let target = target.map(|target| Expectation { text: text.to_owned(), ..target });
    let inside = |bad: BadCondition| {
        let at = bad.at.start.min(text.len())..bad.at.end.min(text.len());
        BadCondition { at, ..bad }
    };
    fitting(name, text, target.map_err(inside), scenario, policies)
}

/// A condition that was parsed, if the scenario has what it names.
fn fitting(
    name: &str,
    text: &str,
    target: Result<Expectation, BadCondition>,
    scenario: &Scenario,
    policies: &[String],
) -> Result<Expectation, TextErrors> {
    let source = Source::new(name, text);
    let refused = |bad: Vec<BadCondition>| {
        let mut errors = Errors::default();
        for bad in bad {
            let error = TextError::new(bad.code, &source, bad.at, bad.what);
            let error = TextError { allowed: bad.allowed, ..error };
            errors.push(error.did_you_mean(bad.meant.as_deref()));
        }
        errors.finish()
    };
    let target = target.map_err(|bad| refused(vec![bad]))?;
    let mut bad = Scope::of_scenario(scenario, policies).unfit(&target);
    bad.extend(target.quantities().find(|quantity| quantity.of_baseline).map(|quantity| BadCondition {
        code: Code::Condition,
        at: quantity.places.policy.start..quantity.places.metric.end,
        what: "a run has no baseline".to_owned(),
        allowed: Some("values of the same run; `check --baseline` compares with a baseline".to_owned()),
        meant: None,
    }));
    if bad.is_empty() { Ok(target) } else { Err(refused(bad)) }
}

/// Converts a range of bytes of the string at this path to bytes of the text. Returns the whole string if it is written
/// with escapes.
fn within(doc: &Doc<'_>, path: &str, bytes: Range<usize>) -> Range<usize> {
    let span = doc.at(path);
    let value = doc.node(path).and_then(|node| node.get_ref().as_str());
    let literal = doc.source.text.get(span.start + 1..span.end.saturating_sub(1));
    if value.is_some() && value == literal {
        span.start + 1 + bytes.start..span.start + 1 + bytes.end
    } else {
        span
    }
}
