//! Corpus of the fuzzer (`.ci/fuzz`): each file covers code that no other file covers.

use std::panic::{RefUnwindSafe, catch_unwind};

/// Calls `judge` with every file of a corpus. A panic fails the test and names the file.
pub(crate) fn each(corpus: &str, at_least: usize, judge: impl Fn(&[u8]) + RefUnwindSafe) {
    let folder = format!("{}/tests/corpus/{corpus}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > at_least, "{} files", files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(catch_unwind(|| judge(&bytes)).is_ok(), "{}", file.display());
    }
}
