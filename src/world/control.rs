//! Progress and cancellation of runs, for other threads. Nothing in this file influences a result.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// State shared by all runs of a study.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    events: AtomicU64,
    virtual_ns: AtomicU64,
    runs: AtomicU64,
}

impl Control {
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

    pub(super) fn advance(&self, events: u64, virtual_ns: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.virtual_ns.fetch_add(virtual_ns, Ordering::Relaxed);
    }
}
