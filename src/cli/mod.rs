//! The command, one module per verb. Only these modules use the terminal and the wall clock.

mod check;
mod client;
mod conform;
mod determinism;
mod diff;
mod estimate;
mod examples;
mod exit;
mod explain;
mod find;
mod find_cost;
mod format;
mod grid;
mod interrupt;
mod keys;
mod map;
mod memory;
mod merge;
mod metrics;
mod new;
mod open;
mod out_file;
mod pages;
mod points;
mod precision;
mod progress;
mod rank;
mod report;
mod rollout;
mod run;
mod scenario;
mod shard;
mod sweep;
mod sweep_cost;
mod table;
mod terminal;
mod validate;
mod verify;

use clap::error::ContextValue;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::{Exit, Failure};
use merge::Merged;
use shard::Parts;
use std::ffi::OsString;
use std::process::ExitCode;

/// Simulates auth retry storms: client policies against a rate-limited authentication backend, in virtual time.
///
/// Exit codes: 0 yes; 1 no (an expectation failed or is not decided, a difference was found); 2 usage or bad input; 3 stopped by a guard
/// (event budget, livelock, memory); 4 I/O or internal error; 130 interrupted, 143 terminated.
#[derive(Parser)]
#[command(name = "authstorm", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a scenario under each of its policies, write results and charts
    Run(run::Args),
    /// Evaluate the expectations of scenarios: a gate for CI
    Check(check::Args),
    /// Check scenario files without running them
    Validate(validate::Args),
    /// Tell what happened to one session, what caused it, and which rule of its policy decided
    Explain(explain::Args),
    /// Find the smallest or largest value of a key at which runs meet a target, with the probability of error
    Find(find::Args),
    /// Run a scenario at every combination of the values of some keys: a map as tables, charts and a page
    Sweep(sweep::Args),
    /// Put the parts of a sharded run, sweep or find together: the bytes of the whole
    Merge(merge::Args),
    /// Rank the keys of a scenario by how much they matter for a metric, over ranges that you state
    Rank(rank::Args),
    /// Say at which loads a system comes back from a trigger, and at which it stays down: the region of metastable failure
    Map(map::Args),
    /// Run a scenario at each share of users on a new policy: harms of all, and of the users of each policy
    Rollout(rollout::Args),
    /// Say what changed between two results directories, metric by metric, with intervals
    Diff(diff::Args),
    /// Make charts, report.html and tables of results directories again, from their data files alone
    Report(report::Args),
    /// Open the page of a results directory in the browser
    Open(open::Args),
    /// Compare the simulated client with recordings of the real one
    Conform(conform::Args),
    /// Write a commented scenario to start from
    New(new::Args),
    /// Write a commented client profile to start from: your own SDK as data
    NewClient(client::NewArgs),
    /// Say what a client profile does, and what it is prone to by running it through small trials
    ExplainClient(client::ExplainArgs),
    /// Run a scenario twice with different thread counts, and name the first event that differs
    VerifyDeterminism(determinism::Args),
    /// Check the simulator against closed forms, its own laws and every order of events
    Verify(verify::Args),
    /// Print the definition of every metric
    Metrics(metrics::Args),
    /// Print every key of a scenario file or a client profile: value, unit, range, default, meaning and an example
    Keys(keys::Args),
    /// Print the JSON Schema of a file format, or of the JSON that a command prints
    Schema(keys::SchemaArgs),
    /// Print completions for a shell
    Completions(pages::CompletionsArgs),
    /// Print or write manual pages
    Man(pages::ManArgs),
}

/// The command line with its examples.
fn command() -> clap::Command {
    examples::with_examples(Cli::command())
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_of(std::env::args_os()).into()
}

/// Runs a command line, whose first word is the name of the command, and gives the exit code.
pub fn run_line(line: impl IntoIterator<Item = OsString>) -> u8 {
    main_of(line).code()
}

