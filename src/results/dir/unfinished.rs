//! Long work whose finished rows stay when it is interrupted: a directory beside the place of its results, with a journal.
//!
//! The first line of the journal says what the work is. Each further line is a row: its number, a hash, and its text. A row
//! counts only if the hash is that of the first line, the number and the text, so a row that was written in part counts as
//! not written.

use super::super::DataFile;
use super::super::provenance::{MANIFEST, Manifest, Provenance, hash_of, sha256};
use super::error::PlaceError;
use super::lock::Lock;
use super::place;
use super::reservation::Written;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file with the rows.
const JOURNAL: &str = "journal.jsonl";
/// The directory with the complete results, before it is moved into place.
const RESULTS: &str = "results";
/// Digits of the hash of a row.
const DIGITS: usize = 16;

/// Begin and length of the text of each row, by number.
type Rows = BTreeMap<u64, (u64, usize)>;

/// Work that was begun for a place and is locked against other processes.
#[derive(Debug)]
pub struct Unfinished {
    place: PathBuf,
    dir: PathBuf,
    what: Map<String, Value>,
    journal: File,
    /// Hash of the first line.
    seal: String,
    rows: Rows,
    /// Length of the journal.
    end: u64,
    _lock: Lock,
}

impl Unfinished {
    /// Begins work for a place that must not exist. `what` says what the work is, in the order of importance. With `resume`,
    /// rows of the same work that was interrupted are taken over, and a row that was written in part is dropped.
    ///
    /// # Errors
    /// When the place exists, other work is unfinished there, work is unfinished there and `resume` is false, or a file
    /// cannot be read or written.
    pub fn begin(place: &Path, what: &Map<String, Value>, resume: bool) -> Result<Unfinished, PlaceError> {
        let name = place.file_name().ok_or_else(|| PlaceError::NoName(place.to_owned()))?;
        if place.symlink_metadata().is_ok() {
            return Err(PlaceError::Exists(place.to_owned()));
        }
        let beside = |suffix: &str| {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(suffix);
            place.with_file_name(hidden)
        };
        if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|e| PlaceError::io(parent, e))?;
        }
        let lock = Lock::take(&beside(".lock"), place)?;
        let dir = beside(".unfinished");
        let path = dir.join(JOURNAL);
        let first = serde_json::to_string(what).expect("texts and numbers are JSON") + "\n";
        let failed = |e: io::Error| PlaceError::io(&path, e);
        let found = fs::symlink_metadata(&dir);
        if found.as_ref().is_ok_and(|found| !found.is_dir()) {
            return Err(PlaceError::InTheWay(dir));
        }
        // A process that was killed before it wrote the first line left nothing to resume.
        let there = match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => return Err(PlaceError::InTheWay(path)),
            Ok(_) => first_line(&path).map_err(failed)?,
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(failed(e)),
        };
        if there.is_none()
            && found.is_ok()
            && fs::read_dir(&dir)
                .map_err(failed)?
                .any(|entry| entry.map_or(true, |entry| entry.file_name() != JOURNAL))
        {
            return Err(PlaceError::InTheWay(dir));
        }
        if let Some(there) = &there {
            let there = serde_json::from_str::<Map<String, Value>>(there)
                .map_err(|_| PlaceError::InTheWay(path.clone()))?;
            let is_other = |(key, value): &(&String, &Value)| there.get(*key) != Some(*value);
            if let Some((field, here)) = what.iter().find(is_other) {
                let there = there.get(field).map_or("missing".to_owned(), in_words);
                return Err(PlaceError::OtherUnfinished {
                    place: dir,
                    field: field.clone(),
                    there,
                    here: in_words(here),
                });
            }
            if !resume {
                return Err(PlaceError::Unfinished(dir));
            }
        }
        fs::create_dir_all(&dir).map_err(|e| PlaceError::io(&dir, e))?;
        let mut options = File::options();
        let mut journal =
            options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let seal = sha256(first.as_bytes());
        let (rows, end) = match there {
            None => {
                journal.set_len(0).and_then(|()| journal.write_all(first.as_bytes())).map_err(failed)?;
                (BTreeMap::new(), first.len() as u64)
            }
            Some(_) => {
                let (rows, end) = read_rows(&journal, &seal).map_err(failed)?;
                journal.set_len(end).map_err(failed)?;
                (rows, end)
            }
        };
        Ok(Unfinished {
            place: place.to_owned(),
            dir,
            what: what.clone(),
            journal,
            seal,
            rows,
            end,
            _lock: lock,
        })
    }

    /// The directory of the unfinished work.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether a row is finished.
    pub fn has(&self, number: u64) -> bool {
        self.rows.contains_key(&number)
    }

    /// Number of finished rows.
    pub fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Numbers of the finished rows, in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.keys().copied()
    }

    /// Adds a row, whose text is one line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, number: u64, text: &str) -> io::Result<()> {
        let head = format!("{number} {} ", seal_of(&self.seal, number, text));
        let line = format!("{head}{text}\n");
        self.journal.seek(SeekFrom::Start(self.end))?;
        self.journal.write_all(line.as_bytes())?;
        self.rows.insert(number, (self.end + head.len() as u64, text.len()));
        self.end += line.len() as u64;
        Ok(())
    }

    /// The text of a finished row.
    ///
    /// # Errors
    /// When it is not finished or cannot be read.
    pub fn row(&self, number: u64) -> io::Result<String> {
        let (at, length) = *self.rows.get(&number).ok_or(ErrorKind::NotFound)?;
        let mut journal = &self.journal;
        journal.seek(SeekFrom::Start(at))?;
        let mut text = vec![0; length];
        journal.read_exact(&mut text)?;
        String::from_utf8(text).map_err(|_| ErrorKind::InvalidData.into())
    }

    /// An empty directory for the complete results.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn results_dir(&self) -> io::Result<PathBuf> {
        let results = self.dir.join(RESULTS);
        match fs::remove_dir_all(&results) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        fs::create_dir(&results)?;
        Ok(results)
    }

    /// Puts these files and their manifest into place in one step, and removes the rest.
    ///
    /// # Errors
    /// When that fails. Finished rows then stay.
    pub fn fill(self, provenance: &Provenance, files: &[DataFile]) -> Result<Written, PlaceError> {
        let manifest = DataFile::new(MANIFEST, Manifest::new(provenance, files).text().into_bytes());
        let needed = Some(files.iter().map(|file| file.bytes.len()).sum());
        let all: Vec<DataFile> = std::iter::once(manifest).chain(files.iter().cloned()).collect();
        let written = self.results_dir().and_then(|dir| place::write_files(&dir, &all));
        written.map_err(|error| PlaceError::Io { path: self.place.clone(), needed, error })?;
        self.put_in_place().map(|()| Written::New)
    }

    /// Describes the complete results by a manifest, which says what the work is and has the size and the hash of each file, moves them
    /// into place in one step, and removes the rest. `again` is the command that makes the results again.
    ///
    /// # Errors
    /// When that fails. Finished rows then stay.
    pub fn finish(self, again: &str) -> Result<(), PlaceError> {
        let described = describe(&self.dir.join(RESULTS), &self.what, again);
        described.map_err(|e| PlaceError::io(&self.place, e))?;
        self.put_in_place()
    }

    /// Moves the complete results, which have a manifest, into place in one step, and removes the rest.
    ///
    /// # Errors
    /// When that fails. Finished rows then stay.
    pub(super) fn put_in_place(self) -> Result<(), PlaceError> {
        let results = self.dir.join(RESULTS);
        let moved = place::sync(&results).and_then(|()| fs::rename(&results, &self.place));
        moved.map_err(|e| PlaceError::io(&self.place, e))?;
        let parent = self.place.parent().filter(|parent| !parent.as_os_str().is_empty());
        place::sync(parent.unwrap_or(Path::new("."))).map_err(|e| PlaceError::io(&self.place, e))?;
        let removed = fs::remove_file(self.dir.join(JOURNAL)).and_then(|()| fs::remove_dir(&self.dir));
        removed.map_err(|e| PlaceError::io(&self.dir, e))
    }
}

