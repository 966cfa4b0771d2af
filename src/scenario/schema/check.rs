//! Holds a tree against the tables of the format and collects everything that disagrees, not only the first.

use super::leaf::check_leaf;
use super::{Table, Ty};
use crate::scenario::error::{Code, Errors, MAX_ERRORS, PICTURED, ScenarioError};
use crate::scenario::nearest::nearest;
use crate::scenario::source::Source;
use crate::scenario::spans::Node;
use crate::scenario::text::tick;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Checks a whole text against the table of its top level.
pub fn check(source: &Arc<Source>, root: &Node<'_>, top: &'static Table, errors: &mut Errors) {
    Checker { source, top }.value(root, &Ty::Table(top), errors);
}

/// Checks one value against its type.
pub fn check_value(source: &Arc<Source>, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
    Checker { source, top: &super::SCENARIO }.value(node, ty, errors);
}

pub(super) struct Checker<'a> {
    pub source: &'a Arc<Source>,
    /// The table where a key may belong that is unknown elsewhere.
    top: &'static Table,
}

impl Checker<'_> {
    fn value(&self, node: &Node<'_>, ty: &Ty, errors: &mut Errors) {
        match (ty, node.get_ref()) {
            (Ty::Table(table), DeValue::Table(found)) => self.table(node, table, found, errors),
            (Ty::Dist(_), DeValue::Table(found)) => {
                let before = errors.len();
                self.table(node, &super::format::DIST, found, errors);
                if errors.len() == before {
                    check_leaf(self, node, ty, errors);
                }
            }
            (Ty::Whom, DeValue::Table(found)) => self.table(node, &super::format::WHOM, found, errors),
            (Ty::List(ty, least, most), DeValue::Array(list)) => {
                self.length(node, list.len(), *least, *most, errors);
                list.iter().take(*most).for_each(|entry| self.value(entry, ty, errors));
            }
            (Ty::Tabs, DeValue::Array(list)) => {
                self.length(node, list.len(), 1, 16, errors);
                list.iter().take(16).for_each(|entry| self.value(entry, &super::ONE_TAB_SHARE, errors));
            }
            _ => check_leaf(self, node, ty, errors),
        }
    }

    fn table(&self, node: &Node<'_>, table: &'static Table, found: &DeTable<'_>, errors: &mut Errors) {
        let mut unknown = Vec::new();
        for (key, value) in found.iter() {
            match table.key(key.get_ref()) {
                Some(known) => self.value(value, &known.ty, errors),
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
        let error = |what: String| ScenarioError::new(Code::MissingKey, self.source, node.span(), what);
        if table.one_of {
            let given: Vec<_> = found.keys().filter(|key| table.key(key.get_ref()).is_some()).collect();
            let kinds = table.names().collect::<Vec<_>>().join(", ");
            if found.is_empty() {
                errors.push(error(format!("{} without a kind", table.title)).allowed(kinds));
            } else if let [first, second, ..] = given[..] {
                let what = format!("{} has one kind", table.title);
                let error = ScenarioError::new(Code::KeyOfOtherKind, self.source, second.span(), what);
                let both = format!("{} and {}", tick(first.get_ref()), tick(second.get_ref()));
                errors.push(error.found(both).other(first.span(), "the other kind"));
            }
        }
        for key in table.keys {
            let excused = key.unless.is_some_and(|other| found.get(other).is_some());
            if let (Some(example), None, false) = (key.required, found.get(key.name), excused) {
                // A near miss is already reported as an unknown key with this name as its fix.
                if !unknown[..searched].iter().any(|(k, _)| nearest(k, table.names()) == Some(key.name)) {
                    let what = format!("missing key `{}` {}", key.name, table.whereabouts());
                    errors.push(error(what).fix(format!("add {example}")));
                }
            }
        }
    }

    /// The error for a key that the table does not have; with `search`, what was probably meant.
    fn unknown_key(
        &self,
        table: &'static Table,
        key: &str,
        span: std::ops::Range<usize>,
        search: bool,
    ) -> ScenarioError {
        let what = format!("unknown key {} {}", tick(key), table.whereabouts());
        let allowed = table.names().collect::<Vec<_>>().join(", ");
        let error = ScenarioError::new(Code::UnknownKey, self.source, span, what).allowed(allowed);
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
        let allowed = match (least, most) {
            (least, most) if least == most => format!("exactly {least}"),
            (0, most) => format!("at most {most}"),
            (least, most) => format!("{least} to {most}"),
        };
        let what = if found < least { "too few entries in a list" } else { "too many entries in a list" };
        let error = ScenarioError::new(Code::ListLength, self.source, node.span(), what);
        errors.push(error.found(found.to_string()).allowed(allowed));
    }
}
