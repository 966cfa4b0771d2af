//! The description as text for its readers: what a value may be, one key, one table, the whole reference.

use super::{Key, Table, Ty, Word};
use crate::kernel::time::MAX_DURATION;
use crate::text::{nearest, tick};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// A range of whole numbers, both ends included.
pub(super) fn whole_range(least: u64, most: u64) -> String {
    match most {
        u64::MAX => format!("{least} to 2^64 - 1"),
        most => format!("{least} to {most}"),
    }
}

/// The lengths that a list may have.
pub(super) fn lengths(least: usize, most: usize) -> String {
    match (least, most) {
        (least, most) if least == most => format!("exactly {least}"),
        (0, most) => format!("at most {most}"),
        (least, most) => format!("{least} to {most}"),
    }
}

impl Ty {
    /// What a value may be: `integer, 1 to 10000`, `duration, above zero, at most 36500d`.
    pub fn in_words(&self) -> String {
        match self {
            Ty::Version(version) => format!("integer, {version}"),
            Ty::Int { least, most, .. } => format!("integer, {}", whole_range(*least, *most)),
            Ty::Float(least, most) => format!("number, {least} to {most}"),
            Ty::Share => "number, 0 to 1".into(),
            Ty::Decimal(least) => {
                format!("number, {} to 1000000, at most six decimals", *least as f64 / 1e6)
            }
            Ty::Bool => "true or false".into(),
            Ty::Text { longest, .. } => format!("text, at most {longest} characters"),
            Ty::Reference => "name of something defined elsewhere".into(),
            Ty::Leaf { leaf, above_zero } if leaf.name == "duration" => {
                format!("duration, {}", durations(*above_zero))
            }
            Ty::Leaf { leaf, .. } => match leaf.name {
                name if name == leaf.noun => format!("{name}: {}", leaf.written),
                name => format!("{}: {}", name.replace('-', " "), leaf.written),
            },
            Ty::Word(words) => {
                let path = |word: &Word| if word.is_path { "a path such as " } else { "" };
                words.iter().map(|w| format!("{}\"{}\"", path(w), w.word)).collect::<Vec<_>>().join(", ")
            }
            Ty::Dist { above_zero, .. } => format!("duration or distribution, {}", durations(*above_zero)),
            Ty::Choice { written, .. } => written.clone(),
            Ty::List(entry, least, most) => match &**entry {
                Ty::Table(_) => format!("list of tables, {}", lengths(*least, *most)),
                entry => format!("list, {} of: {}", lengths(*least, *most), entry.in_words()),
            },
            Ty::Table(_) => "table".into(),
        }
    }

    /// The words that a value or its entries may be.
    fn words(&self) -> &[Word] {
        match self.entry().unwrap_or(self) {
            Ty::Word(words) => words,
            _ => &[],
        }
    }
}

fn durations(above_zero: bool) -> String {
    match above_zero {
        true => format!("above zero, at most {MAX_DURATION}"),
        false => format!("0s to {MAX_DURATION}"),
    }
}

impl Key {
    /// Whether it must be there, or what holds without it.
    pub fn presence(&self) -> String {
        if let Some(belongs) = self.belongs.as_ref().filter(|belongs| belongs.needed) {
            return format!("required for {} = {}", belongs.to, quoted(&belongs.words));
        }
        match (self.required, &self.unless[..], &self.default) {
            (true, [], _) => "required".into(),
            (true, others, _) => {
                let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
                format!("required unless {} is there", others.join(" or "))
            }
            (false, _, Some(default)) if !is_empty(default) => {
                format!("default {}", super::build::toml_value(default))
            }
            _ => "optional".into(),
        }
    }

    /// What it means, what its value may be, and what holds without it, on one line.
    pub fn hint(&self) -> String {
        format!("{} ({}; {})", self.about.replace('\n', " "), self.value(), self.presence())
    }

