//! Writes an override into a TOML text. Comments and lines stay as they are, so that errors still point at the user's own
//! lines.

use super::source::{Override, Source};
use super::tree::{Doc, Node, Step};
use crate::text::tick;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text with the value at this path replaced or added. Tries every form of writing and reads it back. Takes the first
/// form that has exactly the intended content.
///
/// # Errors
/// Why there is no place for the value.
pub fn edit(
    source: &Arc<Source>,
    path: &[Step],
    value: &Node<'_>,
    text: &str,
    given: &str,
) -> Result<Arc<Source>, String> {
    let Ok((doc, _)) = Doc::parse(source) else { return Err("the text itself cannot be read".into()) };
    let candidates = match doc.walk(path) {
        Ok(old) => vec![(old.span(), text.to_owned())],
        Err(_) => additions(&doc, path, text)?,
    };
    let mut wanted = doc.root.clone();
    put(&mut wanted, path, value);
    for (at, piece) in candidates {
        let edited = splice(source, at, &piece, given);
        if Doc::parse(&edited)
            .is_ok_and(|(doc, duplicates)| duplicates.is_empty() && same(&doc.root, &wanted))
        {
            return Ok(edited);
        }
    }
    Err("found no place for it in the text; set its keys one by one, or edit the file".into())
}

/// The text with these keys added to a table, an entry of a list, at its place. The table has none of them and is not empty.
/// `given` says in messages where they come from.
pub fn add_keys(source: &Source, table: Range<usize>, keys: &[(String, String)], given: &str) -> Arc<Source> {
    let pairs = keys.iter().map(|(key, value)| format!("{key} = {value}"));
    let text = &source.text;
    let (at, piece) = match (text[table.clone()].starts_with('{'), text[table.end..].find('\n')) {
        (true, _) => (table.start + 1, format!(" {},", pairs.collect::<Vec<_>>().join(", "))),
        (false, Some(len)) => (table.end + len + 1, pairs.map(|pair| pair + "\n").collect()),
        (false, None) => (text.len(), pairs.map(|pair| format!("\n{pair}")).collect()),
    };
    splice(source, at..at, &piece, given)
}

/// The forms of adding a key: pieces of text, and the ranges that they replace.
fn additions(doc: &Doc<'_>, path: &[Step], text: &str) -> Result<Vec<(Range<usize>, String)>, String> {
    let source = &doc.source.text;
    let depth = (0..path.len()).rev().find(|&n| doc.walk(&path[..n]).is_ok()).unwrap_or(0);
    let Ok(around) = doc.walk(&path[..depth]) else { return Err("the text itself cannot be read".into()) };
    let shown = tick(path[..depth].iter().map(Step::to_string).collect::<String>().trim_start_matches('.'));
    let table = match around.get_ref() {
        DeValue::Table(table) => table,
        DeValue::Array(list) => {
            return Err(format!("{shown} has {} entries, the first being [0]", list.len()));
        }
        other => return Err(format!("{shown} is a {} here; set it as a whole", other.type_str())),
    };
    let keys = |steps: &[Step]| -> Option<Vec<String>> {
        let key = |step: &Step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        };
        steps.iter().map(key).collect()
    };
    let Some(rest) = keys(&path[depth..]) else {
        return Err("an entry of a list that is not there; add it in the file".into());
    };
    let pair = format!("{} = {text}", rest.join("."));
    let line_start = |at: usize| source[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let header = &source[around.span()];
    let mut ways = Vec::new();
    if depth == 0 {
        // Before the first line with a key of the top level, which precedes every table.
        let first = table.iter().map(|(key, _)| key.span().start).min().unwrap_or(0);
        ways.push((line_start(first), format!("{pair}\n")));
    } else if header.starts_with('{') {
        let end = if table.is_empty() { " " } else { ", " };
        let at = around.span().start + 1;
        ways.push((at, format!(" {pair}{end}")));
    } else if header.starts_with('[') {
        // A new line below the header. The last line of a text may lack its line end.
        let end = around.span().end;
        match source[end..].find('\n') {
            Some(len) => ways.push((end + len + 1, format!("{pair}\n"))),
            None => ways.push((source.len(), format!("\n{pair}"))),
        }
    }
    // A table that exists through dotted keys gets another dotted key. A table that exists only through the headers of tables
    // inside it is left to the last form.
    let line = line_start(around.span().start);
    let above: Vec<String> =
        path[..depth].iter().rev().map_while(|step| keys(std::slice::from_ref(step))).flatten().collect();
    for n in (1..=above.len()).rev().filter(|_| !source[line..].trim_start().starts_with('[')) {
        let lead: Vec<&str> = above[..n].iter().rev().map(String::as_str).collect();
        ways.push((line, format!("{}.{pair}\n", lead.join("."))));
    }
    // A table that is absent, or exists only through the tables inside it, gets a header at the end.
    if let Some(all) = keys(path)
        && let [tables @ .., last] = &all[..]
        && !tables.is_empty()
    {
        let gap = if source.is_empty() || source.ends_with('\n') { "" } else { "\n" };
        ways.push((source.len(), format!("{gap}[{}]\n{last} = {text}\n", tables.join("."))));
    }
    Ok(ways.into_iter().map(|(at, piece)| (at..at, piece)).collect())
}

