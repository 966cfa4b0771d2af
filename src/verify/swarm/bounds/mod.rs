//! Extreme legal values: every bound of every key is set, alone and with others, and the first events of the run must not
//! panic. A value one beyond a bound must be refused.

mod kinds;
mod walk;

use crate::backend::Endpoint;
use crate::experiment::Study;
use crate::kernel::dice::Dice;
use crate::parallel;
use crate::scenario::load_text;
use crate::world::{Control, memory_estimate};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use walk::{Bounds, bounds_of};

/// The scenarios: every table of the format but cohorts, a workload beside a fleet, a fleet alone, a fleet of token clients, and
/// cohorts beside a workload with every limit of a library.
const SCENARIOS: [(&str, &str); 5] = [
    ("every.toml", include_str!("every.toml")),
    ("workload.toml", include_str!("workload.toml")),
    ("fleet.toml", include_str!("fleet.toml")),
    ("token.toml", include_str!("token.toml")),
    ("cohorts.toml", include_str!("cohorts.toml")),
];
/// The most events of a run at a bound.
const EVENTS: u64 = 3_000;
/// The most memory of a run at a bound, in bytes. A scenario that needs more is loaded but not run.
const MEMORY: u64 = 1 << 24;

/// The longest name.
const LONGEST: &str = "\"abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"";

/// Overrides that a value needs besides its own: end of the path, value, the other path (`.` for the same table, `^` for the
/// scenario), the other value.
const COMPANIONS: &[(&str, &str, &str, &str)] = &[
    ("retry.initial", "\"3153600000000000000ns\"", ".cap", "\"3153600000000000000ns\""),
    ("retry.cap", "\"1ns\"", ".initial", "\"1ns\""),
    ("retry.cap", "\"0s\"", ".initial", "\"0s\""),
    ("horizon", "\"3153600000000000000ns\"", "^bucket", "\"36500d\""),
    ("horizon", "\"1ns\"", "^bucket", "\"1ns\""),
    ("bucket", "\"3153600000000000000ns\"", "^horizon", "\"36500d\""),
    ("bucket", "\"1ns\"", "^horizon", "\"1ms\""),
    ("layers.tries", "65535", ".depth", "1"),
    ("layers.depth", "16", ".tries", "1"),
    ("].to", "\"1ns\"", ".from", "\"0s\""),
    ("].repeat-until", "\"3153600000000000000ns\"", ".repeat-every", "\"36500d\""),
    ("policy[0].name", LONGEST, "^policies[0]", LONGEST),
    ("policy[0].name", LONGEST, "^mix[0].shares[0].policy", LONGEST),
    ("mix[0].name", LONGEST, "^policies[2]", LONGEST),
    ("rollout[0].name", LONGEST, "^policies[3]", LONGEST),
    ("rollout[0].from", "\"3153600000000000000ns\"", ".to", "\"36500d\""),
    ("shares[0].share", "0.0", "^mix[0].shares[1].share", "1.0"),
    ("shares[0].share", "1.0", "^mix[0].shares[1].share", "0.0"),
    ("shares[1].share", "0.0", "^mix[0].shares[0].share", "1.0"),
    ("shares[1].share", "1.0", "^mix[0].shares[0].share", "0.0"),
    ("tabs[0].share", "0.0", "^fleet.tabs[1].share", "1.0"),
    ("tabs[0].share", "1.0", "^fleet.tabs[1].share", "0.0"),
    ("tabs[1].share", "0.0", "^fleet.tabs[0].share", "1.0"),
    ("tabs[1].share", "1.0", "^fleet.tabs[0].share", "0.0"),
    ("workload[0].clients", "100000000", "^fleet.users", "0"),
    ("retry-after", "\"constant\"", ".retry-after-s", "9"),
    ("backend.limit[3].retry-after-s", "0", ".retry-after", "\"constant\""),
    ("backend.limit[3].retry-after-s", "4294967295", ".retry-after", "\"constant\""),
];

