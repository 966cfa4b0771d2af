//! Runs three shipped scenarios and compares their fingerprints with those of the committed results.
//!
//! On `wasm32-unknown-unknown` a program has no output: the number of scenarios that differ is its exit code, which `run.js`
//! reads. Elsewhere it prints the fingerprints as well.

use authstorm::Study;
use authstorm::results::read::summary;
use std::process::ExitCode;

/// A scenario of the repository: its name, its text and the summary.json of its results.
macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../scenarios/", $name, ".toml")),
            include_bytes!(concat!("../../../results/", $name, "/summary.json")),
        )
    };
}

const SCENARIOS: [(&str, &str, &[u8]); 3] =
    [shipped!("healthy"), shipped!("revoked-sessions"), shipped!("touch-429-clerk-js")];

fn main() -> ExitCode {
    let differs = |(name, scenario, committed): &(&str, &str, &[u8])| {
        let there = summary(committed).expect("committed results").engine;
        let here = Study::parse(name, scenario).and_then(|study| study.run()).expect("a shipped scenario").engine;
        println!("{name}: {:016x} committed, {:016x} here", there.fingerprint, here.fingerprint);
        here != there
    };
    let differing = SCENARIOS.iter().filter(|scenario| differs(scenario)).count();
    ExitCode::from(u8::try_from(differing).expect("three at most"))
}
