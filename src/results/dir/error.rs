//! Why a results directory cannot be written or read.

use super::super::provenance::MANIFEST;
use super::super::read::Unreadable;
use crate::text::escape;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why results cannot be put in a place.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// Something could not be read or written.
    Io {
        /// Where.
        path: PathBuf,
        /// Bytes that the results take; absent where nothing was being written.
        needed: Option<usize>,
        /// What the system says.
        error: io::Error,
    },
    /// The path ends in no name, as `..` does.
    NoName(PathBuf),
    /// A file or a link is at the place.
    NotADirectory(PathBuf),
    /// The place holds something that authstorm did not write. Not even a replacement takes it away.
    Foreign {
        /// The place.
        place: PathBuf,
        /// The name of the first such file.
        name: String,
    },
    /// A name that is needed while the results are written is taken by something else.
    InTheWay(PathBuf),
    /// The place holds the scenario that is being run.
    HoldsInput(PathBuf),
    /// The place holds results of another provenance, and replacing them was not asked for.
    OtherResults {
        /// The place.
        place: PathBuf,
        /// The first field in which they differ.
        field: String,
        /// The field's value at the place.
        there: String,
        /// The field's value in the results to come.
        here: String,
    },
    /// The place holds results of the same provenance, and yet with other bytes.
    OtherBytes {
        /// The place.
        place: PathBuf,
        /// SHA-256 of the manifest at the place.
        there: String,
        /// SHA-256 of the manifest to come.
        here: String,
    },
    /// Another process is writing results to the place.
    Locked(PathBuf),
    /// The place must not be there yet.
    Exists(PathBuf),
}

impl PlaceError {
    pub(super) fn io(path: &Path, error: io::Error) -> PlaceError {
        PlaceError::Io { path: path.to_owned(), needed: None, error }
    }
}

/// A path on one line, its hidden characters as escapes.
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
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is not there.
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
    /// The manifest is not one of authstorm's, or lacks a field.
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
    /// A file is not what was written: its hash is not that of the manifest.
    Changed {
        /// The directory.
        dir: PathBuf,
        /// The file's name.
        name: String,
    },
    /// A file is not what results are made of.
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
                "{}: {name} is not what `run` wrote: its hash is not that of {MANIFEST}; run the scenario again",
                shown(dir)
            ),
            ReadError::Content { dir, why } => write!(f, "{}: {why}", shown(dir)),
        }
    }
}

impl std::error::Error for ReadError {}