/// The text with a range replaced. Moves the places of earlier overrides along.
fn splice(source: &Source, at: Range<usize>, piece: &str, given: &str) -> Arc<Source> {
    let text = [&source.text[..at.start], piece, &source.text[at.end..]].concat();
    let moved = |b: usize| if b >= at.end { b + piece.len() - at.len() } else { b };
    let outside = |o: &&Override| o.bytes.end <= at.start || o.bytes.start >= at.end || o.lines != 0;
    let mut overridden: Vec<Override> = source
        .overridden
        .iter()
        .filter(outside)
        .map(|o| Override { bytes: moved(o.bytes.start)..moved(o.bytes.end), ..o.clone() })
        .collect();
    let count = |text: &str| text.matches('\n').count() as isize;
    let lines = count(piece) - count(&source.text[at.clone()]);
    overridden.push(Override { bytes: at.start..at.start + piece.len(), given: given.to_owned(), lines });
    Arc::new(Source { name: source.name.clone(), text, overridden })
}

/// Puts a value into a tree and creates the tables above it.
fn put<'a>(node: &mut Node<'a>, path: &[Step], value: &Node<'a>) {
    let Some((step, rest)) = path.split_first() else {
        *node = value.clone();
        return;
    };
    match (step, node.get_mut()) {
        (Step::Key(key), DeValue::Table(table)) => {
            if !table.contains_key(key.as_str()) {
                let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
                table.insert(Spanned::new(0..0, Cow::Owned(key.clone())), empty);
            }
            if let Some(next) = table.get_mut(key.as_str()) {
                put(next, rest, value);
            }
        }
        (Step::Index(i), DeValue::Array(list)) => {
            if let Some(next) = list.get_mut(*i) {
                put(next, rest, value);
            }
        }
        _ => {}
    }
}

/// Whether two trees have the same content, digit for digit.
fn same(a: &Node<'_>, b: &Node<'_>) -> bool {
    match (a.get_ref(), b.get_ref()) {
        (DeValue::String(a), DeValue::String(b)) => a == b,
        (DeValue::Integer(a), DeValue::Integer(b)) => a.as_str() == b.as_str() && a.radix() == b.radix(),
        (DeValue::Float(a), DeValue::Float(b)) => a.as_str() == b.as_str(),
        (DeValue::Boolean(a), DeValue::Boolean(b)) => a == b,
        (DeValue::Datetime(a), DeValue::Datetime(b)) => a == b,
        (DeValue::Array(a), DeValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (DeValue::Table(a), DeValue::Table(b)) => {
            let found = |(key, value): (&Spanned<Cow<'_, str>>, &Node<'_>)| {
                b.get(key.get_ref().as_ref()).is_some_and(|other| same(value, other))
            };
            a.len() == b.len() && a.iter().all(found)
        }
        _ => false,
    }
}
