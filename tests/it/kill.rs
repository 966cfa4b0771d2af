//! Kills runs at random moments: the results directory always holds the complete old or the complete new results.
//!
//! `AUTHSTORM_KILLS` sets the number of kills. `.ci/full` uses 1,000 with the release build in `AUTHSTORM_BIN`. The default
//! takes a few seconds.

use crate::common::{TINY, authstorm, files, said, tiny};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DEFAULT_KILLS: u32 = 40;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

type Files = BTreeMap<String, Vec<u8>>;

/// Whether a directory contains exactly the files of its manifest, with their hashes.
fn is_whole(files: &Files) -> bool {
    let Some(manifest) = files.get("manifest.json") else { return false };
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(manifest) else { return false };
    let Some(listed) = manifest["files"].as_object() else { return false };
    let sha256 = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    listed.len() + 1 == files.len()
        && listed.iter().all(|(name, of)| {
            files.get(name).is_some_and(|bytes| of["sha256"].as_str() == Some(sha256(bytes).as_str()))
        })
}

/// A temporary folder in memory if possible. A kill ends the process, not the machine, so disk writes need no test and
/// would only slow it down.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// A small random generator with a fixed seed, so that a failure can be repeated with the same moments.
struct Moments(u64);

impl Moments {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) % n
    }
}

fn signal(pid: u32, number: i32) {
    let status =
        Command::new("sh").args(["-c", &format!("kill -{number} {pid}")]).stderr(Stdio::null()).status();
    // The process may have ended on its own. Its exit status is checked later.
    let _ = status.expect("a shell");
}

/// Arguments for a run small enough for a thousand repetitions. It writes and draws every file on one thread.
const SMALL: [&str; 8] =
    ["--set", "fleet.users=8", "--set", "horizon=2m", "--replications", "1", "--threads", "1"];

/// A small run of one policy with this seed.
fn small(seed: &str, out: &Path) -> Command {
    let mut command = authstorm();
    command.args(["run", TINY[0], "--policy", "old", "--quiet", "--force"]).args(SMALL);
    command.args(["--seed", seed, "--out"]).arg(out);
    command
}

