//! `authstorm verify`

pub(super) mod data;

use super::exit::{Exit, Failure};
use super::format::{Format, markdown};
use super::{table, terminal};
use authstorm::text::quote;
use authstorm::verify::exhaust::{Explored, exhaust};
use authstorm::verify::swarm::{Draw, broken_bounds, broken_relations, judge, scenario, swarm};
use authstorm::verify::{
    Check, FAMILY_WISE_ERROR, Kind, LEFT_OUT, Options, Report, families, significant, verify,
};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Number of random scenarios for the judges: in the whole suite, and in the fast part.
const DRAWS: (u64, u64) = (400, 40);
/// Least depth of the exhaustive search, in steps: in the whole suite, and in the fast part.
const DEPTHS: (u32, u32) = (6, 4);

/// One key in this many is set to its bounds: in the whole suite, and in the fast part.
const BOUNDS: (usize, usize) = (1, 4);

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The fast part only, some seconds
    #[arg(long)]
    fast: bool,
    /// The form of what is printed [default: table]
    #[arg(long, value_enum, conflicts_with_all = ["json", "markdown"])]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Short for --format md
    #[arg(long)]
    markdown: bool,
    /// Only this family of closed forms, without the judges and the exhaustive search
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Seed of the runs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only judge the random scenario of this seed, and print it when it breaks a law; with a relation that it breaks, the
    /// smallest pair of scenarios found that does
    #[arg(long, value_name = "N", conflicts_with_all = ["family", "fast", "format", "json", "markdown"])]
    swarm_seed: Option<u64>,
}

/// All results of the verification.
struct Outcome {
    report: Report,
    draws: Vec<Draw>,
    explored: Vec<Explored>,
    /// Violations at the bounds of keys.
    bounds: Vec<String>,
}

/// Verifies the simulator. Exits with 1 if a check fails.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    if let Some(seed) = args.swarm_seed {
        return one_draw(seed);
    }
    if let Some(name) = &args.family
        && !families().iter().any(|f| f.name == name)
    {
        let known: Vec<&str> = families().iter().map(|f| f.name).collect();
        return Err(Failure::usage(format!(
            "error: no family {}; allowed: {}",
            quote(name),
            known.join(", ")
        )));
    }
    let whole = args.family.is_none();
    let options = Options { fast: args.fast, family: args.family.clone(), seed: args.seed };
    let pick = |(all, fast)| if args.fast { fast } else { all };
    let (draws, depth) = (pick(DRAWS), if args.fast { DEPTHS.1 } else { DEPTHS.0 });
    let outcome = Outcome {
        report: verify(&options),
        draws: if whole { swarm(args.seed..args.seed + draws) } else { Vec::new() },
        explored: if whole { exhaust(depth) } else { Vec::new() },
        bounds: if whole { broken_bounds(if args.fast { BOUNDS.1 } else { BOUNDS.0 }) } else { Vec::new() },
    };
    match Format::of(args.format.or(args.markdown.then_some(Format::Md)), args.json) {
        Format::Table => terminal::say(&words(&outcome)),
        Format::Json => terminal::say_json(&data::json(&outcome)),
        Format::Csv => terminal::say(&data::csv(&outcome)),
        Format::Md => terminal::say(&in_markdown(&outcome)),
    }?;
    Ok(if outcome.passed() { Exit::Yes } else { Exit::No })
}

fn one_draw(seed: u64) -> Result<Exit, Failure> {
    let draw = judge(seed);
    if draw.violations.is_empty() {
        let stopped = if draw.stopped { ", stopped by a guard" } else { "" };
        terminal::say(&format!(
            "seed {seed}: {} events, {} calls{stopped}, no law broken, {} relations held\n",
            draw.events, draw.calls, draw.relations
        ))?;
        return Ok(Exit::Yes);
    }
    terminal::say(&format!("{}\n{}\n", scenario(seed), draw.violations.join("\n")))?;
    for pair in broken_relations(seed) {
        terminal::say(&format!("\nthe smallest pair found:\n{pair}"))?;
    }
    Ok(Exit::No)
}

impl Outcome {
    fn passed(&self) -> bool {
        self.report.passed()
            && self.draws.iter().all(|draw| draw.violations.is_empty())
            && self.explored.iter().all(Explored::passed)
            && self.bounds.is_empty()
            && (self.explored.is_empty() || self.recursion_of_old() > 0)
    }

    /// Number of recursions that the search finds under `old`, where it must find them.
    fn recursion_of_old(&self) -> u64 {
        self.explored.iter().filter(|e| e.policy == "old").map(|e| e.recursive).sum()
    }

    fn rate(&self) -> String {
        format!(
            "{} intervals share one error rate of {FAMILY_WISE_ERROR}: each has confidence {:.6} (Bonferroni).",
            self.report.intervals,
            self.report.confidence()
        )
    }

