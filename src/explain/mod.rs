//! The story of one session: what happened to it, what that caused, and which rule of its policy decided.
//!
//! [`tell`] runs one contender once more with a [`record::Recorder`] looking on; a run is a function of scenario, seed
//! and replication, so this is the very run that results speak of. The other files each turn a [`Story`] into something
//! to read: [`text`] for people, [`json`] for programs, [`mermaid`] for documents, [`trace`] for Perfetto.

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

pub use digest::tell_worst;
pub use story::Story;

use crate::Study;
use crate::experiment::{Error, worst_session};
use crate::kernel::Time;
use crate::world::{Control, Plan, observed_part};
use record::Recorder;

/// Which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The one with this number.
    Number(u32),
    /// The worst, by the order of [`crate::results::SessionRow::rank`].
    Worst,
}

/// Which story is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The policy, by its place among the study's.
    pub policy: usize,
    /// The replication, from 0. None chooses the worst session among all replications, as results do; a session that is
    /// given by its number is then that of replication 0.
    pub replication: Option<u32>,
    /// The session.
    pub session: Session,
    /// What happens or lasts at some time from here...
    pub from: Time,
    /// ...to here.
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
/// When the study has no such policy, replication or session; [`Wanted`] is checked where it is read.
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
    let (users, replications) = (plan.scenario.fleet.users, plan.scenario.replications);
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
    // What has nothing to do with the session need not be run again.
    let users = plan.part_of(session);
    let (_, recorder, _) = observed_part(plan, policy, replication, users, control, recorder)?;
    Ok(recorder.finish(plan, policy, replication, hash))
}
