//! Places for results: foreign files stay, leftovers of a killed run are removed, and a place that cannot be replaced
//! is filled from inside. Names from outside are escaped before they reach the terminal.

use crate::common::{TINY, authstorm, binary, files, root, said, tiny};
use authstorm::text::is_hidden;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Names of all entries of a directory, including hidden ones.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The command under timeout(1), which exits with code 124 if the command waits too long.
fn bounded() -> Command {
    let mut command = Command::new("timeout");
    command.current_dir(root()).arg("120").arg(binary());
    command
}

fn bounded_tiny(out: &Path, more: &[&str]) -> Output {
    bounded().arg("run").args(TINY).args(more).arg("--out").arg(out).output().expect("timeout(1)")
}

fn refused(what: &str, output: &Output, code: i32, part: &str) {
    assert_eq!(output.status.code(), Some(code), "{what}: {}", said(output));
    assert!(said(output).contains(part), "{what}: {part:?} is missing: {}", said(output));
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo(1)").success());
}

/// Starts a long run and kills it, which leaves its lock and an empty directory.
fn leave(out: &Path) {
    let mut command = authstorm();
    command.args([
        "run",
        "scenarios/telemetry-7-days.toml",
        "--set",
        "fleet.users=200000",
        "--quiet",
        "--out",
    ]);
    let mut child = command.arg(out).stderr(Stdio::null()).spawn().expect("the command runs");
    let aside = out.with_file_name(".out.partial");
    while !aside.exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it runs");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it can be ended");
    child.wait().expect("it ends");
    assert_eq!(names(out.parent().expect("a parent")), [".out.lock", ".out.partial"]);
}

/// Creates a file-system object at a path.
type Maker = fn(&Path);

const FOREIGN: [(&str, Maker); 7] = [
    ("an empty file", |p| fs::write(p, "").expect("writable")),
    ("a file", |p| fs::write(p, "mine").expect("writable")),
    ("a directory", |p| fs::create_dir(p).expect("makeable")),
    ("a full directory", |p| {
        fs::create_dir(p).expect("makeable");
        fs::write(p.join("diary.txt"), "mine").expect("writable");
    }),
    ("a pipe", fifo),
    ("a socket", |p| drop(UnixListener::bind(p).expect("a socket"))),
    ("a link to nothing", |p| symlink("nowhere", p).expect("a link")),
];

#[test]
fn foreign_objects_are_unchanged_and_never_block() {
    for name in [".out.lock", ".out.partial"] {
        for (what, make) in FOREIGN {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join(name);
            make(&path);
            let kind = || fs::symlink_metadata(&path).expect("it is there").file_type();
            let before = kind();
            for force in [&[][..], &["--force"]] {
                let output = bounded_tiny(&folder.path().join("out"), force);
                refused(&format!("{what} at {name}"), &output, 2, &format!("{name}: is not from authstorm"));
            }
            assert_eq!(names(folder.path()), [name], "{what}");
            assert_eq!(kind(), before, "{what}");
            if what == "a file" {
                assert_eq!(fs::read(&path).expect("a file"), b"mine", "{what}");
            }
            if what == "a full directory" {
                assert_eq!(fs::read(path.join("diary.txt")).expect("a file"), b"mine", "{what}");
            }
        }
    }
    // The same names inside the place, which authstorm uses if it cannot replace the place.
    for name in [".authstorm.partial", ".authstorm.complete"] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        fs::create_dir_all(out.join(name)).expect("makeable");
        fs::write(out.join(name).join("diary.txt"), "mine").expect("writable");
        refused(name, &bounded_tiny(&out, &["--force"]), 2, "is not from authstorm");
        assert_eq!(names(&out.join(name)), ["diary.txt"]);
        assert_eq!(names(folder.path()), ["out"]);
    }
}

