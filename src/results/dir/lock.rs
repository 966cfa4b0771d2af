//! The lock file of a results directory. A run holds it while it writes.

use super::error::PlaceError;
use rustix::fs::{FlockOperation, OFlags};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Content of a lock file. A file with other content is not from authstorm.
const MARK: &str = "authstorm holds this file while it writes the results beside it, and removes it at the end.\n\
                    The next run clears up after one that was killed.\n";

/// A lock held by this process. Dropping the value releases it.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Keeps the operating system's lock.
    _file: File,
    left: bool,
    kept: bool,
}

impl Lock {
    /// Takes the lock at `path` for results in `place`.
    ///
    /// Fails as a usage error if another process holds it, or if the existing object is not from authstorm. Such an
    /// object is not changed, and is opened only if it is a regular file.
    pub(super) fn take(path: &Path, place: &Path) -> Result<Lock, PlaceError> {
        let failed = |e: io::Error| PlaceError::io(path, e);
        let foreign = || PlaceError::InTheWay(path.to_owned());
        loop {
            let (file, left) = match fs::symlink_metadata(path) {
                // Opening a pipe would block, and a link may lead anywhere.
                Ok(found) if !found.is_file() => return Err(foreign()),
                Ok(_) => match open(path) {
                    Err(e) if e.kind() == ErrorKind::NotFound => continue,
                    opened => (opened.map_err(failed)?, true),
                },
                Err(e) if e.kind() == ErrorKind::NotFound => match make(path) {
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
                    made => (made.map_err(failed)?, false),
                },
                Err(e) => return Err(failed(e)),
            };
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(PlaceError::Locked(place.to_owned()));
                }
                other => other.map_err(|e| failed(e.into()))?,
            }
            // The previous holder may have removed the file after this process opened it.
            let held = file.metadata().map_err(failed)?;
            let there = fs::symlink_metadata(path);
            if !there.is_ok_and(|m| (m.dev(), m.ino()) == (held.dev(), held.ino())) {
                continue;
            }
            if left && !is_marked(&file).map_err(failed)? {
                return Err(foreign());
            }
            return Ok(Lock { path: path.to_owned(), _file: file, left, kept: false });
        }
    }

    /// Whether a killed run left this lock, and possibly partial results. Otherwise nothing beside the lock is from
    /// authstorm.
    pub(super) fn was_left(&self) -> bool {
        self.left
    }

    /// Keeps the file when the lock is dropped, so that the next run cleans up.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.kept {
            // If this fails, the next run takes over the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    // The regular file may have been replaced by a pipe or a link.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn is_marked(file: &File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut text = Vec::new();
    file.take(MARK.len() as u64 + 1).read_to_end(&mut text)?;
    Ok(text == MARK.as_bytes())
}

/// Creates the file with its content in one step. A run that is killed in between leaves no file.
#[cfg(target_os = "linux")]
fn make(path: &Path) -> io::Result<File> {
    use rustix::fs::{AtFlags, CWD};
    use std::os::fd::AsRawFd;
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unnamed = || -> io::Result<File> {
        let flags = OFlags::TMPFILE.bits().cast_signed();
        let mut file = File::options().read(true).write(true).custom_flags(flags).open(parent)?;
        file.write_all(MARK.as_bytes())?;
        let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
        Ok(file)
    };
    match unnamed() {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => make_in_steps(path),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn make(path: &Path) -> io::Result<File> {
    make_in_steps(path)
}

/// Creates the file in steps, for file systems without unnamed files. A run that is killed in between leaves a file
/// without the mark, which the next run treats as foreign.
fn make_in_steps(path: &Path) -> io::Result<File> {
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    match file.write_all(MARK.as_bytes()) {
        Ok(()) => Ok(file),
        Err(e) => {
            let _ = fs::remove_file(path);
            Err(e)
        }
    }
}
