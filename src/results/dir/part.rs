//! Part directories: the rows of one shard of a run, a sweep or a search.
//!
//! A part is complete or absent, as results are. Its manifest says what the work is, which shard it is of how many, and the
//! hash of every file. Shards that do the same work are the same bytes.

use super::super::provenance::{MANIFEST, Manifest, sha256};
use super::super::{DataFile, Shard};
use super::error::{PlaceError, ReadError};
use super::{ResultsDir, Unfinished, place};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The file with the rows of a part: on each line the number of a row, a space, and its text.
pub const ROWS: &str = "rows.jsonl";

/// What a part is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartOf {
    /// The shard.
    pub shard: Shard,
    /// The round, from 1. Work that decides by its results what comes next has several.
    pub round: u32,
    /// Hash of what earlier rounds found; empty in the first.
    pub after: String,
    /// The verb of the command.
    pub verb: String,
    /// The options of the command, without those of the shard.
    pub args: Vec<String>,
    /// What the work is, the most telling first.
    pub what: Map<String, Value>,
}

/// A part directory whose files have the hashes of its manifest.
#[derive(Clone, Debug)]
pub struct Part {
    dir: ResultsDir,
    /// What it is of.
    pub of: PartOf,
    /// The texts of its rows, by number.
    pub rows: BTreeMap<u64, String>,
}

/// Writes a part from all rows of finished work, with copies of the scenario's files, and moves it into place.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_part(work: Unfinished, of: &PartOf, copies: Vec<DataFile>) -> Result<(), PlaceError> {
    let failed = |e: std::io::Error| PlaceError::io(work.path(), e);
    let mut rows = String::new();
    for number in work.numbers() {
        rows.push_str(&format!("{number} {}\n", work.row(number).map_err(failed)?));
    }
    let mut files = copies;
    files.push(DataFile::new(ROWS, rows));
    let manifest = Manifest::of_part(of, &files);
    files.insert(0, DataFile::new(MANIFEST, manifest.text()));
    let dir = work.results_dir().map_err(failed)?;
    place::write_files(&dir, &files).map_err(failed)?;
    work.put_in_place()
}

impl Part {
    /// Reads a part, and compares every file with the manifest.
    ///
    /// # Errors
    /// When it is no part, or is torn: a file is missing or has another hash.
    pub fn open(dir: &Path) -> Result<Part, PartsError> {
        let torn = |why: ReadError| PartsError::Torn { part: dir.to_owned(), why: Box::new(why) };
        let opened = ResultsDir::open(dir).map_err(torn)?;
        let of = opened.manifest.part().ok_or_else(|| PartsError::NoPart(dir.to_owned()))?;
        opened.verify().map_err(torn)?;
        let rows = opened.file(ROWS).map_err(torn)?.bytes;
        let rows = String::from_utf8_lossy(&rows);
        let rows = rows_of(&rows);
        let rows = rows.ok_or_else(|| PartsError::NoPart(dir.to_owned()))?;
        Ok(Part { dir: opened, of, rows })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The copy of the scenario.
    pub fn scenario(&self) -> PathBuf {
        self.path().join("scenario.toml")
    }
}

/// The texts of rows, by number, from lines with the number of a row, a space, and its text; absent if a line has another form.
pub fn rows_of(lines: &str) -> Option<BTreeMap<u64, String>> {
    let row = |line: &str| {
        let (number, text) = line.split_once(' ')?;
        Some((number.parse().ok()?, text.to_owned()))
    };
    lines.lines().map(row).collect()
}

/// Two parts of different work.
#[derive(Debug)]
pub struct Difference {
    /// The first part.
    pub first: PathBuf,
    /// A part that differs from it.
    pub other: PathBuf,
    /// The first field that differs.
    pub field: String,
    /// Its value in the first part.
    pub one: String,
    /// Its value in the other.
    pub two: String,
}

/// Why parts make no whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum PartsError {
    /// No part was given.
    None,
    /// A part is incomplete or was changed.
    Torn {
        /// Its directory.
        part: PathBuf,
        /// What is wrong.
        why: Box<ReadError>,
    },
    /// A directory holds something else.
    NoPart(PathBuf),
    /// A part was made by another version.
    Version {
        /// Its directory.
        part: PathBuf,
        /// Its version.
        there: String,
        /// The version that runs.
        here: String,
    },
    /// Two parts are of different work.
    Differ(Box<Difference>),
    /// No directory holds a shard.
    Missing {
        /// The shard.
        shard: Shard,
        /// Its round.
        round: u32,
        /// Number of shards that are missing in this round.
        count: u64,
    },
    /// Two directories hold one shard.
    Twice {
        /// The shard.
        shard: Shard,
        /// The one.
        first: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A shard has other rows than it should have.
    Rows {
        /// The part.
        part: PathBuf,
    },
}

/// All parts of some work, of every round, in the order of rounds and shards: none is missing, none is there twice, and all are of
/// the same work.
///
/// # Errors
/// The first thing that is wrong.
pub fn all_parts(mut parts: Vec<Part>, version: &str) -> Result<Vec<Part>, PartsError> {
    for part in &parts {
        let there = part.of.what.get("version").and_then(Value::as_str).unwrap_or("missing");
        if there != version {
            let (there, here) = (there.to_owned(), version.to_owned());
            return Err(PartsError::Version { part: part.path().to_owned(), there, here });
        }
    }
    let Some(first) = parts.first() else { return Err(PartsError::None) };
    for other in &parts[1..] {
        if let Some((field, one, two)) = difference(first, other) {
            let (first, other) = (first.path().to_owned(), other.path().to_owned());
            return Err(PartsError::Differ(Box::new(Difference { first, other, field, one, two })));
        }
    }
    parts.sort_by_key(|part| (part.of.round, part.of.shard.number));
    for pair in parts.windows(2) {
        let [one, two] = pair else { continue };
        if (one.of.round, one.of.shard) == (two.of.round, two.of.shard) {
            let (first, other) = (one.path().to_owned(), two.path().to_owned());
            return Err(PartsError::Twice { shard: one.of.shard, first, other });
        }
    }
    let rounds = parts.last().map_or(0, |part| part.of.round);
    for round in 1..=rounds {
        let there: Vec<&Part> = parts.iter().filter(|part| part.of.round == round).collect();
        let of = there.first().map_or(1, |part| part.of.shard.of);
        let has = |number: &u64| there.iter().any(|part| part.of.shard.number == *number);
        let missing: Vec<u64> = (1..=of).filter(|number| !has(number)).collect();
        if let Some(number) = missing.first() {
            let (shard, count) = (Shard { number: *number, of }, missing.len() as u64);
            return Err(PartsError::Missing { shard, round, count });
        }
    }
    let mut earlier = String::new();
    for round in 1..=rounds {
        let of_round: Vec<&Part> = parts.iter().filter(|part| part.of.round == round).collect();
        if let Some(other) = of_round.iter().find(|part| part.of.after != earlier) {
            let (first, other) = (parts[0].path().to_owned(), other.path().to_owned());
            let (field, one) = (format!("what round {round} knows of the rounds before it"), short(&earlier));
            let two = short(&parts_after(&parts, round));
            return Err(PartsError::Differ(Box::new(Difference { first, other, field, one, two })));
        }
        earlier = after(parts.iter().filter(|part| part.of.round <= round));
    }
    Ok(parts)
}

fn parts_after(parts: &[Part], round: u32) -> String {
    parts.iter().find(|part| part.of.round == round).map_or_else(String::new, |part| part.of.after.clone())
}

fn short(hash: &str) -> String {
    if hash.is_empty() { "nothing".to_owned() } else { hash.chars().take(12).collect() }
}

/// Hash of what some parts found, in the order of rounds and shards.
pub fn after<'a>(parts: impl Iterator<Item = &'a Part>) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part.dir.manifest.hash_of(ROWS).unwrap_or_default());
    }
    if text.is_empty() { text } else { sha256(text.as_bytes()) }
}