/// Reading results or recordings refuses a pipe and does not wait for it.
#[test]
fn a_pipe_in_place_of_a_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    fs::create_dir(&out).expect("makeable");
    let manifest = out.join("manifest.json");
    fifo(&manifest);
    refused("run", &bounded_tiny(&out, &["--force"]), 2, "manifest.json is not from authstorm");
    let verb =
        |args: &[&str], paths: &[&Path]| bounded().args(args).args(paths).output().expect("timeout(1)");
    refused("report", &verb(&["report"], &[&out]), 2, "manifest.json is not a regular file");
    refused("diff", &verb(&["diff"], &[&out, &out]), 2, "manifest.json is not a regular file");
    refused("conform", &verb(&["conform"], &[&manifest]), 2, "is not a regular file");
    refused("validate", &verb(&["validate"], &[&manifest]), 2, "is not a regular file");
    refused("run a pipe", &verb(&["run"], &[&manifest]), 2, "is not a regular file");
    assert_eq!(names(&out), ["manifest.json"]);
}

/// A lock marks the files beside it as leftovers. Only files that a manifest lists are removed.
#[test]
fn only_the_leftovers_of_a_killed_run_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    leave(&out);
    let diary = folder.path().join(".out.partial/diary.txt");
    fs::write(&diary, "mine").expect("writable");
    refused("a diary", &tiny(&out, &[]), 2, "diary.txt: is not from authstorm");
    assert_eq!(fs::read(&diary).expect("a file"), b"mine");
    fs::remove_file(&diary).expect("removable");
    // Killed while writing: the manifest is complete, the file after it is not.
    let manifest = r#"{ "scenario_hash": "00", "files": { "summary.json": {}, "page.html": {} } }"#;
    fs::write(diary.with_file_name("manifest.json"), manifest).expect("writable");
    fs::write(diary.with_file_name("summary.json"), "{ \"half").expect("writable");
    let output = tiny(&out, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(names(folder.path()), ["out"]);
}

/// If moving files into place is interrupted at any point, the next run completes it.
#[test]
fn an_interrupted_move_into_place_is_completed() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    leave(&at("out"));
    let lock = fs::read(at(".out.lock")).expect("a lock");
    fs::remove_dir(at(".out.partial")).expect("removable");
    fs::remove_file(at(".out.lock")).expect("removable");
    let of = |seed: &str| {
        let output = tiny(&at("out"), &["--seed", seed, "--force"]);
        assert!(output.status.success(), "{}", said(&output));
        files(&at("out"))
    };
    let (mut old, new) = (of("1"), of("2"));
    fs::remove_dir_all(at("out")).expect("removable");
    // The old results have a file that the new ones lack.
    let mut manifest: serde_json::Value = serde_json::from_slice(&old["manifest.json"]).expect("JSON");
    manifest["files"]["extra.svg"] = serde_json::json!({});
    old.insert("extra.svg".to_owned(), b"<svg/>".to_vec());
    old.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).expect("JSON"));
    let moved: Vec<&String> = new.keys().filter(|name| *name != "manifest.json").collect();
    // Steps: nothing done; old manifest moved away; one file moved; all moved; new manifest moved, old one left.
    for step in ["whole", "begun", "one", "all", "last"] {
        let (place, complete) = (at("out"), at("out/.authstorm.complete"));
        fs::create_dir_all(&complete).expect("makeable");
        fs::write(at(".out.lock"), &lock).expect("writable");
        let write = |dir: &Path, files: &BTreeMap<String, Vec<u8>>| {
            files.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).expect("writable"));
        };
        write(&place, &old);
        write(&complete, &new);
        let shift = |name: &str| fs::rename(complete.join(name), place.join(name)).expect("movable");
        if step != "whole" {
            fs::rename(place.join("manifest.json"), complete.join("manifest.old.json")).expect("movable");
            let none = authstorm().arg("diff").args([&place, &place]).output().expect("the command runs");
            refused(step, &none, 2, "no results directory: manifest.json is missing");
        }
        if matches!(step, "all" | "last") {
            fs::remove_file(place.join("extra.svg")).expect("removable");
        }
        let count = match step {
            "one" => 1,
            "all" | "last" => moved.len(),
            _ => 0,
        };
        moved[..count].iter().for_each(|name| shift(name));
        if step == "last" {
            shift("manifest.json");
        }
        let output = tiny(&place, &["--seed", "2"]);
        assert!(output.status.success(), "{step}: {}", said(&output));
        assert!(files(&place) == new, "{step}: {:?}", names(&place));
        assert_eq!(names(folder.path()), ["out"], "{step}");
        fs::remove_dir_all(place).expect("removable");
    }
}

