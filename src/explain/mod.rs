//! The story of one session: its events, their effects, and the policy rules that decided.
//!
//! [`tell`] repeats the run of one contender and observes it with a [`record::Recorder`]. Sessions of the same run share one
//! repetition. A run is a function of scenario, seed and replication, so this run equals the one behind the results. Each other file
//! writes a [`Story`] in one form: [`text`] for people, [`json`] for programs, [`mermaid`] for documents, [`trace`] for Perfetto.

pub mod against;
mod digest;
pub mod fold;
pub mod json;
pub mod lines;
pub mod mermaid;
pub mod own;
mod part;
mod png_text;
pub mod record;
mod recorders;
pub mod rules;
mod run;
pub mod story;
pub mod text;
pub mod times;
mod told;
pub mod trace;
pub mod words;

pub use against::{Against, tell_against};
pub use digest::{TOLD, tell_worst};
pub use story::Story;

use crate::Study;
use crate::experiment::{Error, worst_session};
use crate::kernel::Time;
use crate::parallel;
use crate::world::{Control, Plan, observed_part};
use record::Recorder;
use recorders::Recorders;
use std::ops::Range;

/// A choice of session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The session with this number.
    Number(u32),
    /// The worst session, by the order of [`crate::results::SessionRow::rank`].
    Worst,
}

/// A choice of story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The policy, as an index into the study's policies.
    pub policy: usize,
    /// The replication, from 0. `None` means the worst session of all replications, as in results, or replication 0 for a
    /// session given by its number.
    pub replication: Option<u32>,
    /// The session.
    pub session: Session,
    /// Begin of the time range. The story has what happens or lasts within it.
    pub from: Time,
    /// End of the time range.
    pub to: Time,
}

impl Wanted {
    /// The whole story of a session.
    pub fn whole(policy: usize, replication: Option<u32>, session: Session) -> Wanted {
        Wanted { policy, replication, session, from: Time::ZERO, to: Time::NEVER }
    }
}

/// Tells the story of one session.
///
/// # Errors
/// When a guard stops the run, as it would in [`Study::run`].
///
/// # Panics
/// When the study has no such policy, replication or session. Readers of input check [`Wanted`] before.
pub fn tell(study: &Study, wanted: Wanted, control: &Control) -> Result<Story, Error> {
    let plan = study.plan();
    tell_planned(&plan, &study.hash(), wanted, control)
}

/// As [`tell`], for an existing plan. `hash` is the hash of its scenario.
///
/// # Errors
/// As [`tell`].
///
/// # Panics
/// As [`tell`].
pub fn tell_planned(plan: &Plan, hash: &str, wanted: Wanted, control: &Control) -> Result<Story, Error> {
    let Wanted { policy, replication, session, from, to } = wanted;
    let (users, replications) = (plan.backend.keys.users, plan.scenario.replications);
    let (replication, session) = match session {
        Session::Number(session) => (replication.unwrap_or(0), session),
        Session::Worst => match worst_session(plan, policy, replication, control)? {
            Some(row) => (row.replication, row.session),
            None => (0, 0),
        },
    };
    assert!(session < users, "no session {session} among {users} users");
    assert!(replication < replications, "no replication {replication} among {replications}");
    let run = OneRun::of(plan, (policy, replication, session));
    let mut stories = run.record(plan, hash, &[session], (from, to), control)?;
    Ok(stories.remove(0))
}

/// A run that is repeated: of one policy, of one replication, and of the users that can influence one another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OneRun {
    policy: usize,
    replication: u32,
    users: Range<u32>,
}

impl OneRun {
    /// The run of a session, given by its policy, replication and number.
    fn of(plan: &Plan, (policy, replication, session): (usize, u32, u32)) -> OneRun {
        OneRun { policy, replication, users: plan.tied_to(session) }
    }

    /// The stories of these sessions of the run, in this time range, in the order of the sessions.
    fn record(
        &self,
        plan: &Plan,
        hash: &str,
        sessions: &[u32],
        (from, to): (Time, Time),
        control: &Control,
    ) -> Result<Vec<Story>, Error> {
        let OneRun { policy, replication, users } = self.clone();
        let recorders = sessions.iter().map(|session| Recorder::new(plan, *session, from, to)).collect();
        let (_, Recorders(told), _) =
            observed_part(plan, policy, replication, users, control, Recorders(recorders))?;
        Ok(told.into_iter().map(|recorder| recorder.finish(plan, policy, replication, hash)).collect())
    }
}

/// Whole stories of sessions, each given by its policy, replication and number, in the same order. Sessions of one run share it.
fn tell_whole(
    plan: &Plan,
    hash: &str,
    wanted: &[(usize, u32, u32)],
    control: &Control,
) -> Result<Vec<Story>, Error> {
    let mut runs: Vec<(OneRun, Vec<usize>)> = Vec::new();
    for (place, one) in wanted.iter().enumerate() {
        let run = OneRun::of(plan, *one);
        match runs.iter_mut().find(|(known, _)| *known == run) {
            Some((_, places)) => places.push(place),
            None => runs.push((run, vec![place])),
        }
    }
    let tell = |(run, places): &(OneRun, Vec<usize>)| {
        let sessions: Vec<u32> = places.iter().map(|place| wanted[*place].2).collect();
        let stories = run.record(plan, hash, &sessions, (Time::ZERO, Time::NEVER), control)?;
        Ok(places.iter().copied().zip(stories).collect::<Vec<_>>())
    };
    let told: Vec<Vec<(usize, Story)>> =
        parallel::map(&runs, tell).into_iter().collect::<Result<_, Error>>()?;
    let mut told: Vec<(usize, Story)> = told.into_iter().flatten().collect();
    told.sort_by_key(|(place, _)| *place);
    Ok(told.into_iter().map(|(_, story)| story).collect())
}
