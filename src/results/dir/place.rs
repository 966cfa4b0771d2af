//! The contents of a results directory. Only files from authstorm are ever moved or removed.

use super::super::DataFile;
use super::super::provenance::{MANIFEST, Manifest};
use super::error::PlaceError;
use super::regular::read_regular;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Lock file inside a results directory that cannot be replaced.
pub(super) const LOCK: &str = ".authstorm.lock";
/// Directory inside it for new results that are being written.
pub(super) const PARTIAL: &str = ".authstorm.partial";
/// Name of that directory once all new results are on disk and are being moved into place.
const COMPLETE: &str = ".authstorm.complete";
/// Name in that directory for the manifest of the replaced results.
const OLD: &str = "manifest.old.json";

/// Contents of a place for results.
pub(super) enum Present {
    /// Nothing, or an empty directory.
    Nothing,
    /// An object that is not from authstorm: the name of the first one.
    Foreign(String),
    /// Results, with their manifest.
    Results(Manifest),
}

/// Inspects a place for results.
pub(super) fn present(place: &Path) -> Result<Present, PlaceError> {
    let failed = |e: io::Error| PlaceError::io(place, e);
    let names = match names(place) {
        Ok(names) => names,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Present::Nothing),
        Err(e) => return Err(failed(e)),
    };
    // The lock decides whether these are from authstorm.
    let own = |name: &OsString| [LOCK, PARTIAL, COMPLETE].iter().any(|own| name == own);
    let names: Vec<OsString> = names.into_iter().filter(|name| !own(name)).collect();
    let manifest = manifest(&place.join(MANIFEST));
    let listed = |name: &OsString| name == MANIFEST || lists(manifest.as_ref(), name);
    Ok(match (names.iter().find(|name| !listed(name)), &manifest) {
        _ if names.is_empty() => Present::Nothing,
        (Some(name), _) => Present::Foreign(name.to_string_lossy().into_owned()),
        (None, None) => Present::Foreign(MANIFEST.to_owned()),
        (None, Some(manifest)) => Present::Results(manifest.clone()),
    })
}

/// Sorted names of the entries of a directory.
fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Reads a manifest; `None` if the file is not a manifest of authstorm.
fn manifest(path: &Path) -> Option<Manifest> {
    Manifest::parse(&read_regular(path).ok()?)
}

fn lists(manifest: Option<&Manifest>, name: &OsString) -> bool {
    manifest.zip(name.to_str()).is_some_and(|(manifest, name)| manifest.lists(name))
}

fn foreign(path: &Path) -> PlaceError {
    PlaceError::InTheWay(path.to_owned())
}

/// Fails if an object exists at a path that must be free.
pub(super) fn must_be_free(path: &Path) -> Result<(), PlaceError> {
    if fs::symlink_metadata(path).is_ok() { Err(foreign(path)) } else { Ok(()) }
}

/// Fails if a name that authstorm needs inside a place is in use.
pub(super) fn must_be_free_inside(place: &Path) -> Result<(), PlaceError> {
    must_be_free(&place.join(PARTIAL))?;
    must_be_free(&place.join(COMPLETE))
}

/// Removes complete or partial results: the files of their manifest, the manifest, and the directory. Removes nothing
/// if the directory contains anything else.
pub(super) fn remove(dir: &Path) -> Result<(), PlaceError> {
    match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Ok(found) if !found.is_dir() => return Err(foreign(dir)),
        _ => {}
    }
    let failed = |e: io::Error| PlaceError::io(dir, e);
    let names = names(dir).map_err(failed)?;
    let manifests = [MANIFEST, OLD].map(|name| manifest(&dir.join(name)));
    let is_manifest = |name: &OsString| name == MANIFEST || name == OLD;
    let listed = |name: &OsString| manifests.iter().any(|m| lists(m.as_ref(), name));
    if let Some(other) = names.iter().find(|name| !is_manifest(name) && !listed(name)) {
        return Err(foreign(&dir.join(other)));
    }
    // Removes manifests last, so that an interrupted removal can be resumed.
    let (last, first): (Vec<_>, Vec<_>) = names.iter().partition(|name| is_manifest(name));
    let removed = first.into_iter().chain(last).try_for_each(|name| fs::remove_file(dir.join(name)));
    removed.and_then(|()| fs::remove_dir(dir)).map_err(failed)
}

/// Writes files into an empty directory and flushes them to disk. The first file is the manifest, which [`remove`]
/// needs.
pub(super) fn write_files(dir: &Path, files: &[DataFile]) -> io::Result<()> {
    for DataFile { name, bytes } in files {
        let mut file = File::create_new(dir.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync(dir)
}

/// Flushes the entries of a directory to disk.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Whether a directory is a mount point. Nothing can be renamed over a mount point.
#[cfg(target_os = "linux")]
pub(super) fn is_mount_point(place: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};
    let root = StatxAttributes::MOUNT_ROOT;
    match rustix::fs::statx(CWD, place, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) {
        Ok(found) if found.stx_attributes_mask.contains(root) => found.stx_attributes.contains(root),
        _ => is_on_another_device(place),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_mount_point(place: &Path) -> bool {
    is_on_another_device(place)
}

/// Whether a directory is on another device than its parent.
fn is_on_another_device(place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::symlink_metadata(path).map(|m| m.dev()).ok();
    device(place).zip(device(&place.join(".."))).is_some_and(|(inside, outside)| inside != outside)
}

/// Whether the error means that the directory cannot be replaced: it is a mount point, belongs to a lower layer of an
/// overlay, or its file system cannot exchange names.
pub(super) fn cannot_be_replaced(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errors = [Errno::BUSY, Errno::XDEV, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| errors.iter().any(|e| e.raw_os_error() == code))
}

/// Marks the results in `place`/[`PARTIAL`] as complete. From now on any run can finish moving them into place.
pub(super) fn complete(place: &Path) -> io::Result<()> {
    fs::rename(place.join(PARTIAL), place.join(COMPLETE))?;
    sync(place)
}

/// Whether complete results wait to be moved into this place.
pub(super) fn is_to_be_settled(place: &Path) -> bool {
    fs::symlink_metadata(place.join(COMPLETE)).is_ok_and(|found| found.is_dir())
}

/// Moves complete results into place, file by file. Resumes an interrupted move. From the first step to the last there
/// is no manifest, so the place is not mistaken for results.
pub(super) fn settle(place: &Path) -> io::Result<()> {
    let from = place.join(COMPLETE);
    let (new, old) = (from.join(MANIFEST), from.join(OLD));
    if new.is_file() {
        if place.join(MANIFEST).is_file() {
            fs::rename(place.join(MANIFEST), &old)?;
            sync(place)?;
        }
        let (listed, replaced) = (manifest(&new), manifest(&old));
        for name in names(place)? {
            if lists(replaced.as_ref(), &name) && !lists(listed.as_ref(), &name) {
                fs::remove_file(place.join(name))?;
            }
        }
        for name in names(&from)?.into_iter().filter(|name| lists(listed.as_ref(), name)) {
            fs::rename(from.join(&name), place.join(name))?;
        }
        sync(place)?;
        fs::rename(new, place.join(MANIFEST))?;
        sync(place)?;
    }
    match fs::remove_file(old) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => fs::remove_dir(from),
    }
}
