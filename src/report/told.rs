//! `stories.json`: the stories that a results directory keeps, cut to what a page shows.

use super::Chart;
use super::lanes::{Bar, Schedule, lanes};
use crate::backend::Endpoint;
use crate::experiment::results::{PolicyResults, Results, SessionRow};
use crate::explain::{Story, text, words};
use crate::kernel::Dur;
use crate::metrics::Outcome;
use serde::{Deserialize, Serialize};

/// Longer texts are cut: the command prints them whole.
const MOST_BYTES: usize = 20_000;
/// More calls than this no lane chart shows one by one.
const MOST_CALLS: usize = 2_000;

/// A story as a page shows it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Told {
    /// The contender.
    pub policy: String,
    /// The replication, from 0.
    pub replication: u32,
    /// The user, from 0.
    pub session: u32,
    /// The story in a sentence.
    pub headline: String,
    /// Where it comes from.
    pub provenance: String,
    /// The folded text.
    pub text: String,
    /// Calls: tab, endpoint, begin and end in nanoseconds, outcome.
    pub calls: Vec<(u32, String, u64, u64, String)>,
    /// Calls that are not among these.
    pub calls_left_out: usize,
}

#[derive(Deserialize, Serialize)]
struct File {
    stories: Vec<Told>,
}

impl Told {
    /// Whether this is the story of a session of a policy.
    pub fn is_of(&self, policy: &PolicyResults, row: &SessionRow) -> bool {
        (self.policy.as_str(), self.replication, self.session)
            == (policy.name.as_str(), row.replication, row.session)
    }

    /// Of a story.
    pub fn of(story: &Story) -> Told {
        let mut told = String::new();
        text::body(story, &mut told);
        let schedule = Schedule::of(story);
        let calls = schedule.bars.iter().take(MOST_CALLS).map(|bar| {
            (bar.tab, bar.endpoint.name().to_owned(), bar.from.0, bar.to.0, bar.outcome.name().to_owned())
        });
        Told {
            policy: story.contender.clone(),
            replication: story.replication,
            session: story.session,
            headline: words::headline(story),
            provenance: words::provenance(story),
            text: cut(told),
            calls: calls.collect(),
            calls_left_out: schedule.bars.len().saturating_sub(MOST_CALLS),
        }
    }

    /// What its lane chart shows. Calls that a newer version would know and this one does not are left out.
    pub fn schedule(&self, results: &Results) -> Schedule {
        let bar = |(tab, endpoint, from, to, outcome): &(u32, String, u64, u64, String)| {
            Some(Bar {
                tab: *tab,
                endpoint: Endpoint::ALL.into_iter().find(|e| e.name() == endpoint)?,
                from: Dur(*from),
                to: Dur(*to),
                outcome: Outcome::ALL.into_iter().find(|o| o.name() == outcome)?,
            })
        };
        let mut title = self.headline.clone();
        if self.calls_left_out > 0 {
            title.push_str(&format!("; the first {} calls", super::number::whole(self.calls.len() as u64)));
        }
        Schedule {
            title,
            provenance: self.provenance.clone(),
            window: (Dur::ZERO, results.horizon),
            faults: results.faults.clone(),
            continues: Vec::new(),
            bars: self.calls.iter().filter_map(bar).collect(),
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let end = text[..=floor(&text, MOST_BYTES)].rfind('\n').unwrap_or(0);
    let left = text[end..].lines().count();
    text.truncate(end);
    text.push_str(&format!("\n… {left} more lines: the command prints them all\n"));
    text
}

/// The last boundary of a letter before this byte.
fn floor(text: &str, at: usize) -> usize {
    (0..at).rev().find(|i| text.is_char_boundary(*i) && text.is_char_boundary(i + 1)).unwrap_or(0)
}

/// The file's text.
pub fn stories(told: &[Told]) -> Vec<u8> {
    let file = File { stories: told.to_vec() };
    let mut text = serde_json::to_vec_pretty(&file).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Reads the file.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Vec<Told>, String> {
    serde_json::from_slice::<File>(bytes).map(|file| file.stories).map_err(|e| format!("stories.json: {e}"))
}

/// The story that the retry schedule shows: that of the worst session of any policy. None when it is not kept.
pub fn chosen<'a>(results: &Results, told: &'a [Told]) -> Option<&'a Told> {
    let (policy, row) = results.worst()?;
    told.iter().find(|story| story.is_of(policy, row))
}

/// The retry schedule of the results' worst session, if a story of it is kept.
pub fn retry_schedule(results: &Results, told: &[Told]) -> Option<Chart> {
    Some(lanes(&chosen(results, told)?.schedule(results)))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    fn row(replication: u32, session: u32, entries: u32, signed_out: bool, requests: u32) -> SessionRow {
        SessionRow {
            replication,
            session,
            entries,
            depth: 0,
            requests,
            signed_out_at_s: signed_out.then_some(1.0),
            false_sign_out: signed_out,
            stale_token_s: 0.0,
        }
    }

    fn told(policy: &str, row: &SessionRow) -> Told {
        Told {
            policy: policy.to_owned(),
            replication: row.replication,
            session: row.session,
            headline: String::new(),
            provenance: String::new(),
            text: String::new(),
            calls: Vec::new(),
            calls_left_out: 0,
        }
    }

    /// Entries decide, then a sign-out, then requests, then the replication and the number; between policies their order.
    #[test]
    fn the_chart_shows_the_session_that_results_call_the_worst() {
        let mut results = synthetic::empty(&["a", "b"]);
        let quiet = row(1, 4, 3, false, 100);
        let signed_out = row(2, 7, 3, true, 10);
        for (a, b, worst) in [
            (vec![quiet.clone()], vec![signed_out.clone()], ("b", 2, 7)),
            (vec![row(0, 1, 2, true, 900), quiet], vec![row(0, 9, 2, true, 10)], ("a", 1, 4)),
            (vec![row(3, 0, 3, true, 11), row(1, 8, 3, true, 11)], vec![signed_out], ("a", 1, 8)),
            (vec![row(1, 8, 3, true, 11)], vec![row(0, 0, 3, true, 11)], ("a", 1, 8)),
        ] {
            results.policies[0].sessions = a;
            results.policies[1].sessions = b;
            let stories: Vec<Told> = results
                .policies
                .iter()
                .rev()
                .filter_map(|policy| Some(told(&policy.name, policy.worst()?)))
                .collect();
            let chosen = chosen(&results, &stories).expect("a story");
            assert_eq!((chosen.policy.as_str(), chosen.replication, chosen.session), worst);
        }
    }
}
