//! `authstorm diff`

use super::exit::{Exit, Failure};
use super::kept::Kept;
use super::{table, terminal};
use authstorm::diff::{Changed, Diff, Method, Says, Side, diff, headline, scenario_changes};
use authstorm::report::canvas::clean;
use authstorm::report::{Chart, Overlaid, number, overlaid};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub struct Args {
    /// Results to compare with
    #[arg(value_name = "DIR_A")]
    a: PathBuf,
    /// Results that may differ from them; every difference is B less A
    #[arg(value_name = "DIR_B")]
    b: PathBuf,
    /// Show every metric, those without a difference too
    #[arg(long)]
    all: bool,
    /// Print JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Write the table, the JSON and one chart of both (diff.txt, diff.json, diff.svg, diff.png) into this new directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Compares; the answer is no (exit 1) when a metric changed beyond noise.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let ((a, text_a), (b, text_b)) = (side(&args.a)?, side(&args.b)?);
    let keys = scenario_changes(&text_a, &text_b).map_err(|(second, why)| {
        let dir = if second { &args.b } else { &args.a };
        Failure::usage(format!("error: {}: scenario.toml: {why}", dir.display()))
    })?;
    if a.version != b.version {
        terminal::complain(&format!(
            "warning: written by authstorm {} and {}: a difference may be the program's, not the scenario's",
            clean(&a.version),
            clean(&b.version)
        ));
    }
    let found = diff(&a, &b);
    let (words, data) =
        (in_words(&a, &b, &keys, &found, args.all), format!("{:#}\n", in_json(&a, &b, &keys, &found)));
    if let Some(out) = &args.out {
        let chart = chart(&args, &headline(&found))?;
        let png = super::files::png(&chart.svg)?;
        let files = [
            ("diff.txt", words.clone().into_bytes()),
            ("diff.json", data.clone().into_bytes()),
            ("diff.svg", chart.svg.into_bytes()),
            ("diff.png", png),
        ];
        super::output::write_new(out, &files.map(|(name, bytes)| (name.to_owned(), bytes)))?;
    }
    if args.json {
        terminal::say_json(&data)?;
    } else {
        terminal::say(&words)?;
    }
    Ok(if found.count(Says::Changed) > 0 { Exit::No } else { Exit::Yes })
}

/// Both results on one scale.
fn chart(args: &Args, finding: &str) -> Result<Chart, Failure> {
    let (a, b) = (Kept::open(&args.a)?.results()?, Kept::open(&args.b)?.results()?);
    let name = |which: &str, dir: &Path| {
        let last =
            dir.file_name().map_or_else(|| dir.display().to_string(), |n| n.to_string_lossy().into_owned());
        format!("{which}: {last}")
    };
    let (name_a, name_b) = (name("A", &args.a), name("B", &args.b));
    Ok(overlaid(Overlaid { name: &name_a, results: &a }, Overlaid { name: &name_b, results: &b }, finding))
}

fn side(dir: &Path) -> Result<(Side, String), Failure> {
    let kept = Kept::open(dir)?;
    let side = Side::parse(&kept.read("summary.json")?)
        .map_err(|why| kept.wrong(format!("summary.json: {}", clean(&why))))?;
    Ok((side, kept.text("scenario.toml")?))
}

fn in_words(a: &Side, b: &Side, keys: &[Changed], found: &Diff, all: bool) -> String {
    let mut text = format!("{}\n", headline(found));
    if let Some(warning) = found.rates.warning(a.size, b.size) {
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
        let same = if a.hash == b.hash { "same scenario" } else { "same scenario.toml, other policy files" };
        text.push_str(&format!("{same}\n"));
    }
    for (which, only) in [("A", &found.only_a), ("B", &found.only_b)] {
        only.iter().for_each(|name| text.push_str(&format!("only in {which}: {}\n", clean(name))));
    }
    let shown: Vec<_> = found.rows.iter().filter(|r| all || r.says != Says::Same).collect();
    if !shown.is_empty() {
        let rows = shown.iter().map(|r| {
            let e = r.difference;
            let interval = match r.says {
                Says::Unknown => String::new(),
                _ if !e.mean.is_finite() => String::new(),
                _ => format!("{} to {}", number::short(e.ci_low), number::short(e.ci_high)),
            };
            [
                clean(&r.policy),
                format!("{} ({})", clean(&r.metric), clean(&r.unit)),
                r.a.words.clone(),
                r.b.words.clone(),
                if e.mean.is_finite() { number::short(e.mean) } else { String::new() },
                interval,
                r.says.name().to_owned(),
            ]
        });
        let header = ["policy", "metric", "A", "B", "B - A", "95% CI", "says"];
        text.push_str(&format!("\n{}\n", table::checks(header, rows)));
    }
    let hidden = found.rows.len() - shown.len();
    if hidden > 0 {
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

fn in_json(a: &Side, b: &Side, keys: &[Changed], found: &Diff) -> Value {
    let of = |s: &Side| {
        json!({ "scenario": s.scenario, "version": s.version, "scenario_hash": s.hash, "seed": s.seed,
            "replications": s.replications, "users": s.size.map(|size| size.users),
            "horizon": s.size.map(|size| size.horizon.to_string()) })
    };
    let keys: Vec<Value> = keys.iter().map(|k| json!({ "key": k.key, "a": k.a, "b": k.b })).collect();
    let rows: Vec<Value> = found
        .rows
        .iter()
        .map(|r| {
            let interval = |e: authstorm::stats::Estimate| match r.says {
                Says::Unknown => Value::Null,
                _ if !e.mean.is_finite() => Value::Null,
                _ => json!([e.ci_low, e.ci_high]),
            };
            json!({ "policy": r.policy, "metric": r.metric, "unit": r.unit, "a": r.a.value, "b": r.b.value,
                "never_a": r.a.never, "never_b": r.b.never,
                "difference": r.difference.mean, "ci95": interval(r.difference),
                "ci95_family": interval(r.together), "says": r.says.name() })
        })
        .collect();
    let rates = json!({ "per_user": found.rates.per_user, "per_hour": found.rates.per_hour });
    json!({ "finding": headline(found), "warning": found.rates.warning(a.size, b.size), "rates": rates, "a": of(a), "b": of(b), "scenario_changes": keys,
        "method": found.method.name(), "family": found.family, "family_method": "bonferroni",
        "only_a": found.only_a, "only_b": found.only_b, "metrics": rows })
}
