//! `--max-memory` and limits on address space. A scenario that is too large is refused before any allocation. A failed
//! allocation would abort the process, so room is checked in advance and every few events during a run.

use super::exit::{Exit, Failure};
use authstorm::Study;
use authstorm::scenario::load::Loaded;
use authstorm::text::size;
use authstorm::world::memory_estimate;
use rustix::process::{Resource, getrlimit};

/// Address space for reading the command line and a scenario, in bytes.
const START: u64 = 24 << 20;
/// Address space for tables, charts and the page, in bytes.
const PROGRAM: u64 = 96 << 20;
/// Address space per thread, in bytes: its stack and the reserve of the allocator.
const THREAD: u64 = 66 << 20;
/// Threads that run no simulation: one waits for signals, one shows the progress.
const IDLE: u64 = 2;
/// Bytes per session in results: the row, its text, and the sort key.
const SESSION: u64 = 512;

/// Least value of `--max-memory`, below the need of the program itself.
const LEAST: u64 = 16 << 20;

/// Parses a size such as 512MiB.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let form = "a whole number and KiB, MiB, GiB or TiB, as in 8GiB, and 16MiB at least";
    size::parse(text).filter(|bytes| *bytes >= LEAST).ok_or(form.to_owned())
}

/// Refuses a scenario if one run needs more than the limit. The memory of this machine has no influence, so that every
/// machine accepts the same scenarios.
pub(super) fn check(loaded: &Loaded, limit: u64) -> Result<(), Failure> {
    refusal(loaded, limit).map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
}

/// Message for a scenario that is too large; `None` if it fits.
pub(super) fn refusal(loaded: &Loaded, limit: u64) -> Option<String> {
    let why = memory_estimate(loaded).refusal(loaded.scenario.users(), limit)?;
    Some(format!("{why}; --max-memory raises it"))
}

/// Memory for a study in bytes, without the program itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// Memory of each run in progress.
    per_run: u64,
    /// Memory for the results of all runs.
    kept: u64,
}

impl Need {
    /// The need of a whole study. The estimate of a run is about right for a storm, so it is doubled.
    pub(super) fn of(study: &Study, all_sessions: bool) -> Need {
        let loaded = study.loaded();
        let run = memory_estimate(loaded);
        let sessions = if all_sessions { u64::from(loaded.scenario.users()) } else { 0 };
        let runs = loaded.policies.len() as u64 * u64::from(loaded.scenario.replications);
        let kept_of_each = run.fixed.saturating_add(sessions.saturating_mul(SESSION));
        Need { per_run: run.bytes.saturating_mul(2), kept: runs.saturating_mul(kept_of_each) }
    }

    /// Enough for either of two studies.
    pub(super) fn most(self, other: Need) -> Need {
        Need { per_run: self.per_run.max(other.per_run), kept: self.kept.max(other.kept) }
    }

    fn on(self, threads: usize) -> u64 {
        let threads = threads as u64;
        let of_threads = (threads + IDLE).saturating_mul(THREAD);
        let of_runs = threads.saturating_mul(self.per_run).saturating_add(self.kept);
        PROGRAM.saturating_add(of_threads).saturating_add(of_runs)
    }
}

/// A pool of `count` threads, or one per core for 0. Has fewer threads if a limit on address space leaves no room. The
/// number of threads does not influence results.
pub(super) fn threads(count: usize, need: Need) -> Result<rayon::ThreadPool, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (least, most) = if count == 0 { (1, cores) } else { (count, count) };
    let fitting = (least..=most).rev().find(|&threads| has_room(need.on(threads)));
    let count = fitting
        .ok_or_else(|| too_little(need.on(least), if least > 1 { ", or lower --threads" } else { "" }))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    pool.map_err(|e| Failure::io("threads", &std::io::Error::other(e)))
}

/// Works on the threads of a pool.
pub(super) fn on<R: Send>(pool: &rayon::ThreadPool, work: impl FnOnce() -> R + Send) -> R {
    let (mut work, mut result) = (Some(work), None);
    install(pool, &mut || result = work.take().map(|work| work()));
    result.expect("the pool works on what it is given")
}

/// Is not generic, so that the compiler makes the change of threads once, and not for each kind of work.
fn install(pool: &rayon::ThreadPool, work: &mut (dyn FnMut() + Send)) {
    pool.install(work);
}

/// Refuses a run on an existing pool if a limit on address space leaves no room.
pub(super) fn check_room(need: Need) -> Result<(), Failure> {
    let bytes = need.on(0).saturating_add(need.per_run);
    if has_room(bytes) { Ok(()) } else { Err(too_little(bytes, "")) }
}

/// Fails if there is no room to read a scenario.
pub(super) fn check_start() -> Result<(), Failure> {
    if has_room(START) { Ok(()) } else { Err(too_little(START, "")) }
}

fn too_little(bytes: u64, or: &str) -> Failure {
    Failure::with(
        Exit::Guard,
        format!(
            "error: too little address space: this needs about {}, and the limit on this process leaves less; raise it \
             (ulimit -v, ulimit -d){or}",
            size::in_words(bytes)
        ),
    )
}

/// Whether this many bytes can be allocated under a limit on address space or data. Always true without a limit, so
/// that every machine accepts the same scenarios.
fn has_room(bytes: u64) -> bool {
    if [Resource::As, Resource::Data].iter().all(|&limit| getrlimit(limit).current.is_none()) {
        return true;
    }
    let mut block = Vec::<u8>::new();
    let room = usize::try_from(bytes).is_ok_and(|bytes| block.try_reserve_exact(bytes).is_ok());
    // Keeps the compiler from removing the allocation.
    std::hint::black_box(&mut block);
    room
}

/// Address space that a run may need between two checks besides the growth of its long lists, in bytes: short lists and
/// the reserve of the allocator.
const SLACK: u64 = 64 << 20;

/// The check for room of all runs. `None` without a limit, or if the system does not report the memory in use.
pub(super) fn watch() -> Option<fn() -> bool> {
    let limited = [Resource::As, Resource::Data].iter().any(|&limit| getrlimit(limit).current.is_some());
    (limited && in_use().is_some()).then_some(may_grow)
}

/// Whether every list may double under the limits on address space and data. A full list doubles when it grows, so all
/// lists together grow by at most the memory in use.
fn may_grow() -> bool {
    let Some(InUse { space, data, own }) = in_use() else { return true };
    let fits = |limit, taken: u64| {
        getrlimit(limit).current.is_none_or(|most| taken.saturating_add(own).saturating_add(SLACK) <= most)
    };
    fits(Resource::As, space) && fits(Resource::Data, data)
}

/// Memory of this process, in bytes.
struct InUse {
    /// Address space, which the limit on address space counts.
    space: u64,
    /// Address space for data and stacks, which the limit on data counts.
    data: u64,
    /// Resident memory that is not backed by a file.
    own: u64,
}

/// Reads `/proc/self/statm` of Linux (proc(5)): size, resident, shared, text, lib, data, dt, in pages.
fn in_use() -> Option<InUse> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
    let mut next = || pages.next().flatten();
    let (size, resident, shared, _, _, data) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let bytes = |pages: u64| pages.saturating_mul(rustix::param::page_size() as u64);
    Some(InUse { space: bytes(size), data: bytes(data), own: bytes(resident.saturating_sub(shared)) })
}
