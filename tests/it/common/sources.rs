//! The Rust files of this package, for tests that read the code.

use super::root;
use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file of a folder and the folders below: its path relative to the package, with `/`, and its text. In the order
/// of paths.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(at: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root().join(folder), &mut all);
    all.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(&path).expect("a source"))
    };
    all.into_iter().map(read).collect()
}
