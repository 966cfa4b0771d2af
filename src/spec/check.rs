//! Walks a tree beside the description of its file and collects everything that disagrees, not only the first.

use super::reference::quoted;
use super::single::{check_single, wrong_type};
use super::{Belongs, Key, Table, Ty};
use crate::text::{nearest, quote, shorten, tick};
use crate::toml_text::error::{MAX_ERRORS, PICTURED};
use crate::toml_text::{Code, Errors, Node, Source, TextError};
use serde_json::Value;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Checks a whole text against the table of its top level.
pub fn check(source: &Arc<Source>, root: &Node<'_>, top: &'static Table, errors: &mut Errors) {
    Checker { source, top }.value(root, &Ty::Table(top), errors);
}

/// Checks one value of a file against its type.
pub fn check_value(source: &Arc<Source>, node: &Node<'_>, ty: &Ty, top: &'static Table, errors: &mut Errors) {
    Checker { source, top }.value(node, ty, errors);
}

pub(super) struct Checker<'a> {
    pub source: &'a Arc<Source>,
    /// The table where a key may belong that is unknown elsewhere.
    top: &'static Table,
}

impl Checker<'_> {
    pub(super) fn value(&self, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
        match (ty, node.get_ref()) {
            (Ty::Table(table), DeValue::Table(found)) => self.table(node, table, found, errors),
            (Ty::Dist { kinds, .. }, DeValue::Table(found)) => {
                let before = errors.len();
                self.table(node, kinds, found, errors);
                if errors.len() == before {
                    check_single(self, node, ty, errors);
                }
            }
            (Ty::List(ty, least, most), DeValue::Array(list)) => {
                self.length(node, list.len(), *least, *most, errors);
                list.iter().take(*most).for_each(|entry| self.value(entry, ty, errors));
            }
            (Ty::Choice { forms, noun, written }, DeValue::String(word)) if !has_word(forms, word) => {
                let what = format!("unknown {}", noun.split(" (").next().unwrap_or(noun));
                let error = TextError::new(Code::UnknownWord, self.source, node.span(), what);
                errors.push(error.found(quote(word)).allowed(written.as_str()));
            }
            (Ty::Choice { forms, .. }, _) => match forms.iter().find(|form| form.takes(node.get_ref())) {
                Some(form) => self.value(node, form, errors),
                None => check_single(self, node, ty, errors),
            },
            _ => check_single(self, node, ty, errors),
        }
    }

    fn table(&self, node: &Node<'_>, table: &'static Table, found: &DeTable<'_>, errors: &mut Errors) {
        let mut unknown = Vec::new();
        for (key, value) in found.iter() {
            match table.key(key.get_ref()) {
                Some(known) => match table.instead(known, value.get_ref()) {
                    Some(other) => {
                        let text = shorten(&self.source.text[value.span()], 20);
                        let error = wrong_type(self, value, &known.ty);
                        errors.push(error.fix(format!("write {} = {text}", other.name)));
                    }
                    None => self.value(value, &known.ty, errors),
                },
                None => unknown.push((key.get_ref().as_ref(), key.span())),
            }
        }
        unknown.sort_by_key(|(_, span)| span.start);
        let beyond = unknown.split_off(unknown.len().min(MAX_ERRORS));
        errors.count(beyond.len());
        // A search for what was meant costs time, so it is made for as many as are shown in full.
        let searched = unknown.len().min(2 * PICTURED);
        for (n, (key, span)) in unknown.iter().enumerate() {
            errors.push(self.unknown_key(table, key, span.clone(), n < searched));
        }
        let error = |what: String| TextError::new(Code::MissingKey, self.source, node.span(), what);
        if table.one_of {
            let given: Vec<_> = found.keys().filter(|key| table.key(key.get_ref()).is_some()).collect();
            let kinds = table.names().collect::<Vec<_>>().join(", ");
            if found.is_empty() {
                errors.push(error(format!("{} without a kind", table.title)).allowed(kinds));
            } else if let [first, second, ..] = given[..] {
                let what = format!("{} has one kind", table.title);
                let error = TextError::new(Code::KeyOfOtherKind, self.source, second.span(), what);
                let both = format!("{} and {}", tick(first.get_ref()), tick(second.get_ref()));
                errors.push(error.found(both).other(first.span(), "the other kind"));
            }
        }
        // A near miss is reported as an unknown key with this name as its fix, and not as a missing key too.
        let is_near_miss =
            |name: &str| unknown[..searched].iter().any(|(k, _)| nearest(k, table.names()) == Some(name));
        for key in &table.keys {
            let excused = key.unless.iter().any(|other| found.get(other.as_str()).is_some());
            if key.required && !excused && found.get(key.name.as_str()).is_none() && !is_near_miss(&key.name)
            {
                let what = format!("missing key `{}` {}", key.name, table.whereabouts());
                errors.push(error(what).fix(format!("add {}", key.addition(table))));
            }
            if let Some(belongs) = &key.belongs {
                self.belongs(table, key, belongs, found, errors);
            }
        }
    }

    /// Checks that a key goes with the value of the other key on which it depends.
    fn belongs(
        &self,
        table: &'static Table,
        key: &Key,
        belongs: &Belongs,
        found: &DeTable<'_>,
        errors: &mut Errors,
    ) {
        let Some(tag) = found.get(belongs.to.as_str()) else { return };
        // A word that is none has an error of its own.
        let Some(word) = tag.get_ref().as_str().filter(|word| table.is_word(&belongs.to, word)) else {
            return;
        };
        match (belongs.holds(word), found.get_key_value(key.name.as_str())) {
            (true, None) if belongs.needed => {
                let what = format!("{} = \"{word}\" needs `{}`", belongs.to, key.name);
                let error = TextError::new(Code::KeyOfThisKind, self.source, tag.span(), what);
                errors.push(error.fix(format!("add {}", key.addition(table))));
            }
            // A default that is written out says nothing else than the key's absence.
            (false, Some((name, value))) if !is_value(value, key.default.as_ref()) => {
                let what = match belongs.why_not.iter().find(|(other, _)| other == word) {
                    Some((_, why)) => format!("{why}: it has no `{}`", key.name),
                    None => {
                        let words = quoted(&belongs.words);
                        format!("`{}` belongs to {} = {words}, not \"{word}\"", key.name, belongs.to)
                    }
                };
                let error = TextError::new(Code::KeyOfOtherKind, self.source, name.span(), what);
                let others: Vec<&str> = table.keys_of(&belongs.to, word).collect();
                let error = if others.is_empty() { error } else { error.allowed(others.join(", ")) };
                errors.push(error.fix("remove it").other(tag.span(), format!("the {}", belongs.to)));
            }
            _ => {}
        }
    }

    /// The error for a key that the table does not have; with `search`, what was probably meant.
    fn unknown_key(
        &self,
        table: &'static Table,
        key: &str,
        span: std::ops::Range<usize>,
        search: bool,
    ) -> TextError {
        let what = format!("unknown key {} {}", tick(key), table.whereabouts());
        let allowed = table.names().collect::<Vec<_>>().join(", ");
        let error = TextError::new(Code::UnknownKey, self.source, span, what).allowed(allowed);
        if !search {
            return error;
        }
        match nearest(key, table.names()) {
            Some(name) => error.did_you_mean(Some(name)),
            None => match self.top.home_of(key) {
                Some(home) if std::ptr::eq(home, self.top) => {
                    error.fix(format!("it belongs {}, before the first [table]", home.whereabouts()))
                }
                Some(home) => error.fix(format!("it belongs {}", home.whereabouts())),
                None => error,
            },
        }
    }

    fn length(&self, node: &Node<'_>, found: usize, least: usize, most: usize, errors: &mut Errors) {
        if (least..=most).contains(&found) {
            return;
        }
        let what = if found < least { "too few entries in a list" } else { "too many entries in a list" };
        let error = TextError::new(Code::ListLength, self.source, node.span(), what);
        errors.push(error.found(found.to_string()).allowed(super::reference::lengths(least, most)));
    }
}

