//! `--shard`: one share of the work, kept in a part directory for `authstorm merge`.

use super::exit::{Exit, Failure};
use super::points::{differing, finish_these};
use super::scenario::RunOptions;
use super::{interrupt, terminal};
use authstorm::Study;
use authstorm::results::dir::Unfinished;
use authstorm::results::dir::part::{Part, PartOf, PartsError, after, all_parts, rows_of, write_part};
use authstorm::results::{DataFile, Shard};
use authstorm::text::shell_word;
use clap::parser::ValueSource;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct ShardArgs {
    /// Do one of N shares of the work, as in 2/4, and write it as a part into --out; authstorm merge puts all parts together to
    /// the bytes of the whole
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, conflicts_with_all = ["json", "format"])]
    pub shard: Option<Shard>,
    /// Take these rows, which an engine has made elsewhere, in place of the runs: lines as in a part's rows.jsonl
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "shard")]
    pub rows: Option<PathBuf>,
    /// The options of the command, as a part keeps them.
    #[arg(skip)]
    pub words: Vec<String>,
    /// The parts that are merged.
    #[arg(skip)]
    pub parts: Option<Parts>,
    /// Whether the merge makes the runs that the parts lack.
    #[arg(skip)]
    pub finish: bool,
}

/// Options that say where and how the work is done, not what it is.
const HOW: [&str; 13] = [
    "shard",
    "rows",
    "after",
    "out",
    "force",
    "resume",
    "yes",
    "estimate",
    "threads",
    "max_memory",
    "json",
    "quiet",
    "format",
];

/// The options of a verb that say what the work is, in the order in which the verb declares them.
pub(super) fn words(command: &clap::Command, matches: &clap::ArgMatches) -> Vec<String> {
    let (mut options, mut places) = (Vec::new(), Vec::new());
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        if HOW.contains(&id) || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten().map(|value| value.to_string_lossy());
        match arg.get_long() {
            Some(long) if arg.get_action().takes_values() => {
                options.extend(values.map(|value| format!("--{long}={value}")));
            }
            Some(long) => options.push(format!("--{long}")),
            None => places.extend(values.map(|value| value.into_owned())),
        }
    }
    options.push("--".to_owned());
    options.extend(places);
    options
}

/// A shard that is to be done, of work that is known.
pub(super) struct Task<'a> {
    pub shard: Shard,
    pub round: u32,
    /// Hash of what earlier rounds found.
    pub after: String,
    pub verb: &'static str,
    pub words: &'a [String],
    pub what: Map<String, Value>,
    pub study: &'a Study,
    pub options: &'a RunOptions,
    pub out: PathBuf,
}

impl Task<'_> {
    /// Begins the shard, or continues it.
    pub(super) fn begin(&self, resume: bool) -> Result<Unfinished, Failure> {
        let own = [
            ("shard".to_owned(), Value::from(self.shard.to_string())),
            ("round".to_owned(), self.round.into()),
            ("after".to_owned(), self.after.clone().into()),
        ];
        let what: Map<String, Value> = self.what.clone().into_iter().chain(own).collect();
        Ok(Unfinished::begin(&self.out, &what, resume)?)
    }

    /// Does the shard: its share of so many rows.
    pub(super) fn run(
        &self,
        count: u64,
        pool: &rayon::ThreadPool,
        resume: bool,
        row: impl Fn(u64) -> Result<String, authstorm::Error> + Sync + Send,
    ) -> Result<Exit, Failure> {
        let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
        let own: Vec<u64> = (0..count).filter(|number| self.shard.has(*number)).collect();
        let work = self.begin(resume)?;
        let work = finish_these((&own, own.len() as u64), work, (pool, self.options.quiet), &control, row)?;
        self.end(work)
    }

    /// Writes the part and says what to do with it.
    pub(super) fn end(&self, work: Unfinished) -> Result<Exit, Failure> {
        let count = work.count();
        let of = PartOf {
            shard: self.shard,
            round: self.round,
            after: self.after.clone(),
            verb: self.verb.to_owned(),
            args: self.words.to_vec(),
            what: self.what.clone(),
        };
        let mut copies = vec![DataFile::new("scenario.toml", self.study.loaded().portable_source())];
        let files = self.study.loaded().policy_files();
        copies.extend(files.into_iter().map(|file| DataFile::new(file.name, file.text)));
        write_part(work, &of, copies)?;
        if self.options.quiet {
            return Ok(Exit::Yes);
        }
        let place = shell_word(&terminal::shown(&self.out));
        terminal::say(&format!(
            "shard {} with {count} of the rows in {place}\nwhen all {} are done: authstorm merge PARTS... --out DIR\n",
            self.shard, self.shard.of
        ))
    }
}

/// The directory of a part where none is given.
pub(super) fn default_out(name: &str, suffix: &str, shard: Shard) -> PathBuf {
    PathBuf::from("results").join(format!("{name}{suffix}-part-{}-of-{}", shard.number, shard.of))
}

