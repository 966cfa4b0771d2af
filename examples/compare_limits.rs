//! Answers a planner's question with the library: what does a smaller limit on /touch change for the old policy?
//!
//! `cargo run --example compare_limits -- FOLDER` writes both results into a folder, reads them back and compares them.

use authstorm::diff::{Verdict, diff, headline};
use authstorm::results::{ResultsDir, finding};
use authstorm::{Error, Results, Settings, Study};
use std::path::Path;

/// Runs the documented incident under the old policy with so many touches in a row per address.
fn run(burst: u32) -> Result<Results, Error> {
    let settings = Settings {
        set: vec!["fleet.users=60".to_owned(), format!("backend.limit[0].burst={burst}")],
        replications: Some(3),
        ..Settings::default()
    };
    let mut study = Study::load_set("scenarios/touch-429-cascade.toml", &settings)?;
    study.only_policies(&["old".to_owned()])?.run()
}

/// What a burst of 2 instead of 5 changes, in words.
pub(crate) fn compare(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    for (name, burst) in [("five", 5), ("two", 2)] {
        run(burst)?.write(folder.join(name))?;
    }
    let read = |name: &str| ResultsDir::open(folder.join(name))?.results();
    let (five, two) = (read("five")?, read("two")?);
    let found = diff(&five, &two);
    let mut text = format!("{}\n{}\n", headline(&found), finding(&two).join("\n"));
    for row in found.rows.iter().filter(|row| row.verdict == Verdict::Changed) {
        text.push_str(&format!("{}: {} -> {}\n", row.metric, row.a.words, row.b.words));
    }
    Ok(text)
}

#[allow(dead_code, reason = "the test calls `compare` alone")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: compare_limits FOLDER")?;
    print!("{}", compare(Path::new(&folder))?);
    Ok(())
}
