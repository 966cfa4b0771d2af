//! Why a study has no results.

use super::baseline::BadBaseline;
use super::precision::BadPrecision;
use super::rollout::BadRollout;
use super::sweep::BadDesign;
use super::vary::BadVary;
use crate::scenario::ScenarioErrors;
use crate::text::{escape, quote};
use crate::world::{StopReason, Stopped};
use std::fmt;
use std::io;

/// Reason for which a study has no results.
#[derive(Debug)]
pub enum Error {
    /// The scenario is not well-formed.
    Scenario(ScenarioErrors),
    /// The scenario has no policy of this name.
    NoSuchPolicy {
        /// The name that was requested.
        name: String,
        /// Names of the scenario's policies.
        known: Vec<String>,
    },
    /// The selection of policies is empty or contains a policy twice.
    Choice {
        /// Name of the policy that occurs twice; `None` if the selection is empty.
        twice: Option<String>,
    },
    /// A key and its values cannot be searched or swept.
    Vary(BadVary),
    /// Keys and their values make no design of a sweep.
    Design(BadDesign),
    /// A rollout is none.
    Rollout(BadRollout),
    /// A text asks for no precision.
    Precision(BadPrecision),
    /// The results are no baseline for the scenario.
    Baseline(BadBaseline),
    /// A finished run cannot be kept or read.
    Kept(io::Error),
    /// A guard stopped a run.
    Stopped(Stopped),
    /// A guard stopped a run at these values of keys.
    StoppedAt {
        /// The values of the point: `fleet.users=10, horizon=5m`.
        values: String,
        /// Why the run was stopped.
        stopped: Stopped,
    },
}

impl Error {
    /// The error of a run at these values of keys: a guard that stops it is told with them.
    pub(super) fn at(self, values: impl FnOnce() -> String) -> Error {
        match self {
            Error::Stopped(stopped) if stopped.reason != StopReason::Interrupted => {
                Error::StoppedAt { values: values(), stopped }
            }
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Scenario(errors) => errors.fmt(f),
            Error::NoSuchPolicy { name, known } => {
                let name = quote(name);
                write!(f, "the scenario lists no policy {name}; allowed: {}", known.join(", "))
            }
            Error::Choice { twice: Some(name) } => write!(f, "the policy {} is chosen twice", quote(name)),
            Error::Choice { twice: None } => f.write_str("no policy is chosen; allowed: one or more"),
            Error::Vary(bad) => bad.fmt(f),
            Error::Design(bad) => bad.fmt(f),
            Error::Precision(bad) => bad.fmt(f),
            Error::Rollout(bad) => bad.fmt(f),
            Error::Baseline(bad) => bad.fmt(f),
            Error::Kept(error) => write!(f, "a finished run cannot be kept or read: {error}"),
            Error::Stopped(stopped) => stopped.fmt(f),
            Error::StoppedAt { values, stopped } => write!(f, "at {}: {stopped}", escape(values)),
        }
    }
}

impl std::error::Error for Error {}

impl From<ScenarioErrors> for Error {
    fn from(errors: ScenarioErrors) -> Error {
        Error::Scenario(errors)
    }
}

impl From<BadVary> for Error {
    fn from(bad: BadVary) -> Error {
        Error::Vary(bad)
    }
}

impl From<BadDesign> for Error {
    fn from(bad: BadDesign) -> Error {
        Error::Design(bad)
    }
}

impl From<BadRollout> for Error {
    fn from(bad: BadRollout) -> Error {
        Error::Rollout(bad)
    }
}

impl From<BadPrecision> for Error {
    fn from(bad: BadPrecision) -> Error {
        Error::Precision(bad)
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Error {
        Error::Stopped(stopped)
    }
}