/// All parts of some work, or all of its rows.
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Rows that are in no part, and their file.
    loose: Option<(PathBuf, BTreeMap<u64, String>)>,
}

impl Parts {
    /// Reads parts and checks that they are all of one work.
    pub(super) fn read(dirs: &[PathBuf]) -> Result<Parts, Failure> {
        let parts = dirs.iter().map(|dir| Part::open(dir)).collect::<Result<Vec<Part>, PartsError>>()?;
        Ok(Parts { parts: all_parts(parts, env!("CARGO_PKG_VERSION"))?, loose: None })
    }

    /// Reads the rows of a file.
    pub(super) fn loose(file: &Path) -> Result<Parts, Failure> {
        let bytes = std::fs::read(file).map_err(|e| Failure::io(terminal::shown(file), &e))?;
        let rows = rows_of(&String::from_utf8_lossy(&bytes));
        let rows = rows.ok_or_else(|| wrong_rows(file))?;
        Ok(Parts { parts: Vec::new(), loose: Some((file.to_owned(), rows)) })
    }

    /// The rows, with the path of what holds them, and the shard of which they are.
    fn rows(&self) -> impl Iterator<Item = (&Path, Shard, &BTreeMap<u64, String>)> {
        let whole = Shard { number: 1, of: 1 };
        let loose = self.loose.iter().map(move |(file, rows)| (file.as_path(), whole, rows));
        self.parts.iter().map(|part| (part.path(), part.of.shard, &part.rows)).chain(loose)
    }

    /// The first part.
    pub(super) fn first(&self) -> &Part {
        &self.parts[0]
    }

    /// Number of the round that follows them.
    pub(super) fn next_round(&self) -> u32 {
        self.parts.iter().map(|part| part.of.round).max().unwrap_or(0) + 1
    }

    /// Hash of what they found.
    pub(super) fn hash(&self) -> String {
        after(self.parts.iter())
    }

    /// The directories.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(Part::path)
    }

    /// The number of shards of the last round.
    pub(super) fn shards(&self) -> u64 {
        self.parts.last().map_or(1, |part| part.of.shard.of)
    }

    /// Refuses parts of other work than this.
    pub(super) fn check(&self, what: &Map<String, Value>) -> Result<(), Failure> {
        let Some(part) = self.parts.first() else { return Ok(()) };
        match differing(&part.of.what, what) {
            None => Ok(()),
            Some((field, there, here)) => {
                let place = terminal::shown(part.path());
                Err(Failure::usage(format!(
                    "error: {place}: a part of other work: {field} is {there} there and {here} here"
                )))
            }
        }
    }

    /// Begins the results of the whole, with the rows of all parts: as many as there are, each from its own shard.
    pub(super) fn begin(
        &self,
        out: &Path,
        what: &Map<String, Value>,
        count: u64,
    ) -> Result<Unfinished, Failure> {
        self.check(what)?;
        self.check_rows(count)?;
        let mut work = Unfinished::begin(out, what, true)?;
        for (number, text) in self.rows().flat_map(|(_, _, rows)| rows) {
            if !work.has(*number) {
                let added = work.add(*number, text);
                added.map_err(|e| Failure::io(terminal::shown(work.path()), &e))?;
            }
        }
        Ok(work)
    }

    /// Refuses parts that have not each their share of so many rows.
    fn check_rows(&self, count: u64) -> Result<(), Failure> {
        for (path, shard, rows) in self.rows() {
            let due = (0..count).filter(|row| shard.has(*row));
            if !due.eq(rows.keys().copied()) {
                return Err(wrong_rows(path));
            }
        }
        Ok(())
    }

    /// So many rows as data, in the order of their numbers.
    pub(super) fn in_order<T: DeserializeOwned>(&self, count: u64) -> Result<Vec<T>, Failure> {
        self.check_rows(count)?;
        let mut rows: Vec<(u64, T)> = Vec::new();
        for (path, _, texts) in self.rows() {
            rows.extend(texts.keys().copied().zip(data(path, texts)?));
        }
        rows.sort_by_key(|(number, _)| *number);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The rows of all parts as data, in the order of rounds, shards and rows.
    pub(super) fn data<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        let of = |(path, _, rows): (&Path, Shard, &BTreeMap<u64, String>)| data(path, rows);
        let all = self.rows().map(of).collect::<Result<Vec<Vec<T>>, Failure>>()?;
        Ok(all.into_iter().flatten().collect())
    }
}

fn data<T: DeserializeOwned>(path: &Path, rows: &BTreeMap<u64, String>) -> Result<Vec<T>, Failure> {
    rows.values().map(|text| serde_json::from_str(text).map_err(|_| wrong_rows(path))).collect()
}

fn wrong_rows(path: &Path) -> Failure {
    PartsError::Rows { part: path.to_owned() }.into()
}