/// Runs a shell script in its own mount namespace. `None` if none can be created. `$0` is the command and `$1` the
/// folder. In the script `tiny` runs the tiny storm, and `whole` prints the files of a directory as `digest` does.
fn in_namespace(folder: &Path, script: &str) -> Option<Output> {
    let private = [&["-m"][..], &["-rm"]].into_iter().find(|flags| {
        let mut tried = Command::new("unshare");
        tried.args(*flags).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
        tried.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })?;
    let run = TINY.map(|word| format!("'{word}'")).join(" ");
    let script = format!(
        "tiny() {{ timeout 120 \"$0\" run {run} \"$@\"; }}\n\
         whole() {{ (cd \"$1\" && ls -A | LC_ALL=C sort | xargs sha256sum); }}\n\
         cd '{}'\n{script}",
        root().display()
    );
    let mut command = Command::new("unshare");
    command.args(private).args(["sh", "-c", &script]).arg(binary()).arg(folder);
    Some(command.output().expect("a shell"))
}

/// The output of `whole` for these files.
fn digest(files: &BTreeMap<String, Vec<u8>>) -> String {
    let sha256 = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect()
}

/// The results of two seeds, made in an ordinary folder.
fn two_results(folder: &Path) -> [String; 2] {
    ["1", "2"].map(|seed| {
        let out = folder.join(format!("plain-{seed}"));
        let output = tiny(&out, &["--seed", seed]);
        assert!(output.status.success(), "{}", said(&output));
        digest(&files(&out))
    })
}

/// A container's volume is a mount point. Results appear inside it, old results are replaced, and foreign files are
/// refused. A volume that cannot be written is refused before a long run.
#[test]
fn a_mount_point_is_filled_from_inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let [first, second] = two_results(folder.path());
    for kind in ["-t tmpfs tmpfs", "--bind \"$1/source\""] {
        let script = format!(
            "mkdir -p \"$1/volume\" \"$1/source\" && mount {kind} \"$1/volume\" || exit 9\n\
             tiny --seed 1 --out \"$1/volume\" && whole \"$1/volume\" || exit 10\n\
             tiny --seed 2 --out \"$1/volume\" 2>/dev/null; [ $? = 2 ] || exit 11\n\
             tiny --seed 2 --out \"$1/volume\" --force && whole \"$1/volume\" || exit 12\n\
             echo mine > \"$1/volume/diary.txt\"\n\
             tiny --seed 1 --out \"$1/volume\" --force 2>/dev/null; [ $? = 2 ] || exit 13\n\
             [ \"$(cat \"$1/volume/diary.txt\")\" = mine ] || exit 14\n\
             rm \"$1/volume/diary.txt\"; touch \"$1/volume/.authstorm.lock\"\n\
             tiny --seed 1 --out \"$1/volume\" --force 2>/dev/null; [ $? = 2 ] || exit 15\n\
             rm \"$1/volume/.authstorm.lock\" && whole \"$1/volume\"\n\
             mount -o remount,bind,ro \"$1/volume\" || exit 16\n\
             timeout 120 \"$0\" run scenarios/telemetry-7-days.toml --set fleet.users=200000 --quiet --force \
             --out \"$1/volume\" 2>/dev/null; [ $? = 4 ] || exit 17\n\
             timeout 120 \"$0\" run scenarios/telemetry-7-days.toml --set fleet.users=200000 --quiet \
             --out \"$1/volume/new\" 2>/dev/null; [ $? = 4 ] || exit 18\n\
             umount \"$1/volume\"; rm -rf \"$1/source\"; ls -A \"$1/volume\""
        );
        let Some(output) = in_namespace(folder.path(), &script) else {
            eprintln!("skipped: no mount namespace can be had here");
            return;
        };
        let told = String::from_utf8(output.stdout.clone()).expect("text");
        assert!(output.status.success(), "{kind}: {:?}: {}", output.status, said(&output));
        assert_eq!(told, format!("{first}{second}{second}"), "{kind}");
    }
    assert_eq!(names(folder.path()), ["plain-1", "plain-2", "volume"], "nothing is left beside the place");
}