    fn swarm_in_words(&self) -> String {
        let bad = self.draws.iter().filter(|d| !d.violations.is_empty()).count();
        let sum = |of: fn(&Draw) -> u64| self.draws.iter().map(of).sum::<u64>();
        format!(
            "{} random scenarios under three policies each, {} calls, {} events, {} relations between runs, {} calls of a second \
             simulation, {} stopped by a guard: {bad} break a law.",
            self.draws.len(),
            sum(|d| d.calls),
            sum(|d| d.events),
            sum(|d| d.relations),
            sum(|d| d.calls_of_both),
            self.draws.iter().filter(|d| d.stopped).count()
        )
    }

    fn search_in_words(&self) -> String {
        let of = |policy: &str| {
            let explored = self.explored.iter().filter(|e| e.policy == policy);
            explored.map(|e| e.recursive).sum::<u64>()
        };
        let sum = |of: fn(&Explored) -> u64| self.explored.iter().map(of).sum::<u64>();
        let models: BTreeSet<&str> = self.explored.iter().map(|e| e.model).collect();
        format!(
            "{} states of {} corners ({} client models, 4 policies, 4 starts, app reacting or not), every order and every \
             outcome of each call: {} recursive entries from 429 or 5xx under new, {} under old; {} sign-outs that no \
             rule names, {} that one does.",
            sum(|e| e.states),
            self.explored.len(),
            models.len(),
            of("new"),
            of("old"),
            sum(|e| e.unnamed),
            sum(|e| e.named)
        )
    }
}

/// Columns of the table.
const HEADER: [&str; 5] = ["family", "check", "ours", "exact", ""];

fn verdict(passed: bool) -> &'static str {
    if passed { "pass" } else { "FAIL" }
}

/// The simulator's value, with its interval if there is one.
fn ours(check: &Check) -> String {
    match check.interval {
        Some((low, high)) => {
            format!("{} ± {}", significant(check.ours, 5), significant((high - low) / 2.0, 2))
        }
        None => significant(check.ours, 7),
    }
}

fn exact(check: &Check) -> String {
    let value = significant(check.exact, if check.interval.is_some() { 5 } else { 7 });
    if check.kind == Kind::Rejects { format!("not {value}") } else { value }
}

fn words(outcome: &Outcome) -> String {
    let mut text = String::new();
    let rows = outcome.report.checks.iter().map(|check| {
        [
            check.family.to_owned(),
            check.name.clone(),
            ours(check),
            exact(check),
            verdict(check.passed).to_owned(),
        ]
    });
    let _ = writeln!(text, "{}", table::checks(HEADER, rows));
    let _ = writeln!(text, "{}", outcome.rate());
    for (family, why) in LEFT_OUT {
        let _ = writeln!(text, "left out: {family}: {why}");
    }
    if !outcome.draws.is_empty() {
        let _ = writeln!(text, "judges: {}", outcome.swarm_in_words());
        for draw in outcome.draws.iter().filter(|d| !d.violations.is_empty()) {
            let _ = writeln!(text, "  FAIL {}\n    {}", draw.command(), draw.violations.join("\n    "));
        }
        for what in &outcome.bounds {
            let _ = writeln!(text, "  FAIL bounds of a key: {what}");
        }
        let _ = writeln!(text, "search: {}", outcome.search_in_words());
        for corner in outcome.explored.iter().filter(|e| !e.passed()) {
            let _ = writeln!(text, "  FAIL {corner:?}");
        }
    }
    let failed = outcome.report.checks.iter().filter(|c| !c.passed).count();
    let _ = writeln!(
        text,
        "{} checks, {failed} failed; {} events; {}",
        outcome.report.checks.len(),
        outcome.report.events,
        verdict(outcome.passed())
    );
    text
}

/// The outcome as Markdown, a row per check. results/verification.md has it.
fn in_markdown(outcome: &Outcome) -> String {
    let mut last = "";
    let row = |check: &Check| {
        let family = if check.family == last { "" } else { check.family };
        last = check.family;
        let passed = verdict(check.passed).to_owned();
        vec![family.to_owned(), check.name.clone(), ours(check), exact(check), passed]
    };
    let rows: Vec<Vec<String>> = outcome.report.checks.iter().map(row).collect();
    let mut text = markdown(&HEADER.map(str::to_owned), &rows, 2);
    let _ = write!(text, "\n{}\n\n", outcome.rate());
    if !outcome.draws.is_empty() {
        let _ = write!(text, "{}\n\n{}\n\n", outcome.swarm_in_words(), outcome.search_in_words());
    }
    text.push_str("Left out:\n\n");
    for (family, why) in LEFT_OUT {
        let _ = writeln!(text, "- {family}: {why}");
    }
    text
}
