//! `authstorm keys`

use super::exit::{Exit, Failure};
use super::terminal;
use authstorm::scenario::format;

/// Options.
#[derive(clap::Args)]
pub struct Args {
    /// A key or a table, such as `fault` or `backend.limit.rate`; without it, all of them
    #[arg(default_value = "", hide_default_value = true)]
    path: String,
}

/// Prints the keys at and below a path.
pub fn run(args: Args) -> Result<Exit, Failure> {
    match format::reference(&args.path) {
        Ok(text) => terminal::say(&text),
        Err(none) => {
            terminal::complain(&format!("error: {none}"));
            Ok(Exit::Usage)
        }
    }
}
