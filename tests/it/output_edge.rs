//! The command and the operating system: places for results, full and closed devices, names, sizes. A refusal is
//! immediate, names its reason and changes no file.

use crate::common::{TINY, authstorm, binary, files, root, said, tiny};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Names of all files of a directory, including hidden ones.
fn names(dir: &Path) -> Vec<String> {
    files(dir).into_keys().collect()
}

fn refused(what: &str, output: &std::process::Output, code: i32, parts: &[&str]) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{what}: {text}");
    assert!(output.stdout.is_empty(), "{what}");
    assert!(!text.contains("panicked") && !text.contains("a bug in authstorm"), "{what}: {text}");
    for part in parts {
        assert!(text.contains(part), "{what}: {part:?} is missing: {text}");
    }
}

/// Inputs 57 to 65 of the list: refused before any memory is allocated.
#[test]
fn too_large_scenarios_are_refused_before_they_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let many = "policies=[".to_owned() + &"\"old\",".repeat(10_000) + "]";
    let name = format!("name={}", "n".repeat(100_000));
    let tied = "backend.limit=[{endpoints=[\"tokens\"],kind=\"token-bucket\",key=\"global\",rate=\"1000/s\",burst=1000}]";
    let (million, all) = ("fleet.users=1000000", "fleet.users=100000000");
    for (what, set, parts) in [
        ("10^12 users", &["fleet.users=1000000000000"][..], &["E", "fleet.users", "1000000000000"][..]),
        // Independent users run in parts, which fit any memory. Their events exceed the budget.
        ("10^8 users", &[all], &["is expected to have about", "guard.max-events=N raises it"]),
        (
            "10^8 users in one",
            &[all, tied],
            &["a run needs about", "users at about", "--max-memory raises it"],
        ),
        ("10^6 users for a year", &[million, "horizon=365d", "bucket=1h"], &["is expected to have about"]),
        ("replications beyond all", &["replications=18446744073709551615"], &["replications"]),
        ("a bucket of 1 ns", &["bucket=1ns"], &["buckets of 1ns", "at most"]),
        ("10^4 policies", &[&many], &["policies"]),
        ("a long name", &[&name], &["name"]),
        ("an endless horizon", &["horizon=600y"], &["horizon"]),
        ("no horizon", &["horizon=0s"], &["horizon"]),
    ] {
        let mut command = authstorm();
        command.args(["run", "scenarios/healthy.toml", "--out"]).arg(&out);
        for value in set {
            command.args(["--set", value]);
        }
        let output = command.output().expect("the command runs");
        refused(what, &output, 2, parts);
        assert!(names(folder.path()).is_empty(), "{what}: {:?}", names(folder.path()));
    }
    for args in [
        &["--threads", "0"][..],
        &["--threads", "1000000"],
        &["--threads", "-1"],
        &["--max-memory", "1KiB"],
        &["--max-memory", "nan"],
        &["--max-memory", "99999999999TiB"],
        &["--replications", "0"],
        &["--seed", "18446744073709551616"],
        &["--seed", "1.5"],
    ] {
        refused(&format!("{args:?}"), &tiny(&out, args), 2, &["error: "]);
    }
    refused(
        "a limit below the need",
        &tiny(
            &out,
            &[
                "--max-memory",
                "16MiB",
                "--set",
                "fleet.users=50000",
                "--set",
                "backend.limit[0].key=\"global\"",
            ],
        ),
        2,
        &["50000 users"],
    );
    assert!(tiny(&out, &["--max-memory", "64MiB"]).status.success(), "a limit above the need");
}

