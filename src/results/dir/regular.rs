//! Reading of whole files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Reads a regular file, or one that a link leads to. Reading a pipe could block and a device may have no end, so these
/// fail with [`ErrorKind::InvalidInput`].
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file as [`read_regular`] does.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(ErrorKind::InvalidInput, "is not a regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    // The regular file may have been replaced by a pipe.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused()) }
}