/// A directory from a lower layer of an overlay, as in a container's image, cannot be renamed. This shows only at the
/// end of a run. Its files are then replaced one by one.
#[test]
fn a_directory_that_cannot_be_renamed_is_filled_from_inside() {
    let folder = tempfile::tempdir().expect("a folder");
    let [first, second] = two_results(folder.path());
    let script = "cd \"$1\" && mkdir layers && mount -t tmpfs tmpfs layers && cd layers || exit 9\n\
         mkdir lower upper work all && cp -r ../plain-1 lower/out\n\
         mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off all || exit 9\n\
         all=$PWD/all; mv all/out all/out2 2>/dev/null\n\
         rm -rf all/out2 all/out; umount all; rm -rf upper work; mkdir upper work\n\
         mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off all || exit 9\n\
         whole all/out\n";
    let script = format!(
        "{script}cd '{}'\ntiny --seed 2 --out \"$all/out\" --force && whole \"$all/out\" && ls -A \"$all\"",
        root().display()
    );
    let Some(output) = in_namespace(folder.path(), &script) else {
        eprintln!("skipped: no mount namespace can be had here");
        return;
    };
    if output.status.code() == Some(9) {
        eprintln!("skipped: no overlay can be mounted here: {}", said(&output));
        return;
    }
    let told = String::from_utf8(output.stdout.clone()).expect("text");
    assert!(output.status.success(), "{:?}: {}", output.status, said(&output));
    assert_eq!(told, format!("{first}{second}out\n"));
}

/// A name that would clear the screen, start a line and reverse the reading direction.
const HOSTILE: &str = "a\u{1b}[2J\nerror: b\u{202e}\u{9b}c";
const HARMLESS: &str = "a\\x1b[2J\\nerror: b\\u{202e}\\x9bc";

/// Asserts that both output streams show the name with escapes and contain no hidden characters except line breaks.
fn harmless(what: &str, output: &Output) {
    harmless_with(HARMLESS, what, output);
}

fn harmless_with(shown: &str, what: &str, output: &Output) {
    let both = said(output) + &String::from_utf8(output.stdout.clone()).expect("text");
    let hidden = |c: char| c != '\n' && is_hidden(c);
    assert!(!both.contains(hidden), "{what}: {both:?}");
    assert!(!both.lines().any(|line| line.starts_with("error: b")), "{what}: {both:?}");
    assert!(both.contains(shown), "{what}: {both:?}");
}

