//! A results directory appears complete or not at all: written aside, synced, then put in place in one step.

use super::exit::{Exit, Failure};
use authstorm::Study;
use rustix::fs::{FlockOperation, RenameFlags};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file that says what a results directory holds.
pub const MANIFEST: &str = "manifest.json";

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
    aside: PathBuf,
    lock_path: PathBuf,
    /// Held until the end.
    _lock: File,
    force: bool,
    /// Results of the same birth are there.
    again: bool,
}

impl Output {
    /// Takes a place for the results of the scenario `input`. Nothing that is there changes.
    pub fn reserve(place: &Path, birth: &Birth, force: bool, input: &Path) -> Result<Output, Failure> {
        let shown = place.display();
        let name = place
            .file_name()
            .ok_or_else(|| Failure::usage(format!("error: {shown}: not a name for a results directory")))?;
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if fs::symlink_metadata(place).is_ok_and(|m| !m.is_dir()) {
            return Err(Failure::usage(format!(
                "error: {shown}: exists and is not a directory; choose another --out"
            )));
        }
        let again = accept(place, birth, force, input)?;
        fs::create_dir_all(&parent).map_err(|e| Failure::io(parent.display(), &e))?;
        let beside = |suffix: &str| parent.join(format!(".{}.{suffix}", name.to_string_lossy()));
        let lock_path = beside("lock");
        let lock = take_lock(&lock_path)
            .map_err(|e| Failure::io(lock_path.display(), &e))?
            .ok_or_else(|| Failure::usage(format!("error: {shown}: another run is writing there")))?;
        let aside = beside("partial");
        let mut output = Output { place: place.to_owned(), aside, lock_path, _lock: lock, force, again };
        // Another run may have put its results there after we looked and before we held the lock.
        output.again = accept(place, birth, force, input)?;
        // Left by a run that was killed.
        output
            .clear_aside()
            .and_then(|()| fs::create_dir(&output.aside))
            .map_err(|e| Failure::io(output.aside.display(), &e))?;
        Ok(output)
    }

    /// Puts the files in place. Says what it did.
    pub fn fill(self, birth: &Birth, files: Vec<(String, Vec<u8>)>) -> Result<String, Failure> {
        let shown = self.place.display().to_string();
        let manifest = birth.manifest(&files);
        if self.again && !self.force {
            let there = fs::read(self.place.join(MANIFEST)).unwrap_or_default();
            let intact =
                files.iter().all(|(n, bytes)| fs::read(self.place.join(n)).is_ok_and(|b| b == *bytes));
            if there == manifest && intact {
                return Ok(format!("{shown}: already complete, the same bytes"));
            }
            return Err(Failure::differs(format!(
                "error: {shown}: this run gives other bytes than the results there, although scenario, seed and version \
                 are the same: manifest {} there, {} here; --force replaces them",
                &sha256(&there)[..12],
                &sha256(&manifest)[..12]
            )));
        }
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() + manifest.len();
        let mut all = files;
        all.push((MANIFEST.to_owned(), manifest));
        let write = || -> io::Result<()> {
            write_files(&self.aside, &all)?;
            self.put_in_place()?;
            let parent = self.aside.parent().unwrap_or(Path::new("."));
            File::open(parent)?.sync_all()
        };
        write().map_err(|e| Failure::io(format!("{shown} ({bytes} bytes needed)"), &e))?;
        Ok(format!("results in {shown}"))
    }

    /// Old and new directory change places in one step; then the old one goes.
    fn put_in_place(&self) -> io::Result<()> {
        if self.place.exists() {
            rustix::fs::renameat_with(
                rustix::fs::CWD,
                &self.aside,
                rustix::fs::CWD,
                &self.place,
                RenameFlags::EXCHANGE,
            )?;
            return self.clear_aside();
        }
        fs::rename(&self.aside, &self.place)
    }

    fn clear_aside(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.aside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // What was not put in place goes; a failure here leaves a hidden directory that the next run clears.
        let _ = self.clear_aside();
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Writes files into an empty directory, down to the disk.
fn write_files(dir: &Path, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    for (name, content) in files {
        let mut file = File::create_new(dir.join(name))?;
        file.write_all(content)?;
        file.sync_all()?;
    }
    File::open(dir)?.sync_all()
}

/// Writes files into a directory that is not there yet: all of them, or none.
pub fn write_new(place: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let shown = place.display();
    let name =
        place.file_name().ok_or_else(|| Failure::usage(format!("error: {shown}: is no directory's name")))?;
    if place.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("error: {shown}: is there already; name a new directory")));
    }
    let aside = place.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let write = || {
        fs::create_dir(&aside)?;
        let written = write_files(&aside, files).and_then(|()| fs::rename(&aside, place));
        written.inspect_err(|_| drop(fs::remove_dir_all(&aside)))
    };
    write().map_err(|e| Failure::io(shown, &e))
}

/// Whether results of the same birth are at a place, which may be filled.
fn accept(place: &Path, birth: &Birth, force: bool, input: &Path) -> Result<bool, Failure> {
    let shown = place.display();
    match present(place)? {
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

enum Present {
    Nothing,
    /// Something else: the name of the first such file.
    Foreign(String),
    Results(Value),
}

fn lies_in(file: &Path, place: &Path) -> bool {
    match (file.canonicalize(), place.canonicalize()) {
        (Ok(file), Ok(place)) => file.starts_with(place),
        _ => false,
    }
}

fn present(place: &Path) -> Result<Present, Failure> {
    let failed = |e: &io::Error| Failure::io(place.display(), e);
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Present::Nothing),
        Err(e) => return Err(failed(&e)),
    };
    let names = entries.map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<String>>>().map_err(|e| failed(&e))?;
    if names.is_empty() {
        return Ok(Present::Nothing);
    }
    // Errors must not depend on the order in which a file system lists its files.
    names.sort_unstable();
    let manifest: Option<Value> =
        fs::read(place.join(MANIFEST)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let of_authstorm = |m: &Value| m["scenario_hash"].is_string() && m["files"].is_object();
    Ok(match manifest.filter(of_authstorm) {
        None => Present::Foreign(names.swap_remove(0)),
        Some(manifest) => {
            let listed = |name: &String| name == MANIFEST || manifest["files"].get(name).is_some();
            match names.iter().position(|name| !listed(name)) {
                Some(at) => Present::Foreign(names.swap_remove(at)),
                None => Present::Results(manifest),
            }
        }
    })
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

/// Opens and locks a file; none when another process holds it.
fn take_lock(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            // Somebody else's link in a shared directory must not lead us to a file elsewhere.
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            other => other?,
        }
        // The holder before us may have removed the file between our opening and locking it.
        let (held, there) = (file.metadata()?, fs::metadata(path));
        if there.is_ok_and(|m| (m.dev(), m.ino()) == (held.dev(), held.ino())) {
            return Ok(Some(file));
        }
    }
}

impl Failure {
    fn differs(message: String) -> Failure {
        Failure::with(Exit::No, message)
    }
}
