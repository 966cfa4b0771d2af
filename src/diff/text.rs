//! A comparison in words, for the terminal and diff.txt.

use super::{Changed, Compared, Diff, Method, Verdict, headline};
use crate::client::token::label;
use crate::results::{Results, paired_in_words};
use crate::text::{clean, number};

/// The most names that a comparison of sweeps lists of those that only one side has.
const MOST_ONLY: usize = 10;

/// Which comparisons are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All, those without a difference too.
    All,
    /// Those whose values differ.
    Differing,
    /// At most so many that changed or perhaps changed, those that changed first. For comparisons of sweeps, which are many.
    Most(usize),
}

impl Shown {
    fn of(self, rows: &[Compared]) -> Vec<&Compared> {
        match self {
            Shown::All => rows.iter().collect(),
            Shown::Differing => rows.iter().filter(|row| row.verdict != Verdict::Same).collect(),
            Shown::Most(most) => {
                let of = |verdict: Verdict| rows.iter().filter(move |row| row.verdict == verdict);
                of(Verdict::Changed).chain(of(Verdict::Perhaps)).take(most).collect()
            }
        }
    }
}

/// A comparison in words. `table` lays rows out as wide as the reader has room for.
pub fn in_words(
    (a, b): (&Results, &Results),
    keys: &[Changed],
    found: &Diff,
    shown: Shown,
    table: impl FnOnce([&str; 7], Vec<[String; 7]>) -> String,
) -> String {
    let mut text = format!("{}\n", headline(found));
    if let Some(warning) = found.rates.warning(a, b) {
        text.push_str(&format!("{warning}\n"));
    }
    text.push('\n');
    for changed in keys {
        let value = |v: &Option<String>| v.as_deref().map_or("(not there)".to_owned(), clean);
        text.push_str(&format!("{}: {} -> {}\n", clean(&changed.key), value(&changed.a), value(&changed.b)));
    }
    for (name, x, y) in [
        ("seed used", a.seed.to_string(), b.seed.to_string()),
        ("replications used", a.replications.to_string(), b.replications.to_string()),
    ] {
        // A scenario that says it has told it above.
        if x != y && !keys.iter().any(|changed| name.starts_with(changed.key.as_str())) {
            text.push_str(&format!("{name}: {x} -> {y}\n"));
        }
    }
    if keys.is_empty() {
        let same = if a.scenario_hash == b.scenario_hash {
            "same scenario"
        } else {
            "same scenario.toml, other policy files"
        };
        text.push_str(&format!("{same}\n"));
    }
    for (which, only) in [("A", &found.only_a), ("B", &found.only_b)] {
        let most = if matches!(shown, Shown::Most(_)) { MOST_ONLY } else { usize::MAX };
        if only.len() > most {
            text.push_str(&format!("only in {which}: {} names, of which these are the first\n", only.len()));
        }
        only.iter().take(most).for_each(|name| text.push_str(&format!("only in {which}: {}\n", clean(name))));
    }
    let is_cut = matches!(shown, Shown::Most(_));
    let shown = shown.of(&found.rows);
    if !shown.is_empty() {
        let rows = shown.iter().map(|r| {
            let e = r.difference;
            let interval = match r.verdict {
                Verdict::Unknown => String::new(),
                _ if !e.mean.is_finite() => String::new(),
                _ => format!("{} to {}", number::short(e.ci_low), number::short(e.ci_high)),
            };
            [
                label(&r.policy),
                format!("{} ({})", clean(&r.metric), clean(&r.unit)),
                r.a.words.clone(),
                r.b.words.clone(),
                if e.mean.is_finite() { number::short(e.mean) } else { String::new() },
                interval,
                r.verdict.name().to_owned(),
            ]
        });
        let header = ["policy", "metric", "A", "B", "B - A", "95% CI", "says"];
        text.push_str(&format!("\n{}\n", table(header, rows.collect())));
    }
    let hidden = found.rows.len() - shown.len();
    if hidden > 0 && is_cut {
        text.push_str(&format!("{hidden} more comparisons are not shown; --format csv has all\n"));
    } else if hidden > 0 {
        text.push_str(&format!("{hidden} metrics with the same values are not shown; --all shows them\n"));
    }
    if found.rows.is_empty() {
        return text;
    }
    let method = match found.method {
        Method::Paired => {
            "paired by replication, as seed and replications are the same (common random numbers)"
        }
        Method::Welch => "Welch's for independent samples, as seed or replications differ",
    };
    let family = found.family;
    text.push_str(&format!("\nIntervals: {method}.\n"));
    if let Some(saved) = paired_in_words(found.rows.iter().filter_map(|row| row.pairing)) {
        text.push_str(&format!("{saved}.\n"));
    }
    if found.rows.iter().any(|row| row.a.never + row.b.never > 0.0) {
        text.push_str(
            "What never happens within the run is compared by how often that is so (Fisher's exact test).\n",
        );
    }
    text.push_str(&format!(
        "changed: 0 is outside the interval that holds for all {family} comparisons together (Bonferroni, 95%);\n\
         perhaps: only outside its own 95% interval; among {family} some are by chance.\n"
    ));
    text
}
