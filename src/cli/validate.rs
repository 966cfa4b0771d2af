//! `authstorm validate`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::Error;
use authstorm::scenario::load::load;
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Checks every scenario file without running it.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let mut exit = Exit::Yes;
    for file in &args.files {
        match load(file, &[]) {
            Ok(loaded) => {
                loaded.warnings.iter().for_each(|w| terminal::complain(w));
                let scenario = &loaded.scenario;
                terminal::say(&format!(
                    "{}: ok: {}, {} policies, {} users, {} of virtual time, {} replications\n",
                    terminal::shown(file),
                    scenario.name,
                    loaded.policies.len(),
                    scenario.users(),
                    scenario.horizon,
                    scenario.replications
                ))?;
            }
            Err(errors) => {
                Failure::from(Error::Scenario(errors)).tell();
                exit = Exit::Usage;
            }
        }
    }
    Ok(exit)
}
