//! Exit codes, and the handling of failures and panics in the command.

use super::terminal;
use authstorm::Error;
use authstorm::plot::PngError;
use authstorm::results::dir::part::PartsError;
use authstorm::results::{PlaceError, ReadError};
use authstorm::text::{escape, shell_word};
use authstorm::world::StopReason;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

/// Outcome of the command. Later ones are worse: of several, the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The answer is yes, or all went well.
    Yes,
    /// The answer is no, or not yes: an expectation failed or is not decided, a difference was found.
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

impl Exit {
    /// The code of the process.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Guard => 3,
            Exit::Io => 4,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a verb failed.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    /// Whether the message has colours, and its text from outside is escaped.
    in_colour: bool,
}

impl Failure {
    /// Bad usage or bad input.
    pub(super) fn usage(message: impl AsRef<str>) -> Failure {
        Failure::with(Exit::Usage, message)
    }

    /// A failure with this exit code and a message of one line. A line break in the message comes from outside and shows as
    /// an escape, as every hidden character does.
    pub(super) fn with(exit: Exit, message: impl AsRef<str>) -> Failure {
        Failure { exit, message: escape(message.as_ref()), in_colour: false }
    }

    /// A failure of reading or writing.
    pub(super) fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Failure {
        Failure::with(Exit::Io, format!("error: {what}: {error}"))
    }

    /// The outcome of the command.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The message, without colours if it is of one line.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The failure, of one file of several.
    pub(super) fn of_file(self, file: &str) -> Failure {
        let message = match self.message.strip_prefix("error: ") {
            Some(rest) if !self.in_colour => format!("error: {file}: {rest}"),
            _ => self.message,
        };
        Failure { message, ..self }
    }

    /// Prints the message and returns the outcome.
    pub(super) fn tell(&self) -> Exit {
        match self.in_colour {
            true => terminal::complain_in_colour(&self.message),
            false => terminal::complain(&self.message),
        }
        self.exit
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let exit = match &error {
            Error::Scenario(_)
            | Error::NoSuchPolicy { .. }
            | Error::Choice { .. }
            | Error::Baseline(_)
            | Error::Vary(_)
            | Error::Precision(_)
            | Error::Rollout(_)
            | Error::Design(_) => Exit::Usage,
            Error::Kept(_) => Exit::Io,
            Error::Stopped(stopped) | Error::StoppedAt { stopped, .. } => match stopped.reason {
                StopReason::Interrupted => Exit::Signal(super::interrupt::signal()),
                _ => Exit::Guard,
            },
        };
        match &error {
            // Several lines with pictures, in which text from outside is already escaped.
            Error::Scenario(errors) => {
                let in_colour = terminal::complaints_have_colours();
                Failure { exit, message: errors.render(in_colour), in_colour }
            }
            _ => Failure::with(exit, format!("error: {error}")),
        }
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Failure {
        let (exit, advice) = match &error {
            PlaceError::Io { .. } => (Exit::Io, ""),
            PlaceError::OtherBytes { .. } => (Exit::No, "; --force replaces them"),
            PlaceError::OtherResults { .. } => {
                (Exit::Usage, "; choose another --out, or --force to replace them")
            }
            PlaceError::InTheWay(_) => (Exit::Usage, ", or choose another --out"),
            PlaceError::NotADirectory(_) | PlaceError::Foreign { .. } | PlaceError::HoldsInput(_) => {
                (Exit::Usage, "; choose another --out")
            }
            PlaceError::Exists(_) => (Exit::Usage, "; name a new directory"),
            PlaceError::Unfinished(_) => {
                (Exit::Usage, "; --resume continues it; to begin anew, remove it or choose another --out")
            }
            PlaceError::OtherUnfinished { .. } => (Exit::Usage, "; remove it or choose another --out"),
            _ => (Exit::Usage, ""),
        };
        Failure::with(exit, format!("error: {error}{advice}"))
    }
}

impl From<PartsError> for Failure {
    fn from(error: PartsError) -> Failure {
        let is_io = matches!(&error, PartsError::Torn { why, .. } if matches!(**why, ReadError::Io { .. }));
        Failure::with(if is_io { Exit::Io } else { Exit::Usage }, format!("error: {error}"))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        let exit = if matches!(error, ReadError::Io { .. }) { Exit::Io } else { Exit::Usage };
        Failure::with(exit, format!("error: {error}"))
    }
}

impl From<PngError> for Failure {
    fn from(error: PngError) -> Failure {
        Failure::with(Exit::Io, format!("error: PNG: {error}"))
    }
}

/// Place of the first panic. The payload of a panic does not contain it.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Runs a verb. Turns a failure into a message and an outcome, and a panic into a request to report it.
pub(super) fn guarded(verb: impl FnOnce() -> Result<Exit, Failure>) -> Exit {
    std::panic::set_hook(Box::new(|info| {
        if let (Ok(mut place), Some(location)) = (PLACE.lock(), info.location()) {
            place.get_or_insert_with(|| location.to_string());
        }
    }));
    match catch_unwind(AssertUnwindSafe(verb)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => failure.tell(),
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            let place = PLACE.lock().ok().and_then(|mut place| place.take());
            terminal::complain(&request(what, place.as_deref(), std::env::args_os()));
            Exit::Io
        }
    }
}

/// Message for a panic: its text and place, and the command that reproduces it.
fn request(what: &str, place: Option<&str>, command: impl Iterator<Item = OsString>) -> String {
    let command: Vec<String> = command.map(|word| shell_word(&word.to_string_lossy())).collect();
    format!(
        "error: a bug in authstorm {}: {what}{}\nPlease report it with the scenario and this command, which reproduces \
         it:\n  {}",
        env!("CARGO_PKG_VERSION"),
        place.map_or(String::new(), |place| format!(" (at {place})")),
        command.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_panic_becomes_an_exit_code() {
        let code = guarded(|| panic!("planted"));
        assert_eq!(code, Exit::Io);
        let code = guarded(|| Ok(Exit::No));
        assert_eq!(code, Exit::No);
        let _ = std::panic::take_hook();
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(Failure::usage("error: a\nb\u{1b}").message, "error: a\\nb\\x1b");
    }

    /// The command can be pasted. Shows a word that is not UTF-8, for which `std::env::args` would panic again.
    #[test]
    fn the_request_has_the_command_that_reproduces_it() {
        let words = ["authstorm", "run", "a b.toml", "--set", "x=[\"1\"]", "", "it's", "a\n\u{202e}'"];
        let mut words: Vec<OsString> = words.map(OsString::from).to_vec();
        words.push(OsString::from_vec(vec![b'x', 0xFF]));
        let said = request("planted", Some("src/x.rs:1:2"), words.into_iter());
        assert!(said.contains("a bug in authstorm") && said.contains("planted (at src/x.rs:1:2)"), "{said}");
        let expected = "\n  authstorm run 'a b.toml' --set 'x=[\"1\"]' '' 'it'\\''s' $'a\\U0000000a\\U0000202e\\'' 'x\u{FFFD}'";
        assert!(said.ends_with(expected), "{said}");
    }
}
