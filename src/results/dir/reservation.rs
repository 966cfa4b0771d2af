//! Writes a results directory so that it is complete or absent: the files are written aside, synced, and put in place in one
//! step. If the directory cannot be replaced (a mount point), its files are moved into it one by one. The manifest then
//! exists only before the first and after the last move.

use super::super::DataFile;
use super::super::provenance::{MANIFEST, Manifest, Provenance, sha256};
use super::error::PlaceError;
use super::lock::Lock;
use super::place::{self, Present};
use super::regular::read_regular;
use rustix::fs::{CWD, RenameFlags};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Outcome of filling a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The files are in place.
    New,
    /// The place already held the same bytes.
    Already,
}

/// A place for results, locked against other runs. It does not change before [`Reservation::fill`].
#[derive(Debug)]
pub struct Reservation {
    place: PathBuf,
    /// Directory for results until they are complete; absent once it is removed.
    aside: Option<PathBuf>,
    /// Whether nothing can be renamed over the place, so that all work happens inside it.
    inside: bool,
    lock: Lock,
    replace: bool,
    /// Whether the place holds results of the same provenance.
    again: bool,
}

impl Reservation {
    /// Reserves a place for results before a run, so that a long run does not fail at its end. `replace` permits replacing
    /// results of another provenance, but never where they hold `input`, the scenario of the run. Changes nothing at the
    /// place except what a killed run left.
    ///
    /// # Errors
    /// When the place is taken, or cannot be read or written.
    pub fn take(
        place: &Path,
        provenance: &Provenance,
        replace: bool,
        input: Option<&Path>,
    ) -> Result<Reservation, PlaceError> {
        let name = place.file_name().ok_or_else(|| PlaceError::NoName(place.to_owned()))?;
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let beside = |suffix: &str| {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(suffix);
            parent.join(hidden)
        };
        if fs::symlink_metadata(place).is_ok_and(|m| !m.is_dir()) {
            return Err(PlaceError::NotADirectory(place.to_owned()));
        }
        if !place::is_to_be_settled(place) {
            accept(place, provenance, replace, input)?;
        }
        let inside = place::is_mount_point(place);
        let (lock_path, aside) = if inside {
            (place.join(place::LOCK), place.join(place::PARTIAL))
        } else {
            fs::create_dir_all(&parent).map_err(|e| PlaceError::io(&parent, e))?;
            (beside(".lock"), beside(".partial"))
        };
        let mut lock = Lock::take(&lock_path, place)?;
        if lock.was_left() {
            // If this cannot be cleared now, the lock still marks it as ours.
            clear_up(place, &aside).inspect_err(|_| lock.keep())?;
        } else {
            place::must_be_free(&aside)?;
            place::must_be_free_inside(place)?;
        }
        // Another run may have put its results there between the first look and the lock.
        let again = accept(place, provenance, replace, input)?;
        fs::create_dir(&aside).map_err(|e| PlaceError::io(&aside, e))?;
        Ok(Reservation { place: place.to_owned(), aside: Some(aside), inside, lock, replace, again })
    }

    /// Puts the files and their manifest in place: all or none.
    ///
    /// # Errors
    /// When a file cannot be written, or results of the same provenance with other bytes exist.
    pub fn fill(&mut self, provenance: &Provenance, files: Vec<DataFile>) -> Result<Written, PlaceError> {
        let manifest = Manifest::new(provenance, &files).text().into_bytes();
        if self.again && !self.replace {
            let read = |name: &str| read_regular(&self.place.join(name));
            let there = read(MANIFEST).unwrap_or_default();
            let is_absent = |file: &&DataFile| fs::symlink_metadata(self.place.join(&file.name)).is_err();
            let (absent, present): (Vec<_>, Vec<_>) = files.iter().partition(is_absent);
            let is_same = |file: &&DataFile| read(&file.name).is_ok_and(|bytes| bytes == file.bytes);
            let is_whole = there == manifest && present.iter().all(is_same);
            if is_whole && absent.is_empty() {
                return Ok(Written::Already);
            }
            if is_whole {
                // A copy of results may lack files. They are written again, and nothing is lost.
                return self.write(manifest, files);
            }
            let (there, here) = (sha256(&there), sha256(&manifest));
            return Err(PlaceError::OtherBytes { place: self.place.clone(), there, here });
        }
        self.write(manifest, files)
    }

