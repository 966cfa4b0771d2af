//! Ctrl-C and SIGTERM: the first stops runs and lets the command clean up, the second ends it at once.

use authstorm::world::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

static SIGNAL: AtomicU8 = AtomicU8::new(SIGINT as u8);

/// The signal that came last.
pub fn signal() -> u8 {
    SIGNAL.load(Ordering::Relaxed)
}

/// Stops what `control` controls when a signal comes.
pub fn stops(control: &Arc<Control>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let control = Arc::clone(control);
    std::thread::spawn(move || {
        for signal in &mut signals {
            SIGNAL.store(signal as u8, Ordering::Relaxed);
            if control.is_stopped() {
                std::process::exit(128 + signal);
            }
            control.stop();
        }
    });
    Ok(())
}
