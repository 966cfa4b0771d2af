//! `authstorm metrics`

use super::exit::{Exit, Failure};
use super::format::{self, Format};
use super::table;
use super::table::METRIC_COLUMNS;
use authstorm::metrics::{NUMBERS, NumberDef, all_metrics};
use authstorm::spec::json::output_schema;
use schemars::JsonSchema;
use serde::Serialize;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The form of the list [default: table]
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long)]
    json: bool,
}

/// A metric in the JSON list, or a number that expectations name with labels.
#[derive(Serialize, JsonSchema)]
struct Definition {
    /// Its name in results and expectations. Labels follow in braces, those that may be left out in brackets.
    name: String,
    /// The unit of its values.
    unit: String,
    /// What it counts or measures.
    definition: String,
}

/// Name, unit and definition of each metric, then of each number with labels.
fn rows() -> impl Iterator<Item = [String; 3]> {
    let metrics = all_metrics().iter().map(|def| [def.name, def.unit, def.definition].map(str::to_owned));
    let of_number = |def: &NumberDef| [def.form(), def.unit.to_owned(), def.definition.to_owned()];
    metrics.chain(NUMBERS.iter().map(of_number))
}

/// The JSON Schema of the list, draft 2020-12, as text.
pub(super) fn json_schema() -> String {
    format!("{:#}\n", output_schema::<Vec<Definition>>("The metrics of authstorm"))
}

/// Prints the definitions of all metrics, and of the numbers with labels.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let rows: Vec<[String; 3]> = rows().collect();
    let text = || format!("{}\n", table::metrics(rows.iter().cloned()));
    let definition = |[name, unit, definition]: &[String; 3]| Definition {
        name: name.clone(),
        unit: unit.clone(),
        definition: definition.clone(),
    };
    let json = || serde_json::json!(rows.iter().map(definition).collect::<Vec<_>>());
    format::say(Format::of(args.format, args.json), (&METRIC_COLUMNS, 3), &rows, text, json)
}
