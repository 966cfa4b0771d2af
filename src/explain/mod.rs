//! The story of one session: its events, their effects, and the policy rules that decided.
//!
//! [`tell`] repeats the run of one contender and observes it with a [`record::Recorder`]. A run is a function of scenario,
//! seed and replication, so this run equals the one behind the results. Each other file writes a [`Story`] in one form:
//! [`text`] for people, [`json`] for programs, [`mermaid`] for documents, [`trace`] for Perfetto.

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
pub mod rules;
mod run;
pub mod story;
pub mod text;
pub mod times;
pub mod trace;
pub mod words;

pub use against::{Against, tell_against};
pub use digest::{TOLD, tell_worst};
pub use story::Story;

use crate::Study;
use crate::experiment::{Error, worst_session};
use crate::kernel::Time;
use crate::world::{Control, Plan, observed_part};
use record::Recorder;

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
    let recorder = Recorder::new(plan, session, from, to);
    // Runs only the users that can influence the session.
    let users = plan.part_of(session);
    let (_, recorder, _) = observed_part(plan, policy, replication, users, control, recorder)?;
    Ok(recorder.finish(plan, policy, replication, hash))
}
