//! A results directory read back: its data files, checked against the hashes of its manifest.

use super::exit::Failure;
use super::output::sha256;
use super::terminal::shown;
use super::{MANIFEST, input};
use authstorm::experiment::results::Results;
use authstorm::report::read;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;

/// A results directory.
pub struct Kept<'a> {
    dir: &'a Path,
    /// What it says of itself.
    pub manifest: Value,
}

impl<'a> Kept<'a> {
    /// Reads its manifest.
    pub fn open(dir: &'a Path) -> Result<Kept<'a>, Failure> {
        let bytes = file(dir, MANIFEST)?;
        let manifest: Value =
            serde_json::from_slice(&bytes).map_err(|e| wrong(dir, format!("{MANIFEST}: {e}")))?;
        if !manifest["files"].is_object() || !manifest["scenario_hash"].is_string() {
            return Err(wrong(dir, format!("{MANIFEST}: not one of authstorm's")));
        }
        Ok(Kept { dir, manifest })
    }

    /// A data file, as `run` wrote it.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let bytes = file(self.dir, name)?;
        match self.manifest["files"][name]["sha256"].as_str() {
            None => Err(self.wrong(format!("{MANIFEST} does not list {name}"))),
            Some(hash) if hash == sha256(&bytes) => Ok(bytes),
            Some(_) => Err(self.wrong(format!(
                "{name} is not what `run` wrote: its hash is not that of {MANIFEST}; run the scenario again"
            ))),
        }
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> Result<String, Failure> {
        String::from_utf8(self.read(name)?).map_err(|e| self.wrong(format!("{name}: {e}")))
    }

    /// The results as a whole.
    pub fn results(&self) -> Result<Results, Failure> {
        let of = |name| self.read(name);
        let [summary, timeline] = [of("summary.json")?, of("timeline.csv")?];
        let [flow, sessions] = [of("flow.csv")?, of("sessions.csv")?];
        self.parse(read::Files { summary: &summary, timeline: &timeline, flow: &flow, sessions: &sessions })
    }

    /// The results as a whole, from files that have been read.
    pub fn parse(&self, files: read::Files<'_>) -> Result<Results, Failure> {
        read::read(files).map_err(|e| self.wrong(e))
    }

    /// These are no results, and why.
    pub fn wrong(&self, why: impl std::fmt::Display) -> Failure {
        wrong(self.dir, why)
    }
}

fn wrong(dir: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("error: {}: {why}", shown(dir)))
}

fn file(dir: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let path = dir.join(name);
    input::regular(&path).map_err(|e| match e.kind() {
        ErrorKind::InvalidInput => wrong(dir, format!("{name} {e}")),
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            wrong(dir, format!("no results directory: {name} is missing"))
        }
        _ => Failure::io(shown(&path), &e),
    })
}
