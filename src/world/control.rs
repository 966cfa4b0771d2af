//! Watching and stopping runs from outside; nothing here reaches a result.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by all runs of a study.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    events: AtomicU64,
    virtual_ns: AtomicU64,
    runs: AtomicU64,
}

impl Control {
    /// Stops every run soon.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Events so far, of all runs.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Virtual nanoseconds so far, summed over all runs.
    pub fn virtual_ns(&self) -> u64 {
        self.virtual_ns.load(Ordering::Relaxed)
    }

    /// Runs that have ended.
    pub fn runs_ended(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// A run has ended.
    pub fn run_ended(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, events: u64, virtual_ns: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.virtual_ns.fetch_add(virtual_ns, Ordering::Relaxed);
    }
}
