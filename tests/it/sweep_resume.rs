//! Sweeps that are interrupted or killed, and resumed.

use super::common::{binary, files, run_in};
use super::sweep::folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A sweep of [`folder`]'s scenario that takes long enough to be interrupted.
pub(crate) const FORTY_POINTS: [&str; 7] =
    ["sweep", "poisson.toml", "--vary", "backend.limit[0].limit=1..40", "--replications", "20", "--quiet"];

/// Starts a command that writes into `map`, waits until its journal has some of these words, one to a finished row, and ends it by
/// this signal.
pub(crate) fn interrupted_after(dir: &Path, args: &[&str], word: &str, signal: &str) -> Option<i32> {
    let mut command = Command::new(binary());
    command.current_dir(dir).args(args).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command runs");
    let journal = dir.join(".map.unfinished/journal.jsonl");
    for _ in 0..60_000 {
        let rows = fs::read_to_string(&journal).map_or(0, |text| text.matches(word).count());
        if rows > 4 || child.try_wait().expect("a child").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = child.id().to_string();
    let sent =
        Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &pid]).stderr(Stdio::null()).status();
    sent.expect("a shell");
    child.wait().expect("it ends").code()
}

/// The same of a sweep or a rollout, after some finished points.
pub(crate) fn interrupted(dir: &Path, args: &[&str], signal: &str) -> Option<i32> {
    interrupted_after(dir, args, "\n", signal)
}

/// A sweep that is interrupted or killed, also while a row is half written, and then resumed gives the bytes of one that is
/// not.
#[test]
fn an_interrupted_sweep_is_resumed_to_the_same_bytes() {
    let folder = folder();
    let dir = folder.path();
    let args = [&FORTY_POINTS[..], &["--out"]].concat();
    let run = |more: &[&str]| run_in(dir, &[&args[..], more].concat());
    assert_eq!(run(&["whole"]).0, Some(0));
    let whole = files(&dir.join("whole"));
    let unfinished = dir.join(".map.unfinished");
    for signal in ["INT", "KILL"] {
        let code = interrupted(dir, &[&args[..], &["map", "--threads", "1"]].concat(), signal);
        assert_eq!(code, if signal == "INT" { Some(130) } else { None }, "it was under way");
        assert!(!dir.join("map").exists() && unfinished.exists());
        // Nothing is overwritten by accident, and another scenario, seed or key is refused by name.
        let (code, _, err) = run(&["map"]);
        assert_eq!(code, Some(2));
        assert!(err.contains("--resume continues it"), "{err}");
        for (more, says) in [
            (&["--seed", "7"][..], "seed is 1 there and 7 here"),
            (&["--vary", "horizon=1m,2m"], "vary is "),
            (&["--set", "workload[0].name=other"], "command is "),
        ] {
            let (code, _, err) = run(&[&["map", "--resume"], more].concat());
            assert_eq!(code, Some(2), "{err}");
            assert!(err.contains(says), "{says}: {err}");
        }
        let journal = unfinished.join("journal.jsonl");
        let text = fs::read_to_string(&journal).expect("the journal");
        let other = text.replacen(
            &format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")),
            "\"version\":\"0.0.1\"",
            1,
        );
        fs::write(&journal, other).expect("a journal of another version");
        let (code, _, err) = run(&["map", "--resume"]);
        assert_eq!(code, Some(2));
        assert!(err.contains("version is 0.0.1 there"), "{err}");
        // The last row is torn.
        let cut = text.trim_end().len() - 5;
        fs::write(&journal, &text[..cut]).expect("a torn journal");
        let (code, _, err) = run(&["map", "--resume"]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(files(&dir.join("map")) == with_out(&whole), "{signal}");
        assert!(!unfinished.exists() && !dir.join(".map.lock").exists());
        fs::remove_dir_all(dir.join("map")).expect("a directory");
    }
}

/// No file says where it was written.
fn with_out(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    assert!(files.values().all(|bytes| !bytes.windows(7).any(|word| word == b"--out m")));
    files.clone()
}
