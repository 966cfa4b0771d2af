//! The error codes that a scenario speaks of: a run holds each as one byte.

use crate::client::policy::Policy;
use crate::client::workload::WorkloadSpec;
use crate::fault::FaultSpec;

/// The different error codes of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCodes {
    /// Index 0 is empty and stands for none.
    names: Vec<String>,
}

/// More codes than a run can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyCodes {
    /// How many there are.
    pub found: usize,
    /// What names the first one that finds no room.
    pub first_beyond: Naming,
}

/// What names an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// One of the policies.
    Policies,
    /// The workload of this place in the list, by its `retry`.
    Workload(usize),
    /// The fault of this place in the list.
    Fault(usize),
}

impl ErrorCodes {
    /// The most codes of a scenario.
    pub const MOST: usize = u8::MAX as usize;

    /// The codes of these parts, each once.
    ///
    /// # Errors
    /// When there are more than [`ErrorCodes::MOST`].
    pub fn of<'a>(
        policies: impl IntoIterator<Item = &'a Policy>,
        workloads: impl IntoIterator<Item = &'a WorkloadSpec>,
        faults: impl IntoIterator<Item = &'a FaultSpec>,
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
        let mut seen = std::collections::BTreeSet::new();
        let (mut names, mut first_beyond) = (vec![String::new()], None);
        for (naming, code) in of_policies.chain(of_workloads).chain(of_faults) {
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

    /// The byte that stands for a code; 0 for one that is not there.
    pub fn byte(&self, code: &str) -> u8 {
        // `of` keeps no more than fit.
        self.names.iter().position(|name| name == code).map_or(0, |at| at as u8)
    }

    /// The codes, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All codes by their bytes; the first, of byte 0, is empty.
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
    fn as_many_codes_as_a_byte_has_values_but_the_one_for_none() {
        let fault: FaultSpec =
            toml::from_str("kind = 'status'\nstatus = 401\ncode = 'last'").expect("a fault");
        let of = |workloads: &[WorkloadSpec]| ErrorCodes::of([], workloads, [&fault]);
        let codes = of(&[workload(0..254)]).expect("255 codes");
        assert_eq!((codes.byte("c0"), codes.byte("last"), codes.byte("other")), (1, 255, 0));
        let beyond = |naming| Err(TooManyCodes { found: 256, first_beyond: naming });
        assert_eq!(of(&[workload(0..255)]), beyond(Naming::Fault(0)));
        assert_eq!(
            of(&[workload(0..200), workload(100..256), workload(0..5)]).map_err(|e| e.found),
            Err(257)
        );
        assert_eq!(
            ErrorCodes::of([], &[workload(0..200), workload(100..256)], []),
            beyond(Naming::Workload(1))
        );
    }
}
