//! `authstorm open`

use super::exit::{Exit, Failure};
use super::terminal;
use super::terminal::shown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Results directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Programs that open a page on this system, with the words before its path. On Linux, `wslview` is that of WSL.
const OPENERS: &[(&str, &[&str])] =
    if cfg!(target_os = "macos") { &[("open", &[])] } else { &[("xdg-open", &[]), ("wslview", &[])] };

/// Opens report.html of a results directory with the system's program for pages. Prints its path in any case.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let page = args.dir.join("report.html");
    if !page.is_file() {
        return Err(Failure::usage(format!(
            "error: {}: no report.html; `authstorm run SCENARIO` writes results, `authstorm report DIR` makes their page",
            shown(&args.dir)
        )));
    }
    let page = page.canonicalize().map_err(|e| Failure::io(shown(&page), &e))?;
    let opened = OPENERS.iter().any(|(program, words)| open(program, words, &page));
    if !opened {
        terminal::complain("no program that opens pages was found; open this file in a browser:");
    }
    terminal::say(&format!("{}\n", shown(&page)))
}

/// Whether the program was found and accepts the page.
fn open(program: &str, words: &[&str], page: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(words).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
