//! `authstorm keys` and `authstorm schema`

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::{check, conform, determinism, find_cost, metrics, sweep_cost, terminal, verify};
use authstorm::client::token;
use authstorm::conform::token::trials;
use authstorm::experiment::{cost, find, map, rank, sweep};
use authstorm::results::summary;
use authstorm::spec::json::output_schema;
use authstorm::spec::reference::{KeyRow, NoSuchKey};
use authstorm::{diff, explain, scenario};

/// A file format of authstorm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// Scenario files, and the policy files that they name
    #[default]
    Scenario,
    /// Client profiles
    ClientProfile,
}

/// Options of `keys`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A key or a table, such as `fault` or `backend.limit.rate`; without it, all of them
    #[arg(default_value = "", hide_default_value = true)]
    path: String,
    /// The file format
    #[arg(long, value_enum, value_name = "FILE-FORMAT", default_value_t)]
    of: Of,
    /// The form of the list; table is some lines for each key [default: table]
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long)]
    json: bool,
}

/// What `schema` describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Described {
    /// Scenario files
    #[default]
    Scenario,
    /// Client profiles
    ClientProfile,
    /// The JSON of `explain-client`
    ClientReport,
    /// summary.json, which `run --json`, `check --json` of one scenario and `merge --json` of a run print
    Summary,
    /// The JSON of `check` of several scenarios
    Check,
    /// The JSON of `diff`, of runs and of sweeps
    Diff,
    /// find.json, which `find --json` and `merge --json` of a search print
    Find,
    /// sweep.json, which `sweep --json`, `rollout --json` and `merge --json` of a sweep print
    Sweep,
    /// rank.json, which `rank --json` prints
    Rank,
    /// map.json, which `map --json` prints
    Map,
    /// The JSON of `run --estimate`
    Estimate,
    /// The JSON of `sweep`, `rank`, `map` and `rollout` with `--estimate`
    SweepEstimate,
    /// The JSON of `find --estimate`
    FindEstimate,
    /// The JSON of `explain`: the story of a session
    Story,
    /// The JSON of `explain --against`: the stories of a session under two policies
    Against,
    /// The JSON of `conform`
    Conform,
    /// The JSON of `verify`
    Verify,
    /// The JSON of `verify-determinism`
    Determinism,
    /// The JSON of `verify-determinism --ties`
    Ties,
    /// The JSON of `keys`
    Keys,
    /// The JSON of `metrics`
    Metrics,
}

/// Options of `schema`.
#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// What the schema describes
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    of: Described,
}

/// Columns of the list as CSV and as Markdown.
const COLUMNS: [&str; 5] = ["key", "value", "present", "meaning", "example"];

/// Prints the keys at and below a path.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    match list(&args) {
        Ok((text, keys)) => {
            let form = Format::of(args.format, args.json);
            let between = if form == Format::Md { "<br>" } else { "\n" };
            let cells = |row: &KeyRow| {
                let (meaning, example) = (row.meaning.replace('\n', between), row.example.clone());
                [row.key.clone(), row.value.clone(), row.present.clone(), meaning, example]
            };
            let rows: Vec<[String; 5]> = keys.iter().map(cells).collect();
            format::say(form, (&COLUMNS, COLUMNS.len()), &rows, || text, || serde_json::json!(keys))
        }
        Err(none) => {
            terminal::complain(&format!("error: {none}"));
            Ok(Exit::Usage)
        }
    }
}

/// The keys as text and as rows.
fn list(args: &Args) -> Result<(String, Vec<KeyRow>), NoSuchKey> {
    let path = &args.path;
    Ok(match args.of {
        Of::Scenario => (scenario::format::reference(path)?, scenario::format::rows(path)?),
        Of::ClientProfile => (token::format::reference(path)?, token::format::rows(path)?),
    })
}

/// The JSON Schema of the list of keys, draft 2020-12, as text.
fn keys_schema() -> String {
    format!("{:#}\n", output_schema::<Vec<KeyRow>>("The keys of a file format of authstorm"))
}

/// Prints a JSON Schema.
pub(super) fn schema(args: SchemaArgs) -> Result<Exit, Failure> {
    terminal::say_json(&match args.of {
        Described::Scenario => scenario::format::json_schema(),
        Described::ClientProfile => token::format::json_schema(),
        Described::ClientReport => trials::json_schema(),
        Described::Summary => summary::json_schema(),
        Described::Check => check::json_schema(),
        Described::Diff => diff::json_schema(),
        Described::Find => find::json_schema(),
        Described::Sweep => sweep::json_schema(),
        Described::Rank => rank::json_schema(),
        Described::Map => map::json_schema(),
        Described::Estimate => cost::json_schema(),
        Described::SweepEstimate => sweep_cost::json_schema(),
        Described::FindEstimate => find_cost::json_schema(),
        Described::Story => explain::json::json_schema(),
        Described::Against => explain::against::json_schema(),
        Described::Conform => conform::json_schema(),
        Described::Verify => verify::data::json_schema(),
        Described::Determinism => determinism::json_schema(),
        Described::Ties => determinism::ties_schema(),
        Described::Keys => keys_schema(),
        Described::Metrics => metrics::json_schema(),
    })
}
