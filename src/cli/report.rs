//! `authstorm report`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::page;
use authstorm::results::dir::ReadError;
use authstorm::results::{DATA_FILES, DataFile, Provenance, Reservation, Results, ResultsDir};
use authstorm::text::{clean, shell_word};
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Results directories
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
}

struct Data {
    provenance: Provenance,
    results: Results,
    /// The files that are not derived from others.
    files: Vec<DataFile>,
}

/// Makes all derived files again. Reads all directories before it draws and writes the first.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let read_dir = |dir: &PathBuf| {
        refuse_answers(dir, "report", "makes the pages of runs")?;
        read(ResultsDir::open(dir)?)
    };
    let read = args.dirs.iter().map(read_dir).collect::<Result<Vec<_>, Failure>>()?;
    for (dir, Data { provenance, results, mut files }) in args.dirs.iter().zip(read) {
        files.extend(page::files(&results)?);
        let shown = terminal::shown(dir);
        results.gaps.iter().for_each(|gap| terminal::complain(&format!("warning: {shown}: {gap}")));
        // Replaces only results whose data files were read before, so nothing is lost.
        let mut place = Reservation::take(dir, &provenance, true, None)?;
        let written = place.fill(&provenance, files);
        terminal::tidied(place.tidy_up());
        let page = shell_word(&terminal::shown(&dir.join(page::FILE)));
        terminal::say(&format!(
            "{}\nopen the page in a browser: {page}\n",
            terminal::written(dir, written?)
        ))?;
    }
    Ok(Exit::Yes)
}

/// Directories of other commands, by a file that only they have: the command, and its sentences.
const ANSWERS: [(&str, &str); 4] =
    [("sweep.json", "sweep or rollout"), ("find.json", "find"), ("map.json", "map"), ("rank.json", "rank")];

/// Refuses the directory of a command whose page this one does not make or compare, with what is possible: the state of its files,
/// and the command that makes them again.
pub(super) fn refuse_answers(dir: &Path, verb: &str, does: &str) -> Result<(), Failure> {
    let is_there = |(file, _): &&(&str, &str)| dir.join(file).is_file() && !dir.join("summary.json").exists();
    let Some((_, command)) = ANSWERS.iter().find(is_there) else { return Ok(()) };
    let shown = terminal::shown(dir);
    let state = match ResultsDir::open(dir) {
        // Version 0.6.0 and earlier wrote no manifest here.
        Err(ReadError::Missing { .. }) => {
            "It has no manifest.json, so its files cannot be checked; the command under \"again\" in its report.html makes it again"
                .to_owned()
        }
        Err(error) => error.to_string(),
        Ok(opened) => {
            let files = match opened.verify() {
                Ok(()) => "Every file there is as it was written".to_owned(),
                Err(error) => error.to_string(),
            };
            let again = opened.command().map(|again| format!("; this makes it again, to the same bytes: {}", clean(again)));
            files + &again.unwrap_or_default()
        }
    };
    Err(Failure::usage(format!("error: {shown} is of authstorm {command}; {verb} {does}. {state}")))
}

/// The data of a directory, each file as it is.
fn read(dir: ResultsDir) -> Result<Data, Failure> {
    let results = dir.results()?;
    let provenance = dir.provenance()?;
    let mut files = Vec::new();
    for file in results.data_files() {
        // Tables that summary.json has too are made again.
        let is_made = file.name == "summary.csv"
            || !DATA_FILES.contains(&file.name.as_str())
                && results.policy_files.iter().all(|copy| copy.name != file.name);
        if is_made {
            files.push(file);
        } else if dir.lists(&file.name) {
            files.push(dir.file(&file.name)?);
        }
    }
    Ok(Data { provenance, results, files })
}
