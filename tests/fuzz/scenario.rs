//! Any bytes as a scenario: a refusal with its place, or a run whose first nanosecond passes; no panic.
#![no_main]

#[path = "../it/common/refusal.rs"]
mod refusal;

use std::path::Path;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    refusal::judge(
        &String::from_utf8_lossy(data),
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures")),
    );
});
