//! A commented scenario to start from. Its comments come from the description of the format.

use super::format;
use super::load::{Loaded, load_text_in};
use crate::client::Model;
use crate::client::token::{Profile, SHIPPED};
use crate::kernel::Dur;
use crate::text::push_wrapped;
use crate::toml_text::TextErrors;
use std::fmt::Write;
use std::path::Path;

/// Columns of a comment.
const WIDTH: usize = 100;

/// What a new scenario is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Name of the scenario.
    pub name: String,
    /// The client model: a name, or the path of a client profile relative to the scenario's directory.
    pub model: String,
    /// Number of users.
    pub users: u32,
    /// The endpoints at which something goes wrong.
    pub endpoints: Vec<String>,
    /// The status that they answer meanwhile.
    pub status: u16,
    /// How long it goes wrong.
    pub lasts: Dur,
}

impl Start {
    /// The usual endpoints of a model's incident: those of a token client, or of README's.
    pub fn usual_endpoints(model: &str) -> Vec<String> {
        let names: &[&str] = if is_token_client(model) { &["token"] } else { &["tokens", "touch"] };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The incident that README tells: ten minutes of 429 for 1,000 users.
    pub fn of_name(name: &str) -> Start {
        Start {
            name: name.to_owned(),
            model: Model::default().name().to_owned(),
            users: 1_000,
            endpoints: Start::usual_endpoints(Model::default().name()),
            status: 429,
            lasts: Dur::from_secs(600),
        }
    }
}

/// Whether a model is a token client, which is compared as it is: a shipped one, or a profile of one's own.
fn is_token_client(model: &str) -> bool {
    is_path(model) || SHIPPED.iter().any(|(name, _)| *name == model)
}

fn is_path(model: &str) -> bool {
    model.ends_with(".toml")
}

/// Time from the start of the run to the fault.
const BEFORE: Dur = Dur::from_secs(300);
/// The same for token clients. Their tokens live an hour, so each has refreshed once by then, and some are always due.
const BEFORE_OF_TOKENS: Dur = Dur::from_secs(4_200);
/// Time from the end of the fault to the end of the run.
const AFTER: Dur = Dur::from_secs(900);

/// One line of the template.
enum Line {
    /// A table's header, with the path of the key that describes it.
    Table(&'static str, &'static str),
    /// A key that is set: path of the key, value.
    Set(&'static str, String),
    /// A key that is commented out, with an example: path of the key.
    Off(&'static str),
}

/// A commented scenario, valid as it stands in the directory `base`.
///
/// # Errors
/// What is wrong with the values of `start`, as errors of the text that they give.
pub fn template(start: &Start, base: &Path) -> Result<String, TextErrors> {
    let is_tokens = is_token_client(&start.model);
    let before = if is_tokens { BEFORE_OF_TOKENS } else { BEFORE };
    let quoted = |text: &str| format!("\"{text}\"");
    let list =
        |words: &[String]| format!("[{}]", words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(", "));
    let end = Dur(before.0.saturating_add(start.lasts.0));
    let about = format!(
        "What each policy does while {} answer{} {} for {}.",
        start.endpoints.join(" and "),
        if start.endpoints.len() == 1 { "s" } else { "" },
        start.status,
        start.lasts
    );
    let contenders = match (is_tokens, is_path(&start.model)) {
        (true, true) => vec![Profile::load(&base.join(&start.model))?.0.sdk.name],
        (true, false) => vec![start.model.clone()],
        (false, _) => vec!["old".to_owned(), "new".to_owned()],
    };
    let opens = if is_tokens { "1h" } else { "60s" };
    let judged = &contenders[contenders.len() - 1];
    let lines = [
        Line::Set("version", super::FORMAT_VERSION.to_string()),
        Line::Set("name", quoted(&start.name)),
        Line::Set("about", quoted(&about)),
        Line::Set("horizon", quoted(&Dur(end.0.saturating_add(AFTER.0)).to_string())),
        Line::Off("replications"),
        Line::Set("policies", list(&contenders)),
        Line::Off("policy-files"),
        Line::Off("seed"),
        Line::Table("[client]", "client"),
        Line::Set("client.model", quoted(&start.model)),
        Line::Table("[fleet]", "fleet"),
        Line::Set("fleet.users", start.users.to_string()),
        Line::Set("fleet.opens", format!("{{ uniform = [\"0s\", \"{opens}\"] }}")),
        Line::Set("fleet.focus-every", "{ exponential = \"2m\" }".to_owned()),
        // Some token clients refresh for callers only.
        match is_tokens {
            true => Line::Set("fleet.app-get-token", "{ every = \"1m\" }".to_owned()),
            false => Line::Off("fleet.app-get-token"),
        },
        Line::Off("fleet.tabs"),
        Line::Off("fleet.users-per-network"),
        Line::Off("fleet.stays"),
        Line::Table("[backend]", "backend"),
        match is_tokens {
            true => Line::Set("backend.token-life", quoted("1h")),
            false => Line::Off("backend.token-life"),
        },
        Line::Off("backend.latency"),
        Line::Table("[[fault]]", "fault"),
        Line::Set("fault.kind", quoted("status")),
        Line::Set("fault.endpoints", list(&start.endpoints)),
        Line::Set("fault.from", quoted(&before.to_string())),
        Line::Set("fault.to", quoted(&end.to_string())),
        Line::Set("fault.status", start.status.to_string()),
        Line::Off("fault.probability"),
        Line::Table("#[[backend.limit]]", "backend.limit"),
        Line::Off("backend.limit.endpoints"),
        Line::Off("backend.limit.kind"),
        Line::Off("backend.limit.key"),
        Line::Off("backend.limit.rate"),
        Line::Off("backend.limit.burst"),
        Line::Table("[[expect]]", "expect"),
        Line::Set("expect.that", quoted(&format!("{judged}.false_sign_outs == 0"))),
    ];
    let mut out = format!(
        "# {}: a scenario of authstorm.\n\
         #\n\
         # A line that begins with # and a key shows a key that is not set: take the # away to set it. `authstorm keys`\n\
         # prints every key, `authstorm validate FILE` checks the file, `authstorm run FILE` runs it.\n",
        start.name
    );
    lines.iter().for_each(|line| write_line(&mut out, line));
    load(&out, Some(base))?;
    Ok(out)
}

fn load(text: &str, base: Option<&Path>) -> Result<Loaded, TextErrors> {
    load_text_in("the new scenario", text, base, &[])
}

fn write_line(out: &mut String, line: &Line) {
    let (Line::Table(_, path) | Line::Set(path, _) | Line::Off(path)) = line;
    let Some(key) = format::scenario().at(path) else {
        unreachable!("the template names keys of the format")
    };
    let name = &key.name;
    if let Line::Table(..) = line {
        out.push('\n');
    }
    push_wrapped(out, ("# ", "# "), &key.about, WIDTH);
    let _ = match line {
        Line::Table(header, _) => writeln!(out, "{header}"),
        Line::Set(_, value) => writeln!(out, "{name} = {value}"),
        Line::Off(_) => writeln!(out, "#{name} = {}", key.example),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_as_it_stands_and_with_every_key() {
        let text = template(&Start::of_name("mine"), Path::new(".")).unwrap_or_else(|e| panic!("{e}"));
        let on = |line: &str| match line.strip_prefix('#') {
            // There is no policy file.
            Some(key) if !key.starts_with(' ') && !key.starts_with("policy-files") => key.to_owned(),
            _ => line.to_owned(),
        };
        let all: Vec<String> = text.lines().map(on).collect();
        let loaded = load(&all.join("\n"), None).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.scenario.faults.len(), 1);
        assert_eq!(loaded.scenario.backend.limits.len(), 1);
        assert_eq!(loaded.scenario.horizon, Dur::from_secs(1_800));
    }

    #[test]
    fn every_shipped_token_client_has_a_valid_template() {
        for (model, _) in SHIPPED {
            let endpoints = Start::usual_endpoints(model);
            let start = Start { model: (*model).to_owned(), endpoints, ..Start::of_name("mine") };
            let text = template(&start, Path::new(".")).unwrap_or_else(|e| panic!("{model}: {e}"));
            // With the default life of a minute every token would be within the margin of its client.
            assert!(text.contains("\ntoken-life = \"1h\"\n"), "{text}");
        }
    }

    #[test]
    fn a_value_that_no_scenario_takes_is_refused_with_what_is_allowed() {
        let start = Start::of_name("mine");
        for (start, says) in [
            (Start { model: "documentd".to_owned(), ..start.clone() }, "did you mean `documented`?"),
            (Start { endpoints: vec!["tuch".to_owned()], ..start.clone() }, "did you mean `touch`?"),
            (Start { status: 200, ..start.clone() }, "400 to 599"),
            (Start { name: "My".to_owned(), ..start.clone() }, "write \"my\""),
        ] {
            let errors = template(&start, Path::new(".")).expect_err(says).to_string();
            assert!(errors.contains(says), "{says}: {errors}");
        }
    }
}