#[test]
fn names_from_outside_reach_the_terminal_as_escapes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |more: &str| folder.path().join(format!("{HOSTILE}{more}"));
    let scenario = at(".toml");
    fs::copy(root().join(TINY[0]), &scenario).expect("a copy");
    fs::write(at("-bad.toml"), "nmae = \"x\"\n").expect("writable");
    let recording = root().join("tests/recordings");
    let recording = fs::read_dir(recording).expect("recordings").map(|e| e.expect("an entry").path());
    let recording = recording.filter(|p| p.extension().is_some_and(|e| e == "json")).min();
    let verb = |args: &[&str], paths: &[&Path]| {
        authstorm().args(args).args(paths).output().expect("the command runs")
    };
    let few = ["--set", "fleet.users=30", "--set", "horizon=4m", "--replications", "2", "--policy", "old"];
    let run = [&["run"][..], &few, &["--out"]].concat();
    let (out, file) = (at("-out"), at("-file"));
    fs::write(&file, "").expect("writable");
    harmless("validate", &verb(&["validate"], &[&scenario]));
    harmless("validate a bad one", &verb(&["validate"], &[&at("-bad.toml")]));
    harmless("validate nothing", &verb(&["validate"], &[&at("-none")]));
    harmless("run", &verb(&run, &[&out, &scenario]));
    assert!(out.join("manifest.json").exists());
    harmless("run again", &verb(&run, &[&out, &scenario]));
    harmless("run into a file", &verb(&run, &[&file, &scenario]));
    harmless("report", &verb(&["report"], &[&out]));
    harmless("diff", &verb(&["diff"], &[&out, &at("-none")]));
    harmless("conform nothing", &verb(&["conform"], &[&at("-none")]));
    if let Some(recording) = recording {
        fs::copy(recording, at(".json")).expect("a copy");
        harmless("conform", &verb(&["conform"], &[&at(".json")]));
    }
    harmless("a wrong verb", &verb(&[HOSTILE], &[]));
    harmless("a wrong value", &verb(&["run", "--threads", HOSTILE], &[&scenario]));
    harmless("a wrong policy", &verb(&["run", "--policy", HOSTILE], &[&scenario]));
    // An error about an override quotes its text on one line.
    let set = format!("name={HOSTILE}");
    harmless_with("name=a\\x1b[2J", "a wrong override", &verb(&["run", "--set", &set], &[&scenario]));
    // A hostile name in foreign results.
    let manifest = out.join("manifest.json");
    let mut text: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a manifest")).expect("JSON");
    text["version"] = HOSTILE.into();
    fs::write(&manifest, text.to_string()).expect("writable");
    harmless("another version", &verb(&run, &[&out, &scenario]));
    // JSON keeps the value and uses its own escapes.
    let output = verb(&["conform", "--json"], &[&at(".json")]);
    let json = String::from_utf8(output.stdout).expect("text");
    assert!(!json.contains(|c| c != '\n' && is_hidden(c)), "{json:?}");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["recordings"][0]["file"].as_str(), at(".json").to_str());
}

/// With too little address space the command reports an error. It neither aborts nor panics and leaves no files.
#[test]
fn too_little_address_space_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    for verb in ["run", "check"] {
        let (mut refusals, mut runs) = (0, 0);
        let mut kib = 16_000;
        // Increases by an eighth each time. The tiny storm needs less than half a GiB on one thread.
        while kib < 600_000 {
            let mut command = Command::new("bash");
            command.current_dir(root()).args(["-c", "ulimit -v $1; shift; exec \"$0\" \"$@\""]);
            command.arg(binary()).arg(kib.to_string()).arg(verb).args(TINY);
            if verb == "run" {
                command.arg("--out").arg(folder.path().join("out"));
            }
            let output = command.output().expect("a shell");
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0 | 1) => {
                    runs += 1;
                    let _ = fs::remove_dir_all(folder.path().join("out"));
                }
                Some(3) => {
                    refusals += 1;
                    assert!(text.contains("too little address space"), "{verb} {kib}: {text}");
                }
                // With too little space for its libraries, or the runtime's first allocation, the command does not start.
                Some(127) => {}
                None if refusals + runs == 0 && text.is_empty() => {}
                None if refusals + runs == 0 && text.starts_with("memory allocation of ") => {}
                code => panic!("{verb} {kib}: {code:?} {text}"),
            }
            assert!(names(folder.path()).is_empty(), "{verb} {kib}: {:?}", names(folder.path()));
            kib += kib / 8;
        }
        assert!(refusals > 0 && runs > 0, "{verb}: {refusals} refusals, {runs} runs");
    }
}