/// The first field in which two parts are of different work.
fn difference(first: &Part, other: &Part) -> Option<(String, String, String)> {
    let said = |value: Option<&Value>| {
        let text = value.map_or("missing".to_owned(), Value::to_string);
        crate::text::shorten(text.trim_matches('"'), 60)
    };
    let (one, two) = (&first.of, &other.of);
    let field = |key: &str, a: &str, b: &str| (a != b).then(|| (key.to_owned(), a.to_owned(), b.to_owned()));
    let count = |key: &str| match one.round == two.round {
        true => field(key, &one.shard.of.to_string(), &two.shard.of.to_string()),
        false => None,
    };
    let keys = one.what.keys().chain(two.what.keys());
    let what = || {
        keys.filter(|key| one.what.get(*key) != two.what.get(*key))
            .map(|key| (key.clone(), said(one.what.get(key)), said(two.what.get(key))))
            .next()
    };
    field("the verb", &one.verb, &two.verb)
        .or_else(what)
        .or_else(|| field("the list of options", &one.args.join(" "), &two.args.join(" ")))
        .or_else(|| count("the number of shards"))
}

fn shown(path: &Path) -> String {
    crate::text::escape(&path.display().to_string())
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartsError::None => f.write_str("no part is given"),
            PartsError::Torn { part, why } => match &**why {
                ReadError::Missing { name, .. } if name == MANIFEST => {
                    write!(f, "{}: no complete part: {name} is missing; do this shard again", shown(part))
                }
                ReadError::Missing { name, .. } => {
                    write!(f, "{}: the part is torn: {name} is missing; do this shard again", shown(part))
                }
                ReadError::Changed { name, .. } => write!(
                    f,
                    "{}: the part is torn: the hash of {name} is not that of {MANIFEST}; do this shard again",
                    shown(part)
                ),
                other => write!(f, "the part is torn: {other}; do this shard again"),
            },
            PartsError::NoPart(part) => write!(
                f,
                "{}: no part; allowed: directories that run, sweep or find wrote with --shard",
                shown(part)
            ),
            PartsError::Version { part, there, here } => write!(
                f,
                "{}: version {} of authstorm made this part, and this is {here}; do all shards with one version",
                shown(part),
                crate::text::escape(there)
            ),
            PartsError::Differ(differ) => write!(
                f,
                "{} and {} are parts of different work: {} is {} in the first and {} in the other",
                shown(&differ.first),
                shown(&differ.other),
                crate::text::escape(&differ.field),
                crate::text::escape(&differ.one),
                crate::text::escape(&differ.two)
            ),
            PartsError::Missing { shard, round, count } => {
                write!(f, "shard {shard} is missing")?;
                if *round > 1 {
                    write!(f, " in round {round}")?;
                }
                match count - 1 {
                    0 => Ok(()),
                    1 => f.write_str(", and another one"),
                    more => write!(f, ", and {more} others"),
                }
            }
            PartsError::Twice { shard, first, other } => {
                write!(f, "shard {shard} is given twice: {} and {}", shown(first), shown(other))
            }
            PartsError::Rows { part } => {
                write!(f, "{}: its rows are not those of its shard; do this shard again", shown(part))
            }
        }
    }
}

impl std::error::Error for PartsError {}
