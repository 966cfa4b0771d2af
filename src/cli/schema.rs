//! `authstorm schema`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::scenario::format;

/// Prints the JSON Schema of scenario files.
pub fn run() -> Result<Exit, Failure> {
    terminal::say_json(&format::json_schema())
}