fn main_of(line: impl IntoIterator<Item = OsString>) -> Exit {
    if let Err(failure) = memory::check_start() {
        return failure.tell();
    }
    let parsed = command()
        .try_get_matches_from(line)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(mut error) => {
            escape_values(&mut error);
            // Help and version are answers. Everything else is bad usage. clap prints both to the right stream.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Yes };
            return match error.print() {
                Ok(()) => code,
                Err(_) => Exit::Io,
            };
        }
    };
    if let Err(wrong) = authstorm::kernel::self_test::self_test() {
        terminal::complain(&format!("error: {wrong}"));
        return Exit::Io;
    }
    let Some(verb) = cli.verb else {
        return exit::guarded(|| terminal::say(examples::FIRST_COMMANDS));
    };
    exit::guarded(|| match verb {
        Verb::Merge(args) => merged(merge::read(args)?),
        verb => dispatch(verb, &matches, None),
    })
}

/// Makes the results of the whole that parts are of, by the command that made the parts.
fn merged(merged: Merged) -> Result<Exit, Failure> {
    let cli = Cli::from_arg_matches(&merged.matches).map_err(|e| Failure::usage(format!("error: {e}")))?;
    let verb = cli.verb.ok_or_else(|| Failure::usage("error: a part of no command"))?;
    let matches = merged.matches.clone();
    dispatch(verb, &matches, Some(merged))
}

/// Runs a verb. Where parts are merged, their rows stand for its runs.
fn dispatch(mut verb: Verb, matches: &ArgMatches, merged: Option<Merged>) -> Result<Exit, Failure> {
    let sharded = match &mut verb {
        Verb::Run(args) => Some((&mut args.shard, &mut args.study.base)),
        Verb::Sweep(args) => Some((&mut args.shard, &mut args.study.base)),
        Verb::Find(args) => Some((&mut args.shard, &mut args.base)),
        _ => None,
    };
    match (sharded, matches.subcommand()) {
        (Some((shard, scenario)), Some((name, matches))) => {
            let command = command();
            shard.words =
                command.find_subcommand(name).map_or(Vec::new(), |verb| shard::words(verb, matches));
            shard.parts = shard.rows.as_deref().map(Parts::loose).transpose()?;
            if let Some(Merged { parts, finish, .. }) = merged {
                scenario.read_from = Some(parts.first().scenario());
                (shard.parts, shard.finish) = (Some(parts), finish);
            }
        }
        _ if merged.is_some() => return Err(Failure::usage("error: a part of a command that has no parts")),
        _ => {}
    }
    match verb {
        Verb::Run(args) => run::run(args),
        Verb::Check(args) => check::run(args),
        Verb::Validate(args) => validate::run(args),
        Verb::Explain(args) => on_threads(|| explain::run(args)),
        Verb::Find(args) => find::run(args),
        Verb::Sweep(args) => sweep::run(args),
        Verb::Rank(args) => rank::run(args),
        Verb::Map(args) => map::run(args),
        Verb::Rollout(args) => rollout::run(args),
        Verb::Diff(args) => on_threads(|| diff::run(args)),
        Verb::Report(args) => on_threads(|| report::run(args)),
        Verb::Open(args) => open::run(args),
        Verb::Conform(args) => conform::run(args),
        Verb::New(args) => new::run(args),
        Verb::NewClient(args) => client::new(args),
        Verb::ExplainClient(args) => client::explain(args),
        Verb::VerifyDeterminism(args) => determinism::run(args),
        Verb::Verify(args) => on_threads(|| verify::run(args)),
        Verb::Metrics(args) => metrics::run(args),
        Verb::Keys(args) => keys::run(args),
        Verb::Schema(args) => keys::schema(args),
        Verb::Completions(args) => pages::completions(args, command()),
        Verb::Man(args) => pages::man(args, command()),
        Verb::Merge(_) => Err(Failure::usage("error: parts are no parts of a merge")),
    }
}

/// Runs a verb without threads of its own on a pool. A pool that cannot be created is a failure here, while rayon's own
/// panics.
fn on_threads(verb: impl FnOnce() -> Result<Exit, Failure> + Send) -> Result<Exit, Failure> {
    memory::on(&memory::threads(0, memory::Need::default())?, verb)
}

/// Shows the user's values on one line, with hidden characters as escapes.
fn escape_values(error: &mut clap::Error) {
    use authstorm::text::escape;
    let escaped: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(escape(text)))),
            ContextValue::Strings(all) => {
                Some((kind, ContextValue::Strings(all.iter().map(|text| escape(text)).collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in escaped {
        error.insert(kind, value);
    }
}
