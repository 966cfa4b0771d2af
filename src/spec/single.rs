//! Checks of single values that are not numbers: texts, words, durations, distributions.

use super::check::Checker;
use super::leaf::{DURATION, Leaf, Sense};
use super::number::check_number;
use super::{Ty, Word};
use crate::kernel::Dist;
use crate::text::{escape, is_hidden, nearest, push_escaped, quote, shorten};
use crate::toml_text::{Code, Errors, Node, Source, TextError};
use serde::Deserialize;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeValue, ValueDeserializer};

/// Checks a value that is not a table of the format.
pub(super) fn check_single(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
    let source = checker.source;
    let error = |code, what: &str| TextError::new(code, source, node.span(), escape(what));
    match (ty, node.get_ref()) {
        (Ty::Reference, DeValue::String(_)) | (Ty::Bool, DeValue::Boolean(_)) => {}
        (Ty::Text { longest, lines }, DeValue::String(text)) => {
            if let Some(error) = check_text(source, node.span(), text, *longest, *lines) {
                errors.push(error);
            }
        }
        (Ty::Word(words), DeValue::String(word)) => {
            if !words.iter().any(|known| known.is(word)) {
                let error = error(Code::UnknownWord, "unknown word").found(quote(word));
                let known = || words.iter().map(|known| known.word.as_str());
                errors.push(error.allowed(join(words)).did_you_mean(nearest(word, known())));
            }
        }
        (Ty::Leaf { leaf, above_zero }, DeValue::String(text)) => {
            check_leaf(checker, node, text, leaf, *above_zero, errors);
        }
        (Ty::Dist { above_zero, .. }, DeValue::String(text)) => {
            let before = errors.len();
            check_leaf(checker, node, text, &DURATION, false, errors);
            if errors.len() == before {
                check_dist(checker, node, *above_zero, errors);
            }
        }
        (Ty::Dist { above_zero, .. }, DeValue::Table(_)) => check_dist(checker, node, *above_zero, errors),
        (Ty::Leaf { leaf: Leaf { name: "duration", .. }, .. } | Ty::Dist { .. }, DeValue::Integer(n)) => {
            let n = shorten(&n.to_string(), 20);
            let what = format!("expected {}, got integer: a duration needs a unit", ty.noun());
            errors.push(error(Code::WrongType, &what).found(&n).fix(format!("write \"{n}s\" or \"{n}ms\"")));
        }
        _ => check_number(checker, node, ty, errors),
    }
}

/// Checks a text that is read further.
fn check_leaf(
    checker: &Checker<'_>,
    node: &Node<'_>,
    text: &str,
    leaf: &Leaf,
    above_zero: bool,
    errors: &mut Errors,
) {
    let error = |code, what: &str| TextError::new(code, checker.source, node.span(), escape(what));
    if text.chars().count() > leaf.longest {
        let error = error(Code::Malformed, &format!("too long for a {}", leaf.noun));
        errors.push(error.found(quote(text)).allowed(format!("at most {} characters", leaf.longest)));
        return;
    }
    match (leaf.read)(text) {
        Err(wrong) => {
            let error = error(wrong.code, &wrong.what);
            let (found, allowed, fix) = (wrong.found, wrong.allowed, wrong.fix);
            errors.push(TextError { found, allowed, fix, ..error });
        }
        Ok(Sense::Zero) if above_zero => {
            let error = error(Code::OutOfRange, "must be above zero").found(quote(text));
            errors.push(error.allowed("a duration above zero, such as \"1s\""));
        }
        Ok(_) => {}
    }
}

/// Checks what the parts of a distribution, which are right, say together.
fn check_dist(checker: &Checker<'_>, node: &Node<'_>, above_zero: bool, errors: &mut Errors) {
    let error = |code, what: &str| TextError::new(code, checker.source, node.span(), escape(what));
    match Dist::deserialize(ValueDeserializer::from(node.clone())) {
        Err(e) => errors.push(error(Code::Order, e.message())),
        // As a period, no time at all is an endless loop at one instant.
        Ok(dist) if above_zero && dist.is_zero() => {
            let error = error(Code::OutOfRange, "a period must be above zero");
            errors.push(error.found(checker.source.tick(node.span())).allowed("durations above zero"));
        }
        Ok(_) => {}
    }
}

/// Checks a text: at most `most` characters, none of them hidden; line breaks only where `lines` says so.
fn check_text(
    source: &Arc<Source>,
    span: Range<usize>,
    text: &str,
    most: usize,
    lines: bool,
) -> Option<TextError> {
    let count = text.chars().count();
    if count > most {
        let error = TextError::new(Code::LongText, source, span, "text too long");
        return Some(error.found(format!("{count} characters")).allowed(format!("at most {most}")));
    }
    let bad = text.chars().find(|&c| is_hidden(c) && !(lines && c == '\n'))?;
    let mut shown = String::new();
    push_escaped(&mut shown, bad);
    let at = place_in_literal(&source.text, &span, bad);
    let error = TextError::new(Code::BadText, source, at, "control or format character in a text");
    Some(error.found(shown).allowed("characters that print").fix("remove it"))
}

/// Where in the literal the character stands, when it stands there as itself and not as an escape.
fn place_in_literal(text: &str, span: &Range<usize>, c: char) -> Range<usize> {
    let found = text.get(span.clone()).and_then(|literal| literal.find(c));
    found.map_or(span.clone(), |at| span.start + at..span.start + at + c.len_utf8())
}

/// The error for a value of another type.
pub(super) fn wrong_type(checker: &Checker<'_>, node: &Node<'_>, ty: &Ty) -> TextError {
    let what = format!("expected {}, got {}", ty.noun(), node.get_ref().type_str());
    let error = TextError::new(Code::WrongType, checker.source, node.span(), what);
    let error = error.found(checker.source.tick(node.span()));
    match (ty, node.get_ref()) {
        (Ty::Word(words), _) => error.allowed(join(words)),
        (Ty::Leaf { leaf, .. }, _) => error.allowed(leaf.written),
        (Ty::Dist { kinds, .. }, _) => {
            let kinds = kinds.names().collect::<Vec<_>>().join(", ");
            error.allowed(format!("\"100ms\", or a table with one of {kinds}"))
        }
        (Ty::Choice { written, .. }, _) => error.allowed(written.as_str()),
        (Ty::Bool, _) => error.allowed("true, false"),
        (Ty::List(entry, ..), found) => match (&**entry, found) {
            (Ty::Leaf { leaf, .. }, _) => error.allowed(leaf.written_list),
            (Ty::Table(table), DeValue::Table(_)) if table.title.starts_with("[[") => {
                error.fix(format!("write {} with two brackets", table.title))
            }
            (_, DeValue::String(_)) => error.fix("put it in brackets: [\"...\"]"),
            _ => error,
        },
        _ => error,
    }
}

fn join(words: &[Word]) -> String {
    let said = |known: &Word| match known.is_path {
        true => format!("a path such as {}", quote(&known.word)),
        false => known.word.clone(),
    };
    words.iter().map(said).collect::<Vec<_>>().join(", ")
}
