//! `authstorm metrics`

use super::exit::{Exit, Failure};
use super::{table, terminal};
use authstorm::metrics::all_metrics;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints the definitions of all metrics.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    if args.json {
        let list: Vec<_> = all_metrics()
            .iter()
            .map(|m| serde_json::json!({ "name": m.name, "unit": m.unit, "definition": m.definition }))
            .collect();
        return terminal::say_json(&format!("{:#}\n", serde_json::Value::from(list)));
    }
    terminal::say(&format!("{}\n", table::metrics()))
}
