//! Digests of stories for results: what a page shows of them.

use super::story::Deed;
use super::{Session, Story, Wanted, tell_planned, text, words};
use crate::Study;
use crate::experiment::Error;
use crate::kernel::Time;
use crate::parallel;
use crate::results::{Mark, Results, StoryDigest};
use crate::world::Control;

/// The most bytes of a text. The command prints longer texts whole.
const MOST_BYTES: usize = 20_000;
/// The most calls of a digest. No lane chart shows more of them one by one.
const MOST_CALLS: usize = 2_000;
/// The most marks of a digest.
const MOST_MARKS: usize = 2_000;
/// The most events of a run, or of a part of one, that is repeated for the stories of a report. `explain` tells the stories
/// of larger runs on demand.
const MOST_EVENTS: u64 = 20_000_000;
/// The most policies with a story in a report, besides the policy with the worst session of all.
const MOST_STORIES: usize = 6;

impl Story {
    /// The digest of the story.
    pub fn digest(&self) -> StoryDigest {
        let mut told = String::new();
        text::body(self, &mut told);
        let calls = self.calls.values().take(MOST_CALLS).map(|call| {
            let (endpoint, outcome) = (call.endpoint.name().to_owned(), call.outcome.name().to_owned());
            (call.tab, endpoint, call.sent.0, call.until(self.horizon).0, outcome)
        });
        StoryDigest {
            policy: self.contender.clone(),
            replication: self.replication,
            session: self.session,
            headline: words::headline(self),
            provenance: words::provenance(self),
            text: cut(told),
            calls: calls.collect(),
            calls_left_out: self.calls.len().saturating_sub(MOST_CALLS),
            marks: self.marks().into_iter().take(MOST_MARKS).map(|(at, mark)| (at.0, mark)).collect(),
            against: None,
        }
    }

    /// The entries of the flow and the sign-outs, in their order.
    pub fn marks(&self) -> Vec<(Time, Mark)> {
        let mark = |deed: &Deed| match *deed {
            Deed::EnteredFlow { .. } => Some(Mark::Entry),
            Deed::SignedOut { falsely: true, .. } => Some(Mark::FalseSignOut),
            Deed::SignedOut { reused: true, .. } => Some(Mark::ReuseSignOut),
            Deed::SignedOut { .. } => Some(Mark::TrueSignOut),
            _ => None,
        };
        let steps = self.steps.values();
        steps.flat_map(|step| step.deeds.iter().filter_map(mark).map(|mark| (step.at, mark))).collect()
    }
}

/// Adds the story of the worst session of each policy to the results of a study. Adds none if repeating the run takes long.
///
/// ```
/// use authstorm::Study;
/// use authstorm::explain::tell_worst;
///
/// let mut study = Study::load("scenarios/touch-429-cascade.toml")?;
/// study.replications(1)?.only_policies(&["old".to_owned()])?;
/// let mut results = study.run()?;
/// tell_worst(&study, &mut results, &Default::default())?;
/// assert!(results.stories[0].headline.starts_with("Session "));
/// # Ok::<(), authstorm::Error>(())
/// ```
///
/// # Errors
/// When `control` stops the run.
pub fn tell_worst(study: &Study, results: &mut Results, control: &Control) -> Result<(), Error> {
    let engine = &results.engine;
    let runs = u64::from(results.replications.max(1)) * u64::from(engine.parts.max(1));
    if engine.events / runs > MOST_EVENTS {
        return Ok(());
    }
    let plan = study.plan();
    let worst = results.worst().map(|(policy, _)| policy.name.as_str());
    let wanted: Vec<Wanted> = results
        .policies
        .iter()
        .enumerate()
        .filter(|(i, policy)| *i < MOST_STORIES || Some(policy.name.as_str()) == worst)
        .filter_map(|(i, policy)| {
            let row = policy.worst()?;
            Some(Wanted::whole(i, Some(row.replication), Session::Number(row.session)))
        })
        .collect();
    let hash = &study.hash();
    let stories = parallel::map(&wanted, |wanted| {
        tell_planned(&plan, hash, *wanted, control).map(|story| story.digest())
    });
    results.stories = stories.into_iter().collect::<Result<_, _>>()?;
    Ok(())
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

/// The last character boundary before this byte.
fn floor(text: &str, at: usize) -> usize {
    (0..at).rev().find(|i| text.is_char_boundary(*i) && text.is_char_boundary(i + 1)).unwrap_or(0)
}
