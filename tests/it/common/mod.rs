//! Helpers that several modules use.

#![allow(dead_code, reason = "modules use different helpers")]

pub(crate) mod chromium;
pub(crate) mod corpus;
pub(crate) mod refusal;
pub(crate) mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Root directory of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Path of the command. `AUTHSTORM_BIN` selects another build.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("AUTHSTORM_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_authstorm").into(), |bin| root().join(bin))
}

/// The command, run in the root directory of the package.
pub(crate) fn authstorm() -> Command {
    let mut command = Command::new(binary());
    command.current_dir(root());
    command
}

/// Arguments of a storm that takes milliseconds: the documented incident, one policy, few users.
pub(crate) const TINY: [&str; 10] = [
    "scenarios/touch-429-cascade.toml",
    "--policy",
    "old",
    "--set",
    "fleet.users=30",
    "--set",
    "horizon=4m",
    "--replications",
    "2",
    "--quiet",
];

/// Runs the tiny storm with results in `out`.
pub(crate) fn tiny(out: &Path, more: &[&str]) -> Output {
    authstorm().arg("run").args(TINY).args(more).arg("--out").arg(out).output().expect("the command runs")
}

/// Contents of every file of a directory, by name.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        all.insert(name, fs::read(&path).unwrap_or_default());
    }
    all
}

/// Exit code, standard output and standard error of the command in a directory.
pub(crate) fn run_in(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    told(&mut Command::new(binary()), dir, args)
}

/// As [`run_in`], of a command that is prepared otherwise.
pub(crate) fn told(command: &mut Command, dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        command.args(args).current_dir(dir).output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Standard error as text.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("the command writes UTF-8")
}