/// Values at the bounds of a type that a narrower rule refuses: end of the path, value, rule.
const NARROWER: &[(&str, &str, &str)] = &[
    ("client.model", "\"own\"", "a program that uses the library brings this client, and none does here"),
    (
        "backend.limit[*].kind",
        "\"own\"",
        "a program that uses the library brings this limiter, and none does here",
    ),
    ("policy-files", "", "a scenario from text has no directory to look for files in"),
    ("action[*].user", "4294967295", "the fleet has no such user"),
    ("action[*].users", "{ range = [4294967295, 4294967295] }", "the fleet has no such user"),
    ("fleet.users-per-network", "", "beside `network`, one address is shared"),
    ("token-life", "\"1ns\"", "whole seconds, 10 s or more"),
    ("fault[*].to", "\"0s\"", "a window ends after it begins"),
    ("].repeat-every", "\"1ns\"", "a window comes back before it has ended, an instant after less than 1 s"),
    ("].repeat-until", "\"0s\"", "the last window begins before the first"),
    ("].repeat-until", "\"1ns\"", "the last window begins before the first"),
    ("orbit", "\"0s\"", "an orbit of no delay is an endless loop"),
    ("limit[*].to", "\"0s\"", "a limit ends after it begins"),
    ("limit[*].limiter", "", "a program that uses the library brings it, and none does here"),
    ("pool[*].endpoints", "", "the endpoint has workers of its own, or no service time"),
    ("that", "", "a text that is no condition"),
    ("cost-of.lookup", "", "no client of these scenarios calls it"),
    ("cost-of.user", "", "no client of these scenarios calls it"),
    ("cost-of.authorize", "", "no client of these scenarios calls it"),
    ("client.sdk", "", "a program that uses the library brings the client that it names, and none does here"),
    ("cohort[*].fleet.users", "100000000", "beside other users and clients, more than a scenario has"),
    ("retry-budget.ttl", "", "from 1 s to 60 s"),
    ("tabs", "16", "an action opens one more tab, and a user has at most 16"),
    ("action[*].tab", "15", "the user has no such tab"),
];

/// Outcome of a scenario at a bound.
enum Tried {
    Refused(String),
    /// It ran to its end or until a guard stopped it, or it was too large to run.
    Ran,
    Panicked,
}

/// The scenarios. The first one gets an entry of every kind of limit, fault and act that it lacks.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts: Vec<String> = SCENARIOS.iter().map(|(_, text)| (*text).to_owned()).collect();
    let more = kinds::missing(&texts[0]);
    texts[0] += &more;
    texts
});

static BOUNDS: LazyLock<Vec<(usize, Bounds)>> = LazyLock::new(|| {
    let of = |(number, text): (usize, &String)| {
        let bounds = bounds_of(&text.parse().expect("the scenario is valid TOML"));
        bounds.into_iter().map(move |bounds| (number, bounds)).collect::<Vec<_>>()
    };
    TEXTS.iter().enumerate().flat_map(of).collect()
});

/// The override of a value, with the overrides that it needs.
fn overrides(path: &str, value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (end, with, other, companion) in COMPANIONS {
        if path.ends_with(end) && value == *with {
            let other = match other.strip_prefix('^') {
                Some(path) => path.to_owned(),
                None => format!("{}{other}", path.rsplit_once('.').map_or("", |(table, _)| table)),
            };
            all.push(format!("{other}={companion}"));
        }
    }
    all.push(format!("{path}={value}"));
    all
}

fn try_with(text: &str, overrides: &[String]) -> Tried {
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let mut loaded = match load_text("bounds", text, overrides) {
            Ok(loaded) => loaded,
            Err(errors) => return Tried::Refused(errors.to_string()),
        };
        if memory_estimate(&loaded).bytes > MEMORY {
            return Tried::Ran;
        }
        loaded.scenario.guard.max_events = loaded.scenario.guard.max_events.min(EVENTS);
        loaded.scenario.replications = 1;
        match Study::of(loaded) {
            Ok(study) => {
                let _ = study.run_under(&Control::default());
                Tried::Ran
            }
            Err(refused) => Tried::Refused(refused.to_string()),
        }
    }));
    attempt.unwrap_or(Tried::Panicked)
}

fn in_words(number: usize, overrides: &[String]) -> String {
    let name = SCENARIOS[number].0;
    format!("src/verify/swarm/bounds/{name} with --set '{}' panics", overrides.join("' --set '"))
}

/// Sets some keys, drawn by this seed, to their bounds. Returns a description of a panic.
pub(super) fn extremes(seed: u64) -> Option<String> {
    let dice = &mut Dice::new(seed, 2);
    let number = if dice.yes(0.8) { 0 } else { dice.number(1, 3) as usize };
    let of_scenario: Vec<&Bounds> = BOUNDS.iter().filter(|(n, _)| *n == number).map(|(_, b)| b).collect();
    let mut set: Vec<String> = Vec::new();
    for _ in 0..dice.number(2, 6) {
        let bounds = of_scenario[dice.number(0, of_scenario.len() as u64 - 1) as usize];
        let value = &bounds.at[dice.number(0, bounds.at.len() as u64 - 1) as usize];
        let before = set.len();
        set.extend(overrides(&bounds.path, value));
        match try_with(TEXTS[number].as_str(), &set) {
            Tried::Ran => {}
            // Leaves out a value that conflicts with the values set before.
            Tried::Refused(_) => set.truncate(before),
            Tried::Panicked => return Some(in_words(number, &set)),
        }
    }
    None
}