/// Adds a manifest to the results of some work.
fn describe(results: &Path, what: &Map<String, Value>, again: &str) -> io::Result<()> {
    let mut hashed = BTreeMap::new();
    for entry in fs::read_dir(results)? {
        let entry = entry?;
        hashed.insert(entry.file_name().to_string_lossy().into_owned(), hash_of(File::open(entry.path())?)?);
    }
    let mut file = File::create_new(results.join(MANIFEST))?;
    file.write_all(Manifest::of_work(what, again, &hashed).text().as_bytes())?;
    file.sync_all()
}

/// A value on one line, cut where it is long.
fn in_words(value: &Value) -> String {
    let text = value.to_string();
    crate::text::shorten(text.trim_matches('"'), 60)
}

/// The first line of a file, without its end; `None` if it has no end.
fn first_line(path: &Path) -> io::Result<Option<String>> {
    // No first line is longer.
    const MOST: u64 = 64 << 20;
    let mut line = Vec::new();
    BufReader::new(File::open(path)?.take(MOST)).read_until(b'\n', &mut line)?;
    Ok(line.strip_suffix(b"\n").map(|line| String::from_utf8_lossy(line).into_owned()))
}

/// The hash of a row, after the hash of the first line.
fn seal_of(seal: &str, number: u64, text: &str) -> String {
    let mut hash = sha256(format!("{seal} {number} {text}").as_bytes());
    hash.truncate(DIGITS);
    hash
}

