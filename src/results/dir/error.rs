//! Errors of writing and reading a results directory.

use super::super::provenance::MANIFEST;
use super::super::read::Unreadable;
use crate::text::escape;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why results cannot be written to a place.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// An input or output operation failed.
    Io {
        /// The path of the operation.
        path: PathBuf,
        /// Size of the results in bytes; absent if nothing was being written.
        needed: Option<usize>,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The path does not end in a name, for example `..`.
    NoName(PathBuf),
    /// A file or a link exists at the place.
    NotADirectory(PathBuf),
    /// The place contains a file that authstorm did not write. Not even a replacement removes it.
    Foreign {
        /// The place.
        place: PathBuf,
        /// Name of the first such file.
        name: String,
    },
    /// Something else uses a name that is needed while results are written.
    InTheWay(PathBuf),
    /// The place contains the scenario that is run.
    HoldsInput(PathBuf),
    /// The place holds results of another provenance, and no replacement was requested.
    OtherResults {
        /// The place.
        place: PathBuf,
        /// The first field that differs.
        field: String,
        /// The field's value at the place.
        there: String,
        /// The field's value in the new results.
        here: String,
    },
    /// The place holds results with the same provenance but other bytes.
    OtherBytes {
        /// The place.
        place: PathBuf,
        /// SHA-256 of the manifest at the place.
        there: String,
        /// SHA-256 of the new manifest.
        here: String,
    },
    /// Another process is writing results to the place.
    Locked(PathBuf),
    /// Something exists at a place that must be free.
    Exists(PathBuf),
    /// The same work was begun there and is unfinished.
    Unfinished(PathBuf),
    /// Other work was begun there and is unfinished.
    OtherUnfinished {
        /// The directory of the unfinished work.
        place: PathBuf,
        /// The first field that differs.
        field: String,
        /// The field's value there.
        there: String,
        /// The field's value in the new work.
        here: String,
    },
}

impl PlaceError {
    pub(super) fn io(path: &Path, error: io::Error) -> PlaceError {
        PlaceError::Io { path: path.to_owned(), needed: None, error }
    }
}

/// A path on one line, with hidden characters as escapes.
fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaceError::Io { path, needed: None, error } => write!(f, "{}: {error}", shown(path)),
            PlaceError::Io { path, needed: Some(bytes), error } => {
                write!(f, "{} ({bytes} bytes needed): {error}", shown(path))
            }
            PlaceError::NoName(place) => write!(f, "{}: not a name for a results directory", shown(place)),
            PlaceError::NotADirectory(place) => write!(f, "{}: exists and is not a directory", shown(place)),
            PlaceError::Foreign { place, name } => {
                write!(f, "{}: {} is not from authstorm", shown(place), escape(name))
            }
            PlaceError::InTheWay(path) => write!(
                f,
                "{}: is not from authstorm, which needs this name while it runs; move it away",
                shown(path)
            ),
            PlaceError::HoldsInput(place) => write!(f, "{}: holds the scenario itself", shown(place)),
            PlaceError::OtherResults { place, field, there, here } => write!(
                f,
                "{}: holds other results: {field} is {} there and {} here",
                shown(place),
                escape(there),
                escape(here)
            ),
            PlaceError::OtherBytes { place, there, here } => write!(
                f,
                "{}: this run gives other bytes than the results there, although scenario, seed and version are the same: \
                 manifest {} there, {} here",
                shown(place),
                there.get(..12).unwrap_or(there),
                here.get(..12).unwrap_or(here)
            ),
            PlaceError::Locked(place) => write!(f, "{}: another run is writing there", shown(place)),
            PlaceError::Exists(place) => write!(f, "{}: is there already", shown(place)),
            PlaceError::Unfinished(place) => write!(f, "{}: is unfinished", shown(place)),
            PlaceError::OtherUnfinished { place, field, there, here } => write!(
                f,
                "{}: is unfinished and other than this: {field} is {} there and {} here",
                shown(place),
                escape(there),
                escape(here)
            ),
        }
    }
}

impl std::error::Error for PlaceError {}

/// Why a results directory cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// A file could not be read.
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A file does not exist.
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The file's name.
        name: String,
    },
    /// A file is a directory, a pipe or a device.
    NotRegular {
        /// The directory.
        dir: PathBuf,
        /// The file's name.
        name: String,
    },
    /// The manifest is not from authstorm, or lacks a field.
    Manifest {
        /// The directory.
        dir: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The manifest does not list a file.
    NotListed {
        /// The directory.
        dir: PathBuf,
        /// The file's name.
        name: String,
    },
    /// The hash of a file differs from the one in the manifest.
    Changed {
        /// The directory.
        dir: PathBuf,
        /// The file's name.
        name: String,
    },
    /// The content of a file does not have the form of results.
    Content {
        /// The directory.
        dir: PathBuf,
        /// What is wrong, and where.
        why: Unreadable,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io { path, error } => write!(f, "{}: {error}", shown(path)),
            ReadError::Missing { dir, name } => {
                write!(f, "{}: no results directory: {name} is missing", shown(dir))
            }
            ReadError::NotRegular { dir, name } => write!(f, "{}: {name} is not a regular file", shown(dir)),
            ReadError::Manifest { dir, why } => write!(f, "{}: {MANIFEST}: {}", shown(dir), escape(why)),
            ReadError::NotListed { dir, name } => {
                write!(f, "{}: {MANIFEST} does not list {name}", shown(dir))
            }
            ReadError::Changed { dir, name } => write!(
                f,
                "{}: {name} is not what authstorm wrote: its hash is not that of {MANIFEST}; make the results again",
                shown(dir)
            ),
            ReadError::Content { dir, why } => write!(f, "{}: {why}", shown(dir)),
        }
    }
}

impl std::error::Error for ReadError {}
