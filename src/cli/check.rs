//! `authstorm check`

use super::exit::{Exit, Failure};
use super::format::Format;
use super::run::StudyArgs;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
    /// The form of what is printed: csv has every metric of every replication [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// Runs a scenario for its expectations only. Exits with 1 if one fails.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let study = args.study.study()?;
    if study.loaded().expectations.is_empty() {
        return Err(Failure::usage("error: the scenario has no [[expect]]: nothing to check"));
    }
    let results = args.study.results(&study)?;
    args.study.print(&results, args.format, None)
}
