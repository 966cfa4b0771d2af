//! `authstorm new-client` and `authstorm explain-client`

use super::exit::{Exit, Failure};
use super::terminal::shown;
use super::{out_file, terminal};
use authstorm::Error;
use authstorm::client::token::{Profile, SHIPPED, template};
use authstorm::conform::token::trials::{SignedOutKind, TrialResult, page, report};
use authstorm::conform::trials::{SessionTrial, session_trials, setting};
use authstorm::results::csv;
use authstorm::text::{nearest, shell_word, tick};
use std::path::{Path, PathBuf};

/// Options of `new-client`.
#[derive(clap::Args)]
pub(super) struct NewArgs {
    /// Name of the profile: 1 to 64 of a-z, 0-9, '.', '_' and '-'
    #[arg(value_name = "NAME")]
    name: String,
    /// The file to write [default: NAME.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file of --out
    #[arg(long, requires = "out")]
    force: bool,
}

/// Options of `explain-client`.
#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// A client profile: a file, or the name of a shipped one such as supabase-js-2.119.1
    #[arg(value_name = "FILE|MODEL", required_unless_present = "all")]
    client: Option<String>,
    /// Print the trials of every shipped client as one page of Markdown
    #[arg(long, conflicts_with_all = ["client", "format"])]
    all: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The form of a client report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text of 100 columns
    #[default]
    #[value(alias = "table")]
    Text,
    /// JSON
    Json,
    /// Comma-separated values: a row for each trial
    Csv,
    /// Markdown
    Md,
}

/// Writes a commented profile to start from.
pub(super) fn new(args: NewArgs) -> Result<Exit, Failure> {
    let text = template(&args.name).map_err(|why| Failure::usage(format!("error: {why}")))?;
    let out = args.out.unwrap_or_else(|| PathBuf::from(format!("{}.toml", args.name)));
    out_file::write_start(&out, args.force, &text, "edit it, then: authstorm explain-client")
}

/// Says what a client does, and runs its trials.
pub(super) fn explain(args: ExplainArgs) -> Result<Exit, Failure> {
    let tried = |profile: &Profile| report(profile).map_err(|why| Failure::usage(format!("error: {why}")));
    let Some(client) = args.client else {
        let shipped = SHIPPED.iter().map(|(name, _)| tried(&profile(name)?));
        let others = session_trials().map_err(|why| Failure::usage(format!("error: {why}")))?;
        let cell = |trial: &Option<SessionTrial>| trial.map_or("-".to_owned(), |trial| trial.cell());
        let row = |(name, trials): &(String, Vec<_>)| (name.clone(), trials.iter().map(cell).collect());
        let others: Vec<(String, Vec<String>)> = others.iter().map(row).collect();
        return terminal::say(&page(&shipped.collect::<Result<Vec<_>, Failure>>()?, &others, &setting()));
    };
    let report = tried(&profile(&client)?)?;
    match args.format {
        Format::Text => {
            let client = shell_word(&client);
            terminal::say(&format!(
                "{}\na scenario with it: authstorm new mine --model {client}\n",
                report.text()
            ))
        }
        Format::Md => terminal::say(&report.markdown()),
        Format::Json => terminal::say_json(&format!("{:#}\n", serde_json::json!(report))),
        Format::Csv => {
            let rows: Vec<[String; 9]> = report.trials.iter().map(|trial| row(&report.name, trial)).collect();
            terminal::say(&String::from_utf8_lossy(&csv::of(&COLUMNS, &rows)))
        }
    }
}

/// Columns of the trials as CSV.
const COLUMNS: [&str; 9] = [
    "client",
    "trial",
    "requests",
    "times_healthy",
    "worst_minute",
    "calls",
    "calls_without_token",
    "signed_out_ms",
    "signed_out",
];

fn row(client: &str, trial: &TrialResult) -> [String; 9] {
    let how = match (trial.signed_out.map(|out| out.kind), trial.revoked_by_reuse) {
        (Some(SignedOutKind::True), _) => "truly",
        (Some(SignedOutKind::False), _) => "falsely",
        (Some(SignedOutKind::RevokedByReuse), _) => "by reuse",
        (None, true) => "not, but the session is lost by reuse",
        (None, false) => "",
    };
    [
        client.to_owned(),
        trial.name.clone(),
        trial.requests.to_string(),
        trial.times_healthy.map(|times| times.to_string()).unwrap_or_default(),
        trial.worst_minute.to_string(),
        trial.calls.to_string(),
        trial.calls_without_token.to_string(),
        trial.signed_out.map(|out| out.at_ms.to_string()).unwrap_or_default(),
        how.to_owned(),
    ]
}

/// The shipped profile of this name, or else the profile in this file.
fn profile(client: &str) -> Result<Profile, Failure> {
    let names = || SHIPPED.iter().map(|(name, _)| *name);
    let loaded = match SHIPPED.iter().find(|(name, _)| *name == client) {
        Some((_, text)) => Profile::parse(text),
        None if Path::new(client).exists() => Profile::load(Path::new(client)),
        None => {
            let meant = nearest(client, names()).map(|name| format!("; did you mean {}?", tick(name)));
            return Err(Failure::usage(format!(
                "error: {}: no such file, and no shipped client profile has this name; shipped: {}{}",
                shown(Path::new(client)),
                names().collect::<Vec<_>>().join(", "),
                meant.unwrap_or_default()
            )));
        }
    };
    loaded.map(|(profile, _)| profile).map_err(|errors| Error::Scenario(errors).into())
}
