//! Work on the points of a sweep, a ranking or a map, whose finished points stay when it is interrupted.

use super::exit::Failure;
use super::format::Format;
use super::memory::{self, Need};
use super::progress::Progress;
use super::run::StudyArgs;
use super::terminal;
use authstorm::experiment::sweep::{Sweeper, in_order};
use authstorm::results::DataFile;
use authstorm::results::dir::Unfinished;
use authstorm::text::{ended, nearest, shorten, tick};
use authstorm::{Control, Study};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How work on points is begun, continued and told.
#[derive(clap::Args)]
pub(super) struct WorkArgs {
    /// Continue the same work where it was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Run work of more than 10 G events, as small pilots of it tell
    #[arg(long)]
    pub yes: bool,
    /// Print how many points, runs and events this would be and how much time it would take; run and write nothing
    #[arg(long)]
    pub estimate: bool,
    /// The form of what is printed; csv has a row for each result [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    pub format: Option<Format>,
}

/// Works on so many points, from this number on, that are not finished, with progress on the terminal. `row` gives a point's line of
/// the journal.
pub(super) fn finish(
    (first, count): (u64, u64),
    work: Unfinished,
    on: (&rayon::ThreadPool, bool),
    control: &Arc<Control>,
    row: impl Fn(u64) -> Result<String, authstorm::Error> + Sync + Send,
) -> Result<Unfinished, Failure> {
    let points: Vec<u64> = (first..first + count).collect();
    finish_these((&points, first + count), work, on, control, row)
}

/// As [`finish`], of these points; so many rows are finished when they are.
pub(super) fn finish_these(
    (points, whole): (&[u64], u64),
    work: Unfinished,
    (pool, quiet): (&rayon::ThreadPool, bool),
    control: &Arc<Control>,
    row: impl Fn(u64) -> Result<String, authstorm::Error> + Sync + Send,
) -> Result<Unfinished, Failure> {
    let left: Vec<u64> = points.iter().copied().filter(|point| !work.has(*point)).collect();
    let done = Arc::new(AtomicU64::new(0));
    let progress = Progress::of_points(left.len() as u64, &done, control, quiet);
    let place = terminal::shown(work.path());
    let work = Mutex::new(work);
    let finished = |point: u64| -> Result<(), Failure> {
        let text = row(point)?;
        let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
        work.add(point, &text).map_err(|e| Failure::io(&place, &e))?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let ended = memory::on(pool, || in_order(&left, finished, |_, ()| Ok(())));
    drop(progress);
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    if ended.is_err() {
        terminal::complain(&format!(
            "{} of {} points are finished and stay in {place}; the same command with --resume continues",
            work.count(),
            whole
        ));
    }
    ended.map(|()| work)
}

/// The first rows of the journal.
pub(super) fn rows<T: DeserializeOwned>(work: &Unfinished, count: u64) -> Result<Vec<T>, Failure> {
    let read = |number: u64| -> io::Result<T> { Ok(serde_json::from_str(&work.row(number)?)?) };
    let rows = (0..count).map(read).collect::<io::Result<Vec<T>>>();
    rows.map_err(|e| Failure::io(terminal::shown(work.path()), &e))
}

/// Puts the files into place in one step. `again` is the command that makes them again.
pub(super) fn put(work: Unfinished, files: Vec<DataFile>, again: &str) -> Result<(), Failure> {
    let dir = work.results_dir().map_err(|e| Failure::io(terminal::shown(work.path()), &e))?;
    for file in files {
        save(&dir.join(&file.name), &file.bytes).map_err(|e| Failure::io(terminal::shown(&dir), &e))?;
    }
    Ok(work.finish(again)?)
}

/// Refuses work of which a point needs too much memory, and tells the need of the greatest.
pub(super) fn check_memory(study: &StudyArgs, sweeper: &Sweeper<'_>) -> Result<Need, Failure> {
    let largest = sweeper.study(sweeper.largest())?;
    memory::check(largest.loaded(), study.base.max_memory)?;
    Ok(Need::of(&largest, false))
}

/// What the work of a verb is, the most telling first: work of another kind is refused by the first field that differs. `own` are
/// the verb's own fields.
pub(super) fn what(verb: &str, study: &Study, own: Value, command: &str) -> Map<String, Value> {
    let provenance = study.provenance();
    let begin = json!({
        "version": provenance.version, "verb": verb, "scenario": provenance.scenario, "seed": provenance.seed,
        "replications": provenance.replications, "policies": provenance.policies,
    });
    let end = json!({
        "command": command, "scenario_hash": provenance.scenario_hash, "scenario_text": provenance.scenario_text,
        "policy_files": provenance.policy_files,
    });
    let fields = [begin, own, end].into_iter().filter_map(|fields| fields.as_object().cloned());
    fields.flatten().collect()
}

/// The first field in which some work differs from other work, with both values on one line.
pub(super) fn differing(
    there: &Map<String, Value>,
    here: &Map<String, Value>,
) -> Option<(String, String, String)> {
    let said = |value: Option<&Value>| {
        let text = value.map_or("missing".to_owned(), Value::to_string);
        shorten(text.trim_matches('"'), 60)
    };
    let field = here.keys().chain(there.keys()).find(|key| there.get(*key) != here.get(*key))?;
    Some((field.clone(), said(there.get(field)), said(here.get(field))))
}

/// The metric of this name.
pub(super) fn known(name: &str) -> Result<&'static str, Failure> {
    let all = || authstorm::metrics::all_metrics().iter().map(|def| def.name);
    all().find(|known| *known == name).ok_or_else(|| {
        let meant = nearest(name, all()).map(|meant| format!("; did you mean {}?", tick(meant)));
        let meant = meant.unwrap_or_else(|| "; authstorm metrics lists all".to_owned());
        Failure::usage(format!("error: --metric: no metric has the name {}{meant}", tick(name)))
    })
}

/// Sentences, one a line.
pub(super) fn lines(words: &[String]) -> String {
    words.iter().map(|sentence| format!("{}\n", ended(sentence))).collect()
}

/// Writes a file to the disk.
pub(super) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::File::open(path)?.sync_all()
}
