//! Checks of numbers: exact ranges, finite floats, and messages that know what was probably meant.

use super::Ty;
use super::check::Checker;
use super::leaf::wrong_type;
use crate::client::policy::Decimal;
use crate::scenario::FORMAT_VERSION;
use crate::scenario::error::{Code, Errors, ScenarioError};
use crate::scenario::spans::Node;
use crate::scenario::text::shorten;
use serde::Deserialize;
use toml::de::{DeInteger, DeValue, ValueDeserializer};

/// The most users of a fleet.
pub const MAX_USERS: u64 = 100_000_000;
/// What one user costs in memory: state of browser and tab, its pending event and its row of results.
const BYTES_PER_USER: f64 = 160.0;

/// Checks a number, and refuses everything else that no other check has taken.
pub fn check_number(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
    let found = shorten(&checker.source.text[node.span()], 40);
    let error =
        |code, what: &str| ScenarioError::new(code, checker.source, node.span(), what).found(found.clone());
    let range = |least: u64, most: u64| match most {
        u64::MAX => format!("{least} to 2^64 - 1"),
        most => format!("{least} to {most}"),
    };
    let mut integer = |n: &DeInteger<'_>, least: u64, most: u64| {
        let inside = value(n).is_some_and(|n| (i128::from(least)..=i128::from(most)).contains(&n));
        if !inside {
            errors.push(error(Code::OutOfRange, "number out of range").allowed(range(least, most)));
        }
    };
    match (ty, node.get_ref()) {
        (Ty::Int(least, most), DeValue::Integer(n)) => integer(n, *least, *most),
        (Ty::Tabs, DeValue::Integer(n)) => integer(n, 1, 16),
        (Ty::Version, DeValue::Integer(n)) => {
            if value(n) != Some(i128::from(FORMAT_VERSION)) {
                let what = "a version of the format that this build does not read";
                let allowed = format!("this build reads versions 1..{FORMAT_VERSION}");
                errors.push(error(Code::Version, what).allowed(allowed));
            }
        }
        (Ty::Users, DeValue::Integer(n)) => {
            let many = value(n).is_none_or(|n| n > i128::from(MAX_USERS)) && !n.as_str().starts_with('-');
            if many {
                errors.push(error(Code::TooManyUsers, &too_many_users(n)).allowed(range(1, MAX_USERS)));
            } else {
                // Zero is for scenarios of generic workloads; `validate/workload.rs` looks whether there are any.
                integer(n, 0, MAX_USERS);
            }
        }
        (Ty::Int(..) | Ty::Version | Ty::Users | Ty::Tabs, DeValue::Float(f)) => {
            let error = wrong_type(checker, node, ty);
            let x: f64 = f.as_str().parse().unwrap_or(f64::NAN);
            let whole = x.abs() < 9e15 && libm::trunc(x).to_bits() == x.to_bits();
            errors.push(if whole { error.fix(format!("write {x:.0}")) } else { error });
        }
        (Ty::Float(..) | Ty::Share | Ty::Decimal(_), DeValue::Float(f)) => {
            if let Some(error) = check_float(f.as_str(), ty, error) {
                errors.push(error);
            } else {
                check_decimal(node, ty, error, errors);
            }
        }
        (Ty::Float(..) | Ty::Share | Ty::Decimal(_), DeValue::Integer(n)) => {
            let n = value(n).map_or("inf".to_owned(), |n| n.to_string());
            match check_float(&n, ty, error) {
                Some(error) if error.code == Code::NotFinite => {
                    errors.push(ScenarioError { code: Code::OutOfRange, ..error });
                }
                Some(error) => errors.push(error),
                None => check_decimal(node, ty, error, errors),
            }
        }
        _ => errors.push(wrong_type(checker, node, ty)),
    }
}

/// The value of an integer; none beyond 128 bits.
fn value(n: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(n.as_str(), n.radix()).ok()
}

fn too_many_users(n: &DeInteger<'_>) -> String {
    // Beyond 128 bits the amount says nothing any more.
    let Some(users) = value(n) else { return "more users than any memory holds".into() };
    let gb = users as f64 * BYTES_PER_USER / 1e9;
    let amount = if gb < 1e4 { format!("{gb:.0} GB") } else { format!("{:.0} TB", gb / 1e3) };
    let amount = if amount.len() > 20 { "more memory than there is".into() } else { amount };
    format!("too many users: needs about {amount} at {BYTES_PER_USER:.0} B per user")
}

/// Checks a finite number against the range of its type.
fn check_float(text: &str, ty: &Ty, error: impl Fn(Code, &str) -> ScenarioError) -> Option<ScenarioError> {
    let x: f64 = text.parse().unwrap_or(f64::NAN);
    let (least, most) = match ty {
        Ty::Float(least, most) => (*least, *most),
        Ty::Decimal(least) => (*least as f64 / 1e6, 1e6),
        _ => (0.0, 1.0),
    };
    if !x.is_finite() {
        return Some(error(Code::NotFinite, "must be finite").allowed(format!("{least} to {most}")));
    }
    // A text such as 1e-400 is not zero but reads as zero, or loses digits just above it.
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let nonzero = mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if nonzero && !x.is_normal() {
        let error = error(Code::OutOfRange, "smaller than the smallest number that is held exactly");
        return Some(error.allowed("0, or at least 2.3e-308"));
    }
    if (least..=most).contains(&x) {
        return None;
    }
    let error = error(Code::OutOfRange, "number out of range");
    Some(match ty {
        Ty::Share if (2.0..=100.0).contains(&x) => {
            error.allowed("0..1").fix(format!("(did you mean {:.2}?)", x / 100.0))
        }
        Ty::Share => error.allowed("0..1"),
        _ => error.allowed(format!("{least} to {most}")),
    })
}

/// A factor or ratio must also be exact in millionths.
fn check_decimal(node: &Node<'_>, ty: &Ty, error: impl Fn(Code, &str) -> ScenarioError, errors: &mut Errors) {
    if let Ty::Decimal(_) = ty
        && Decimal::deserialize(ValueDeserializer::from(node.clone())).is_err()
    {
        errors.push(error(Code::Malformed, "too many decimals").allowed("at most six"));
    }
}
