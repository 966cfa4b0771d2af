//! `authstorm report`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::page;
use authstorm::results::{DataFile, Gap, Provenance, Reservation, ResultsDir, csv};
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Results directories
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
}

struct Rebuilt {
    provenance: Provenance,
    files: Vec<DataFile>,
    gaps: Vec<Gap>,
}

/// Makes all derived files again. Reads all directories before it writes the first.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let rebuilt =
        args.dirs.iter().map(|dir| rebuild(ResultsDir::open(dir)?)).collect::<Result<Vec<_>, Failure>>()?;
    for (dir, Rebuilt { provenance, files, gaps }) in args.dirs.iter().zip(rebuilt) {
        let shown = terminal::shown(dir);
        gaps.iter().for_each(|gap| terminal::complain(&format!("warning: {shown}: {gap}")));
        // Replaces only results whose data files were read before, so nothing is lost.
        let mut place = Reservation::take(dir, &provenance, true, None)?;
        let written = place.fill(&provenance, files);
        terminal::tidied(place.tidy_up());
        terminal::say(&format!("{}\n", terminal::written(dir, written?)))?;
    }
    Ok(Exit::Yes)
}

/// The unchanged data files, and the files derived from them.
fn rebuild(dir: ResultsDir) -> Result<Rebuilt, Failure> {
    let results = dir.results()?;
    let provenance = dir.provenance()?;
    let mut files = Vec::new();
    for name in authstorm::results::DATA_FILES {
        match name {
            "summary.csv" => files.push(DataFile::new(name, csv::summary(&results))),
            _ if dir.lists(name) => files.push(dir.file(name)?),
            _ => {}
        }
    }
    files.extend(page::files(&results)?);
    Ok(Rebuilt { provenance, files, gaps: results.gaps })
}
