//! A results directory appears complete or not at all: written aside, synced, then put in place in one step. Where a
//! directory cannot be replaced (a mount point), its files are moved into it one by one, and the manifest is there only
//! before the first and after the last of them.

use super::exit::{Exit, Failure};
use super::lock::Lock;
use super::place::{self, Present};
use super::terminal::shown;
use super::{MANIFEST, input};
use authstorm::Study;
use rustix::fs::{CWD, RenameFlags};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What results are born of: equal births give equal bytes.
pub struct Birth {
    scenario: String,
    fields: Vec<(&'static str, Value)>,
}

impl Birth {
    /// The birth of what this study will give.
    pub fn of(study: &Study, all_sessions: bool) -> Birth {
        let loaded = study.loaded();
        let policies: Vec<&str> = loaded.policies.iter().map(|p| p.name.as_str()).collect();
        Birth {
            scenario: loaded.text.clone(),
            fields: vec![
                ("version", env!("CARGO_PKG_VERSION").into()),
                ("scenario", loaded.scenario.name.clone().into()),
                ("scenario_hash", study.hash().into()),
                ("seed", loaded.scenario.seed.into()),
                ("replications", loaded.scenario.replications.into()),
                ("policies", policies.into()),
                ("all_sessions", all_sessions.into()),
            ],
        }
    }

    /// The birth of results that are there, as their manifest has it: the version that ran them stays.
    pub fn again(manifest: &Value, scenario: String) -> Result<Birth, String> {
        let names =
            ["version", "scenario", "scenario_hash", "seed", "replications", "policies", "all_sessions"];
        let field = |name: &'static str| {
            let value = manifest.get(name).ok_or_else(|| format!("{MANIFEST}: `{name}` is missing"))?;
            Ok((name, value.clone()))
        };
        Ok(Birth { scenario, fields: names.into_iter().map(field).collect::<Result<_, String>>()? })
    }

    fn manifest(&self, files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut manifest: serde_json::Map<String, Value> =
            self.fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        manifest.insert("scenario_text".to_owned(), self.scenario.clone().into());
        let hashes: serde_json::Map<String, Value> = files
            .iter()
            .map(|(name, bytes)| (name.clone(), json!({ "sha256": sha256(bytes), "bytes": bytes.len() })))
            .collect();
        manifest.insert("files".to_owned(), hashes.into());
        format!("{:#}\n", Value::from(manifest)).into_bytes()
    }
}

/// SHA-256, lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A place for results, locked against other runs.
pub struct Output {
    place: PathBuf,
    /// Where results are until they are all written.
    aside: PathBuf,
    /// Nothing can be renamed over the place, so all happens inside it.
    inside: bool,
    lock: Lock,
    force: bool,
    /// Results of the same birth are there.
    again: bool,
}

impl Output {
    /// Takes a place for the results of the scenario `input`. Nothing that is there changes, but for what a run that was
    /// killed has left.
    pub fn reserve(place: &Path, birth: &Birth, force: bool, input: &Path) -> Result<Output, Failure> {
        let to_see = shown(place);
        let name = place
            .file_name()
            .ok_or_else(|| Failure::usage(format!("error: {to_see}: not a name for a results directory")))?;
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
            return Err(Failure::usage(format!(
                "error: {to_see}: exists and is not a directory; choose another --out"
            )));
        }
        if !place::is_to_be_settled(place) {
            accept(place, birth, force, input)?;
        }
        let inside = place::is_mount_point(place);
        let (lock_path, aside) = if inside {
            (place.join(place::LOCK), place.join(place::PARTIAL))
        } else {
            fs::create_dir_all(&parent).map_err(|e| Failure::io(shown(&parent), &e))?;
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
        let again = accept(place, birth, force, input)?;
        fs::create_dir(&aside).map_err(|e| Failure::io(shown(&aside), &e))?;
        Ok(Output { place: place.to_owned(), aside, inside, lock, force, again })
    }

    /// Puts the files in place. Says what it did.
    pub fn fill(mut self, birth: &Birth, files: Vec<(String, Vec<u8>)>) -> Result<String, Failure> {
        let to_see = shown(&self.place);
        let manifest = birth.manifest(&files);
        if self.again && !self.force {
            let read = |name: &str| input::regular(&self.place.join(name));
            let there = read(MANIFEST).unwrap_or_default();
            let intact = files.iter().all(|(n, bytes)| read(n).is_ok_and(|b| b == *bytes));
            if there == manifest && intact {
                return Ok(format!("{to_see}: already complete, the same bytes"));
            }
            return Err(Failure::differs(format!(
                "error: {to_see}: this run gives other bytes than the results there, although scenario, seed and version \
                 are the same: manifest {} there, {} here; --force replaces them",
                &sha256(&there)[..12],
                &sha256(&manifest)[..12]
            )));
        }
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() + manifest.len();
        let mut all = vec![(MANIFEST.to_owned(), manifest)];
        all.extend(files);
        self.put_in_place(&all).map_err(|e| Failure::io(format!("{to_see} ({bytes} bytes needed)"), &e))?;
        Ok(format!("results in {to_see}"))
    }

