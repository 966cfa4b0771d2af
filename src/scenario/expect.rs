//! Parses conditions on metrics, such as `new.false_sign_outs == 0`.

use super::ExpectOf;
use super::parts::Parts;
use super::validate::Findings;
use super::validate::cohorts::check_name;
use crate::client::Model;
use crate::metrics::{MetricDef, all_metrics, is_counted_by_group, metrics_of};
use crate::text::{nearest, quote, tick};
use crate::toml_text::{Code, Doc, Errors, Source, TextError, TextErrors};
use std::ops::Range;

/// A comparison of a value with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::Unequal),
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("<", Op::Less),
    (">", Op::More),
];

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The policy whose metric is compared.
    pub policy: String,
    /// The metric.
    pub metric: &'static MetricDef,
    /// The cohort whose users are counted; `None` for all users.
    pub cohort: Option<String>,
    /// The comparison.
    pub op: Op,
    /// The bound; finite.
    pub bound: f64,
    /// The value of the metric that is compared.
    pub of: ExpectOf,
    /// Whether the condition may hold without having been exercised.
    pub may_be_vacuous: bool,
    /// The condition, as written.
    pub text: String,
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
}

/// Parses `policy.metric OP number`. The last dot before the operator separates policy and metric, because names of
/// policies may have dots and names of metrics have none. Does not check that the policy exists.
///
/// # Errors
/// What is wrong, and its place in the text.
pub fn parse_expectation(text: &str, of: ExpectOf) -> Result<Expectation, BadCondition> {
    let bad = |code, at, what: String| BadCondition { code, at, what, allowed: None, meant: None };
    let form = |at, what: &str| BadCondition {
        allowed: Some("`policy.metric OP number`, such as \"new.false_sign_outs == 0\"".into()),
        ..bad(Code::Condition, at, what.to_owned())
    };
    let signs = |c: char| "=!<>".contains(c);
    let Some(op_start) = text.find(signs) else {
        return Err(form(0..text.len(), "a condition without an operator"));
    };
    let op_end = text[op_start..].find(|c| !signs(c)).map_or(text.len(), |len| op_start + len);
    let sign = &text[op_start..op_end];
    let Some((_, op)) = OPS.into_iter().find(|(known, _)| *known == sign) else {
        let meant = match sign {
            "=" | "===" => Some("=="),
            "=<" => Some("<="),
            "=>" => Some(">="),
            "<>" | "!" => Some("!="),
            _ => None,
        };
        return Err(BadCondition {
            allowed: Some(OPS.map(|(sign, _)| sign).join(" ")),
            meant: meant.map(str::to_owned),
            ..bad(Code::Condition, op_start..op_end, format!("unknown operator {}", tick(sign)))
        });
    };
    let left = text[..op_start].trim_end();
    let lead = left.len() - left.trim_start().len();
    let Some((policy, metric)) =
        left.trim_start().rsplit_once('.').filter(|(p, m)| !p.is_empty() && !m.is_empty())
    else {
        return Err(form(lead..left.len().max(lead), "a condition without `policy.metric`"));
    };
    let Some(metric) = all_metrics().iter().find(|def| def.name == metric) else {
        let at = left.len() - metric.len()..left.len();
        return Err(BadCondition {
            meant: nearest(metric, all_metrics().iter().map(|def| def.name)).map(str::to_owned),
            ..bad(Code::UnknownMetric, at, format!("no metric is named {}", tick(metric)))
        });
    };
    let number = text[op_end..].trim();
    let start = op_end + (text[op_end..].len() - text[op_end..].trim_start().len());
    let at = start..start + number.len();
    let bound = match number.parse::<f64>() {
        Ok(bound) if bound.is_finite() => bound,
        Ok(_) => return Err(form(at, "the number of a condition must be finite")),
        Err(_) if number.is_empty() => return Err(form(op_start..op_end, "a condition without a number")),
        Err(_) => return Err(form(at, &format!("not a number: {}", quote(number)))),
    };
    // Adding zero turns -0 into 0, which is equal but would be shown with its sign.
    Ok(Expectation {
        policy: policy.to_owned(),
        metric,
        cohort: None,
        op,
        bound: bound + 0.0,
        of,
        may_be_vacuous: false,
        text: text.to_owned(),
    })
}

/// Parses the scenario's conditions and checks that their policies are run.
pub fn read(findings: &mut Findings<'_>, parts: &Parts) -> Vec<Expectation> {
    let model = parts.model();
    let mut read = Vec::new();
    for entry in &parts.expectations {
        let path = format!("{}.that", entry.path);
        match parse_expectation(&entry.spec.that, entry.spec.of) {
            Ok(expectation) => {
                let cohort = entry.spec.cohort.clone();
                if let Some(name) = &cohort {
                    check_name(findings, parts, &format!("{}.cohort", entry.path), name);
                    check_counted_by_group(findings, parts, &path, &entry.spec.that, expectation.metric);
                }
                let may_be_vacuous = entry.spec.may_be_vacuous;
                let expectation = Expectation { may_be_vacuous, cohort, ..expectation };
                for bad in unfit(&expectation, model, parts.policies.as_deref()) {
                    refuse(findings, &path, bad);
                }
                read.push(expectation);
            }
            Err(bad) => refuse(findings, &path, bad),
        }
    }
    read
}

