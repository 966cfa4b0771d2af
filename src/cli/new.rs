//! `authstorm new`

use super::exit::{Exit, Failure};
use super::{out_file, terminal};
use authstorm::Error;
use authstorm::kernel::Dur;
use authstorm::scenario::{Start, template};
use authstorm::text::tick;
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
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let says_nothing = args.model.is_none()
        && args.users.is_none()
        && args.endpoint.is_empty()
        && args.status.is_none()
        && args.lasts.is_none();
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", args.name)));
    let base = out.parent().unwrap_or(Path::new(""));
    let usual = Start::of_name(&args.name);
    if says_nothing && stdin().is_terminal() && stdout().is_terminal() {
        let start = ask_all(usual, base)?;
        return write(&start, &out, base, args.force);
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
    write(&start, &out, base, args.force)
}

fn write(start: &Start, out: &Path, base: &Path, force: bool) -> Result<Exit, Failure> {
    let text = template(start, base).map_err(Error::Scenario)?;
    out_file::write_start(out, force, &text, "authstorm run")
}

/// Asks for everything that the options say. Each answer is tried in the scenario, so that a wrong one is asked for again at once.
fn ask_all(usual: Start, base: &Path) -> Result<Start, Failure> {
    let tried = |start: Start| match template(&start, base) {
        Ok(_) => Ok(start),
        Err(errors) => Err(Error::Scenario(errors).to_string()),
    };
    // A bad name is no answer's fault.
    template(&usual, base).map_err(Error::Scenario)?;
    terminal::say("An empty answer takes the value in brackets.\n")?;
    let clients =
        "Which client? documented, a release such as auth0-spa-js-2.28.3, or the file of your own profile";
    let start = ask(clients, &usual.model.clone(), usual, |usual, text| {
        tried(Start { endpoints: Start::usual_endpoints(text), model: text.to_owned(), ..usual.clone() })
    })?;
    let start = ask("How many users?", &start.users.to_string(), start, |start, text| {
        tried(Start { users: number(text)?, ..start.clone() })
    })?;
    let start = ask("Which endpoints fail?", &start.endpoints.join(" "), start, |start, text| {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        tried(Start { endpoints: words.map(str::to_owned).collect(), ..start.clone() })
    })?;
    let start = ask("What status do they answer?", &start.status.to_string(), start, |start, text| {
        tried(Start { status: number(text)?, ..start.clone() })
    })?;
    ask("For how long?", &start.lasts.to_string(), start, |start, text| {
        tried(Start { lasts: Dur::parse(text).map_err(|e| e.to_string())?, ..start.clone() })
    })
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("allowed: a whole number; got {}", tick(text)))
}

/// Asks until the answer can be read. An empty answer, or the end of the input, means the usual value.
fn ask(
    question: &str,
    usual: &str,
    start: Start,
    read: impl Fn(&Start, &str) -> Result<Start, String>,
) -> Result<Start, Failure> {
    loop {
        terminal::say(&format!("{question} [{usual}] "))?;
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(|e| Failure::io("standard input", &e))?;
        match line.trim() {
            "" => return Ok(start),
            text => match read(&start, text) {
                Ok(start) => return Ok(start),
                Err(why) => terminal::complain(&why),
            },
        }
    }
}
