//! The story of one session: what happened to it, what that caused, and which rule of its policy decided.
//!
//! [`tell`] runs one contender once more with a [`record::Recorder`] looking on; a run is a function of scenario, seed
//! and replication, so this is the very run that results speak of. The other files each turn a [`Story`] into something
//! to read: [`text`] for people, [`json`] for programs, [`mermaid`] for documents, [`trace`] for Perfetto.

pub mod fold;
pub mod json;
pub mod lines;
pub mod mermaid;
pub mod record;
pub mod rules;
pub mod story;
pub mod text;
pub mod times;
pub mod trace;
pub mod words;

pub use story::Story;

use crate::Study;
use crate::experiment::results::Results;
use crate::experiment::{Error, worst_session};
use crate::kernel::Time;
use crate::report::told::Told;
use crate::world::{Control, Plan, observed_part};
use rayon::prelude::*;
use record::Recorder;

/// Which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The one with this number.
    Number(u32),
    /// The first of the results' order: most entries of the flow, then signed out, then most requests.
    Worst,
}

/// Which story is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The policy, by its place among the study's.
    pub policy: usize,
    /// The replication, from 0.
    pub replication: u32,
    /// The session.
    pub session: Session,
    /// Nothing before this time...
    pub from: Time,
    /// ...or after this one.
    pub to: Time,
}

impl Wanted {
    /// The whole story of a session.
    pub fn whole(policy: usize, replication: u32, session: Session) -> Wanted {
        Wanted { policy, replication, session, from: Time::ZERO, to: Time::NEVER }
    }
}

/// Tells the story of one session.
///
/// # Errors
/// When a guard stops the run, as it would in [`Study::run`].
///
/// # Panics
/// When there is no such policy or session; [`Wanted`] is checked where it is read.
pub fn tell(study: &Study, wanted: Wanted, control: &Control) -> Result<Story, Error> {
    let plan = study.plan();
    tell_planned(&plan, &study.hash(), wanted, control)
}

/// The same of a plan that is there already; `hash` is that of its scenario.
///
/// # Errors
/// As [`tell`].
///
/// # Panics
/// As [`tell`].
pub fn tell_planned(plan: &Plan, hash: &str, wanted: Wanted, control: &Control) -> Result<Story, Error> {
    let Wanted { policy, replication, session, from, to } = wanted;
    let session = match session {
        Session::Number(session) => session,
        Session::Worst => worst_session(plan, policy, replication, control)?,
    };
    assert!(session < plan.scenario.fleet.users, "no session {session}");
    let recorder = Recorder::new(plan, session, from, to);
    // What has nothing to do with the session need not be run again.
    let users = plan.part_of(session);
    let (_, recorder, _) = observed_part(plan, policy, replication, users, control, recorder)?;
    Ok(recorder.finish(plan, policy, replication, hash))
}

/// More events than this in one run, or part of one, of each policy are not run once more for the stories of a report: `explain` tells
/// them when somebody asks.
const MOST_EVENTS: u64 = 20_000_000;
/// So many policies get a story in a report.
const MOST_STORIES: usize = 6;

/// The stories of the worst session of each policy, for a report; none where running again would take long.
///
/// # Errors
/// When `control` stops it.
pub fn worst_of_each(study: &Study, results: &Results, control: &Control) -> Result<Vec<Told>, Error> {
    let runs = u64::from(results.replications.max(1)) * u64::from(results.parts.max(1));
    if results.events / runs > MOST_EVENTS {
        return Ok(Vec::new());
    }
    let plan = study.plan();
    let wanted: Vec<Wanted> = results
        .policies
        .iter()
        .enumerate()
        .take(MOST_STORIES)
        .filter_map(|(i, policy)| {
            let row = policy.sessions.first()?;
            Some(Wanted::whole(i, row.replication, Session::Number(row.session)))
        })
        .collect();
    let hash = &study.hash();
    wanted
        .par_iter()
        .with_max_len(1)
        .map(|wanted| tell_planned(&plan, hash, *wanted, control).map(|story| Told::of(&story)))
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}
