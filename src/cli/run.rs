//! `authstorm run`

use super::exit::{Exit, Failure};
use super::format::Format;
use super::memory::Need;
use super::points::what;
use super::precision::{self, Journal, PrecisionArgs};
use super::progress::Progress;
use super::scenario::ScenarioArgs;
use super::shard::{ShardArgs, Task, default_out};
use super::{estimate, interrupt, memory, table, terminal};
use authstorm::Study;
use authstorm::experiment::Keeper;
use authstorm::experiment::precision::Precision;
use authstorm::experiment::replications::Replicator;
use authstorm::explain::tell_worst;
use authstorm::page;
use authstorm::results::csv;
use authstorm::results::summary::summary;
use authstorm::results::{Comparisons, Judgement, Reservation, Results, Retell, Verdict, finding, verdicts};
use authstorm::scenario::Settings;
use authstorm::text::{number, shell_word};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub study: StudyArgs,
    /// Write results here instead of results/<scenario name>
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace results of another scenario, seed or version
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub shard: ShardArgs,
    #[command(flatten)]
    precision: PrecisionArgs,
    /// Continue the same shard, or the same replications of --precision, where they were interrupted
    #[arg(long)]
    resume: bool,
    /// Keep every session in sessions.csv, not only the worst 100 of each policy
    #[arg(long)]
    all_sessions: bool,
    /// Print how many events, how much time and how much memory this would take, as a small pilot of it tells; run and
    /// write nothing
    #[arg(long)]
    estimate: bool,
    /// The form of what is printed: csv has every metric of every replication [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// What to run: shared by the verbs that do.
#[derive(clap::Args)]
pub(super) struct StudyArgs {
    #[command(flatten)]
    pub base: ScenarioArgs,
    #[command(flatten)]
    pub selection: Selection,
}

/// Which policies to run, and how often.
#[derive(Clone, clap::Args)]
pub(super) struct Selection {
    /// Run only this policy of the scenario; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Replications, instead of the scenario's
    #[arg(long, value_name = "N")]
    replications: Option<u32>,
}

impl Selection {
    /// Refuses `--policy` where other options say what is run.
    pub(super) fn refuse_policies(&self, why: &str) -> Result<(), Failure> {
        match self.policy.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage(format!("error: --policy: {why}"))),
        }
    }
}

impl StudyArgs {
    /// Loads the scenario with the overrides, unless it is too large to be run.
    pub(super) fn study(&self) -> Result<Study, Failure> {
        let study = self.study_of_any_size()?;
        self.check_size(&study)?;
        Ok(study)
    }

    /// Refuses a study that is too large to be run.
    pub(super) fn check_size(&self, study: &Study) -> Result<(), Failure> {
        memory::check(study.loaded(), self.base.max_memory)?;
        estimate::check(self, study)
    }

    /// Loads the scenario with the overrides.
    pub(super) fn study_of_any_size(&self) -> Result<Study, Failure> {
        Ok(self.load()?)
    }

    /// Loads the scenario with the overrides, and prints its warnings.
    pub(super) fn load(&self) -> Result<Study, authstorm::Error> {
        let settings = Settings { replications: self.selection.replications, ..self.base.settings() };
        let mut study = self.base.load(&settings)?;
        study.loaded().warnings.iter().for_each(|w| terminal::complain(w));
        if !self.selection.policy.is_empty() {
            study.only_policies(&self.selection.policy)?;
        }
        Ok(study)
    }

    /// The command that runs the scenario with these options, apart from those that set one of these keys.
    pub(super) fn command(&self, keys: &[&str]) -> String {
        let is_other = |set: &&String| set.split_once('=').is_none_or(|(key, _)| !keys.contains(&key.trim()));
        let mut words = vec!["authstorm".to_owned(), "run".to_owned()];
        words.push(shell_word(&terminal::shown(&self.base.scenario)));
        words.extend(self.selection.policy.iter().map(|name| format!("--policy {}", shell_word(name))));
        words.extend(self.selection.replications.map(|n| format!("--replications {n}")));
        words.extend(self.base.seed.filter(|_| !keys.contains(&"seed")).map(|seed| format!("--seed {seed}")));
        let sets = self.base.overrides.iter().filter(is_other);
        words.extend(sets.map(|set| format!("--set {}", shell_word(set))));
        words.join(" ")
    }

    /// Runs the study, with progress on the terminal.
    pub(super) fn results(&self, study: &Study) -> Result<Results, Failure> {
        self.results_on(&self.pool(study, false)?, study)
    }

    /// The threads for the study.
    fn pool(&self, study: &Study, all_sessions: bool) -> Result<rayon::ThreadPool, Failure> {
        memory::threads(self.base.threads(), Need::of(study, all_sessions))
    }

    /// Runs the study on these threads, with progress on the terminal.
    fn results_on(&self, pool: &rayon::ThreadPool, study: &Study) -> Result<Results, Failure> {
        let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
        let progress = Progress::of(&study.plan(), &control, self.base.quiet);
        let results = memory::on(pool, || study.run_under(&control));
        drop(progress);
        Ok(results?)
    }