/// Whether a choice has words and this is one of them, or has no words, so that the question does not arise.
fn has_word(forms: &[Ty], found: &str) -> bool {
    let words = forms.iter().find_map(|form| match form {
        Ty::Word(words) => Some(words),
        _ => None,
    });
    words.is_none_or(|words| words.iter().any(|known| known.is(found)))
}

impl Belongs {
    /// Whether this value of the other key goes with the key.
    pub fn holds(&self, word: &str) -> bool {
        match self.words.is_empty() {
            true => !self.why_not.iter().any(|(other, _)| other == word),
            false => self.words.iter().any(|other| other == word),
        }
    }
}

impl Table {
    /// The key that stands for this one where a value of this TOML type belongs to it: `user` for `users = 5`.
    fn instead(&self, key: &Key, value: &DeValue<'_>) -> Option<&Key> {
        let stands_in = |other: &&Key| other.unless.contains(&key.name) && other.ty.takes(value);
        self.keys.iter().find(stands_in).filter(|_| matches!(value, DeValue::Integer(_)))
    }

    /// The keys that belong to this value of another key, and not to all values.
    fn keys_of<'a>(&'a self, to: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
        let belongs = move |key: &&Key| {
            key.belongs.as_ref().is_some_and(|b| b.to == to && b.words.iter().any(|other| other == word))
        };
        self.keys.iter().filter(belongs).map(|key| key.name.as_str())
    }
}

