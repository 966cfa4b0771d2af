//! Relations between commands on random scenarios: `run` and `check` give the same verdicts, and the number of threads
//! does not change the written bytes.

use crate::common::{binary, files};
use authstorm::verify::swarm::scenario;
use std::fs;
use std::path::Path;
use std::process::Command;

fn authstorm(at: &Path, args: &[&str]) -> (Option<i32>, Vec<u8>) {
    let output = Command::new(binary()).current_dir(at).args(args).output().expect("it runs");
    (output.status.code(), output.stdout)
}

#[test]
fn run_and_check_agree_for_any_number_of_threads() {
    let seed = 3;
    let place = tempfile::tempdir().expect("a place");
    // The first condition holds, the second cannot.
    let conditions =
        "\n[[expect]]\nthat = \"old.requests_total >= 0\"\n\n[[expect]]\nthat = \"new.requests_total < 0\"\n";
    fs::write(place.path().join("drawn.toml"), scenario(seed) + conditions).expect("written");
    let run = |out: &str, threads: &str| {
        let args = ["run", "drawn.toml", "--replications", "2", "--json", "--out", out, "--threads", threads];
        authstorm(place.path(), &args)
    };
    let (one, several) = (run("one", "1"), run("several", "3"));
    let check = authstorm(place.path(), &["check", "drawn.toml", "--replications", "2", "--json"]);
    assert_eq!(one.0, Some(1), "seed {seed}: the second condition fails");
    assert!(one == several && one == check, "seed {seed}: codes {:?}, {:?}, {:?}", one.0, several.0, check.0);
    let (one, several) = (files(&place.path().join("one")), files(&place.path().join("several")));
    assert!(one.len() > 8, "seed {seed}: {} files", one.len());
    for ((name, a), (other, b)) in one.iter().zip(&several) {
        assert!(name == other && a == b, "seed {seed}: {name} differs from {other}");
    }
}
