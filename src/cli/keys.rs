//! `authstorm keys` and `authstorm schema`

use super::exit::{Exit, Failure};
use super::{check, metrics, terminal};
use authstorm::client::token;
use authstorm::conform::token::trials;
use authstorm::diff;
use authstorm::experiment::{find, map, rank, sweep};
use authstorm::results::summary;
use authstorm::scenario;

/// A file format of authstorm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
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
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    of: Format,
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
    /// summary.json, which `run --json` and `check --json` of one scenario print
    Summary,
    /// The JSON of `check` of several scenarios
    Check,
    /// The JSON of `diff`
    Diff,
    /// The JSON of `find`
    Find,
    /// sweep.json, which `sweep --json` prints
    Sweep,
    /// rank.json, which `rank --json` prints
    Rank,
    /// map.json, which `map --json` prints
    Map,
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

/// Prints the keys at and below a path.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let reference = match args.of {
        Format::Scenario => scenario::format::reference(&args.path),
        Format::ClientProfile => token::format::reference(&args.path),
    };
    match reference {
        Ok(text) => terminal::say(&text),
        Err(none) => {
            terminal::complain(&format!("error: {none}"));
            Ok(Exit::Usage)
        }
    }
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
        Described::Metrics => metrics::json_schema(),
    })
}
