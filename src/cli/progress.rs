//! Progress of a long run, on standard error if it is a terminal.

use authstorm::text::number;
use authstorm::world::{Control, Plan};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between updates.
const TICK: Duration = Duration::from_millis(200);
/// A bar with the time that is left.
const BAR: &str = "{bar:30} {percent}% {msg}, {eta} left";
/// The same for work that may end earlier.
const BAR_AT_MOST: &str = "{bar:30} {percent}% {msg}, at most {eta} left";
/// The same for a stage of work.
const BAR_OF_STAGE: &str = "{bar:30} {percent}% {msg}, at most {eta} left of it";
/// Parts of a stage that the bar tells apart.
const PARTS: u64 = 10_000;
/// Updates to skip, so that short runs show no progress.
const PATIENCE: u32 = 5;

/// A line that shows what runs have done and what is left, until it is dropped.
pub(super) struct Progress {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows the progress of all runs of a plan.
    pub(super) fn of(plan: &Plan, control: &Arc<Control>, quiet: bool) -> Progress {
        Progress::of_plan(plan, "", BAR, control, quiet)
    }

    /// Shows the progress of the runs of a plan that may end before the last one.
    pub(super) fn at_most(plan: &Plan, control: &Arc<Control>, quiet: bool) -> Progress {
        Progress::of_plan(plan, "at most ", BAR_AT_MOST, control, quiet)
    }

    fn of_plan(
        plan: &Plan,
        most: &'static str,
        bar: &'static str,
        control: &Arc<Control>,
        quiet: bool,
    ) -> Progress {
        let runs = plan.contenders.len() as u64 * u64::from(plan.scenario.replications);
        let total = plan.horizon.0.saturating_mul(runs);
        let virtual_s = plan.horizon.as_secs_f64() * runs as f64;
        // Runs of other plans under the same control.
        let (ended, done) = (control.runs_ended(), control.virtual_ns());
        Progress::show(Some(total), bar, control, quiet, move |control, per_s| {
            let message = format!(
                "run {} of {most}{runs}, {:.0} s of {virtual_s:.0} s virtual, {:.1} M events/s",
                (control.runs_ended() - ended + 1).min(runs),
                (control.virtual_ns() - done) as f64 / 1e9,
                per_s / 1e6
            );
            (control.virtual_ns() - done, message)
        })
    }

    /// Shows the progress of so many points of a sweep, of which `done` are done.
    pub(super) fn of_points(
        points: u64,
        done: &Arc<AtomicU64>,
        control: &Arc<Control>,
        quiet: bool,
    ) -> Progress {
        let done = Arc::clone(done);
        Progress::show(Some(points), BAR, control, quiet, move |_, per_s| {
            let done = done.load(Ordering::Relaxed);
            (done, format!("point {} of {points}, {:.1} M events/s", (done + 1).min(points), per_s / 1e6))
        })
    }

    /// Shows the progress of a search, whose stages tell how many of how many runs are done: a name, and the two numbers.
    pub(super) fn of_stages(
        stage: &Arc<Mutex<(&'static str, u64, u64)>>,
        control: &Arc<Control>,
        quiet: bool,
    ) -> Progress {
        let stage = Arc::clone(stage);
        Progress::show(Some(PARTS), BAR_OF_STAGE, control, quiet, move |_, per_s| {
            let (name, done, most) = *stage.lock().unwrap_or_else(PoisonError::into_inner);
            let message = format!(
                "{name}: {done} of at most {} runs, {:.1} M events/s",
                number::whole(most),
                per_s / 1e6
            );
            (done * PARTS / most.max(1), message)
        })
    }

    /// Shows a line with how much of the total is done and a message, both made of the state of the runs and the events per
    /// second.
    fn show(
        total: Option<u64>,
        style: &'static str,
        control: &Arc<Control>,
        quiet: bool,
        state: impl Fn(&Control, f64) -> (u64, String) + Send + 'static,
    ) -> Progress {
        let done = Arc::new(AtomicBool::new(false));
        if quiet || !std::io::stderr().is_terminal() {
            return Progress { done, thread: None };
        }
        let (control, until) = (Arc::clone(control), Arc::clone(&done));
        let shown = std::thread::Builder::new().spawn(move || {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
            let style = ProgressStyle::with_template(style);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("eta", left));
            let mut ticks = 0u32;
            let mut before = control.events();
            while !until.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                ticks += 1;
                if ticks == PATIENCE {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                let events = control.events();
                let per_s = (events - before) as f64 / TICK.as_secs_f64();
                before = events;
                let (position, message) = state(&control, per_s);
                bar.set_position(position);
                bar.set_message(message);
            }
            bar.finish_and_clear();
        });
        // Without a thread for its progress the run continues.
        Progress { done, thread: shown.ok() }
    }
}

/// The time that is left, which is not known before the first part is done.
fn left(state: &ProgressState, out: &mut dyn Write) {
    let _ = match state.pos() {
        0 => out.write_str("? s"),
        _ => write!(out, "{:#}", HumanDuration(state.eta())),
    };
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