/// Refuses a metric that is not counted by group.
fn check_counted_by_group(
    findings: &mut Findings<'_>,
    parts: &Parts,
    path: &str,
    that: &str,
    metric: &MetricDef,
) {
    if is_counted_by_group(metric.metric) {
        return;
    }
    let counted = || metrics_of(parts.model()).iter().filter(|def| is_counted_by_group(def.metric));
    let start = that.find(metric.name).unwrap_or(0);
    let at = within(findings.doc, path, start..start + metric.name.len());
    let what = format!("{} is not counted by cohort", tick(metric.name));
    let error = findings.at_span(at, Code::UnknownMetric, what);
    let allowed = counted().map(|def| def.name).collect::<Vec<_>>().join(", ");
    findings.push(error.allowed(allowed).did_you_mean(nearest(metric.name, counted().map(|def| def.name))));
}

/// Reports an error in the condition at this path.
fn refuse(findings: &mut Findings<'_>, path: &str, bad: BadCondition) {
    let at = within(findings.doc, path, bad.at.clone());
    let error = findings.at_span(at, bad.code, bad.what);
    let error = TextError { allowed: bad.allowed, ..error };
    findings.push(error.did_you_mean(bad.meant.as_deref()));
}

/// Reads a condition that is given beside a scenario, for each run by itself. Messages call it `name`.
///
/// # Errors
/// What is wrong with it, and its place in the text.
pub fn read_target(
    name: &str,
    text: &str,
    model: Model,
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
    let target = parse_expectation(text, ExpectOf::Every).map_err(|bad| refused(vec![bad]))?;
    let bad = unfit(&target, model, Some(policies));
    if bad.is_empty() { Ok(target) } else { Err(refused(bad)) }
}

/// Why a condition does not fit runs of this model under these policies.
fn unfit(expectation: &Expectation, model: Model, policies: Option<&[String]>) -> Vec<BadCondition> {
    let (text, policy, name) = (&expectation.text, &expectation.policy, expectation.metric.name);
    let mut bad = Vec::new();
    if !metrics_of(model).iter().any(|def| def.name == name) {
        let start = text.find(name).unwrap_or(0);
        bad.push(BadCondition {
            code: Code::UnknownMetric,
            at: start..start + name.len(),
            what: format!("no run of {model} has the metric {}", tick(name)),
            allowed: None,
            meant: None,
        });
    }
    if let Some(run) = policies.filter(|run| !run.contains(policy)) {
        let start = text.len() - text.trim_start().len();
        bad.push(BadCondition {
            code: Code::UnknownPolicy,
            at: start..start + policy.len(),
            what: format!("{} is not among the scenario's `policies`", tick(policy)),
            allowed: Some(crate::text::shorten(&run.join(", "), 200)),
            meant: nearest(policy, run.iter().map(String::as_str)).map(str::to_owned),
        });
    }
    bad
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

impl Op {
    /// Whether the comparison holds.
    #[allow(
        clippy::float_cmp,
        reason = "counts are whole and exact; who writes == asks for exactly this number"
    )]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Op::Equal => value == bound,
            Op::Unequal => value != bound,
            Op::Less => value < bound,
            Op::AtMost => value <= bound,
            Op::More => value > bound,
            Op::AtLeast => value >= bound,
        }
    }

    /// How bad a value is for this comparison. Greater is worse.
    pub(crate) fn badness(self, value: f64, bound: f64) -> f64 {
        match self {
            Op::Equal => (value - bound).abs(),
            Op::Unequal => -(value - bound).abs(),
            Op::Less | Op::AtMost => value,
            Op::More | Op::AtLeast => -value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Expectation {
        parse_expectation(text, ExpectOf::Every).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    #[test]
    fn conditions_are_read() {
        let e = read("new.v1.2.false_sign_outs <= -0");
        assert_eq!((e.policy.as_str(), e.metric.name, e.op), ("new.v1.2", "false_sign_outs", Op::AtMost));
        assert!(e.bound.is_sign_positive());
        assert_eq!(read(" a.goodput>1e3 ").op, Op::More);
        for (text, at) in [
            ("", 0..0),
            ("new.goodput", 0..11),
            ("new.goodput = 1", 12..13),
            ("goodput == 1", 0..7),
            ("new.godput == 1", 4..10),
            ("new.goodput == inf", 15..18),
            ("new.goodput == nan", 15..18),
            ("new.goodput ==", 12..14),
            ("new.goodput == 1 2", 15..18),
            ("new.goodput == 1 == 1", 15..21),
            (".goodput == 1", 0..8),
            ("== 1", 0..0),
        ] {
            assert_eq!(parse_expectation(text, ExpectOf::Every).unwrap_err().at, at, "{text}");
        }
    }
}
