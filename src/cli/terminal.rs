//! Standard output and standard error.

use super::exit::{Exit, Failure};
use std::io::{ErrorKind, Write};

/// Prints to standard output. A reader that has gone away is no error; a full device is one.
pub fn say(text: &str) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Yes),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Yes),
        Err(error) => Err(Failure::io("standard output", &error)),
    }
}

/// Prints a message to standard error; when even that cannot be had, there is nobody left to tell.
pub fn complain(message: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(message.trim_end().as_bytes()).and_then(|()| err.write_all(b"\n"));
}
