//! Ctrl-C and SIGTERM: the first signal stops runs and lets the command clean up. The second ends it at once.

use super::exit::{Exit, Failure};
use super::memory;
use authstorm::world::Control;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

static SIGNAL: AtomicU8 = AtomicU8::new(SIGINT as u8);

/// The last signal.
pub(super) fn signal() -> u8 {
    SIGNAL.load(Ordering::Relaxed)
}

static CONTROL: OnceLock<Arc<Control>> = OnceLock::new();

/// The control of all runs of this command, which the first signal stops. Call it before anything is written, so that
/// every signal leads to a cleanup.
pub(super) fn control() -> std::io::Result<Arc<Control>> {
    if let Some(control) = CONTROL.get() {
        return Ok(Arc::clone(control));
    }
    let control = CONTROL.get_or_init(|| Arc::new(Control::with_room(memory::watch())));
    stops(control)?;
    // Writing beyond a limit on file sizes then fails with an error and does not kill the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(Arc::clone(control))
}

/// Fails if a signal has stopped the runs.
pub(super) fn check(control: &Control) -> Result<(), Failure> {
    match control.is_stopped() {
        true => Err(Failure::with(Exit::Signal(signal()), "error: interrupted")),
        false => Ok(()),
    }
}

/// Stops the runs of `control` when a signal arrives.
fn stops(control: &Arc<Control>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let control = Arc::clone(control);
    std::thread::Builder::new().spawn(move || {
        for signal in &mut signals {
            SIGNAL.store(signal as u8, Ordering::Relaxed);
            if control.is_stopped() {
                std::process::exit(128 + signal);
            }
            control.stop();
        }
    })?;
    Ok(())
}
