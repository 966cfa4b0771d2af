//! Data of the page's charts: counts per column of time, equal to those in the CSV files.

use super::html;
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::kernel::time::NS_PER_S;
use crate::metrics::{Metric, Outcome};
use crate::plot::columns::{Columns, MOST_POLICIES};
use crate::plot::palette::{self, BANDS, Color};
use crate::plot::requests::{alike, just_sent, median_replication};
use crate::plot::series::SERIES;
use crate::plot::{entries, frame, happens, lanes, titles};
use crate::results::{PolicyResults, Results, StoryDigest, limits};
use crate::text::clean;
use serde_json::{Value, json};

/// The most points of the curves of entries per session.
const MOST_ENTRIES: usize = 300;
/// The most calls of a story's lane chart, and of all stories together.
const MOST_CALLS: usize = 1_000;
const MOST_CALLS_OF_ALL: usize = 8_000;
/// The most lanes of a story.
const MOST_LANES: usize = 32;
/// The most limits in words.
const MOST_LIMITS: usize = 20;
/// The most characters of a name. Longer names keep their beginning and end.
const LONGEST_NAME: usize = 120;
/// The most fault windows that are drawn.
const MOST_FAULTS: usize = 100;

/// The policies that the page shows.
pub(super) fn shown_policies(results: &Results) -> &[PolicyResults] {
    &results.policies[..results.policies.len().min(MOST_POLICIES)]
}

/// The JSON, safe inside a script element.
pub(super) fn json(results: &Results) -> String {
    let columns = Columns::of(results);
    let shown = median_replication(results);
    let policies = shown_policies(results);
    let edges: Vec<f64> = (0..=columns.count).map(|i| columns.begin(i) / NS_PER_S as f64).collect();
    let faults: Vec<Value> = results
        .faults
        .iter()
        .take(MOST_FAULTS)
        .map(|f| json!({ "name": name(&f.name), "from": seconds(f.from), "to": seconds(f.to) }))
        .collect();
    let bands: Vec<Value> = BANDS
        .iter()
        .map(|band| {
            // Black is invisible on a dark background.
            let dark = band.color == palette::NETWORK_ERROR;
            json!({ "name": band.name, "color": color(band.color), "dark": dark })
        })
        .collect();
    let in_flight = BANDS.iter().position(|band| band.outcome == Outcome::InFlight);
    let limits: Vec<Value> = limits(results)
        .iter()
        .take(MOST_LIMITS)
        .map(|limit| json!({ "words": name(&limit.words), "per_s": limit.per_s, "label": limit.label() }))
        .collect();
    let mut left = MOST_CALLS_OF_ALL;
    let data = json!({
        "scenario": name(&results.scenario),
        "provenance": frame::provenance(results),
        "bucket_s": columns.bucket.as_secs_f64(),
        "per_column": columns.per_column,
        "replications": results.replications,
        "shown": shown,
        "edges": edges,
        "faults": faults,
        "bands": bands,
        "in_flight": in_flight,
        "endpoints": Endpoint::ALL.map(|endpoint| format!("/{}", endpoint.name())),
        "limits": limits,
        "alike": alike(shown_policies(results), columns, shown),
        "titles": titles(results),
        "flow": [results.flow().entry, results.flow().plural()],
        "policies": policies.iter().enumerate().map(|(i, p)| policy(p, i, columns, shown)).collect::<Vec<_>>(),
        "entries": curves(results, policies),
        "stories": results.stories.iter().map(|story| lanes_of(results, story, &mut left)).collect::<Vec<_>>(),
    });
    html::json_in_script(&data.to_string())
}

/// The titles of the charts; null for a chart that would show nothing.
fn titles(results: &Results) -> Value {
    let title =
        |metrics: &[Metric], title: fn(&Results) -> String| happens(results, metrics).then(|| title(results));
    json!({
        "requests": title(&[Metric::RequestsTotal], titles::peaks),
        "sign_outs": title(&[Metric::FalseSignOuts, Metric::TrueSignOuts], titles::sign_outs),
        "stale_tokens": title(&[Metric::StaleTokenSessionS], titles::stale_tokens),
        "flow": title(&[Metric::FlowEntries], titles::flow),
        "waiting": title(&[Metric::AppWaitS], titles::waiting),
        "entries": title(&[Metric::FlowEntries], titles::worst_session).filter(|_| results.users > 1),
    })
}

/// A name as the page shows it.
fn name(text: &str) -> String {
    let text = clean(text);
    let letters = text.chars().count();
    if letters <= LONGEST_NAME {
        return text;
    }
    let head: String = text.chars().take(LONGEST_NAME - 40).collect();
    let tail: String = text.chars().skip(letters - 39).collect();
    format!("{head}…{tail}")
}

fn seconds(at: Dur) -> f64 {
    at.as_secs_f64()
}

/// The name of the style that has the colour of a policy: see [`colors`].
pub(super) fn policy_color(index: usize) -> String {
    format!("--p{}", index % palette::POLICY_COLORS)
}

