//! `authstorm completions` and `authstorm man`: both come from the description of the command line.

use super::exit::{Exit, Failure};
use super::terminal;
use super::terminal::shown;
use clap::Command;
use clap_complete::Shell;
use std::path::PathBuf;

/// Options of `completions`.
#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `man`.
#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this directory, instead of the page of authstorm to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completions for a shell.
pub(super) fn completions(args: CompletionsArgs, mut command: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "authstorm", &mut script);
    terminal::say(&String::from_utf8_lossy(&script))
}

/// Prints or writes manual pages.
pub(super) fn man(args: ManArgs, command: Command) -> Result<Exit, Failure> {
    let command = command.disable_help_subcommand(true);
    let Some(dir) = args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(|e| Failure::io("the manual page", &e))?;
        return terminal::say(&String::from_utf8_lossy(&page));
    };
    std::fs::create_dir_all(&dir).map_err(|e| Failure::io(shown(&dir), &e))?;
    clap_mangen::generate_to(command, &dir).map_err(|e| Failure::io(shown(&dir), &e))?;
    terminal::say(&format!("manual pages in {}\n", shown(&dir)))
}
