//! A file that `--out` names: what is there already decides whether it may be written.

use super::exit::Failure;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses a place whose file would be lost: one that the command reads, and without `force` one that `is_own` does not
/// know by its first `head` bytes. Nothing is written.
pub fn check(
    place: &Path,
    inputs: &[impl AsRef<Path>],
    force: bool,
    (head, is_own): (usize, fn(&[u8]) -> bool),
) -> Result<(), Failure> {
    let shown = place.display();
    let there = match fs::metadata(place) {
        Ok(there) => there,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Failure::io(&shown, &e)),
    };
    if there.is_dir() {
        return Err(Failure::usage(format!("error: {shown}: is a directory; name a file in it")));
    }
    // A link by another name is the same file.
    let same = |input: &&dyn AsRef<Path>| {
        fs::metadata(input.as_ref())
            .is_ok_and(|input| (input.dev(), input.ino()) == (there.dev(), there.ino()))
    };
    if inputs.iter().map(|input| input as &dyn AsRef<Path>).any(|input| same(&input)) {
        return Err(Failure::usage(format!(
            "error: {shown}: is a file that this command reads, the scenario or a policy of it; choose another --out"
        )));
    }
    // A device or a pipe keeps nothing that could be lost, nor does an empty file.
    if force || !there.is_file() || there.len() == 0 {
        return Ok(());
    }
    let begin = first_bytes(place, head).map_err(|e| Failure::io(&shown, &e))?;
    if is_own(&begin) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "error: {shown}: is there already, and not written by this command; choose another --out, or --force to overwrite it"
    )))
}

fn first_bytes(place: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(place)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
