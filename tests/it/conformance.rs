//! The simulator matches every shipped recording of the real client, request for request.

use crate::common::root;
use authstorm::conform::{Comparison, Outcome, Recording, compare};

fn recordings(folder: &str) -> Vec<(String, Recording)> {
    let folder = root().join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the recordings are part of the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            let recording = Recording::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path.file_name().expect("a file").to_string_lossy().into_owned(), recording)
        })
        .collect()
}

#[test]
fn all_recordings_match() {
    let all = recordings("tests/recordings");
    assert_eq!(all.len(), 212);
    assert_all_match(&all);
}

#[test]
fn additional_recordings_match() {
    let all = recordings("tests/recordings/more");
    assert!(all.len() > 300, "{}", all.len());
    assert_all_match(&all);
}

/// Checks that a comparison can fail: a release with the wrong policy must diverge from the recording.
#[test]
fn a_wrong_policy_or_release_diverges() {
    for (file, other) in [
        ("6.1.0-S1-tokens429.json", "6.0.0"),
        ("6.0.0-S0c-healthy-focus.json", "6.3.3"),
        ("6.0.0-S0-healthy.json", "5.125.3"),
    ] {
        let all = recordings("tests/recordings");
        let (_, recording) = all.iter().find(|(name, _)| name == file).expect("a recording");
        let mut wrong = recording.clone();
        wrong.client = other.to_owned();
        assert!(matches!(compare(&wrong).outcome, Outcome::Diverged(_)), "{file} as {other}");
    }
}

fn assert_all_match(all: &[(String, Recording)]) {
    let parted: Vec<String> = all
        .iter()
        .filter_map(|(file, recording)| {
            let Comparison { outcome, .. } = compare(recording);
            match outcome {
                Outcome::Match { .. } => None,
                Outcome::Diverged(d) => Some(format!(
                    "{file}: {} at {} ms\n  recorded  {:?}\n  simulated {:?}\n  {}",
                    d.what,
                    d.at_ms,
                    d.recorded.iter().map(short).collect::<Vec<_>>(),
                    d.simulated.iter().map(short).collect::<Vec<_>>(),
                    d.detail
                )),
                Outcome::Impossible(why) => Some(format!("{file}: {why}")),
            }
        })
        .collect();
    assert!(parted.is_empty(), "{} of {} part:\n{}", parted.len(), all.len(), parted.join("\n"));
}

fn short(r: &authstorm::conform::Request) -> String {
    format!("{} t{} {:?} {:?}", r.t, r.tab, r.endpoint, r.status)
}