    /// Runs the study until numbers are known precisely, with progress on the terminal.
    fn results_to(
        &self,
        pool: &rayon::ThreadPool,
        study: &Study,
        precision: &Precision,
        keeper: Option<&dyn Keeper>,
    ) -> Result<Results, Failure> {
        let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
        let progress = Progress::at_most(&study.plan(), &control, self.base.quiet);
        let results = memory::on(pool, || match keeper {
            Some(keeper) => study.run_to_keeping(precision, keeper, &control),
            None => study.run_to(precision, &control),
        });
        drop(progress);
        Ok(results?)
    }

    /// Prints the results in this form, and returns whether the expectations hold and the precision is reached.
    pub(super) fn print(
        &self,
        results: &Results,
        format: Option<Format>,
        written_to: Option<&str>,
    ) -> Result<Exit, Failure> {
        let format = Format::of(format, self.base.json);
        if format == Format::Json {
            terminal::say_json(&summary(results))?;
        } else if format == Format::Csv {
            terminal::say(&String::from_utf8_lossy(&csv::replications(results)))?;
        } else if format == Format::Md {
            let mut text = format!("{}\n", table::summary_markdown(results));
            let precision = results.precision.iter().flat_map(|precision| precision.in_words());
            let sentences = finding(results).into_iter().chain(precision);
            sentences.for_each(|sentence| text.push_str(&format!("- {sentence}.\n")));
            if !results.expectations.is_empty() {
                text.push_str(&format!("\n{}", table::verdicts_markdown(results)));
            }
            terminal::say(&text)?;
        } else if !self.base.quiet {
            let mut text = format!("{}\n\n", table::summary(results, table::width()));
            let compared = Comparisons::of(results).map(|found| found.in_words(results.replications));
            let sentences = finding(results).into_iter().chain(compared.into_iter().flatten());
            sentences.for_each(|sentence| text.push_str(&format!("{sentence}.\n")));
            if results.engine.parts > 1 {
                text.push_str(&format!(
                    "Nothing ties the users together here: each run was run in {} independent parts, on the cores \
                     that it was given.\n",
                    number::whole(u64::from(results.engine.parts))
                ));
            }
            let qualifications = verdicts::qualifications(results);
            qualifications.iter().for_each(|sentence| text.push_str(&format!("{sentence}.\n")));
            text.push_str(&self.verdicts(results, |_| true));
            if let Some(place) = written_to {
                text.push_str(&format!("{place}\n"));
            }
            terminal::say_verdicts(&text)?;
        }
        let passes = results.passes_check();
        let is_silent = format != Format::Table || self.base.quiet;
        if !passes && is_silent {
            self.complain(results);
        }
        let missed = results.precision.as_ref().filter(|precision| !precision.reached);
        if let Some(precision) = missed.filter(|_| is_silent) {
            let words = precision.in_words();
            terminal::complain(&format!("{}.\n", words[0]));
        }
        Ok(if passes && missed.is_none() { Exit::Yes } else { Exit::No })
    }

    /// Prints what does not pass to standard error.
    pub(super) fn complain(&self, results: &Results) {
        terminal::complain(
            &self.verdicts(results, |v| v.fails_check() || v.judgement == Judgement::NotJudged),
        );
    }

    /// Prints a line for each of these verdicts, the command that explains a failed one, and the number of verdicts of each
    /// kind.
    fn verdicts(&self, results: &Results, show: impl Fn(&Verdict) -> bool) -> String {
        let mut text = String::new();
        for verdict in results.expectations.iter().filter(|verdict| show(verdict)) {
            text.push_str(&format!("{}\n", verdicts::line(verdict, results.replications)));
            if verdict.judgement == Judgement::Failed && results.users > 0 {
                text.push_str(&format!("     {}\n", self.story(&verdict.policy, verdict.replication)));
            }
        }
        if !results.expectations.is_empty() {
            text.push_str(&format!("{}\n", verdicts::count(results)));
        }
        if let Some(level) = verdicts::level(results) {
            text.push_str(&format!("{level}.\n"));
        }
        text
    }

    /// Suggests the next steps: a command that fits the results, and the page, in the last line, where a reader looks first.
    fn next(&self, results: &Results, out: &Path) -> String {
        let page = shell_word(&terminal::shown(&out.join("report.html")));
        let scenario = shell_word(&terminal::shown(&self.base.scenario));
        let suggestion = match results.worst() {
            Some((policy, session)) if session.is_harmed(results.flow()) => {
                format!("the worst session: {}", self.story(&policy.name, None))
            }
            _ => format!(
                "a change: authstorm run {scenario} --set KEY=VALUE --out changed, then authstorm diff {} changed; \
                 authstorm keys lists every key",
                shell_word(&terminal::shown(out))
            ),
        };
        format!("{suggestion}\nopen the page in a browser: {page}")
    }