/// Inputs 72 to 74: a scenario's name is also the name of a directory and must not lead elsewhere.
#[test]
fn a_name_cannot_leave_the_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("s.toml");
    let text = fs::read_to_string(root().join("scenarios/healthy.toml")).expect("a scenario");
    for name in [
        "../../etc/passwd",
        "..",
        ".",
        "/abs",
        "a/b",
        "a\\\\b",
        "C:x",
        "CON",
        "nul.csv",
        "aux",
        "x.",
        "x ",
        "",
        "-rf",
        "--force",
        "=cmd|' /C calc'!A0",
        "@SUM(A1)",
        "<script>alert(1)</script>",
        "a\\u001b[31m",
        "a\\u202eb",
        "a\\nb",
    ] {
        fs::write(&scenario, text.replace("name = \"healthy\"", &format!("name = \"{name}\"")))
            .expect("writable");
        let mut command = authstorm();
        let output =
            command.current_dir(folder.path()).args(["run", "s.toml"]).output().expect("the command runs");
        refused(name, &output, 2, &["s.toml:5:8: error[E", "name"]);
        assert!(!said(&output).contains(['\u{1b}', '\u{202e}']), "{name}");
        assert_eq!(names(folder.path()), ["s.toml"], "{name}");
    }
}

/// Inputs 84 to 87, 97 and 98.
#[test]
fn a_foreign_place_is_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    // A scenario file, a directory of scenarios, a dangling link, and a link to a foreign directory.
    let scenario = at("scenario.toml");
    fs::copy(root().join(TINY[0]), &scenario).expect("a copy");
    fs::create_dir(at("theirs")).expect("a folder");
    fs::write(at("theirs/diary.txt"), "mine").expect("writable");
    fs::create_dir(at("app")).expect("a folder");
    fs::write(at("app/manifest.json"), "{ \"name\": \"a web app\" }").expect("writable");
    symlink("nowhere", at("dangling")).expect("a link");
    symlink("theirs", at("link")).expect("a link");
    symlink("/dev/null", at("null")).expect("a link");
    let before = names(folder.path());
    for force in [&[][..], &["--force"]] {
        for (place, part) in [
            ("scenario.toml", "is not a directory"),
            ("dangling", "is not a directory"),
            ("link", "is not a directory"),
            ("null", "is not a directory"),
            ("theirs", "diary.txt is not from authstorm"),
            ("app", "manifest.json is not from authstorm"),
            ("..", "not a name for a results directory"),
        ] {
            refused(place, &tiny(&at(place), force), 2, &[part]);
        }
        refused("/", &tiny(Path::new("/"), force), 2, &["not a name"]);
        refused("empty", &tiny(Path::new(""), force), 2, &["--out"]);
        refused("a file in the way", &tiny(&at("scenario.toml/out"), force), 4, &["scenario.toml"]);
        assert_eq!(names(folder.path()), before);
        assert_eq!(fs::read(at("theirs/diary.txt")).expect("a file"), b"mine");
    }
    // Results with a foreign file beside them, and results whose scenario is the input.
    let out = at("out");
    assert!(tiny(&out, &[]).status.success());
    let whole = files(&out);
    fs::write(out.join("notes.txt"), "mine").expect("writable");
    refused("notes", &tiny(&out, &["--seed", "7", "--force"]), 2, &["notes.txt is not from authstorm"]);
    fs::remove_file(out.join("notes.txt")).expect("removable");
    let mut command = authstorm();
    command.arg("run").arg(out.join("scenario.toml")).args(["--quiet", "--force", "--out"]).arg(&out);
    refused(
        "its own scenario",
        &command.output().expect("the command runs"),
        2,
        &["holds the scenario itself"],
    );
    assert!(files(&out) == whole);
    // Results of another version.
    let manifest = fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let version = format!("\"version\": {:?}", env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.matches(&version).count(), 1);
    fs::write(out.join("manifest.json"), manifest.replace(&version, "\"version\": \"9.9.9\""))
        .expect("writable");
    let here = format!("version is 9.9.9 there and {} here", env!("CARGO_PKG_VERSION"));
    refused("another version", &tiny(&out, &[]), 2, &[&here]);
    assert!(tiny(&out, &["--force"]).status.success());
    assert!(files(&out) == whole);
}

