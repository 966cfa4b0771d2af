//! The scenario of a verb that runs one: its file, what is changed in it, and how its runs are made.

use super::memory;
use authstorm::Study;
use authstorm::scenario::Settings;
use std::ops::Deref;
use std::path::PathBuf;

/// The scenario, and options of every verb that runs one.
#[derive(clap::Args)]
pub(super) struct ScenarioArgs {
    /// Scenario file
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// The copy in a part, which is read in place of the file: it has every override.
    #[arg(skip)]
    pub read_from: Option<PathBuf>,
    #[command(flatten)]
    pub options: RunOptions,
}

/// Options of every verb that runs scenarios.
#[derive(Clone, clap::Args)]
pub(super) struct RunOptions {
    /// Seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Override a key of the scenario, as in --set fleet.users=500; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Threads for runs; results do not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Refuse scenarios of which one run needs more memory than this, as in 512MiB or 16GiB
    #[arg(long, value_name = "SIZE", default_value = "8GiB", value_parser = memory::parse)]
    pub max_memory: u64,
    /// Print JSON to standard output instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
}

impl Deref for ScenarioArgs {
    type Target = RunOptions;

    fn deref(&self) -> &RunOptions {
        &self.options
    }
}

impl ScenarioArgs {
    /// Loads the scenario with these settings.
    pub(super) fn load(&self, settings: &Settings) -> Result<Study, authstorm::Error> {
        match &self.read_from {
            Some(copy) => Study::load(copy),
            None => Study::load_set(&self.scenario, settings),
        }
    }
}

impl RunOptions {
    /// What these options change in the scenario.
    pub(super) fn settings(&self) -> Settings {
        Settings { set: self.overrides.clone(), seed: self.seed, ..Settings::default() }
    }

    /// The number of threads that is asked for; 0 for one per core.
    pub(super) fn threads(&self) -> usize {
        self.threads.map_or(0, usize::from)
    }
}
