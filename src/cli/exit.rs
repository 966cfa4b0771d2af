//! Exit codes, and what becomes of a failure or a panic at the command's edge.

use super::terminal;
use authstorm::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The answer is yes, or all went well.
    Yes,
    /// The answer is no: an expectation failed, a difference was found.
    No,
    /// Usage or bad input.
    Usage,
    /// Stopped by a guard.
    Guard,
    /// I/O or internal error.
    Io,
    /// Stopped by a signal.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Guard => 3,
            Exit::Io => 4,
            Exit::Signal(signal) => 128 + signal,
        })
    }
}

/// Why a verb could not do its work.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// Bad usage or bad input.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, message: message.into() }
    }

    /// Ends so, with this message.
    pub fn with(exit: Exit, message: String) -> Failure {
        Failure { exit, message }
    }

    /// Something could not be read or written.
    pub fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Failure {
        Failure { exit: Exit::Io, message: format!("error: {what}: {error}") }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let exit = match &error {
            Error::Scenario(_) | Error::NoSuchPolicy { .. } => Exit::Usage,
            Error::Stopped(stopped) if stopped.is_interruption() => Exit::Signal(super::interrupt::signal()),
            Error::Stopped(_) => Exit::Guard,
        };
        let message = match &error {
            Error::Scenario(errors) => errors.to_string(),
            _ => format!("error: {error}"),
        };
        Failure { exit, message }
    }
}

/// Runs a verb; its failure becomes a message and an exit code, a panic a request to report it.
pub fn guarded(verb: impl FnOnce() -> Result<Exit, Failure>) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = catch_unwind(AssertUnwindSafe(verb));
    match caught {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => {
            terminal::complain(&failure.message);
            failure.exit.into()
        }
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            let command: Vec<String> = std::env::args().collect();
            terminal::complain(&format!(
                "error: a bug in authstorm {}: {what}\nNothing was written. Please report it with the scenario and this \
                 command, which reproduces it:\n  {}",
                env!("CARGO_PKG_VERSION"),
                command.join(" ")
            ));
            Exit::Io.into()
        }
    }
}