    fn write(&mut self, manifest: Vec<u8>, files: Vec<DataFile>) -> Result<Written, PlaceError> {
        let mut all = vec![DataFile::new(MANIFEST, manifest)];
        all.extend(files);
        let needed = Some(all.iter().map(|file| file.bytes.len()).sum());
        self.put_in_place(&all).map_err(|error| PlaceError::Io {
            path: self.place.clone(),
            needed,
            error,
        })?;
        Ok(Written::New)
    }

    /// Removes the directory aside: results of an unfinished run, or replaced results.
    ///
    /// # Errors
    /// When it cannot be removed. It then stays with its lock, by which the next run recognises it.
    pub fn tidy_up(&mut self) -> Result<(), PlaceError> {
        match self.aside.take() {
            Some(aside) => place::remove(&aside).inspect_err(|_| self.lock.keep()),
            None => Ok(()),
        }
    }

    /// Exchanges the old and the new directory in one step where the file system can.
    fn put_in_place(&mut self, files: &[DataFile]) -> io::Result<()> {
        let Some(aside) = self.aside.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        place::write_files(&aside, files)?;
        if self.inside {
            return self.settle();
        }
        let replaced = if self.place.exists() {
            let (from, to) = (&aside, &self.place);
            rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).map_err(io::Error::from)
        } else {
            fs::rename(&aside, &self.place)
        };
        match replaced {
            Err(e) if place::cannot_be_replaced(&e) => {
                let inside = self.place.join(place::PARTIAL);
                fs::create_dir(&inside)?;
                place::write_files(&inside, files)
                    .inspect_err(|_| drop(place::remove(&inside)))
                    .and_then(|()| self.settle())
            }
            other => other.and_then(|()| place::sync(aside.parent().unwrap_or(Path::new(".")))),
        }
    }

    fn settle(&mut self) -> io::Result<()> {
        place::complete(&self.place)?;
        // If a step fails, the next run does the rest. It needs the lock to recognise the files as ours.
        place::settle(&self.place).inspect_err(|_| self.lock.keep())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // A caller that needs the error calls `tidy_up` before.
        let _ = self.tidy_up();
    }
}

/// Finishes or removes what a killed run left.
fn clear_up(place: &Path, aside: &Path) -> Result<(), PlaceError> {
    place::remove(aside)?;
    place::remove(&place.join(place::PARTIAL))?;
    if place::is_to_be_settled(place) {
        place::settle(place).map_err(|e| PlaceError::io(place, e))?;
    }
    Ok(())
}

/// Writes files into a directory that does not exist yet: all or none.
///
/// # Errors
/// When the directory exists, or a file cannot be written.
pub fn write_new(place: &Path, files: &[DataFile]) -> Result<(), PlaceError> {
    let name = place.file_name().ok_or_else(|| PlaceError::NoName(place.to_owned()))?;
    if place.symlink_metadata().is_ok() {
        return Err(PlaceError::Exists(place.to_owned()));
    }
    let aside = place.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let write = || {
        fs::create_dir(&aside)?;
        let written = place::write_files(&aside, files).and_then(|()| fs::rename(&aside, place));
        written.inspect_err(|_| drop(fs::remove_dir_all(&aside)))
    };
    write().map_err(|e| PlaceError::io(place, e))
}

/// Checks that a place may be filled. Returns whether it holds results of the same provenance.
fn accept(
    place: &Path,
    provenance: &Provenance,
    replace: bool,
    input: Option<&Path>,
) -> Result<bool, PlaceError> {
    let here = || place.to_owned();
    match place::present(place)? {
        Present::Nothing => Ok(false),
        Present::Foreign(name) => Err(PlaceError::Foreign { place: here(), name }),
        Present::Results(_) if replace && input.is_some_and(|input| lies_in(input, place)) => {
            Err(PlaceError::HoldsInput(here()))
        }
        Present::Results(_) if replace => Ok(false),
        Present::Results(manifest) => match manifest.difference(provenance) {
            None => Ok(true),
            Some((field, there, here)) => {
                Err(PlaceError::OtherResults { place: place.to_owned(), field, there, here })
            }
        },
    }
}

fn lies_in(file: &Path, place: &Path) -> bool {
    match (file.canonicalize(), place.canonicalize()) {
        (Ok(file), Ok(place)) => file.starts_with(place),
        _ => false,
    }
}
