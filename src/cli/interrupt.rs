//! Ctrl-C and SIGTERM: the first stops runs and lets the command clean up, the second ends it at once.

use authstorm::world::Control;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

static SIGNAL: AtomicU8 = AtomicU8::new(SIGINT as u8);

/// The signal that came last.
pub fn signal() -> u8 {
    SIGNAL.load(Ordering::Relaxed)
}

static CONTROL: OnceLock<Arc<Control>> = OnceLock::new();

/// What every run of this command is under: the first signal stops it. Called before anything is written, so that a
/// signal always finds somebody who tidies up.
pub fn control() -> std::io::Result<Arc<Control>> {
    if let Some(control) = CONTROL.get() {
        return Ok(Arc::clone(control));
    }
    let control = CONTROL.get_or_init(Arc::default);
    stops(control)?;
    // A file that may grow no further is an error of that write, not the end of the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(Arc::clone(control))
}

/// Stops what `control` controls when a signal comes.
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
