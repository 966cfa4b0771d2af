//! `authstorm check`

use super::exit::{Exit, Failure};
use super::run::StudyArgs;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    study: StudyArgs,
}

/// Runs a scenario for its expectations only. Exits with 1 if one fails.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let study = args.study.study()?;
    if study.loaded().expectations.is_empty() {
        return Err(Failure::usage("error: the scenario has no [[expect]]: nothing to check"));
    }
    let results = args.study.results(&study)?;
    args.study.print(&results, None)
}