impl Key {
    /// How the key is added to its table: `users = 1000`, `horizon = "10m", a duration with a unit`.
    pub fn addition(&self, table: &Table) -> String {
        let own = match (&self.add, &self.ty) {
            (Some(add), _) => return add.clone(),
            (None, Ty::Table(of)) if of.title.starts_with('[') => {
                let first = of.keys.iter().find(|key| key.required);
                first.map_or(of.title.clone(), |key| {
                    format!("{} with {} = {}", of.title, key.name, key.example)
                })
            }
            _ => format!("{} = {}", self.name, self.example),
        };
        let own = match (&self.ty, self.unit.as_str()) {
            (Ty::Leaf { leaf, .. }, _) if leaf.name == "duration" => format!("{own}, a duration with a unit"),
            (Ty::Dist { .. }, _) => format!("{own}, a duration or a distribution"),
            (_, "") => own,
            (_, unit) if unit == self.name => own,
            (_, unit) => format!("{own}, {unit}"),
        };
        match self.unless.first().and_then(|other| table.key(other)) {
            Some(Key { ty: Ty::List(..), name, .. }) => format!("{own}, or a [[{name}]]"),
            Some(other) => format!("{own}, or {} = {}", other.name, other.example),
            None => own,
        }
    }
}

impl Ty {
    /// Whether a value of this TOML type can be one of this type.
    fn takes(&self, value: &DeValue<'_>) -> bool {
        matches!(
            (self, value),
            (Ty::Table(_), DeValue::Table(_))
                | (Ty::List(..), DeValue::Array(_))
                | (Ty::Int { .. }, DeValue::Integer(_) | DeValue::Float(_))
                | (Ty::Word(_) | Ty::Leaf { .. } | Ty::Text { .. }, DeValue::String(_))
        )
    }
}

/// Whether a value in a text is this one.
fn is_value(found: &Node<'_>, value: Option<&Value>) -> bool {
    match (found.get_ref(), value) {
        (DeValue::Boolean(a), Some(Value::Bool(b))) => a == b,
        (DeValue::String(a), Some(Value::String(b))) => a == b,
        (DeValue::Integer(a), Some(b)) => b.as_i64().is_some_and(|b| a.as_str() == b.to_string()),
        (DeValue::Float(a), Some(b)) => {
            b.as_f64().is_some_and(|b| a.as_str().parse().is_ok_and(|a: f64| a.to_bits() == b.to_bits()))
        }
        (DeValue::Array(list), Some(Value::Array(of))) => list.is_empty() && of.is_empty(),
        (DeValue::Array(list), None) => list.is_empty(),
        _ => false,
    }
}
