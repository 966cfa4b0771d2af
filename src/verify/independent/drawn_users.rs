//! Users of a drawn scenario: their client, their policies, what they do and what is done to them.

use super::drawn_cohorts;
use super::scenario::{Dice, budget, retry};
use crate::scenario::policies::PRESETS;
use std::fmt::Write;

/// Writes the policies, the client, the fleet and the script; `after` goes behind the list of policies.
pub(super) fn users(
    (dice, later, others): (&mut Dice, &mut Dice, &mut Dice),
    text: &mut String,
    after: &str,
    horizon_s: u64,
) {
    let mut presets = PRESETS.map(|(name, _)| name).to_vec();
    let last = presets.pop().expect("a preset that came later");
    let drawn = dice.one(&presets);
    let preset = if later.once_in(5) { last } else { drawn };
    let own = dice.number(0, 2);
    let mut compared = vec![preset];
    compared.extend([None, Some("own"), Some("mixed")][own as usize]);
    let has_releases = others.once_in(4);
    if has_releases {
        compared.push("releases");
    }
    let _ = writeln!(text, "policies = {compared:?}\n{after}");
    let names = if others.once_in(2) { drawn_cohorts::names(others) } else { Vec::new() };
    if names.is_empty() {
        client((dice, later), text);
        fleet((dice, later), text);
    } else {
        let followed: Vec<&str> = compared.iter().copied().chain(["old", "clerk-js-6.3.3"]).collect();
        drawn_cohorts::cohorts((dice, later, others), text, (&names, &followed));
    }
    if own > 0 {
        policy(dice, text);
    }
    if own == 2 {
        let others: Vec<&str> = ["old", "new"].into_iter().filter(|name| *name != preset).collect();
        let _ = writeln!(text, "[[mix]]\nname = \"mixed\"\nshares = [");
        let _ = writeln!(text, "  {{ policy = \"own\", share = 0.5 }},");
        let _ = writeln!(text, "  {{ policy = \"{preset}\", share = 0.25 }},");
        let _ = writeln!(text, "  {{ policy = \"{}\", share = 0.25 }},\n]", others[0]);
    }
    if has_releases {
        drawn_cohorts::releases(others, text);
    }
    for _ in 0..dice.number(0, 5) {
        action((dice, later), text, horizon_s);
        if others.once_in(4) {
            let _ = writeln!(text, "spread = {}", others.dist(4_000));
        }
        if !names.is_empty() && others.once_in(2) {
            let _ = writeln!(text, "cohort = \"{}\"", others.one(&names));
        }
    }
}

pub(super) fn client((dice, later): (&mut Dice, &mut Dice), text: &mut String) {
    let models = ["documented", "clerk-js-5.125.3", "clerk-js-6.0.0", "clerk-js-6.1.0", "clerk-js-6.3.3"];
    let drawn = dice.one(&models);
    let model = if later.once_in(3) { "clerk-js-6.40.0" } else { drawn };
    let _ = writeln!(text, "[client]\nmodel = \"{model}\"");
    if model == "documented" && dice.once_in(2) {
        let _ = writeln!(text, "max-rounds = {}", dice.number(1, 12));
    }
}

