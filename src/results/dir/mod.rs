//! Results directories. A written directory is complete or absent. Reading checks the hashes of its files.
//!
//! ```
//! use authstorm::Study;
//! use authstorm::results::{ResultsDir, Written};
//!
//! let mut study = Study::load("scenarios/healthy.toml")?;
//! study.replications(1)?;
//! let results = study.run()?;
//! let folder = tempfile::tempdir()?;
//! let place = folder.path().join("healthy");
//! assert_eq!(results.write(&place)?, Written::New);
//! assert_eq!(results.write(&place)?, Written::Already);
//!
//! let dir = ResultsDir::open(&place)?;
//! assert_eq!(dir.provenance()?.seed, results.seed);
//! assert_eq!(dir.results()?, results);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lock;
pub mod part;
mod place;
mod regular;
mod reservation;
mod unfinished;

pub use error::{PlaceError, ReadError};
pub use regular::read_regular;
pub use reservation::{Reservation, Written, write_new};
pub use unfinished::Unfinished;

use regular::open_regular;

use super::provenance::{MANIFEST, Manifest, Provenance, hash_of, sha256};
use super::{DataFile, Gap, Results, read, stories};
use crate::scenario::PolicyFile;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// An existing results directory, of this version or another.
#[derive(Clone, Debug)]
pub struct ResultsDir {
    dir: PathBuf,
    manifest: Manifest,
}

impl ResultsDir {
    /// Reads the manifest of a directory.
    ///
    /// # Errors
    /// When it does not exist or is not from authstorm.
    pub fn open(dir: impl AsRef<Path>) -> Result<ResultsDir, ReadError> {
        let dir = dir.as_ref().to_owned();
        let bytes = content(&dir, MANIFEST)?;
        if let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
            return Err(ReadError::Manifest { dir, why: e.to_string() });
        }
        match Manifest::parse(&bytes) {
            Some(manifest) => Ok(ResultsDir { dir, manifest }),
            None => Err(ReadError::Manifest { dir, why: "not one of authstorm's".to_owned() }),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The provenance of the results.
    ///
    /// # Errors
    /// When the manifest lacks a field.
    pub fn provenance(&self) -> Result<Provenance, ReadError> {
        let wrong = |e: serde_json::Error| ReadError::Manifest { dir: self.dir.clone(), why: e.to_string() };
        self.manifest.provenance().map_err(wrong)
    }

    /// Whether the manifest lists a file.
    pub fn lists(&self, name: &str) -> bool {
        self.manifest.lists(name)
    }

    /// The command that makes the directory again; absent in a directory of runs.
    pub fn command(&self) -> Option<&str> {
        self.manifest.command()
    }

    /// Compares every file with the manifest.
    ///
    /// # Errors
    /// When a file cannot be read, or has another hash than in the manifest: the first one.
    pub fn verify(&self) -> Result<(), ReadError> {
        self.manifest.names().try_for_each(|name| {
            let read = open_regular(&self.dir.join(name)).and_then(hash_of);
            let (hash, _) = read.map_err(|error| unreadable(&self.dir, name, error))?;
            match self.manifest.hash_of(name) {
                Some(listed) if listed == hash => Ok(()),
                _ => Err(ReadError::Changed { dir: self.dir.clone(), name: name.to_owned() }),
            }
        })
    }

    /// The bytes of a file, as they were written.
    ///
    /// # Errors
    /// When the file cannot be read, is not listed, or has another hash than in the manifest.
    pub fn file(&self, name: &str) -> Result<DataFile, ReadError> {
        let bytes = content(&self.dir, name)?;
        let (dir, file) = (self.dir.clone(), name.to_owned());
        match self.manifest.hash_of(name) {
            None => Err(ReadError::NotListed { dir, name: file }),
            Some(hash) if hash == sha256(&bytes) => Ok(DataFile::new(name, bytes)),
            Some(_) => Err(ReadError::Changed { dir, name: file }),
        }
    }

    /// The results. [`Results::gaps`] lists the differences to this version.
    ///
    /// # Errors
    /// When a file cannot be read or does not have the form of results.
    pub fn results(&self) -> Result<Results, ReadError> {
        let of = |name| self.file(name).map(|file| file.bytes);
        let [summary, timeline] = [of("summary.json")?, of("timeline.csv")?];
        let [flow, sessions] = [of("flow.csv")?, of("sessions.csv")?];
        let files = read::Files { summary: &summary, timeline: &timeline, flow: &flow, sessions: &sessions };
        let mut results = read::read(files).map_err(|why| self.content(why))?;
        self.add_scenario(&mut results)?;
        if self.lists("stories.json") {
            match stories::read(&of("stories.json")?) {
                Ok(stories) => results.stories = stories,
                Err(e) => results.gaps.push(Gap::UnreadableStories(e.to_string())),
            }
        } else {
            results.gaps.push(Gap::NoFile("stories.json"));
        }
        Ok(results)
    }

    /// The results without timelines, sessions and stories, which [`crate::diff`] compares.
    ///
    /// # Errors
    /// As [`ResultsDir::results`].
    pub fn summary(&self) -> Result<Results, ReadError> {
        let mut results =
            read::summary(&self.file("summary.json")?.bytes).map_err(|why| self.content(why))?;
        self.add_scenario(&mut results)?;
        Ok(results)
    }

    /// Adds what summary.json does not hold: the scenario's text, and whether every session is kept.
    fn add_scenario(&self, results: &mut Results) -> Result<(), ReadError> {
        let text = String::from_utf8(self.file("scenario.toml")?.bytes).map_err(|e| {
            let why = read::Reason::Malformed(e.to_string());
            self.content(read::Unreadable { file: "scenario.toml", line: None, why })
        })?;
        results.scenario_text = text;
        let Ok(provenance) = self.provenance() else { return Ok(()) };
        results.all_sessions = provenance.all_sessions;
        for name in provenance.policy_files.into_keys() {
            let text = String::from_utf8_lossy(&self.file(&name)?.bytes).into_owned();
            results.policy_files.push(PolicyFile { name, text });
        }
        Ok(())
    }

    fn content(&self, why: read::Unreadable) -> ReadError {
        ReadError::Content { dir: self.dir.clone(), why }
    }
}

impl Results {
    /// Writes all data files into a directory, or nothing. Keeps existing results of the same provenance. Does not replace
    /// results of another provenance: see [`Reservation`] for that.
    ///
    /// # Errors
    /// When the place is taken, or a file cannot be written.
    pub fn write(&self, place: impl AsRef<Path>) -> Result<Written, PlaceError> {
        let provenance = self.provenance();
        Reservation::take(place.as_ref(), &provenance, false, None)?.fill(&provenance, self.data_files())
    }
}

fn content(dir: &Path, name: &str) -> Result<Vec<u8>, ReadError> {
    read_regular(&dir.join(name)).map_err(|error| unreadable(dir, name, error))
}

fn unreadable(dir: &Path, name: &str, error: std::io::Error) -> ReadError {
    let (place, file) = (dir.to_owned(), name.to_owned());
    match error.kind() {
        ErrorKind::InvalidInput => ReadError::NotRegular { dir: place, name: file },
        ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::Missing { dir: place, name: file },
        _ => ReadError::Io { path: dir.join(name), error },
    }
}