/// Outcome of setting every key to each of its bounds, and just beyond.
#[derive(Default)]
struct Survey {
    /// Keys and values that some scenario accepts.
    taken: BTreeSet<(String, String)>,
    /// Keys and values that a scenario refuses, with the reason.
    refused: Vec<((String, String), String)>,
    /// Panics, and values beyond a bound that are accepted.
    wrong: Vec<String>,
}

/// The path without indices of entries and names of endpoints: the key, wherever it stands.
fn key_of(path: &str) -> String {
    let mut key = String::new();
    for part in path.split('[') {
        match part.split_once(']') {
            Some((_, rest)) => key.push_str(&format!("[*]{rest}")),
            None => key.push_str(part),
        }
    }
    Endpoint::ALL.iter().fold(key, |key, endpoint| key.replace(&format!("backend.{endpoint}."), "backend.*."))
}

/// Surveys one key in `one_in`.
fn survey(one_in: usize) -> Survey {
    let mut keys = Vec::new();
    let mut all: Vec<(usize, &Bounds, bool)> = Vec::new();
    for (number, bounds) in BOUNDS.iter() {
        let key = key_of(&bounds.path);
        let place = keys.iter().position(|known| *known == key);
        if place.unwrap_or(keys.len()).is_multiple_of(one_in) {
            all.push((*number, bounds, place.is_none()));
        }
        if place.is_none() {
            keys.push(key);
        }
    }
    let check = |&(number, bounds, first): &(usize, &Bounds, bool)| {
        let (text, mut survey) = (TEXTS[number].as_str(), Survey::default());
        for value in &bounds.at {
            let set = overrides(&bounds.path, value);
            let entry = (key_of(&bounds.path), value.clone());
            match try_with(text, &set) {
                Tried::Ran => _ = survey.taken.insert(entry),
                Tried::Refused(why) => survey.refused.push((entry, why)),
                Tried::Panicked => survey.wrong.push(in_words(number, &set)),
            }
        }
        // Where a value is refused at one place, the same check refuses it everywhere.
        for value in bounds.beyond.iter().filter(|_| first) {
            let set = [format!("{}={value}", bounds.path)];
            match try_with(text, &set) {
                Tried::Refused(_) => {}
                Tried::Ran => survey.wrong.push(format!("{} is taken", set[0])),
                Tried::Panicked => survey.wrong.push(in_words(number, &set)),
            }
        }
        survey
    };
    parallel::map(&all, check).into_iter().fold(Survey::default(), |mut a, mut b| {
        a.taken.append(&mut b.taken);
        a.refused.append(&mut b.refused);
        a.wrong.append(&mut b.wrong);
        a
    })
}

/// Sets one key in `one_in` to each of its bounds, and just beyond. Returns what is wrong: a panic, an accepted value beyond
/// a bound, or a value at a bound that no scenario accepts and no narrower rule refuses.
pub fn broken_bounds(one_in: usize) -> Vec<String> {
    let Survey { taken, refused, mut wrong } = survey(one_in);
    for ((key, value), why) in refused {
        let rules =
            |(end, with, _): &(&str, &str, &str)| key.ends_with(end) && (with.is_empty() || *with == value);
        let entry = (key.clone(), value.clone());
        if !taken.contains(&entry) && !NARROWER.iter().any(rules) {
            wrong.push(format!("{key}={value}: {}", why.lines().next().unwrap_or_default()));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fourth_bound_is_legal_somewhere_and_runs() {
        let wrong = broken_bounds(4);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn bounds_drawn_together_run() {
        for seed in 0..20 {
            assert_eq!(extremes(seed), None, "seed {seed}");
        }
    }

    #[test]
    fn every_key_of_the_format_has_its_bounds_set() {
        // Keys by name, from the tables of the format. Lists of tables and tables are entered. References are names.
        use crate::spec::{Table, Ty};
        fn collect(table: &'static Table, names: &mut BTreeSet<&'static str>) {
            for key in &table.keys {
                match (&key.ty, key.ty.entry().unwrap_or(&key.ty)) {
                    (Ty::Table(_) | Ty::List(..), Ty::Table(inner)) => collect(inner, names),
                    (_, Ty::Reference) => {}
                    _ => _ = names.insert(&key.name),
                }
            }
        }
        let mut all = BTreeSet::new();
        collect(crate::scenario::format::scenario(), &mut all);
        let mut set: BTreeSet<&str> = BOUNDS
            .iter()
            .map(|(_, b)| b.path.rsplit_once('.').map_or(b.path.as_str(), |(_, key)| key))
            .collect();
        // Its value is the name of code that a program brings.
        set.insert("limiter");
        assert_eq!(all.difference(&set).collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
