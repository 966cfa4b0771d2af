//! The error codes of a scenario. A run holds each code as one byte.

use crate::backend::LimitSpec;
use crate::client::policy::Policy;
use crate::client::workload::WorkloadSpec;
use crate::fault::FaultSpec;

/// The different error codes of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCodes {
    /// Names by number. Index 0 is empty and stands for no code.
    names: Vec<String>,
}

/// More codes than a run can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyCodes {
    /// Number of different codes.
    pub found: usize,
    /// Place in the scenario of the first code without room.
    pub first_beyond: Naming,
}

/// A place in the scenario that names an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// A policy.
    Policies,
    /// The `retry` of the workload at this index.
    Workload(usize),
    /// The fault at this index.
    Fault(usize),
    /// The limit at this index.
    Limit(usize),
}

impl ErrorCodes {
    /// The most codes of a scenario.
    pub const MOST: usize = u8::MAX as usize;

    /// Collects the codes of these parts, each once.
    ///
    /// # Errors
    /// When the scenario has more than [`ErrorCodes::MOST`].
    pub fn of<'a>(
        policies: impl IntoIterator<Item = &'a Policy>,
        workloads: impl IntoIterator<Item = &'a WorkloadSpec>,
        faults: impl IntoIterator<Item = &'a FaultSpec>,
        limits: impl IntoIterator<Item = &'a LimitSpec>,
    ) -> Result<ErrorCodes, TooManyCodes> {
        let of_policies = policies.into_iter().flat_map(|policy| {
            let sets = [&policy.enters_unauthenticated_flow, &policy.retry.on];
            sets.into_iter().flat_map(|set| set.codes().map(|code| (Naming::Policies, code)))
        });
        let of_workloads = workloads.into_iter().enumerate().flat_map(|(i, workload)| {
            let retries = workload.retry.iter();
            retries.flat_map(move |retry| retry.on.codes().map(move |code| (Naming::Workload(i), code)))
        });
        let of_faults = faults.into_iter().enumerate().flat_map(|(i, fault)| {
            let code = fault.kind.code();
            code.into_iter().map(move |code| (Naming::Fault(i), code))
        });
        let of_limits = limits.into_iter().enumerate().flat_map(|(i, limit)| {
            let code = limit.code.as_deref();
            code.into_iter().map(move |code| (Naming::Limit(i), code))
        });
        let mut seen = std::collections::BTreeSet::new();
        let (mut names, mut first_beyond) = (vec![String::new()], None);
        for (naming, code) in of_policies.chain(of_workloads).chain(of_faults).chain(of_limits) {
            if !seen.insert(code) {
                continue;
            }
            if seen.len() > ErrorCodes::MOST {
                first_beyond.get_or_insert(naming);
            } else {
                names.push(code.to_owned());
            }
        }
        match first_beyond {
            Some(first_beyond) => Err(TooManyCodes { found: seen.len(), first_beyond }),
            None => Ok(ErrorCodes { names }),
        }
    }

    /// The byte that stands for a code; 0 for an unknown code.
    pub fn byte(&self, code: &str) -> u8 {
        // `of` ensures that the index fits.
        self.names.iter().position(|name| name == code).map_or(0, |at| at as u8)
    }

    /// The codes, indexed by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All codes, indexed by their bytes. The first one, for byte 0, is empty.
    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(codes: std::ops::Range<usize>) -> WorkloadSpec {
        let on: Vec<String> = codes.map(|i| format!("403:c{i}")).collect();
        let text = format!(
            "name = 'w'\nthink = '1s'\nretry = {{ on = {on:?}, initial = '1s', factor = 1, cap = '1s', retries = 1 }}"
        );
        toml::from_str(&text).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_scenario_holds_255_error_codes_and_no_more() {
        let fault: FaultSpec =
            toml::from_str("kind = 'status'\nstatus = 401\ncode = 'last'").expect("a fault");
        let of = |workloads: &[WorkloadSpec]| ErrorCodes::of([], workloads, [&fault], []);
        let codes = of(&[workload(0..254)]).expect("255 codes");
        assert_eq!((codes.byte("c0"), codes.byte("last"), codes.byte("other")), (1, 255, 0));
        let beyond = |naming| Err(TooManyCodes { found: 256, first_beyond: naming });
        assert_eq!(of(&[workload(0..255)]), beyond(Naming::Fault(0)));
        assert_eq!(
            of(&[workload(0..200), workload(100..256), workload(0..5)]).map_err(|e| e.found),
            Err(257)
        );
        assert_eq!(
            ErrorCodes::of([], &[workload(0..200), workload(100..256)], [], []),
            beyond(Naming::Workload(1))
        );
        let text = "endpoints = ['generic']\nkey = 'ip'\nkind = 'fixed-window'\nlimit = 1\nwindow = '1s'\ncode = 'quota'";
        let limit: LimitSpec = toml::from_str(text).expect("a limit");
        let codes = ErrorCodes::of([], &[workload(0..2)], [], [&limit]).expect("3 codes");
        assert_eq!(codes.byte("quota"), 3);
        assert_eq!(ErrorCodes::of([], &[workload(0..255)], [], [&limit]), beyond(Naming::Limit(0)));
    }
}
