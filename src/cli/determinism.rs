//! `authstorm verify-determinism`

use super::exit::{Exit, Failure};
use super::run::{StudyArgs, threads};
use super::{interrupt, terminal};
use authstorm::experiment::determinism::{Trace, compare, trace};

/// Options.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    study: StudyArgs,
}

/// Runs a scenario twice, on one thread and on several; exit 1 when anything differs.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let study = args.study.study()?;
    let plan = study.plan();
    let control = interrupt::control().map_err(|e| Failure::io("signals", &e))?;
    // One thread takes the runs in their order; seven shuffle them, however many cores there are.
    let second = args.study.threads.map_or(7, usize::from).max(2);
    let run = |count: usize| -> Result<Vec<Trace>, Failure> {
        Ok(threads(count)?.install(|| trace(&plan, &control)).map_err(authstorm::Error::from)?)
    };
    let (a, b) = (run(1)?, run(second)?);
    let difference = compare((&plan, &a), (&plan, &b), &control).map_err(authstorm::Error::from)?;
    if args.study.json {
        let runs: Vec<_> = a
            .iter()
            .map(|t| {
                let fingerprint = format!("{:016x}", t.fingerprint);
                serde_json::json!({ "run": t.run, "events": t.events, "fingerprint": fingerprint })
            })
            .collect();
        let found = difference.as_ref().map(ToString::to_string);
        let json = serde_json::json!({ "threads": [1, second], "runs": runs, "difference": found });
        terminal::say(&format!("{json:#}\n"))?;
    } else if difference.is_none() && !args.study.quiet {
        let mut text = String::new();
        for t in &a {
            text.push_str(&format!("{}: {} events, fingerprint {:016x}\n", t.run, t.events, t.fingerprint));
        }
        text.push_str(&format!(
            "the same on 1 and on {second} threads: events, their order and what was counted\n"
        ));
        terminal::say(&text)?;
    }
    Ok(match difference {
        None => Exit::Yes,
        Some(found) => {
            terminal::complain(&format!("error: not deterministic: {found}; please report it"));
            Exit::No
        }
    })
}
