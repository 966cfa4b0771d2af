//! `authstorm new`

use super::exit::{Exit, Failure};
use super::{out_file, terminal};
use authstorm::Error;
use authstorm::kernel::Dur;
use authstorm::scenario::{Start, template};
use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Name of the scenario: 1 to 64 of a-z, 0-9, '.', '_' and '-'
    #[arg(value_name = "NAME")]
    name: String,
    /// The client model, or the path of a client profile of your own [default: documented]
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Number of users [default: 1000]
    #[arg(long, value_name = "N")]
    users: Option<u32>,
    /// An endpoint at which something goes wrong; may be given several times [default: token
    /// of a token client, else tokens and touch]
    #[arg(long, value_name = "NAME")]
    endpoint: Vec<String>,
    /// The status that the endpoints answer meanwhile [default: 429]
    #[arg(long, value_name = "STATUS")]
    status: Option<u16>,
    /// How long it goes wrong [default: 10m]
    #[arg(long, value_name = "T", value_parser = Dur::parse)]
    lasts: Option<Dur>,
    /// The file to write [default: NAME.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file of --out
    #[arg(long, requires = "out")]
    force: bool,
}

/// Writes a commented scenario to start from. Asks for what the options do not say if the command runs on a terminal and
/// no option says anything.
pub(super) fn run(mut args: Args) -> Result<Exit, Failure> {
    let says_nothing = args.model.is_none()
        && args.users.is_none()
        && args.endpoint.is_empty()
        && args.status.is_none()
        && args.lasts.is_none();
    let usual = Start::of_name(&args.name);
    if says_nothing && stdin().is_terminal() && stdout().is_terminal() {
        ask_all(&mut args, &usual)?;
    }
    let model = args.model.unwrap_or(usual.model);
    let start = Start {
        users: args.users.unwrap_or(usual.users),
        endpoints: if args.endpoint.is_empty() { Start::usual_endpoints(&model) } else { args.endpoint },
        model,
        status: args.status.unwrap_or(usual.status),
        lasts: args.lasts.unwrap_or(usual.lasts),
        name: usual.name,
    };
    let out = args.out.unwrap_or_else(|| PathBuf::from(format!("{}.toml", start.name)));
    let base = out.parent().unwrap_or(Path::new(""));
    let text = template(&start, base).map_err(Error::Scenario)?;
    out_file::write_start(&out, args.force, &text, "authstorm run")
}

/// Asks for every option.
fn ask_all(args: &mut Args, usual: &Start) -> Result<(), Failure> {
    args.model = ask("Which client?", &usual.model, |text| Ok(text.to_owned()))?;
    args.users = ask("How many users?", &usual.users.to_string(), number)?;
    let model = args.model.as_deref().unwrap_or(&usual.model);
    let endpoints =
        ask("Which endpoints fail?", &Start::usual_endpoints(model).join(" "), |text| Ok(text.to_owned()))?;
    let words = |text: String| text.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    args.endpoint = endpoints.map(words).unwrap_or_default();
    args.status = ask("What do they answer?", &usual.status.to_string(), number)?;
    args.lasts =
        ask("For how long?", &usual.lasts.to_string(), |text| Dur::parse(text).map_err(|e| e.to_string()))?;
    Ok(())
}

fn number<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: T::Err| e.to_string())
}

/// Asks until the answer can be read. An empty answer, or the end of the input, means the usual value.
fn ask<T>(
    question: &str,
    usual: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    loop {
        terminal::say(&format!("{question} [{usual}] "))?;
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(|e| Failure::io("standard input", &e))?;
        match line.trim() {
            "" => return Ok(None),
            text => match read(text) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => terminal::complain(&why),
            },
        }
    }
}