    /// With which values of another key it goes, when not with all.
    fn restriction(&self) -> Option<String> {
        let belongs = self.belongs.as_ref().filter(|belongs| !belongs.needed)?;
        Some(match belongs.words.is_empty() {
            true => {
                let not: Vec<String> = belongs.why_not.iter().map(|(word, _)| word.clone()).collect();
                format!("not for {} = {}", belongs.to, quoted(&not))
            }
            false => format!("for {} = {} only", belongs.to, quoted(&belongs.words)),
        })
    }

    /// Whether it must be there, or what holds without it, and with which values of another key it goes.
    fn presence_in_words(&self) -> String {
        let all = [Some(self.presence()), self.restriction()];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Type, unit and range on one line.
    fn value(&self) -> String {
        let unit = match self.unit.as_str() {
            unit if unit.is_empty() || unit == self.name => String::new(),
            unit => format!(", unit: {unit}"),
        };
        format!("{}{unit}", self.ty.in_words())
    }
}

/// Words in quotes, with `or` before the last.
pub(super) fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => quoted.join(""),
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty())
        || matches!(value, Value::Array(list) if list.is_empty())
}

/// What no key has as its path, and the path that was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchKey {
    /// The part of the path that there is; empty for the top level.
    pub inside: String,
    /// The name that there is not.
    pub name: String,
    /// The name that was probably meant.
    pub meant: Option<String>,
    /// The names that there are.
    pub allowed: Vec<String>,
}

impl std::fmt::Display for NoSuchKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.inside.as_str() {
            "" => write!(f, "unknown key {} at the top level", tick(&self.name))?,
            inside => write!(f, "unknown key {} in {}", tick(&self.name), tick(inside))?,
        }
        match self.allowed.is_empty() {
            true => write!(f, "; it has no keys")?,
            false => write!(f, "; allowed: {}", self.allowed.join(", "))?,
        }
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {}?", tick(meant)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NoSuchKey {}

/// What is at a path: the key, the table of its value, and the path without numbers.
type Found = (Option<&'static Key>, Option<&'static Table>, String);

/// Finds a path. The empty path is the top level.
fn find(top: &'static Table, path: &str) -> Result<Found, NoSuchKey> {
    let (mut table, mut key, mut inside) = (Some(top), None, String::new());
    if path.is_empty() {
        return Ok((key, table, inside));
    }
    for name in path.split('.').map(|step| step.split('[').next().unwrap_or(step)) {
        let found = table.and_then(|table| table.key(name));
        let Some(found) = found else {
            let allowed: Vec<String> = table.into_iter().flat_map(Table::names).map(str::to_owned).collect();
            let meant = nearest(name, allowed.iter().map(String::as_str)).map(str::to_owned);
            return Err(NoSuchKey { inside, name: name.to_owned(), meant, allowed });
        };
        inside = joined(&inside, name);
        (table, key) = (found.ty.table(), Some(found));
    }
    Ok((key, table, inside))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The reference of every key at or below a path, as text for a terminal. The empty path is the whole.
///
/// # Errors
/// When there is no such key.
pub fn keys(top: &'static Table, path: &str) -> Result<String, NoSuchKey> {
    let (key, table, inside) = find(top, path)?;
    let mut out = String::new();
    if let Some(key) = key {
        write_key(&mut out, key, &inside);
    }
    if let Some(table) = table {
        if key.is_some() {
            out.push('\n');
        }
        write_table(&mut out, table, &inside);
    }
    Ok(out)
}

/// A key of a file format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyRow {
    /// Its path, without the numbers of lists.
    pub key: String,
    /// What its value may be: type, unit, range.
    pub value: String,
    /// Whether it must be there, or what holds without it.
    pub present: String,
    /// What it means, and what its words mean.
    pub meaning: String,
    /// An example, as TOML.
    pub example: String,
}

