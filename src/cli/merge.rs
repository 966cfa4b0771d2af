//! `authstorm merge`

use super::exit::{Exit, Failure};
use super::format::Format;
use super::shard::Parts;
use super::terminal;
use clap::{ArgMatches, ValueEnum};
use std::path::PathBuf;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Part directories, in any order: every shard once
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// Write the results of the whole into this directory
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make the runs that a search still needs here, instead of asking for a further round
    #[arg(long)]
    finish: bool,
    /// Threads; results do not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print JSON to standard output instead of the table
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// The form of what is printed: that of the run, sweep or find whose parts these are [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "quiet"])]
    format: Option<Format>,
}

/// What was merged, and the command line whose work the parts are.
pub(super) struct Merged {
    pub parts: Parts,
    pub finish: bool,
    pub matches: ArgMatches,
}

/// Reads the parts, and the command line of their work.
pub(super) fn read(args: Args) -> Result<Merged, Failure> {
    let parts = Parts::read(&args.parts)?;
    let of = &parts.first().of;
    let mut line = vec!["authstorm".to_owned(), of.verb.clone(), format!("--out={}", args.out.display())];
    line.extend(args.threads.map(|n| format!("--threads={n}")));
    let format = args.format.and_then(|format| format.to_possible_value());
    line.extend(format.map(|format| format!("--format={}", format.get_name())));
    line.extend(
        [(args.json, "--json"), (args.quiet, "--quiet")]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, o)| (*o).to_owned()),
    );
    line.extend(of.args.iter().cloned());
    let part = terminal::shown(parts.first().path());
    let matches = super::command().try_get_matches_from(line).map_err(|error| {
        let first = error.to_string();
        let first = first.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::usage(format!("error: {part}: its command line is not of this version: {first}"))
    })?;
    Ok(Merged { parts, finish: args.finish, matches })
}

/// The outcome of a merge that asks for a further round of a search.
pub(super) fn asks_for_more(parts: &Parts) -> Result<Exit, Failure> {
    use authstorm::text::shell_word;
    let of = &parts.first().of;
    let words: Vec<String> =
        of.args.iter().filter(|word| *word != "--").map(|word| shell_word(word)).collect();
    let dirs: Vec<String> = parts.dirs().map(|dir| shell_word(&terminal::shown(dir))).collect();
    let (round, shards) = (parts.next_round(), parts.shards());
    terminal::complain(&format!(
        "a further round is needed: round {round}. For each I from 1 to {shards}:\n  authstorm {} {} --shard I/{shards} --out \
         round-{round}-I --after {}\nThen merge the parts of all rounds; with --finish, merge makes the runs itself.",
        of.verb,
        words.join(" "),
        dirs.join(" ")
    ));
    Ok(Exit::No)
}
