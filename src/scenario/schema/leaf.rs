//! Checks of single values that are not numbers: types in words, durations, distributions, rates, words and texts.

use super::Ty;
use super::check::Checker;
use super::number::check_number;
use crate::backend::spec::Rate;
use crate::client::policy::{FailureSet, is_error_code};
use crate::kernel::{Dist, Dur};
use crate::scenario::error::{Code, Errors, ScenarioError};
use crate::scenario::names::{check_name, check_text};
use crate::scenario::nearest::nearest;
use crate::scenario::spans::Node;
use crate::scenario::text::{escape, quote, shorten};
use serde::Deserialize;
use toml::de::{DeValue, ValueDeserializer};

/// The most entries of a set of answers: every status there is, and as many pairs with a code.
const MAX_ANSWERS: usize = 400;

/// How several users of an action are written.
const WHOM_FORMS: &str = "\"all\", { range = [10, 19] } or { share = 0.1 }";

/// Checks a value that is no table of the format.
pub fn check_leaf(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
    let source = checker.source;
    let error = |code, what: &str| ScenarioError::new(code, source, node.span(), escape(what));
    match (ty, node.get_ref()) {
        (Ty::Name, DeValue::String(name)) => {
            if let Some(error) = check_name(source, node.span(), name) {
                errors.push(error);
            }
        }
        (Ty::Reference, DeValue::String(_)) | (Ty::Bool, DeValue::Boolean(_)) => {}
        (Ty::Text(max, lines), DeValue::String(text)) => {
            if let Some(error) = check_text(source, node.span(), text, *max, *lines) {
                errors.push(error);
            }
        }
        (Ty::ErrorCode, DeValue::String(code)) => {
            if !is_error_code(code) {
                let error = error(Code::Malformed, "not an error code").found(quote(code));
                errors.push(error.allowed("1 to 64 of a-z, 0-9 and '_'"));
            }
        }
        (Ty::Word(words), DeValue::String(word)) => {
            if !words.contains(&word.as_ref()) {
                let error = error(Code::UnknownWord, "unknown word").found(quote(word));
                errors
                    .push(error.allowed(words.join(", ")).did_you_mean(nearest(word, words.iter().copied())));
            }
        }
        (Ty::Whom, DeValue::String(word)) => {
            if word != "all" {
                let error = error(Code::UnknownWord, "unknown users").found(quote(word));
                errors.push(error.allowed(WHOM_FORMS));
            }
        }
        (Ty::Dur(_) | Ty::Dist(_) | Ty::Rate, DeValue::String(text)) if text.chars().count() > 64 => {
            let error = error(Code::Malformed, &format!("too long for a {}", ty.noun()));
            errors.push(error.found(quote(text)).allowed("at most 64 characters"));
        }
        (Ty::Dur(above_zero), DeValue::String(text)) => match Dur::parse(text) {
            Err(what) => errors.push(error(code_of(&what), &what)),
            Ok(Dur::ZERO) if *above_zero => {
                let error = error(Code::OutOfRange, "must be above zero").found(quote(text));
                errors.push(error.allowed("a duration above zero, such as \"1s\""));
            }
            Ok(_) => {}
        },
        (Ty::Dist(above_zero), DeValue::String(_) | DeValue::Table(_)) => {
            match Dist::deserialize(ValueDeserializer::from(node.clone())) {
                // The parts of a table have been checked; what is left is their order.
                Err(e) if e.message().contains("comes first") => errors.push(error(Code::Order, e.message())),
                Err(e) => errors.push(error(code_of(e.message()), e.message())),
                // As a period, no time at all is an endless loop at one instant.
                Ok(dist) if *above_zero && dist.is_zero() => {
                    let error = error(Code::OutOfRange, "a period must be above zero");
                    errors.push(error.found(source.tick(node.span())).allowed("durations above zero"));
                }
                Ok(_) => {}
            }
        }
        (Ty::Dur(_) | Ty::Dist(_), DeValue::Integer(n)) => {
            let n = crate::scenario::text::shorten(&n.to_string(), 20);
            let what = format!("expected {}, got integer: a duration needs a unit", ty.noun());
            errors.push(error(Code::WrongType, &what).found(&n).fix(format!("write \"{n}s\" or \"{n}ms\"")));
        }
        (Ty::Rate, DeValue::String(text)) => {
            if let Err(what) = Rate::parse(text) {
                errors.push(error(code_of(&what), &what));
            }
        }
        (Ty::Failures, DeValue::Array(list)) if list.len() > MAX_ANSWERS => {
            let error = error(Code::ListLength, "too many entries in a list").found(list.len().to_string());
            errors.push(error.allowed(format!("at most {MAX_ANSWERS}")));
        }
        (Ty::Failures, DeValue::Array(list)) => {
            for entry in list.iter() {
                let at = |code, what: &str| ScenarioError::new(code, source, entry.span(), escape(what));
                match entry.get_ref() {
                    DeValue::String(text) if text.chars().count() > 80 => {
                        errors.push(at(Code::Malformed, "not an answer").found(quote(text)));
                    }
                    DeValue::String(text) => {
                        if let Err(what) = FailureSet::parse(&[text]) {
                            errors.push(at(Code::Malformed, &what));
                        }
                    }
                    other => {
                        let what = format!("expected string, got {}", other.type_str());
                        errors.push(at(Code::WrongType, &what).fix("answers are written \"401\" or \"5xx\""));
                    }
                }
            }
        }
        _ => check_number(checker, node, ty, errors),
    }
}

/// The error for a value of another type.
pub fn wrong_type(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty) -> ScenarioError {
    let what = format!("expected {}, got {}", ty.noun(), node.get_ref().type_str());
    let error = ScenarioError::new(Code::WrongType, checker.source, node.span(), what);
    let error = error.found(checker.source.tick(node.span()));
    match (ty, node.get_ref()) {
        (Ty::Word(words), _) => error.allowed(words.join(", ")),
        (Ty::Rate, _) => error.allowed("requests per duration, such as \"100/10s\" or \"5/s\""),
        (Ty::Dur(_), _) => error.allowed("a duration with a unit, such as \"5s\" or \"1h30m\""),
        (Ty::Dist(_), _) => {
            error.allowed("\"100ms\", or a table with one of uniform, exponential, log-normal, empirical")
        }
        (Ty::Tabs, _) => error.allowed("1 to 16, or [{ tabs = 1, share = 0.7 }, { tabs = 3, share = 0.3 }]"),
        (Ty::Whom, DeValue::Integer(n)) => {
            error.allowed(WHOM_FORMS).fix(format!("write user = {}", shorten(&n.to_string(), 20)))
        }
        (Ty::Whom, _) => error.allowed(WHOM_FORMS),
        (Ty::Failures, _) => error.allowed("[\"401\", \"422\"], [\"4xx\", \"!429\"], [\"5xx\", \"network\"]"),
        (Ty::Bool, _) => error.allowed("true, false"),
        (Ty::List(Ty::Table(table), ..), DeValue::Table(_)) if table.title.starts_with("[[") => {
            error.fix(format!("write {} with two brackets", table.title))
        }
        (Ty::List(..), DeValue::String(_)) => error.fix("put it in brackets: [\"...\"]"),
        _ => error,
    }
}

/// The parsers of durations and rates say what is wrong in words; beyond a limit is another kind of error.
fn code_of(what: &str) -> Code {
    if what.contains("beyond the limit") || what.contains("out of range") {
        Code::OutOfRange
    } else {
        Code::Malformed
    }
}
