//! Cohorts of a drawn scenario, and what they follow.

use super::drawn_users::{client, fleet};
use super::scenario::Dice;
use std::fmt::Write;

/// Releases that may be policies of their own.
const RELEASES: [&str; 3] = ["clerk-js-5.125.3", "clerk-js-6.1.0", "clerk-js-6.40.0"];

/// The names of two to four cohorts.
pub(super) fn names(others: &mut Dice) -> Vec<&'static str> {
    ["office", "homes", "phones", "servers"][..others.number(2, 4) as usize].to_vec()
}

/// Writes the cohorts. The first has what a scenario without cohorts would have; `own` are the policies and mixes that a cohort
/// may follow whatever is compared.
pub(super) fn cohorts(
    (dice, later, others): (&mut Dice, &mut Dice, &mut Dice),
    text: &mut String,
    (names, own): (&[&str], &[&str]),
) {
    for (place, name) in names.iter().enumerate() {
        let (mut of_client, mut of_fleet) = (String::new(), String::new());
        if place == 0 {
            client((&mut *dice, &mut *later), &mut of_client);
            fleet((&mut *dice, &mut *later), &mut of_fleet);
        } else {
            // One stream draws all that came later.
            let mut more = others.fork();
            client((&mut *others, &mut more), &mut of_client);
            fleet((&mut *others, &mut more), &mut of_fleet);
        }
        let _ = writeln!(text, "\n[[cohort]]\nname = \"{name}\"");
        if others.once_in(2) {
            let _ = writeln!(text, "policy = \"{}\"", others.one(own));
        }
        if others.once_in(2) {
            let _ = writeln!(text, "region = \"{}\"", others.one(&["r0", "r1", "far"]));
        }
        for (key, of_fleet_key, words) in
            [("network", "users-per-network", ["house", "tower"]), ("app", "apps", ["web", "shop"])]
        {
            if others.once_in(3) {
                let _ = writeln!(text, "{key} = \"{}\"", others.one(&words));
                let kept = of_fleet.lines().filter(|line| !line.starts_with(&format!("{of_fleet_key} = ")));
                of_fleet = kept.map(|line| format!("{line}\n")).collect();
            }
        }
        // See results/verification.md, "Not settled".
        if of_fleet.contains("app-reaction = \"set-active\"") {
            of_fleet = of_fleet.replace("document-focus = \"none\"", "document-focus = \"one\"");
        }
        *text += &of_client.replace("[client]", "[cohort.client]");
        *text += &of_fleet.replace("[fleet]", "[cohort.fleet]");
    }
}

/// Writes a mix of two releases and a policy.
pub(super) fn releases(others: &mut Dice, text: &mut String) {
    let (one, two) = (others.one(&RELEASES), others.one(&["old", "new"]));
    let _ = writeln!(text, "\n[[mix]]\nname = \"releases\"\nshares = [");
    let _ = writeln!(text, "  {{ policy = \"clerk-js-6.0.0\", share = 0.375 }},");
    let _ = writeln!(text, "  {{ policy = \"{one}\", share = 0.375 }},");
    let _ = writeln!(text, "  {{ policy = \"{two}\", share = 0.25 }},\n]");
}