/// Every key at or below a path, in the order of the reference. The empty path is the whole.
///
/// # Errors
/// When there is no such key.
pub fn rows(top: &'static Table, path: &str) -> Result<Vec<KeyRow>, NoSuchKey> {
    let (key, table, inside) = find(top, path)?;
    let mut rows: Vec<KeyRow> = key.iter().map(|key| row(key, inside.clone(), "\n")).collect();
    if let Some(table) = table {
        push_rows(&mut rows, table, &inside);
    }
    Ok(rows)
}

fn push_rows(rows: &mut Vec<KeyRow>, table: &'static Table, path: &str) {
    rows.extend(table.keys.iter().map(|key| row(key, joined(path, &key.name), "\n")));
    for (inner, path) in tables_below(table, path) {
        push_rows(rows, inner, &path);
    }
}

/// A key as a row. `between` stands between its meaning and those of its words.
fn row(key: &Key, path: String, between: &str) -> KeyRow {
    let mut meaning = key.about.clone();
    for word in key.ty.words().iter().filter(|word| !word.about.is_empty()) {
        let _ = write!(meaning, "{between}`{}`: {}", word.word, word.about);
    }
    let (value, present) = (key.value(), key.presence_in_words());
    KeyRow { key: path, value, present, meaning, example: format!("{} = {}", key.name, key.example) }
}

/// The tables below a table, with their paths. A distribution is told as a value.
fn tables_below(table: &'static Table, path: &str) -> impl Iterator<Item = (&'static Table, String)> {
    let inner = |key: &'static Key| key.ty.table().filter(|_| !matches!(key.ty, Ty::Dist { .. }));
    table.keys.iter().filter_map(move |key| Some((inner(key)?, joined(path, &key.name))))
}

fn write_table(out: &mut String, table: &'static Table, path: &str) {
    let _ = writeln!(out, "{}\n  {}\n", table.title, table.about);
    for key in &table.keys {
        write_key(out, key, &joined(path, &key.name));
        out.push('\n');
    }
    for (inner, path) in tables_below(table, path) {
        write_table(out, inner, &path);
    }
}

fn write_key(out: &mut String, key: &Key, path: &str) {
    let _ = writeln!(out, "{path}");
    let _ = writeln!(out, "    {}", key.about);
    let _ = writeln!(out, "    value:   {}", key.value());
    for word in key.ty.words().iter().filter(|word| !word.about.is_empty()) {
        let _ = writeln!(out, "             \"{}\": {}", word.word, word.about);
    }
    let _ = writeln!(out, "    present: {}", key.presence_in_words());
    let _ = writeln!(out, "    example: {} = {}", key.name, key.example);
}

/// The whole reference as Markdown, each table once: where a part stands at a second place, a line names the first.
pub fn markdown(top: &'static Table) -> String {
    let mut out = String::new();
    let mut written: Vec<*const Table> = Vec::new();
    write_section(&mut out, top, "", &mut written);
    out
}

fn write_section(out: &mut String, table: &'static Table, path: &str, written: &mut Vec<*const Table>) {
    if written.iter().any(|other| std::ptr::eq(*other, table)) {
        return;
    }
    written.push(table);
    let title = match path {
        "" => "Top level".to_owned(),
        path => format!("`{path}`"),
    };
    let _ = writeln!(out, "## {title}\n\n{}\n", table.about);
    out.push_str("| key | value | present | meaning | example |\n| --- | --- | --- | --- | --- |\n");
    for key in &table.keys {
        let KeyRow { key: name, value, present, meaning, example } = row(key, key.name.clone(), "<br>");
        let row = [name, value, present, meaning, example];
        let [name, value, present, about, example] = row.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| `{name}` | {value} | {present} | {about} | `{example}` |");
    }
    out.push('\n');
    for key in &table.keys {
        if let Some(inner) = key.ty.table() {
            write_section(out, inner, &joined(path, &key.name), written);
        }
    }
}