/// Input 98: links that another user has placed in a shared directory.
#[test]
fn links_at_the_output_path_are_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("theirs")).expect("a folder");
    fs::write(at("theirs/diary.txt"), "mine").expect("writable");
    symlink("theirs", at(".out.partial")).expect("a link");
    refused("a link aside", &tiny(&at("out"), &[]), 2, &[".out.partial: is not from authstorm"]);
    assert_eq!(fs::read(at("theirs/diary.txt")).expect("a file"), b"mine");
    symlink("theirs/made", at(".other.lock")).expect("a link");
    refused("a lock that is a link", &tiny(&at("other"), &[]), 2, &[".other.lock: is not from authstorm"]);
    assert_eq!(names(&at("theirs")), ["diary.txt"], "the target of the link does not exist");
}

/// Input 96.
#[test]
fn a_second_run_into_the_same_directory_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut first = authstorm();
    first.args(["run", "scenarios/touch-429-cascade.toml", "--quiet", "--out"]).arg(&out);
    let mut first = first.stderr(Stdio::null()).spawn().expect("the command runs");
    let lock = folder.path().join(".out.lock");
    while !lock.exists() {
        assert!(first.try_wait().expect("a child").is_none(), "the first run is long enough");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(5));
    let second = tiny(&out, &[]);
    if first.try_wait().expect("a child").is_none() {
        refused("a second run", &second, 2, &["another run is writing there"]);
    }
    first.kill().expect("it can be ended");
    first.wait().expect("it ends");
    assert!(tiny(&out, &[]).status.success(), "a killed run holds no lock");
    assert_eq!(names(folder.path()), ["out"]);
}

/// Inputs 91 and 92.
#[test]
fn standard_output_may_be_full_or_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["check", "scenarios/healthy.toml", "--set", "fleet.users=20", "--replications", "1"];
    for verb in [&args[..], &["metrics"], &["validate", "scenarios/healthy.toml"]] {
        if let Ok(full) = File::options().write(true).open("/dev/full") {
            let output = authstorm().args(verb).stdout(full).output().expect("the command runs");
            refused(verb[0], &output, 4, &["standard output", "No space left"]);
        }
        let script = "exec \"$0\" \"$@\" >&-";
        let mut closed = Command::new("sh");
        let output = closed.current_dir(root()).args(["-c", script]).arg(binary()).args(verb).output();
        let output = output.expect("a shell");
        assert!(matches!(output.status.code(), Some(0 | 4)), "{verb:?} closed: {}", said(&output));
        assert!(!said(&output).contains("a bug"), "{}", said(&output));
    }
    // Results are complete even if standard output fails.
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let out = folder.path().join("out");
        let mut command = authstorm();
        command.arg("run").args(&TINY[..TINY.len() - 1]).arg("--out").arg(&out).stdout(full);
        assert_eq!(command.output().expect("the command runs").status.code(), Some(4));
        assert!(files(&out).contains_key("manifest.json"));
    }
}

/// Input 93: a limit on file sizes causes a write error and does not kill the process.
#[test]
fn a_limit_on_file_sizes_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut command = Command::new("bash");
    command.current_dir(root()).args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(binary());
    let output = command.arg("run").args(TINY).arg("--out").arg(&out).output().expect("a shell");
    refused("ulimit -f", &output, 4, &["bytes needed", "File too large"]);
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

/// Input 102: a limit on address space below the need of a run stops it before it begins.
#[test]
fn a_limit_on_memory_leaves_no_partial_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut command = Command::new("bash");
    command.current_dir(root()).args(["-c", "ulimit -v 1000000; exec \"$0\" \"$@\""]).arg(binary());
    // A global limit connects the users. In parts they would fit.
    command.arg("run").args(TINY).args(["--set", "fleet.users=3000000"]);
    command.args(["--set", "backend.limit[0].key=\"global\"", "--threads", "1", "--out"]).arg(&out);
    let output = command.output().expect("a shell");
    refused("ulimit -v", &output, 3, &["too little address space: this needs about", "ulimit -v"]);
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

