//! A results directory appears complete or not at all: written aside, synced, then put in place in one step. Where a
//! directory cannot be replaced (a mount point), its files are moved into it one by one, and the manifest is there only
//! before the first and after the last of them.

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

/// What filling a place came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The files are in place.
    New,
    /// The same bytes were there already.
    Already,
}

/// A place for results, locked against other runs. Nothing of it changes before [`Reservation::fill`].
#[derive(Debug)]
pub struct Reservation {
    place: PathBuf,
    /// Where results are until they are all written; absent once it is tidied up.
    aside: Option<PathBuf>,
    /// Nothing can be renamed over the place, so all happens inside it.
    inside: bool,
    lock: Lock,
    replace: bool,
    /// Results of the same provenance are there.
    again: bool,
}

impl Reservation {
    /// Takes a place for results, so that a long run does not end at a closed door. Results of another provenance are
    /// replaced when `replace` says so, but never where they hold `input`, the scenario of the run. Nothing that is there
    /// changes, but for what a run that was killed has left.
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
            // What cannot be cleared up now is still ours by its lock.
            clear_up(place, &aside).inspect_err(|_| lock.keep())?;
        } else {
            place::must_be_free(&aside)?;
            place::must_be_free_inside(place)?;
        }
        // Another run may have put its results there after we looked and before we held the lock.
        let again = accept(place, provenance, replace, input)?;
        fs::create_dir(&aside).map_err(|e| PlaceError::io(&aside, e))?;
        Ok(Reservation { place: place.to_owned(), aside: Some(aside), inside, lock, replace, again })
    }

    /// Puts the files and their manifest in place: all of them, or none.
    ///
    /// # Errors
    /// When something cannot be written, and when results of the same provenance are there with other bytes.
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
                // A copy of results may leave files out. They are written again, and nothing is lost.
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

    /// Removes what was written aside: of a run that gave no results, or the results that were replaced.
    ///
    /// # Errors
    /// When it cannot be removed. It stays with its lock then, by which the next run knows it.
    pub fn tidy_up(&mut self) -> Result<(), PlaceError> {
        match self.aside.take() {
            Some(aside) => place::remove(&aside).inspect_err(|_| self.lock.keep()),
            None => Ok(()),
        }
    }

    /// Old and new directory change places in one step, where they can.
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
        // Should a step fail, then the next run does the rest, and needs the lock to know that it is ours.
        place::settle(&self.place).inspect_err(|_| self.lock.keep())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // Who wants to know what cannot be removed tidies up before.
        let _ = self.tidy_up();
    }
}

/// Finishes or removes what a run that was killed has left.
fn clear_up(place: &Path, aside: &Path) -> Result<(), PlaceError> {
    place::remove(aside)?;
    place::remove(&place.join(place::PARTIAL))?;
    if place::is_to_be_settled(place) {
        place::settle(place).map_err(|e| PlaceError::io(place, e))?;
    }
    Ok(())
}

/// Writes files into a directory that is not there yet: all of them, or none.
///
/// # Errors
/// When the directory is there, and when something cannot be written.
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

/// Whether results of the same provenance are at a place, which may be filled.
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
