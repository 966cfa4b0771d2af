//! A test over many seeds, with the story of its first failure.

use super::{Error, Study, worst_session};
use crate::results::{CheckFailed, Results, Retell};
use crate::scenario::Settings;
use crate::world::Control;
use std::fmt;
use std::path::Path;

/// The first seed under which a test fails, and where to look. Its text, which a test shows where it unwraps the error, ends
/// with the command that tells the story of the worst session.
#[derive(Clone, PartialEq)]
pub struct SeedFailed {
    /// The seed.
    pub seed: u64,
    /// Number of seeds that passed before.
    pub passed: usize,
    /// Why the test fails, in words.
    pub why: String,
    /// The worst session, as arguments of `explain`; absent without users.
    pub worst: Option<Retell>,
}

impl fmt::Display for SeedFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the test fails with seed {}, after {} seeds that pass: {}",
            self.seed, self.passed, self.why
        )?;
        let Some(worst) = &self.worst else { return Ok(()) };
        if let (Some(replication), Some(session)) = (worst.replication, worst.session) {
            let policy = &worst.policy;
            write!(
                f,
                "\nreplication {replication}, worst session {session} under policy {policy}: its story is told by"
            )?;
        }
        write!(f, "\n  {}", worst.command())
    }
}

impl fmt::Debug for SeedFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for SeedFailed {}

/// Why a test over many seeds ended early.
#[derive(Debug)]
pub enum OverSeedsError {
    /// A study could not be loaded or run.
    Study(Error),
    /// The test failed.
    Failed(Box<SeedFailed>),
}

impl fmt::Display for OverSeedsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OverSeedsError::Study(error) => error.fmt(f),
            OverSeedsError::Failed(failed) => failed.fmt(f),
        }
    }
}

impl std::error::Error for OverSeedsError {}

impl From<Error> for OverSeedsError {
    fn from(error: Error) -> OverSeedsError {
        OverSeedsError::Study(error)
    }
}

/// Runs a scenario file under one seed after another, each with all of its policies and replications, and tests the results.
/// The first failure ends it, and names its seed, replication, policy and worst session. A test is any function of the results; [`Results::check`]
/// is one.
///
/// ```
/// use authstorm::experiment::seeds::over_seeds;
/// use authstorm::results::Results;
/// use authstorm::scenario::Settings;
///
/// let small = ["fleet.users=20", "replications=1", "horizon=3m"].map(str::to_owned);
/// let settings = Settings { set: small.to_vec(), ..Settings::default() };
/// over_seeds("scenarios/touch-429-cascade.toml", &settings, 1..=3, |results: &Results| {
///     let new = results.policy("new").ok_or("no policy new")?;
///     match new.metric("false_sign_outs").mean {
///         0.0 => Ok(()),
///         mean => Err(format!("{mean} false sign-outs")),
///     }
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file is no scenario, a guard stops a run, or the test fails under a seed.
pub fn over_seeds<E: fmt::Display + 'static>(
    path: impl AsRef<Path>,
    settings: &Settings,
    seeds: impl IntoIterator<Item = u64>,
    mut test: impl FnMut(&Results) -> Result<(), E>,
) -> Result<(), OverSeedsError> {
    let path = path.as_ref();
    let mut study = Study::load_set(path, settings)?;
    for (passed, seed) in seeds.into_iter().enumerate() {
        study.seed(seed)?;
        let results = study.run()?;
        if let Err(error) = test(&results) {
            let worst = worst(&study, path, settings, &results, seed)?;
            let failed = SeedFailed { seed, passed, why: error.to_string(), worst };
            return Err(OverSeedsError::Failed(Box::new(failed)));
        }
    }
    Ok(())
}

/// Where to look: the worst session of the replication of the first expectation that fails; if none does, the worst session
/// of all.
fn worst(
    study: &Study,
    path: &Path,
    settings: &Settings,
    results: &Results,
    seed: u64,
) -> Result<Option<Retell>, Error> {
    let plan = study.plan();
    let failed = results.check().err();
    let failed = failed.as_ref().and_then(CheckFailed::first_failed);
    let contender = failed.and_then(|verdict| plan.contenders.iter().position(|c| c.name == verdict.policy));
    let found = match (failed, contender) {
        (Some(verdict), Some(contender)) => {
            let row = worst_session(&plan, contender, verdict.replication, &Control::default())?;
            row.map(|row| (verdict.policy.clone(), row.replication, row.session))
        }
        _ => results.worst().map(|(policy, row)| (policy.name.clone(), row.replication, row.session)),
    };
    let mut set = settings.set.clone();
    set.extend(settings.replications.map(|n| format!("replications={n}")));
    Ok(found.map(|(policy, replication, session)| Retell {
        scenario: path.display().to_string(),
        policy,
        seed: Some(seed),
        replication: Some(replication),
        session: Some(session),
        set,
    }))
}