/// The rows up to the first that is not whole, and where they end.
fn read_rows(journal: &File, seal: &str) -> io::Result<(Rows, u64)> {
    let mut reader = BufReader::new(journal);
    reader.seek(SeekFrom::Start(0))?;
    let (mut rows, mut line) = (BTreeMap::new(), Vec::new());
    let mut end = reader.read_until(b'\n', &mut line)? as u64;
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        let mut parts = text.unwrap_or_default().splitn(3, ' ');
        let (Some(number), Some(hash), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            break;
        };
        let Ok(number) = number.parse::<u64>() else { break };
        if hash != seal_of(seal, number, text) {
            break;
        }
        rows.insert(number, (end + (length - 1 - text.len()) as u64, text.len()));
        end += length as u64;
    }
    Ok((rows, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(scenario: &str) -> Map<String, Value> {
        let fields = [("version", "1"), ("scenario", scenario)];
        fields.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
    }

    #[test]
    fn whole_rows_stay_and_the_rest_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("out");
        let begin = |resume| Unfinished::begin(&place, &what("a"), resume);
        let mut work = begin(false).expect("a free place");
        for number in [3, 0, 7] {
            work.add(number, &format!("row {number}")).expect("a row");
        }
        let journal = work.path().join(JOURNAL);
        assert!(matches!(begin(true), Err(PlaceError::Locked(_))), "one process at a time");
        drop(work);
        let bytes = fs::read(&journal).expect("the journal");
        let first = bytes.iter().position(|b| *b == b'\n').expect("a line") + 1;
        for length in 0..=bytes.len() {
            fs::write(&journal, &bytes[..length]).expect("a cut journal");
            let mut work = begin(true).unwrap_or_else(|e| panic!("{length}: {e}"));
            let ends =
                bytes.iter().enumerate().filter(|(at, b)| **b == b'\n' && *at >= first && *at < length);
            assert_eq!(work.count(), ends.count() as u64, "{length}");
            work.add(1, "row 1").expect("a row");
            for number in [3, 0, 7, 1].into_iter().filter(|number| work.has(*number)) {
                assert_eq!(work.row(number).expect("a row"), format!("row {number}"), "{length}");
            }
            assert!(work.row(2).is_err());
            drop(work);
            assert!(begin(true).expect("again").has(1));
        }
        // A changed letter is no row either.
        let mut changed = bytes.clone();
        changed[bytes.len() - 2] = b'8';
        fs::write(&journal, &changed).expect("a changed journal");
        assert_eq!(begin(true).expect("resumed").count(), 2);
    }

    #[test]
    fn other_work_is_refused_by_the_field_that_differs() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("out");
        drop(Unfinished::begin(&place, &what("a"), false).expect("a free place"));
        let said = |scenario, resume| match Unfinished::begin(&place, &what(scenario), resume) {
            Err(error) => error.to_string(),
            Ok(_) => "taken".to_owned(),
        };
        assert!(said("b", true).contains("scenario is a there and b here"), "{}", said("b", true));
        assert!(said("b", false).contains("scenario is a there and b here"));
        assert!(said("a", false).contains("unfinished"), "{}", said("a", false));
        assert_eq!(said("a", true), "taken");
    }

    #[test]
    fn results_come_into_place_in_one_step() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("deep/out");
        let work = Unfinished::begin(&place, &what("a"), true).expect("nothing to resume");
        let results = work.results_dir().expect("a directory");
        fs::write(results.join("a"), "b").expect("a file");
        assert!(!place.exists());
        work.finish("authstorm sweep a.toml").expect("in place");
        assert_eq!(fs::read(place.join("a")).expect("the file"), b"b");
        let manifest = fs::read(place.join(MANIFEST)).expect("the manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let listed = serde_json::json!({ "sha256": sha256(b"b"), "bytes": 1 });
        assert_eq!(manifest["files"], serde_json::json!({ "a": listed }));
        assert_eq!(manifest["command"], "authstorm sweep a.toml");
        let left: Vec<_> = fs::read_dir(folder.path().join("deep")).expect("a folder").collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(matches!(Unfinished::begin(&place, &what("a"), true), Err(PlaceError::Exists(_))));
    }
}
