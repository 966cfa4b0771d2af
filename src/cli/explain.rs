//! `authstorm explain`

use super::exit::{Exit, Failure};
use super::{interrupt, memory, out_file, terminal};
use authstorm::Study;
use authstorm::explain::{self, Session, Story, Wanted, own, tell_against};
use authstorm::kernel::{Dur, Time};
use authstorm::plot;
use authstorm::scenario::Settings;
use authstorm::text::number::counted;
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Scenario file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The policy of the scenario to run
    #[arg(long, value_name = "NAME")]
    policy: String,
    /// Compare with the same session under this policy of the scenario, side by side from the first difference on; text or
    /// JSON
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// The session: its number in sessions.csv, or `worst` for the first there: the one that came to most harm
    #[arg(long, value_name = "N|worst", value_parser = session, allow_hyphen_values = true)]
    session: Session,
    /// The replication, from 0 [default: that of the worst session; 0 for a number]
    #[arg(long, value_name = "R")]
    replication: Option<u32>,
    /// Replications, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    replications: Option<u32>,
    /// Begin here, as in --from 2m: what happens or lasts from here on, and what that continues
    #[arg(long, value_name = "T", value_parser = Dur::parse)]
    from: Option<Dur>,
    /// End here, as in --to 135s
    #[arg(long, value_name = "T", value_parser = Dur::parse)]
    to: Option<Dur>,
    /// What to write [default: by the ending of --out, else text]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of standard output: .txt, .json, .mmd, .trace, .svg, .png, or any name
    /// with --format
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file of --out; the scenario and its policy files are never overwritten
    #[arg(long, requires = "out")]
    force: bool,
    /// Override a key of the scenario, as in --set fleet.users=500; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// What a story is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Words, indented by cause
    Text,
    /// Every step, call and cause
    Json,
    /// A sequence diagram
    Mermaid,
    /// Trace events for Perfetto and chrome://tracing
    Trace,
    /// The lane chart: a lane per tab and endpoint, a bar per call
    Svg,
    /// The lane chart as pixels; needs --out
    Png,
}

impl Format {
    fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "txt" | "md" => Some(Format::Text),
            "json" => Some(Format::Json),
            "mmd" | "mermaid" => Some(Format::Mermaid),
            "trace" => Some(Format::Trace),
            "svg" => Some(Format::Svg),
            "png" => Some(Format::Png),
            _ => None,
        }
    }
}

fn session(text: &str) -> Result<Session, String> {
    match text {
        "worst" => Ok(Session::Worst),
        number => number
            .parse()
            .map(Session::Number)
            .map_err(|_| "allowed: the number of a session, or `worst`".to_owned()),
    }
}

/// Tells the story of one session.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let format = format(&args)?;
    let settings = Settings {
        set: args.overrides.clone(),
        seed: args.seed,
        replications: args.replications,
        ..Settings::default()
    };
    let mut study = Study::load_set(&args.scenario, &settings)?;
    study.loaded().warnings.iter().for_each(|w| terminal::complain(w));
    let policies: Vec<String> = std::iter::once(args.policy.clone()).chain(args.against.clone()).collect();
    study.only_policies(&policies)?;
    let wanted = wanted(&args, &study)?;
    if let Some(out) = &args.out {
        // Checks the output file before the run, so that a long run does not fail at its end.
        out_file::check("--out", out, &inputs(&args, &study), args.force, (own::HEAD, own::is_story))?;
    }
    memory::check_room(memory::Need::of(&study, false))?;
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    let (headline, bytes) = match args.against {
        None => {
            let story = explain::tell(&study, wanted, &control)?;
            (explain::words::headline(&story), written(&story, format)?)
        }
        Some(_) => {
            let against = tell_against(&study, wanted, 1, &control)?;
            let headlines: Vec<String> = against.stories.iter().map(explain::words::headline).collect();
            let text = match format {
                Format::Json => explain::against::json(&against),
                _ => explain::against::text(&against),
            };
            (headlines.join("\n"), text.into_bytes())
        }
    };
    match &args.out {
        Some(path) => {
            std::fs::write(path, &bytes).map_err(|e| Failure::io(path.display(), &e))?;
            terminal::say(&format!("{headline}\n"))
        }
        None => {
            let text = String::from_utf8_lossy(&bytes);
            match format {
                Format::Json | Format::Trace => terminal::say_json(&text),
                _ => terminal::say(&text),
            }
        }
    }
}

fn format(args: &Args) -> Result<Format, Failure> {
    let guessed = args.out.as_deref().map(|path| {
        Format::of(path).ok_or_else(|| {
            let shown = path.display();
            Failure::usage(format!("error: {shown}: its ending does not say what to write; add --format"))
        })
    });
    let format = match (args.format, guessed) {
        (Some(format), _) => format,
        (None, Some(guessed)) => guessed?,
        (None, None) => Format::Text,
    };
    if args.against.is_some() && !matches!(format, Format::Text | Format::Json) {
        return Err(Failure::usage(
            "error: --against writes text or JSON; use --format text or --format json",
        ));
    }
    if format == Format::Png && args.out.is_none() {
        return Err(Failure::usage("error: --format png writes pixels, not text: add --out FILE"));
    }
    Ok(format)
}

/// The requested story, if the run has it.
fn wanted(args: &Args, study: &Study) -> Result<Wanted, Failure> {
    let scenario = &study.loaded().scenario;
    let users = scenario.users();
    if users == 0 {
        let shown = args.scenario.display();
        return Err(Failure::usage(format!(
            "error: {shown} has no users, only generic sessions, of which there are no stories"
        )));
    }
    if let Session::Number(session) = args.session
        && session >= users
    {
        return Err(Failure::usage(format!(
            "error: no session {session}: the scenario has {users} users; allowed: 0 to {}, or worst",
            users - 1
        )));
    }
    let replications = scenario.replications;
    if let Some(replication) = args.replication.filter(|replication| *replication >= replications) {
        return Err(Failure::usage(format!(
            "error: no replication {replication}: the scenario has {}; allowed: {}, or more --replications",
            counted(replications.into(), "replication", "replications"),
            if replications == 1 { "0".to_owned() } else { format!("0 to {}", replications - 1) }
        )));
    }
    let horizon = scenario.horizon;
    let (from, to) = (args.from.unwrap_or(Dur::ZERO), args.to.unwrap_or(horizon).min(horizon));
    if from > horizon {
        return Err(Failure::usage(format!("error: --from {from} is after the end of the run, {horizon}")));
    }
    if from > to {
        return Err(Failure::usage(format!("error: --from {from} is after --to {to}")));
    }
    Ok(Wanted {
        policy: 0,
        replication: args.replication,
        session: args.session,
        from: Time(from.0),
        to: Time(to.0),
    })
}

/// The input files of the story.
fn inputs(args: &Args, study: &Study) -> Vec<PathBuf> {
    let base = args.scenario.parent().unwrap_or(Path::new(""));
    let policies = study.loaded().scenario.policy_files.iter().map(|file| base.join(file));
    std::iter::once(args.scenario.clone()).chain(policies).collect()
}

fn written(story: &Story, format: Format) -> Result<Vec<u8>, Failure> {
    let text = match format {
        Format::Text => explain::text::text(story),
        Format::Json => explain::json::json(story),
        Format::Mermaid => explain::mermaid::mermaid(story),
        Format::Trace => explain::trace::trace(story),
        Format::Svg => own::svg(&plot::lanes::of_story(story).svg),
        Format::Png => return Ok(own::png(&plot::to_png(&plot::lanes::of_story(story).svg)?)),
    };
    Ok(text.into_bytes())
}
