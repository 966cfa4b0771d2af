//! Checks of the file that `--out` names.

use super::exit::{Exit, Failure};
use super::terminal::{self, shown};
use authstorm::text::shell_word;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses a place, given by `option`, whose file would be lost: an input of the command, or, without `force`, a file whose
/// first `head` bytes `is_own` does not recognise. Writes nothing.
pub(super) fn check(
    option: &str,
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
    // Compares files, not names: a link may lead to an input.
    let same = |input: &&dyn AsRef<Path>| {
        fs::metadata(input.as_ref())
            .is_ok_and(|input| (input.dev(), input.ino()) == (there.dev(), there.ino()))
    };
    if inputs.iter().map(|input| input as &dyn AsRef<Path>).any(|input| same(&input)) {
        return Err(Failure::usage(format!(
            "error: {shown}: is a file that this command reads, the scenario or a policy of it; choose another {option}"
        )));
    }
    // Devices, pipes and empty files have no content to lose.
    if force || !there.is_file() || there.len() == 0 {
        return Ok(());
    }
    let begin = first_bytes(place, head).map_err(|e| Failure::io(&shown, &e))?;
    if is_own(&begin) {
        return Ok(());
    }
    let or_force = if option == "--out" { ", or --force to overwrite it" } else { "" };
    Err(Failure::usage(format!(
        "error: {shown}: is there already, and not written by this command; choose another {option}{or_force}"
    )))
}

/// Writes a new file to start from, and says which command comes next for it. Without `force`, a file that is there stays.
pub(super) fn write_start(place: &Path, force: bool, text: &str, next: &str) -> Result<Exit, Failure> {
    check("--out", place, &[] as &[&Path], force, (0, |_| false))?;
    fs::write(place, text).map_err(|e| Failure::io(shown(place), &e))?;
    let file = shell_word(&place.display().to_string());
    terminal::say(&format!("{}: written\nnext: {next} {file}\n", shown(place)))
}

/// Writes a file, or replaces one, completely or not at all.
pub(super) fn replace(place: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let aside = place.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    // A device or a pipe is written to, not replaced.
    let written = match fs::metadata(place) {
        Ok(there) if !there.is_file() => fs::write(place, bytes),
        _ => {
            let renamed = fs::write(&aside, bytes).and_then(|()| fs::rename(&aside, place));
            renamed.inspect_err(|_| drop(fs::remove_file(&aside)))
        }
    };
    written.map_err(|e| Failure::io(shown(place), &e))
}

fn first_bytes(place: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(place)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
