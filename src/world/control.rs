//! Progress and cancellation of runs, for other threads. Nothing in this file influences a result.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// State shared by all runs of a study.
///
/// Another thread reads the progress and may stop the runs:
///
/// ```
/// use authstorm::{Control, Study};
///
/// let mut study = Study::load("scenarios/healthy.toml")?;
/// study.replications(1)?;
/// let control = Control::default();
/// study.run_under(&control)?;
/// assert!(control.events() > 0);
///
/// control.stop();
/// assert!(matches!(study.run_under(&control), Err(authstorm::Error::Stopped(_))));
/// # Ok::<(), authstorm::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    events: AtomicU64,
    virtual_ns: AtomicU64,
    runs: AtomicU64,
    has_room: Option<fn() -> bool>,
}

impl Control {
    /// A control whose runs ask `has_room` every few events whether memory may grow until they ask again. A run that is
    /// told that it may not stops with [`StopReason::NoRoom`](super::StopReason::NoRoom). A failed allocation would end
    /// the process.
    pub fn with_room(has_room: Option<fn() -> bool>) -> Control {
        Control { has_room, ..Control::default() }
    }

    /// Asks every run to stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the runs were asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Events so far, over all runs.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Virtual nanoseconds so far, summed over all runs.
    pub fn virtual_ns(&self) -> u64 {
        self.virtual_ns.load(Ordering::Relaxed)
    }

    /// Number of finished runs.
    pub fn runs_ended(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Counts a finished run.
    pub fn run_ended(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether runs must ask for room.
    pub(super) fn room(&self) -> Option<fn() -> bool> {
        self.has_room
    }

    pub(super) fn advance(&self, events: u64, virtual_ns: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.virtual_ns.fetch_add(virtual_ns, Ordering::Relaxed);
    }
}
