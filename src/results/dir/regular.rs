//! Files that are read whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The bytes of a regular file, or of one that a link leads to.
///
/// # Errors
/// When the file cannot be read. A pipe, which would be waited for, and a device, which may feed without end, are an error
/// of the kind [`ErrorKind::InvalidInput`].
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let refused = || io::Error::new(ErrorKind::InvalidInput, "is not a regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    // What was a regular file a moment ago may be a pipe by now.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let mut file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
