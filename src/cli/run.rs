//! `authstorm run`

use super::exit::{Exit, Failure};
use super::memory::Need;
use super::output::{Birth, Output};
use super::progress::Progress;
use super::{estimate, interrupt, memory, table, terminal};
use authstorm::experiment::results::{Results, Verdict};
use authstorm::explain;
use authstorm::report;
use authstorm::stats::paired_difference;
use authstorm::world::Control;
use authstorm::{Study, experiment::CONFIDENCE};
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub study: StudyArgs,
    /// Write results here instead of results/<scenario name>
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace results of another scenario, seed or version
    #[arg(long)]
    force: bool,
    /// Keep every session in sessions.csv, not only the worst 100 of each policy
    #[arg(long)]
    all_sessions: bool,
    /// Print how many events, how much time and how much memory this would take, as a small pilot of it tells; run and
    /// write nothing
    #[arg(long)]
    estimate: bool,
}

/// What to run: shared by the verbs that do.
#[derive(clap::Args)]
pub struct StudyArgs {
    /// Scenario file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Run only this policy of the scenario; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Replications, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    replications: Option<u32>,
    /// Override a key of the scenario, as in --set fleet.users=500; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Threads for replications and policies; results do not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Refuse scenarios of which one run needs more memory than this, as in 512MiB or 16GiB
    #[arg(long, value_name = "SIZE", default_value = "8GiB", value_parser = memory::parse)]
    pub max_memory: u64,
    /// Print summary.json to standard output instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
}

impl StudyArgs {
    /// Loads the scenario with the overrides, unless it is too large to be run.
    pub fn study(&self) -> Result<Study, Failure> {
        let study = self.study_of_any_size()?;
        memory::check(study.loaded(), self.max_memory)?;
        estimate::check(self, &study)?;
        Ok(study)
    }

    /// Loads the scenario with the overrides.
    pub fn study_of_any_size(&self) -> Result<Study, Failure> {
        let mut study = Study::load_with(&self.scenario, &self.overrides)?;
        study.loaded().warnings.iter().for_each(|w| terminal::complain(w));
        if let Some(seed) = self.seed {
            study.seed(seed);
        }
        if let Some(replications) = self.replications {
            study.replications(replications);
        }
        if !self.policy.is_empty() {
            study.only_policies(&self.policy)?;
        }
        Ok(study)
    }

    /// Runs it, with progress on the terminal.
    pub fn results(&self, study: &Study) -> Result<Results, Failure> {
        self.results_on(&self.pool(study, false)?, study)
    }

    /// The threads for it.
    fn pool(&self, study: &Study, all_sessions: bool) -> Result<rayon::ThreadPool, Failure> {
        memory::threads(self.threads.map_or(0, usize::from), Need::of(study, all_sessions))
    }

    /// Runs it on these threads, with progress on the terminal.
    fn results_on(&self, pool: &rayon::ThreadPool, study: &Study) -> Result<Results, Failure> {
        let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
        let progress = Progress::of(&study.plan(), &control, self.quiet);
        let results = pool.install(|| study.run_under(&control));
        drop(progress);
        Ok(results?)
    }

    /// Prints the results as asked, and says whether the expectations hold.
    pub fn print(&self, results: &Results, written_to: Option<&str>) -> Result<Exit, Failure> {
        if self.json {
            terminal::say_json(&summary_json(results))?;
        } else if !self.quiet {
            let mut text = format!("{}\n\n", table::summary(results));
            report::finding(results).iter().for_each(|sentence| text.push_str(&format!("{sentence}.\n")));
            if results.parts > 1 {
                text.push_str(&format!(
                    "Nothing ties the users together here: each run was run in {} independent parts, on the cores \
                     that it was given.\n",
                    report::number::whole(u64::from(results.parts))
                ));
            }
            results.expectations.iter().for_each(|verdict| text.push_str(&in_words(verdict)));
            if let Some(place) = written_to {
                text.push_str(&format!("{place}\n"));
            }
            terminal::say(&text)?;
        }
        let failed = results.expectations.iter().filter(|v| !v.passed).count();
        if failed > 0 && (self.json || self.quiet) {
            let failures = results.expectations.iter().filter(|v| !v.passed).map(in_words);
            terminal::complain(&failures.collect::<String>());
        }
        Ok(if failed > 0 { Exit::No } else { Exit::Yes })
    }
}

fn in_words(verdict: &Verdict) -> String {
    let word = if verdict.passed { "ok  " } else { "FAIL" };
    format!("{word} {} (observed {})\n", verdict.that, report::number::short(verdict.observed))
}

/// summary.json of these results.
pub fn summary_json(results: &Results) -> String {
    report::json::summary(results, |a, b| {
        let estimate = paired_difference(a, b, CONFIDENCE);
        (estimate.mean, estimate.ci_low, estimate.ci_high)
    })
}

/// Runs a scenario and writes its results.
pub fn run(args: Args) -> Result<Exit, Failure> {
    if args.estimate {
        return estimate::tell(&args.study);
    }
    let mut study = args.study.study()?;
    study.all_sessions(args.all_sessions);
    let name = &study.loaded().scenario.name;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("results").join(name));
    let birth = Birth::of(&study, args.all_sessions);
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let pool = args.study.pool(&study, args.all_sessions)?;
    // The place is taken before the run, so that a long run does not end at a closed door.
    let output = Output::reserve(&out, &birth, args.force, &args.study.scenario)?;
    let results = args.study.results_on(&pool, &study)?;
    let files = pool.install(|| files(&study, &results, &control))?;
    if control.is_stopped() {
        return Err(Failure::with(Exit::Signal(interrupt::signal()), "error: interrupted"));
    }
    let place = output.fill(&birth, files)?;
    args.study.print(&results, Some(&place))
}

/// Every file of a results directory but the manifest.
fn files(study: &Study, results: &Results, control: &Control) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let told = explain::worst_of_each(study, results, control)?;
    let scenario = &study.loaded().text;
    let tables = || {
        vec![
            ("scenario.toml".to_owned(), scenario.clone().into_bytes()),
            ("summary.json".to_owned(), summary_json(results).into_bytes()),
            ("summary.csv".to_owned(), report::csv::summary(results)),
            ("timeline.csv".to_owned(), report::csv::timeline(results)),
            ("flow.csv".to_owned(), report::csv::flow(results)),
            ("sessions.csv".to_owned(), report::csv::sessions(results)),
            ("stories.json".to_owned(), report::told::stories(&told)),
        ]
    };
    let (derived, mut files) = rayon::join(|| super::files::derived(results, &told, scenario), tables);
    files.extend(derived?);
    Ok(files)
}