/// The colours of policies as styles of a page, lighter ones where a dark page needs them.
pub(super) fn colors() -> String {
    let all = |of: fn(Color) -> Color| -> String {
        let style = |i| format!(" {}: {};", policy_color(i), color(of(palette::policy(i).line)));
        (0..palette::POLICY_COLORS).map(style).collect()
    };
    format!(
        ":root {{{} }}\n@media (prefers-color-scheme: dark) {{ :root {{{} }} }}",
        all(|color| color),
        all(palette::on_dark)
    )
}

fn color(Color(r, g, b): Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn policy(policy: &PolicyResults, index: usize, columns: Columns, shown: usize) -> Value {
    let buckets = policy.timelines.get(shown).map_or(&[][..], |timeline| &timeline.buckets);
    // Sums of whole buckets. The page divides by the columns' length, so that it counts every request of the CSV once.
    let counts = |endpoint: Endpoint, outcome: Outcome| -> Vec<u64> {
        (0..columns.count)
            .map(|i| {
                let begin = (i * columns.per_column).min(buckets.len());
                let end = (begin + columns.per_column).min(buckets.len());
                buckets[begin..end].iter().map(|b| b.calls[endpoint.index()][outcome as usize]).sum()
            })
            .collect()
    };
    let mut calls: Vec<Value> = Vec::new();
    for endpoint in Endpoint::ALL {
        for (band, of) in BANDS.iter().enumerate() {
            let counts = counts(endpoint, of.outcome);
            if counts.iter().any(|n| *n > 0) {
                calls.push(json!([endpoint.index(), band, counts]));
            }
        }
    }
    let mut value = json!({
        "name": name(&policy.label()),
        "color": policy_color(index),
        "calls": calls,
        "just_sent": just_sent(columns, buckets),
    });
    // Without a cursor the page shows the labels of the pictures.
    for series in SERIES {
        let spread = series.spread(policy, columns);
        value[series.key] = json!({
            "low": rounded(&spread.low),
            "middle": rounded(&spread.middle),
            "high": rounded(&spread.high),
            "says": series.says(policy, &spread),
        });
    }
    value
}

/// Values with three decimals, which is more than a line shows.
fn rounded(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| (value * 1_000.0).round() / 1_000.0).collect()
}

/// The share of sessions with at least a given number of entries. Every policy has the same numbers of entries.
fn curves(results: &Results, policies: &[PolicyResults]) -> Value {
    let curves: Vec<Vec<(u32, f64)>> = policies.iter().map(|p| entries::at_least(results, p)).collect();
    let mut at: Vec<u32> = curves.iter().flatten().map(|(entries, _)| *entries).collect();
    let worst: Vec<u32> =
        curves.iter().filter_map(|curve| curve.last().map(|(entries, _)| *entries)).collect();
    at.sort_unstable();
    at.dedup();
    if at.len() > MOST_ENTRIES {
        // Spaces the points evenly on a logarithmic axis. Keeps the ends of curves.
        let ratio = libm::pow(f64::from(at[at.len() - 1]), 1.0 / (MOST_ENTRIES as f64 / 2.0));
        let mut next = 0.0;
        at.retain(|entries| {
            let keep = f64::from(*entries) >= next || worst.contains(entries);
            if keep {
                next = f64::from(*entries) * ratio;
            }
            keep
        });
    }
    let share = |curve: &Vec<(u32, f64)>| -> Vec<Value> {
        at.iter()
            .map(|entries| curve.iter().find(|(n, _)| n >= entries).map_or(Value::Null, |(_, p)| json!(p)))
            .collect()
    };
    json!({ "at": at, "percent": curves.iter().map(share).collect::<Vec<_>>() })
}

/// The lanes of a story and what is in them. Events: lane, time, kind. Calls: lane, begin, end, band.
fn lanes_of(results: &Results, story: &StoryDigest, left: &mut usize) -> Value {
    let schedule = lanes::Schedule::of_digest(story, results);
    let kinds = lanes::event_lanes(&schedule);
    let mut lanes: Vec<_> = schedule.bars.iter().map(|bar| (bar.tab, bar.endpoint)).collect();
    lanes.sort_by_key(|(tab, endpoint)| (*tab, endpoint.index()));
    lanes.dedup();
    lanes.truncate(MOST_LANES);
    let most = MOST_CALLS.min(*left);
    let calls: Vec<Value> = schedule
        .bars
        .iter()
        .filter_map(|bar| {
            let lane = lanes.iter().position(|lane| *lane == (bar.tab, bar.endpoint))?;
            let band = BANDS.iter().position(|band| band.outcome == bar.outcome)?;
            Some(json!([kinds.len() + lane, seconds(bar.from), seconds(bar.to), band]))
        })
        .take(most)
        .collect();
    let events: Vec<Value> = schedule
        .marks
        .iter()
        .filter_map(|(at, mark)| {
            let lane = kinds.iter().position(|(kind, _)| kind == mark)?;
            Some(json!([lane, seconds(*at), mark.sign_out().is_some()]))
        })
        .take(most)
        .collect();
    *left = left.saturating_sub(calls.len() + events.len());
    let names: Vec<String> = kinds
        .into_iter()
        .map(|(_, name)| name)
        .chain(lanes.iter().map(|lane| lanes::lane_name(*lane)))
        .collect();
    json!({ "lanes": names, "calls": calls, "events": events })
}