    /// The command that explains the worst session of a policy, in one of its replications or in all.
    fn story(&self, policy: &str, replication: Option<u32>) -> String {
        let set = self.selection.replications.map(|n| format!("replications={n}"));
        let retell = Retell {
            scenario: self.base.scenario.display().to_string(),
            policy: policy.to_owned(),
            seed: self.base.seed,
            replication,
            session: None,
            set: set.into_iter().chain(self.base.overrides.iter().cloned()).collect(),
        };
        retell.command()
    }
}

/// A place for results.
enum Place {
    /// One that may have results of the same study.
    Taken(Reservation),
    /// A free one, with runs that are kept beside it until all have ended.
    Begun(Journal),
}

impl Place {
    /// What keeps runs that have ended.
    fn keeper(&self) -> Option<&dyn Keeper> {
        match self {
            Place::Taken(_) => None,
            Place::Begun(journal) => Some(journal),
        }
    }
}

/// Runs a scenario and writes its results. The answer is no (exit 1) if an expectation does not pass or the precision that was
/// asked for is not reached.
pub(super) fn run(mut args: Args) -> Result<Exit, Failure> {
    if args.estimate {
        return estimate::tell(&args.study, args.format);
    }
    let precision = args.precision.read()?;
    if args.resume && precision.is_none() && args.shard.shard.is_none() {
        return Err(Failure::usage(
            "error: --resume continues a run with --shard or --precision, and this is none",
        ));
    }
    let mut study = match &args.shard.parts {
        Some(_) => args.study.study_of_any_size()?,
        None => args.study.study()?,
    };
    study.all_sessions(args.all_sessions);
    // The most that may be run is what must fit.
    let mut whole = study.clone();
    if let Some(precision) = &precision {
        whole.replications(precision.most())?;
    }
    let name = &study.loaded().scenario.name;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("results").join(name));
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let pool = args.study.pool(&whole, args.all_sessions)?;
    let what = what("run", &study, json!({ "all_sessions": args.all_sessions }), &args.study.command(&[]));
    let count = u64::from(study.loaded().scenario.replications);
    if let Some(shard) = args.shard.shard {
        let task = Task {
            shard,
            round: 1,
            after: String::new(),
            verb: "run",
            words: &args.shard.words,
            what,
            study: &study,
            options: &args.study.base,
            out: args.out.clone().unwrap_or_else(|| default_out(name, "", shard)),
        };
        let replicator = Replicator::new(&study);
        return task.run(count, &pool, args.resume, |number| replicator.row(number as u32, &control));
    }
    // Reserves the place before the run, so that a long run does not fail at its end.
    let place = match &precision {
        Some(precision) if args.resume || out.symlink_metadata().is_err() => {
            let command = args.study.command(&[]);
            let asked = (precision, args.all_sessions, command.as_str());
            Place::Begun(Journal::begin(&out, &study, asked, args.resume)?)
        }
        Some(precision) => {
            let expected = precision::expected(&out, &study, precision)?;
            Place::Taken(Reservation::take(&out, &expected, args.force, Some(&args.study.base.scenario))?)
        }
        None => {
            let input = Some(args.study.base.scenario.as_path());
            Place::Taken(Reservation::take(&out, &study.provenance(), args.force, input)?)
        }
    };
    let results = match (&precision, &args.shard.parts) {
        (_, Some(parts)) => parts
            .check(&what)
            .and_then(|()| parts.in_order(count))
            .map(|rows| memory::on(&pool, || Replicator::new(&study).results(rows))),
        (Some(precision), None) => args.study.results_to(&pool, &whole, precision, place.keeper()),
        (None, None) => args.study.results_on(&pool, &study),
    };
    let made = results.and_then(|mut results| {
        if precision.is_some() {
            // The commands that are printed, and the stories, are those of a run with as many replications.
            args.study.selection.replications = Some(results.replications);
            study.replications(results.replications)?;
        }
        let files = memory::on(&pool, || -> Result<_, Failure> {
            tell_worst(&study, &mut results, &control)?;
            let (drawn, mut files) = rayon::join(|| page::files(&results), || results.data_files());
            files.extend(drawn?);
            Ok(files)
        })?;
        if control.is_stopped() {
            return Err(Failure::with(Exit::Signal(interrupt::signal()), "error: interrupted"));
        }
        Ok((results, files))
    });
    let made = match (place, made) {
        (Place::Taken(mut taken), made) => {
            let written = made.and_then(|(results, files)| {
                let written = taken.fill(&results.provenance(), files)?;
                Ok((results, written))
            });
            terminal::tidied(taken.tidy_up());
            written
        }
        (Place::Begun(journal), Ok((results, files))) => {
            journal.fill(&results.provenance(), &files).map(|written| (results, written))
        }
        (Place::Begun(journal), Err(failure)) => {
            journal.tell();
            Err(failure)
        }
    };
    let (results, written) = made?;
    let place = format!("{}\n{}", terminal::written(&out, written), args.study.next(&results, &out));
    args.study.print(&results, args.format, Some(&place))
}
