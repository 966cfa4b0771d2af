//! The files of this package, for tests that read the code.

use super::root;
use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file of a folder and the folders below: its path relative to the package, with `/`, and its text. In the order
/// of paths.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let mut all = files(folder);
    all.retain(|(path, _)| path.ends_with(".rs"));
    all
}

/// As [`sources`], with the text files of every kind.
pub(crate) fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(at: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // The Python package is another crate, with an order of its own.
                if !path.join("pyproject.toml").exists() {
                    walk(&path, all);
                }
            } else {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root().join(folder), &mut all);
    all.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        Some((name, fs::read_to_string(&path).ok()?))
    };
    all.into_iter().filter_map(read).collect()
}