    /// Old and new directory change places in one step, where they can; then the old one goes.
    fn put_in_place(&mut self, files: &[(String, Vec<u8>)]) -> io::Result<()> {
        place::write_files(&self.aside, files)?;
        if self.inside {
            return self.settle();
        }
        let replaced = if self.place.exists() {
            let (from, to) = (&self.aside, &self.place);
            rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).map_err(io::Error::from)
        } else {
            fs::rename(&self.aside, &self.place)
        };
        match replaced {
            Err(e) if place::cannot_be_replaced(&e) => {
                let inside = self.place.join(place::PARTIAL);
                fs::create_dir(&inside)?;
                place::write_files(&inside, files)
                    .inspect_err(|_| drop(place::remove(&inside)))
                    .and_then(|()| self.settle())
            }
            other => other.and_then(|()| place::sync(self.aside.parent().unwrap_or(Path::new(".")))),
        }
    }

    fn settle(&mut self) -> io::Result<()> {
        place::complete(&self.place)?;
        // Should a step fail, then the next run does the rest, and needs the lock to know that it is ours.
        place::settle(&self.place).inspect_err(|_| self.lock.keep())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // What was not put in place goes, and so do results that were replaced. What cannot be removed stays with its
        // lock, by which the next run knows it.
        if let Err(failure) = place::remove(&self.aside) {
            self.lock.keep();
            failure.tell();
        }
    }
}

/// Finishes or removes what a run that was killed has left.
fn clear_up(place: &Path, aside: &Path) -> Result<(), Failure> {
    place::remove(aside)?;
    place::remove(&place.join(place::PARTIAL))?;
    if place::is_to_be_settled(place) {
        place::settle(place).map_err(|e| Failure::io(shown(place), &e))?;
    }
    Ok(())
}

/// Writes files into a directory that is not there yet: all of them, or none.
pub fn write_new(place: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let to_see = shown(place);
    let name = place
        .file_name()
        .ok_or_else(|| Failure::usage(format!("error: {to_see}: is no directory's name")))?;
    if place.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("error: {to_see}: is there already; name a new directory")));
    }
    let aside = place.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let write = || {
        fs::create_dir(&aside)?;
        let written = place::write_files(&aside, files).and_then(|()| fs::rename(&aside, place));
        written.inspect_err(|_| drop(fs::remove_dir_all(&aside)))
    };
    write().map_err(|e| Failure::io(to_see, &e))
}

/// Whether results of the same birth are at a place, which may be filled.
fn accept(place: &Path, birth: &Birth, force: bool, input: &Path) -> Result<bool, Failure> {
    let shown = shown(place);
    match place::present(place)? {
        Present::Nothing => Ok(false),
        // Not even --force takes away what authstorm did not write.
        Present::Foreign(what) => {
            Err(Failure::usage(format!("error: {shown}: {what} is not from authstorm; choose another --out")))
        }
        Present::Results(_) if force && lies_in(input, place) => {
            Err(Failure::usage(format!("error: {shown}: holds the scenario itself; choose another --out")))
        }
        Present::Results(_) if force => Ok(false),
        Present::Results(manifest) => {
            let Some((field, there, here)) = difference(&manifest, birth) else { return Ok(true) };
            Err(Failure::usage(format!(
                "error: {shown}: holds other results: {field} is {there} there and {here} here; \
                 choose another --out, or --force to replace them"
            )))
        }
    }
}

fn lies_in(file: &Path, place: &Path) -> bool {
    match (file.canonicalize(), place.canonicalize()) {
        (Ok(file), Ok(place)) => file.starts_with(place),
        _ => false,
    }
}

/// The first field in which results that are there differ from those to come.
fn difference(manifest: &Value, birth: &Birth) -> Option<(&'static str, String, String)> {
    const HASH: &str = "scenario_hash";
    let different = |(key, value): &(&'static str, Value)| manifest.get(*key) != Some(value);
    // A short value as it is, a text of many lines by its hash.
    let words = |value: &Value| {
        let text = value.to_string();
        let text = if text.len() > 200 { format!("of SHA-256 {}", sha256(text.as_bytes())) } else { text };
        text.trim_matches('"').chars().take(40).collect::<String>()
    };
    // The hash holds the seed and the replications too; what says more comes first. Two texts that say the same have one
    // hash, and yet give other bytes.
    let (hash, others): (Vec<_>, Vec<_>) = birth.fields.iter().cloned().partition(|(key, _)| *key == HASH);
    let text = ("scenario_text", Value::from(birth.scenario.clone()));
    others
        .into_iter()
        .chain(hash)
        .chain([text])
        .find(different)
        .map(|(key, value)| (key, manifest.get(key).map_or("missing".to_owned(), words), words(&value)))
}

impl Failure {
    fn differs(message: String) -> Failure {
        Failure::with(Exit::No, message)
    }
}