/// A storm that needs far more memory than its estimate: 255 callers a second in each tab, whose requests take a minute. It
/// begins, because the estimate fits, and stops before an allocation fails.
#[test]
fn a_storm_that_outgrows_a_limit_on_address_space_stops_with_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("outgrows.toml");
    let text = "version = 1\nreplications = 1\nname = \"outgrows\"\nhorizon = \"110s\"\npolicies = [\"old\"]\n[client]\nmodel = \"clerk-js-6.3.3\"\n\
                [fleet]\nusers = 200\napp-get-token = { every = \"1s\", callers = 255, skip-cache = true }\n\
                [backend]\nlatency = \"60s\"\n";
    fs::write(&scenario, text).expect("writable");
    for kib in ["420000", "600000"] {
        let mut command = Command::new("bash");
        command.current_dir(root()).args(["-c", "ulimit -v $1; shift; exec \"$0\" \"$@\""]);
        command.arg(binary()).arg(kib).arg("run").arg(&scenario).args(["--threads", "1", "--quiet", "--out"]);
        let output = command.arg(folder.path().join("out")).output().expect("a shell");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{kib}: {:?} {text}", output.status);
        assert!(text.contains("too little address space: the run may need more after t = "), "{kib}: {text}");
        assert_eq!(names(folder.path()), ["outgrows.toml"], "{kib}");
    }
}

/// Inputs 88 to 90, on a small file system if one can be mounted.
#[test]
fn full_and_read_only_places_are_errors_without_leftovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let mount = folder.path().join("mount");
    fs::create_dir(&mount).expect("a folder");
    let mounted = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&mount).stderr(Stdio::null());
        is_root() && command.status().is_ok_and(|status| status.success())
    };
    if !mounted("size=64k") {
        eprintln!("no file system can be mounted here: full and read-only ones are not tested");
        return;
    }
    let full = tiny(&mount.join("out"), &[]);
    let left = names(&mount);
    // Old results stay if new ones do not fit.
    let remount = |options: &str| {
        Command::new("mount").args(["-o", options]).arg(&mount).status().is_ok_and(|status| status.success())
    };
    assert!(remount("remount,size=4m"));
    let first = tiny(&mount.join("out"), &[]);
    let old = files(&mount.join("out"));
    let filler = vec![0u8; 4 << 20];
    let _ = fs::write(mount.join("filler"), &filler);
    let second = tiny(&mount.join("out"), &["--seed", "7", "--force"]);
    let kept = files(&mount.join("out")) == old;
    fs::remove_file(mount.join("filler")).expect("removable");
    let beside = names(&mount);
    assert!(remount("remount,ro"));
    let begin = std::fs::metadata(&mount).map(|m| m.mtime());
    let read_only = tiny(&mount.join("new"), &[]);
    let end = std::fs::metadata(&mount).map(|m| m.mtime());
    // Grows the file system page by page. At some size only the end of the last file does not fit.
    assert!(remount("remount,rw"));
    fs::remove_dir_all(mount.join("out")).expect("removable");
    let pages: u64 = old.values().map(|bytes| bytes.len().div_ceil(4096) as u64).sum();
    let mut to_the_byte = Vec::new();
    for size in (pages - 2..pages + 16).map(|pages| pages * 4) {
        assert!(remount(&format!("remount,size={size}k")));
        let output = tiny(&mount.join("out"), &[]);
        let complete = output.status.success() && files(&mount.join("out")) == old;
        to_the_byte.push((output, names(&mount), complete));
        if complete {
            break;
        }
    }
    assert!(Command::new("umount").arg(&mount).status().is_ok_and(|status| status.success()));
    refused("full", &full, 4, &["bytes needed", "No space left"]);
    assert!(left.is_empty(), "{left:?}");
    assert!(first.status.success(), "{}", said(&first));
    refused("full again", &second, 4, &["No space left"]);
    assert!(kept && beside == ["out"], "{beside:?}");
    refused("read-only", &read_only, 4, &["Read-only file system"]);
    let (last, too_small) = to_the_byte.split_last().expect("some sizes were tried");
    assert!(
        last.2 && too_small.len() > 1,
        "sizes with one page too few and with enough pages are tried: {}",
        too_small.len()
    );
    for (output, left, _) in too_small {
        refused("full to the byte", output, 4, &["bytes needed", "No space left"]);
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(begin.ok(), end.ok());
}
