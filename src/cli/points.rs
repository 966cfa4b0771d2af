//! Work on the points of a sweep or a ranking, whose finished points stay when it is interrupted.

use super::exit::Failure;
use super::progress::Progress;
use super::terminal;
use authstorm::Control;
use authstorm::experiment::sweep::{Point, Sweeper};
use authstorm::results::dir::Unfinished;
use authstorm::text::{nearest, tick};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs the points that are not finished, with progress on the terminal, and adds a row of the journal for each: its number and its
/// text. `first` is the number of the row of the first point.
pub(super) fn finish(
    (sweeper, first): (&Sweeper<'_>, u64),
    work: Unfinished,
    (pool, quiet): (&rayon::ThreadPool, bool),
    control: &Arc<Control>,
    row: impl Fn(Point) -> (u64, String) + Sync + Send,
) -> Result<Unfinished, Failure> {
    let count = sweeper.points().count();
    let left: Vec<u64> = (0..count).filter(|point| !work.has(first + *point)).collect();
    let done = Arc::new(AtomicU64::new(0));
    let progress = Progress::of_points(left.len() as u64, &done, control, quiet);
    let place = terminal::shown(work.path());
    let work = Mutex::new(work);
    let ended = pool.install(|| {
        sweeper.run_each(&left, control, |point| -> Result<(), Failure> {
            let (number, text) = row(point);
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            work.add(number, &text).map_err(|e| Failure::io(&place, &e))?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    });
    drop(progress);
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    if ended.is_err() {
        terminal::complain(&format!(
            "{} of {} points are finished and stay in {place}; the same command with --resume continues",
            work.count(),
            first + count
        ));
    }
    ended.map(|()| work)
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
    words.iter().map(|sentence| format!("{sentence}.\n")).collect()
}

/// Writes a file to the disk.
pub(super) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::File::open(path)?.sync_all()
}