pub(super) fn fleet((dice, later): (&mut Dice, &mut Dice), text: &mut String) {
    let _ = writeln!(text, "\n[fleet]\nusers = {}", dice.number(1, 4));
    let _ = match dice.number(0, 3) {
        0 => writeln!(text, "tabs = [{{ tabs = 3, share = 0.4 }}, {{ tabs = 1, share = 0.6 }}]"),
        tabs => writeln!(text, "tabs = {tabs}"),
    };
    let _ = writeln!(text, "users-per-network = {}\napps = {}", dice.number(1, 3), dice.number(1, 2));
    let _ = writeln!(text, "opens = {}", dice.dist(3_000));
    let _ = writeln!(text, "further-tab-opens = {}", dice.dist(5_000));
    let _ = writeln!(text, "multi-session = {}", dice.once_in(3));
    if !dice.once_in(3) {
        let _ = writeln!(text, "focus-every = {}", dice.dist(17_000));
    }
    if dice.once_in(3) {
        let _ = writeln!(text, "reload-every = {}", dice.dist(60_000));
    }
    if dice.once_in(4) {
        let _ = writeln!(text, "stays = {}", dice.dist(60_000));
        if !dice.once_in(4) {
            let _ = writeln!(text, "away = {}", dice.dist(15_000));
        }
    }
    if dice.once_in(2) {
        let _ = writeln!(text, "app-reaction = \"{}\"", dice.one(&["set-active", "get-token"]));
        if dice.once_in(2) {
            let from = dice.number(0, 60);
            let _ = writeln!(text, "app-reaction-from = \"{from}s\"");
            let _ = writeln!(text, "app-reaction-to = \"{}s\"", from + dice.number(1, 60));
        }
    }
    if dice.once_in(2) {
        let (every, callers, skip) = (dice.dist(21_000), dice.number(1, 4), dice.once_in(3));
        let _ =
            writeln!(text, "app-get-token = {{ every = {every}, callers = {callers}, skip-cache = {skip} }}");
    }
    if dice.once_in(3) {
        let (every, navigate) = (dice.dist(31_000), dice.once_in(2));
        let _ = writeln!(text, "set-active = {{ every = {every}, navigate = {navigate} }}");
    }
    if dice.once_in(4) {
        let (every, lasts) = (dice.dist(50_000), dice.dist(12_000));
        let _ = writeln!(text, "offline = {{ every = {every}, lasts = {lasts} }}");
        let _ = writeln!(text, "offline-fails-at-once = {}", dice.once_in(2));
    }
    if dice.once_in(2) {
        let _ = writeln!(text, "sign-in-again = {{ after = {}, share = 0.8 }}", dice.dist(9_000));
    }
    match later.number(0, 3) {
        0 => {}
        1 => {
            let _ = writeln!(text, "document-focus = \"none\"");
        }
        _ => {
            let _ = writeln!(text, "document-focus = \"one\"");
            if later.once_in(2) {
                let _ = writeln!(text, "focus-lasts = {}", later.dist(9_000));
            }
        }
    }
}

fn policy(dice: &mut Dice, text: &mut String) {
    let enters = [
        "[\"4xx\"]",
        "[\"401\", \"422\"]",
        "[\"4xx\", \"!429\", \"!403\", \"403:user_banned\"]",
        "[\"4xx\", \"!401:authentication_invalid\", \"5xx\"]",
        "[\"401\", \"network\"]",
    ];
    let _ = writeln!(text, "\n[[policy]]\nname = \"own\"");
    let _ = writeln!(text, "enters-unauthenticated-flow = {}", dice.one(&enters));
    let _ = writeln!(text, "touch-errors = \"{}\"", dice.one(&["swallow", "surface"]));
    if dice.once_in(3) {
        let _ = writeln!(text, "retry-budget = {}", budget(dice));
    }
    if dice.once_in(3) {
        let (failures, open) = (dice.number(1, 3), dice.number(1, 30));
        let _ = writeln!(text, "circuit-breaker = {{ failures = {failures}, open = \"{open}s\" }}");
    }
    if dice.once_in(3) {
        let (retries, window) = (dice.number(1, 4), dice.number(2, 60));
        let _ = writeln!(text, "windowed-retry = {{ retries = {retries}, window = \"{window}s\" }}");
    }
    let _ = writeln!(text, "[policy.retry]\n{}", retry(dice));
    if dice.once_in(2) {
        let _ = writeln!(text, "offline-retries = {}", dice.number(0, 5));
    }
}

fn action((dice, later): (&mut Dice, &mut Dice), text: &mut String, horizon_s: u64) {
    let acts =
        ["focus", "set-active", "get-token", "open-tab", "reload", "offline", "online", "revoke", "online"];
    let drawn = dice.one(&acts);
    let act = if drawn == "online" && later.once_in(2) { "blur" } else { drawn };
    let at = dice.number(1_000, horizon_s * 1_000 - 1) * 1_000_000 + dice.number(0, 999_983);
    let _ = writeln!(text, "\n[[action]]\nat = \"{at}ns\"\ndo = \"{act}\"");
    let _ = match dice.number(0, 2) {
        0 => writeln!(text, "user = 0"),
        1 => writeln!(text, "users = \"all\""),
        _ => writeln!(text, "users = {{ share = 0.5 }}"),
    };
    let _ = match act {
        "get-token" => {
            writeln!(text, "callers = {}\nskip-cache = {}", dice.number(1, 5), dice.once_in(2))
        }
        "set-active" => {
            let (navigate, no_session) = (dice.once_in(2), later.once_in(3));
            writeln!(text, "navigate = {navigate}\nno-session = {no_session}")
        }
        _ => Ok(()),
    };
}
