//! Digests of stories for results: what a page shows of them.

use super::story::Effect;
use super::{OneRun, Story, against, tell_whole, text, words};
use crate::Study;
use crate::client::family::FlowHarm;
use crate::experiment::Error;
use crate::kernel::Time;
use crate::parallel;
use crate::results::{Comparison, Mark, PolicyResults, Results, StoryDigest};
use crate::world::Control;

/// The most bytes of a text. The command prints longer texts whole.
const MOST_BYTES: usize = 20_000;
/// The most calls of a digest. No lane chart shows more of them one by one.
const MOST_CALLS: usize = 2_000;
/// The most marks of a digest.
const MOST_MARKS: usize = 2_000;
/// The most events of a run of tied users that is repeated for the stories of a report. `explain` tells the stories
/// of larger runs on demand.
const MOST_EVENTS: u64 = 20_000_000;
/// The most events of all runs that are repeated for the stories and comparisons of a report besides the first story of each
/// policy: half of the events of the study, but at least what takes a few seconds, and at most what takes ten.
const LEAST_EVENTS_OF_ALL: u64 = 20_000_000;
const MOST_EVENTS_OF_ALL: u64 = 60_000_000;
/// The most stories of a policy: the page lists so many sessions of each.
pub const TOLD: usize = 3;
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

    /// The entries of the flow that may harm, and the sign-outs, in their order. Where entries are ordinary work, only those
    /// that an earlier entry caused are marked.
    pub fn marks(&self) -> Vec<(Time, Mark)> {
        let mark = |effect: &Effect| match *effect {
            Effect::EnteredFlow { depth, .. } => {
                (self.flow.harm == FlowHarm::Each || depth > 1).then_some(Mark::Entry)
            }
            Effect::SignedOut { falsely: true, .. } => Some(Mark::FalseSignOut),
            Effect::SignedOut { reused: true, .. } => Some(Mark::ReuseSignOut),
            Effect::SignedOut { .. } => Some(Mark::TrueSignOut),
            _ => None,
        };
        let steps = self.steps.values();
        steps.flat_map(|step| step.effects.iter().filter_map(mark).map(|mark| (step.at, mark))).collect()
    }
}

/// Adds the stories of the worst sessions of each policy to the results of a study, and compares the worst of each policy with
/// the same session under another one. Adds fewer, or none, if repeating the runs takes long.
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
    let plan = &study.plan();
    let engine = &results.engine;
    let sessions = u128::from(results.replications) * u128::from(plan.scenario.users());
    // All policies together have this many events in the runs of these users.
    let events_of = &|run: &OneRun| {
        let events = u128::from(engine.events) * run.users.len() as u128 / sessions;
        u64::try_from(events).unwrap_or(u64::MAX)
    };
    let worst = results.worst().map(|(policy, _)| policy.name.as_str());
    let chosen: Vec<(usize, &PolicyResults)> = results
        .policies
        .iter()
        .enumerate()
        .filter(|(i, policy)| *i < MOST_STORIES || Some(policy.name.as_str()) == worst)
        .collect();
    let told = |rank: usize| {
        chosen.iter().filter_map(move |(policy, of)| {
            let row = of.sessions.get(rank)?;
            let one = (*policy, row.replication, row.session);
            (events_of(&OneRun::of(plan, one)) <= MOST_EVENTS).then_some(one)
        })
    };
    // The worst session of each policy is told whatever it takes. A run that is repeated for one session tells others too.
    let mut repeated: Vec<OneRun> = told(0).map(|one| OneRun::of(plan, one)).collect();
    let mut left = (engine.events / 2).clamp(LEAST_EVENTS_OF_ALL, MOST_EVENTS_OF_ALL);
    let mut may_tell = |one: (usize, u32, u32)| {
        let run = OneRun::of(plan, one);
        if repeated.contains(&run) {
            return true;
        }
        let rest = left.checked_sub(events_of(&run));
        left = rest.unwrap_or(left);
        repeated.extend(rest.map(|_| run));
        rest.is_some()
    };
    // The first policy is the reference of every comparison.
    let compared = |one: (usize, u32, u32)| (usize::from(one.0 == 0), one.1, one.2);
    let against: Vec<Option<(usize, u32, u32)>> = match results.policies.len() {
        0 | 1 => told(0).map(|_| None).collect(),
        _ => told(0).map(|one| Some(compared(one)).filter(|other| may_tell(*other))).collect(),
    };
    let mut wanted: Vec<(usize, u32, u32)> = told(0).collect();
    wanted.extend((1..TOLD).flat_map(told).filter(|one| may_tell(*one)));
    let alone = wanted.len();
    wanted.extend(against.iter().flatten());
    let hash = &study.hash();
    let mut stories = tell_whole(plan, hash, &wanted, control)?;
    let mut others = stories.split_off(alone).into_iter();
    let mut digests = parallel::map(&stories, Story::digest);
    let policies = wanted.iter().map(|one| one.0);
    for (((digest, first), policy), other) in digests.iter_mut().zip(stories).zip(policies).zip(against) {
        let Some((other, second)) = other.and_then(|one| Some((one.0, others.next()?))) else { continue };
        let told = against::compare_told(plan, hash, [(policy, first), (other, second)], control)?;
        let policy = told.stories[1].contender.clone();
        digest.against = Some(Comparison { policy, text: cut(against::text(&told)) });
    }
    results.stories = digests;
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
