//! A TOML text as a tree with the place of each key and value, and paths such as `backend.limit[0].burst` in it.

use super::duplicate;
use super::error::{Code, Errors, PICTURED, TextError};
use super::nesting::{MAX_DEPTH, too_deep};
use super::source::Source;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its place.
pub type Node<'a> = Spanned<DeValue<'a>>;

/// A parsed text. `root` is a table. The span of a `[table]` is its header, that of an inline table the whole table.
pub struct Doc<'a> {
    /// The text.
    pub source: &'a Arc<Source>,
    /// The whole text as a value.
    pub root: Node<'a>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl<'a> Doc<'a> {
    /// Parses a text.
    ///
    /// # Errors
    /// Nesting that is too deep, or text that is not TOML: the first such place of each line. Keys given twice do not stop
    /// the parser. They are returned beside the tree.
    pub fn parse(source: &'a Arc<Source>) -> Result<(Doc<'a>, Errors), Errors> {
        if let Some(span) = too_deep(&source.text) {
            let what = format!("nesting deeper than {MAX_DEPTH}");
            return Err(TextError::new(Code::TooDeep, source, span, what).into());
        }
        let (table, problems) = DeTable::parse_recoverable(&source.text);
        let doc = Doc { source, root: Spanned::new(0..0, DeValue::Table(table.into_inner())) };
        let (mut duplicates, mut errors) = (Errors::default(), Errors::default());
        let end = source.text.len();
        let mut problems: Vec<_> = problems.into_iter().map(|p| (p.span().unwrap_or(end..end), p)).collect();
        problems.sort_by_key(|(span, _)| span.start);
        let mut line_end = 0;
        for (span, problem) in problems {
            if problem.message() == "duplicate key" {
                // Finding the first place costs a second parse, so it is done only for errors that are shown in full.
                let searched = duplicates.len() < PICTURED;
                duplicates.push(duplicate::error(&doc, span, searched));
            } else if span.start >= line_end {
                // One mistake often gives several parser errors on its line. The first one is the most informative.
                line_end = source.text[source.boundary(span.start)..]
                    .find('\n')
                    .map_or(usize::MAX, |n| span.start + n);
                let what = format!("not TOML: {}", crate::text::shorten(problem.message(), 160));
                errors.push(TextError::new(Code::Syntax, source, span, what));
            }
        }
        if errors.is_empty() {
            return Ok((doc, duplicates));
        }
        errors.append(duplicates);
        Err(errors)
    }

    /// The value at a path.
    pub fn node(&self, path: &str) -> Option<&Node<'a>> {
        self.walk(&steps(path)?).ok()
    }

    /// Place of the value at this path; if there is none, place of the nearest table or list around it.
    pub fn at(&self, path: &str) -> Range<usize> {
        match self.walk(&steps(path).unwrap_or_default()) {
            Ok(node) | Err(node) => node.span(),
        }
    }

    /// Place of the key at this path; if there is none, place where the value would be.
    pub fn key_at(&self, path: &str) -> Range<usize> {
        let key = || {
            let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
            let (key, _) = self.node(table)?.get_ref().as_table()?.get_key_value(key)?;
            Some(key.span())
        };
        key().unwrap_or_else(|| self.at(path))
    }

    /// Follows the steps. The error is the last node that exists.
    pub fn walk(&self, steps: &[Step]) -> Result<&Node<'a>, &Node<'a>> {
        let mut node = &self.root;
        for step in steps {
            let next = match (step, node.get_ref()) {
                (Step::Key(key), DeValue::Table(table)) => table.get(key.as_str()),
                (Step::Index(i), DeValue::Array(list)) => list.get(*i),
                _ => None,
            };
            node = next.ok_or(node)?;
        }
        Ok(node)
    }
}

/// The steps of a path; `None` if it is not well-formed. The empty path is the root.
pub fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    if path.is_empty() {
        return Some(steps);
    }
    for segment in path.split('.') {
        let (key, mut indices) = segment.split_at(segment.find('[').unwrap_or(segment.len()));
        if key.is_empty() {
            return None;
        }
        steps.push(Step::Key(key.to_owned()));
        while !indices.is_empty() {
            let (index, rest) = indices.strip_prefix('[')?.split_once(']')?;
            let digits = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
            steps.push(Step::Index(index.parse().ok().filter(|_| digits)?));
            indices = rest;
        }
    }
    Some(steps)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places() {
        let source = Source::new("t", "a = 1\n[b]\nc = [10, 20]\n[[d]]\n[[d]]\ne = { f = 'x' }\n");
        let Ok((doc, _)) = Doc::parse(&source) else { panic!("it is TOML") };
        for (path, text) in [
            ("a", "1"),
            ("b", "[b]"),
            ("b.c[1]", "20"),
            ("d[1]", "[[d]]"),
            ("d[1].e.f", "'x'"),
            ("d[1].e.g", "{ f = 'x' }"),
            ("b.nothing.here", "[b]"),
        ] {
            assert_eq!(&source.text[doc.at(path)], text, "{path}");
        }
        assert_eq!(&source.text[doc.key_at("d[1].e.f")], "f");
        for bad in ["a..b", ".a", "a[", "a[x]", "a[1]b", "a[+1]", "[0]"] {
            assert_eq!(steps(bad), None, "{bad}");
        }
    }
}
