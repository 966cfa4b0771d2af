//! Checks of numbers: exact ranges, finite floats, and messages that know what was probably meant.

use super::check::Checker;
use super::reference::whole_range;
use super::single::wrong_type;
use super::{Each, Ty};
use crate::text::{Decimal, shorten};
use crate::toml_text::{Code, Errors, Node, TextError};
use serde::Deserialize;
use toml::de::{DeInteger, DeValue, ValueDeserializer};

/// Checks a number, and refuses everything else that no other check has taken.
pub(super) fn check_number(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
    let found = shorten(&checker.source.text[node.span()], 40);
    let error =
        |code, what: &str| TextError::new(code, checker.source, node.span(), what).found(found.clone());
    match (ty, node.get_ref()) {
        (Ty::Version(version), DeValue::Integer(n)) => {
            if value(n) != Some(i128::from(*version)) {
                let what = "a version of the format that this build does not read";
                errors.push(
                    error(Code::Version, what).allowed(format!("this build reads versions 1..{version}")),
                );
            }
        }
        (Ty::Int { least, most, each }, DeValue::Integer(n)) => {
            let inside = value(n).is_some_and(|n| (i128::from(*least)..=i128::from(*most)).contains(&n));
            if inside {
                return;
            }
            errors.push(match each {
                Some(each) if !n.as_str().starts_with('-') => error(Code::TooMuchMemory, &too_many(n, each))
                    .allowed(whole_range((*least).max(1), *most)),
                _ => error(Code::OutOfRange, "number out of range").allowed(whole_range(*least, *most)),
            });
        }
        (Ty::Int { .. } | Ty::Version(_), DeValue::Float(f)) => {
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
                    errors.push(TextError { code: Code::OutOfRange, ..error });
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

/// How much memory so many would take.
fn too_many(n: &DeInteger<'_>, Each { unit, bytes }: &Each) -> String {
    // Beyond 128 bits the amount says nothing any more.
    let Some(many) = value(n) else { return format!("more {unit} than any memory holds") };
    let gb = many as f64 * *bytes as f64 / 1e9;
    let amount = if gb < 1e4 { format!("{gb:.0} GB") } else { format!("{:.0} TB", gb / 1e3) };
    let amount = if amount.len() > 20 { "more memory than there is".into() } else { amount };
    format!("too many {unit}: needs about {amount} at {bytes} B per {}", unit.trim_end_matches('s'))
}

/// Checks a finite number against the range of its type.
fn check_float(text: &str, ty: &Ty, error: impl Fn(Code, &str) -> TextError) -> Option<TextError> {
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
fn check_decimal(node: &Node<'_>, ty: &Ty, error: impl Fn(Code, &str) -> TextError, errors: &mut Errors) {
    if let Ty::Decimal(_) = ty
        && Decimal::deserialize(ValueDeserializer::from(node.clone())).is_err()
    {
        errors.push(error(Code::Malformed, "too many decimals").allowed("at most six"));
    }
}