/// Number of kills by phase of the run and signal. The phase is inferred from the files left.
#[derive(Default)]
struct Phases(BTreeMap<&'static str, u32>);

impl Phases {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn of(&self, what: &str) -> u32 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// The phase in which a SIGKILL ended a run, inferred from the files left. Without such files the run had not begun to
/// write or was complete.
fn phase(folder: &Path, replaced: bool) -> &'static str {
    let aside = fs::read_dir(folder.join(".out.partial")).map(Iterator::count);
    match (aside, replaced) {
        (Ok(_), true) => "renamed, the old not yet removed",
        (Ok(0), false) => "running",
        (Ok(_), false) => "writing",
        (Err(_), true) => "done",
        (Err(_), false) if folder.join(".out.lock").exists() => "taking the place",
        (Err(_), false) => "starting",
    }
}

/// Kills runs into one directory `kills` times.
#[expect(clippy::disallowed_methods, reason = "the moments are spread over the measured length of a run")]
fn kill_often(kills: u32, seed: u64) -> Phases {
    let folder = in_memory();
    let out = folder.path().join("out");
    let mut whole = Vec::new();
    let mut length = Duration::ZERO;
    for seed in ["1", "2"] {
        let begin = Instant::now();
        let output = small(seed, &out).output().expect("the command runs");
        length = begin.elapsed();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
        whole.push(files(&out));
    }
    assert!(whole.iter().all(is_whole) && whole[0] != whole[1]);
    let mut length = length.as_micros() as u64;
    let mut moments = Moments(seed);
    let mut phases = Phases::default();
    for n in 0..kills {
        let before = files(&out);
        let next = if before == whole[0] { "2" } else { "1" };
        // Half of the moments are near the end of a run, when files are written and moved into place.
        let late = moments.below(2) == 0;
        let wait = if late { length * 4 / 5 + moments.below(length * 2 / 5) } else { moments.below(length) };
        let number = [SIGKILL, SIGKILL, SIGTERM, SIGINT][moments.below(4) as usize];
        // Writing takes a hundredth of a run. Moments drawn over the whole run hit it once in 999. A third of the
        // SIGKILLs therefore wait for the first file and then for a random part of the writing time.
        let aimed = number == SIGKILL && moments.below(3) == 0;
        let wait = if aimed { moments.below(3_000) } else { wait };
        let mut command = small(next, &out);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
        while aimed && child.try_wait().expect("a child").is_none() {
            if fs::read_dir(folder.path().join(".out.partial")).is_ok_and(|mut files| files.next().is_some())
            {
                break;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(Duration::from_micros(wait));
        match number {
            // A SIGKILL needs no helper process, so it arrives at its moment.
            SIGKILL => drop(child.kill()),
            _ => signal(child.id(), number),
        }
        let status = child.wait().expect("it ends");
        let after = files(&out);
        let moment = format!("kill {n}: signal {number} after {wait} us of {length}, {status}");
        assert!(after == whole[0] || after == whole[1], "{moment}: {:?}", after.keys());
        let replaced = after != before;
        // The load of the machine varies. Adapts the length so that half of the late runs end before their kill.
        if late && !aimed {
            length = if replaced { length * 15 / 16 } else { length * 17 / 16 }.max(1_000);
        }
        let left = files(folder.path()).len() - 1;
        match (number, status.code(), status.signal()) {
            // The run had ended or no longer accepted signals. A small fleet may miss an expectation.
            (_, Some(0 | 1), _) => {
                assert!(replaced && left == 0, "{moment}");
                phases.add("ended before the signal");
            }
            (SIGKILL, _, Some(SIGKILL)) => phases.add(phase(folder.path(), replaced)),
            (SIGINT | SIGTERM, Some(code), _) => {
                assert_eq!(code, 128 + number, "{moment}");
                assert!(!replaced && left == 0, "{moment}: {left} left");
                phases.add(if number == SIGINT { "stopped by SIGINT" } else { "stopped by SIGTERM" });
            }
            // The signal came before the handler was installed and before anything was written.
            (SIGINT | SIGTERM, None, Some(by)) => {
                assert!(by == number && !replaced, "{moment}");
                phases.add("not yet listening");
            }
            other => panic!("{moment}: {other:?}"),
        }
    }
    let last = small("1", &out).output().expect("the command runs");
    assert!(matches!(last.status.code(), Some(0 | 1)), "{}", said(&last));
    assert!(files(&out) == whole[0]);
    assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), ["out"], "only the results are left");
    phases
}

#[test]
fn a_killed_run_leaves_the_complete_old_or_new_results() {
    let kills = std::env::var("AUTHSTORM_KILLS").map_or(DEFAULT_KILLS, |n| n.parse().expect("a number"));
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get() as u32).clamp(2, 8);
    let mut phases = Phases::default();
    std::thread::scope(|scope| {
        let share = |w: u32| kills / workers + u32::from(w < kills % workers);
        let started: Vec<_> =
            (0..workers).map(|w| scope.spawn(move || kill_often(share(w), 2026 + u64::from(w)))).collect();
        for worker in started {
            for (what, count) in worker.join().expect("no worker fails").0 {
                *phases.0.entry(what).or_default() += count;
            }
        }
    });
    eprintln!("{kills} kills: {:?}", phases.0);
    assert_eq!(phases.0.values().sum::<u32>(), kills);
    // With fewer kills, a phase may be missing by chance.
    if kills >= 1_000 {
        for what in ["running", "writing", "stopped by SIGINT", "stopped by SIGTERM"] {
            assert!(phases.of(what) >= 10, "{what}: {:?}", phases.0);
        }
        assert!(phases.of("renamed, the old not yet removed") >= 1, "{:?}", phases.0);
    }
}

/// A signal stops a run of minutes. The exit code names the signal, and no files are left.
#[test]
fn a_signal_ends_a_long_run() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, code) in [(SIGINT, 130), (SIGTERM, 143)] {
        let mut command = authstorm();
        command.args(["run", "scenarios/telemetry-7-days.toml", "--set", "fleet.users=200000", "--out"]);
        command.arg(folder.path().join("out")).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("the command runs");
        while !folder.path().join(".out.partial").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(100));
        signal(child.id(), number);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains("interrupted"), "{}", said(&output));
        assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()).keys());
    }
}

/// Checks that `is_whole` can fail.
#[test]
fn an_incomplete_directory_is_detected() {
    let folder = tempfile::tempdir().expect("a folder");
    let out: &Path = &folder.path().join("out");
    assert!(tiny(out, &[]).status.success());
    let good = files(out);
    assert!(is_whole(&good));
    for name in good.keys() {
        let mut bad = good.clone();
        bad.remove(name);
        assert!(!is_whole(&bad), "without {name}");
        if name != "manifest.json" {
            bad.insert(name.clone(), Vec::new());
            assert!(!is_whole(&bad), "with {name} empty");
        }
    }
    let mut more = good.clone();
    more.insert("more".to_owned(), Vec::new());
    assert!(!is_whole(&more));
    fs::remove_dir_all(out).expect("removable");
}
