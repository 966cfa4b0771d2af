//! Relations between runs: two scenarios that differ in a known way, and what both must have in common.
//!
//! A closed form knows the answer to a question. A relation knows only that two questions have the same answer, so it
//! applies to every scenario. Each relation brings a drawn scenario into its domain, derives the second scenario from it,
//! runs both and compares. A broken relation is reported with the smallest pair of scenarios that still breaks it.

mod backend;
mod clients;
mod cohorts;
mod shrink;
mod sides;
mod study;
mod tokens;

use super::draw::scenario;
use crate::kernel::dice::Dice;
pub(in crate::verify::swarm) use sides::Broken;
use sides::{Not, Outcome, Sides, table};
use toml::Table;

/// Random numbers of faults, workloads and limits depend on their names, not their places. So the order of independent
/// ones has no effect.
const KEYED_BY_NAME: bool = true;
/// `time_to_recover_s` counts from faults that strike a call or session, not from every window in the file.
const RECOVERY_COUNTS_WHAT_STRIKES: bool = true;

/// A relation between two scenarios.
pub(super) struct Relation {
    /// Name of the relation.
    pub name: &'static str,
    /// The scenarios for which it holds, and what both sides have in common.
    pub domain: &'static str,
    /// Whether the simulator is expected to satisfy it. Other relations are not checked.
    pub expected: bool,
    of: fn(&mut Sides, &mut Dice) -> Outcome,
}

const fn holds(
    name: &'static str,
    of: fn(&mut Sides, &mut Dice) -> Outcome,
    domain: &'static str,
) -> Relation {
    Relation { name, domain, expected: true, of }
}

/// All relations.
pub(super) const RELATIONS: &[Relation] = &[
    holds(
        "threads",
        study::threads,
        "any scenario, also of several parts: every data file is the same on one thread as on several",
    ),
    holds(
        "policies in another order",
        study::policies_reordered,
        "any scenario: each policy's results are the same wherever it stands",
    ),
    holds(
        "a subset of the policies",
        study::policy_subset,
        "any scenario: a policy run alone has the results that it has among others",
    ),
    holds(
        "an added policy",
        study::policy_added,
        "any scenario, the added policy having error codes and a budget: the others' results stay",
    ),
    holds("a mix of one", study::mix_of_one, "any scenario: a mix of one policy has that policy's results"),
    holds(
        "a mix of twins",
        study::mix_of_twins,
        "any scenario: a mix of a policy and its copy has that policy's results",
    ),
    holds(
        "shares in another order",
        clients::shares_reordered,
        "any scenario, with shares of policies and of numbers of tabs: all results stay",
    ),
    holds(
        "fewer replications",
        study::fewer_replications,
        "any scenario: the first replications are the same, however many follow",
    ),
    holds(
        "finer buckets",
        study::finer_buckets,
        "any bucket that divides the old one: counts sum to the old ones, and metrics stay that no bucket bounds",
    ),
    holds(
        "--set",
        study::set_equals_edit,
        "keys of every kind of place, their values no tables: an override reads as the edited file does",
    ),
    holds(
        "sums across the files",
        study::files_agree,
        "any scenario with all sessions kept: metrics, timeline, flow and sessions count the same things",
    ),
    holds(
        "a limit that never refuses",
        backend::limit_that_never_refuses,
        "any scenario and any place in the list, every kind of limit but the leaky bucket, which delays: all results stay",
    ),
    holds(
        "a fault that never strikes",
        backend::idle_fault_last,
        "any scenario; of probability 0, of count 0, from the horizon on, or a revocation of nobody, behind the others",
    ),
    Relation {
        name: "a fault that never strikes, in front",
        domain: "as above, before the others, whose draws must not hang on their places",
        expected: KEYED_BY_NAME,
        of: backend::idle_fault_first,
    },
    holds(
        "limits in another order",
        backend::limits_reordered,
        "two neighbours that share no endpoint: all results stay",
    ),
    Relation {
        name: "faults in another order",
        domain: "two neighbours with names that share no endpoint: all results stay",
        expected: KEYED_BY_NAME,
        of: backend::faults_reordered,
    },
    holds(
        "a certain fault, split",
        backend::certain_fault_split,
        "probability 1, no count, constant values: two adjacent windows do what one does",
    ),
    holds(
        "a constant as a distribution",
        clients::constant_as_degenerate,
        "any key that takes a distribution: uniform over one value, log-normal of sigma 0, empirical of one value",
    ),
    holds(
        "twice the users",
        clients::twice_the_users,
        "no limit, queue or counted fault that users share, full networks: the first half's sessions stay",
    ),
    holds(
        "a longer horizon",
        clients::longer_horizon,
        "any scenario: whole buckets before the old horizon have the same calls, sign-outs and entries, and calls that had \
         ended the same outcomes",
    ),
    holds(
        "an added workload",
        clients::workload_added,
        "no limit, queue or counted fault that clients share: the auth clients' calls and sessions stay",
    ),
    holds(
        "an added cohort",
        cohorts::cohort_added,
        "no limit, queue or counted fault that users share, no actions or revocations: the other cohort's sessions stay",
    ),
    holds(
        "cohorts in another order",
        cohorts::cohorts_reordered,
        "as above: every metric of each cohort stays",
    ),
    holds(
        "a cohort that never opens",
        cohorts::cohort_never_opens,
        "no actions or revocations: every metric of all users stays",
    ),
    Relation {
        name: "workloads in another order",
        domain: "nothing that clients share: all results stay",
        expected: KEYED_BY_NAME,
        of: clients::workloads_reordered,
    },
    holds(
        "an unheard updated_at",
        clients::updated_at_unheard,
        "app code that does not react: all results stay, whether the session's updated_at moves or not",
    ),
];

/// Every relation is checked on one scenario in this many.
pub(super) const TURNS: u64 = 3;

/// On one of so many turns the users run token clients.
const TOKEN_TURNS: u64 = 3;

/// Relations that say something about policies, endpoints or metrics by their names, and are not checked on token clients.
const NOT_OF_TOKEN_CLIENTS: [&str; 5] =
    ["a subset of the policies", "a mix of twins", "--set", "sums across the files", "an unheard updated_at"];

/// Results of a scenario's relations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// Number of relations that held.
    pub held: u64,
    /// Broken relations, with the difference.
    pub broken: Vec<(&'static str, Broken)>,
}

/// Checks the relations whose turn it is on the scenario of this seed.
pub(super) fn ask(seed: u64) -> Asked {
    let mut asked = Asked::default();
    for (number, relation) in RELATIONS.iter().enumerate() {
        if !relation.expected || !(seed + number as u64).is_multiple_of(TURNS) {
            continue;
        }
        match relation.on(seed, table(&scenario(seed)), false, relation.has_token_clients(seed)) {
            Ok(()) => asked.held += 1,
            Err(Not::Here) => {}
            Err(Not::Held(broken)) => asked.broken.push((relation.name, *broken)),
        }
    }
    asked
}

/// The smallest pair of scenarios found that breaks this relation, starting from the scenario of a seed.
pub(super) fn smallest(seed: u64, name: &str) -> Option<Broken> {
    let relation = RELATIONS.iter().find(|relation| relation.name == name)?;
    let tokens = relation.has_token_clients(seed);
    shrink::shrink(table(&scenario(seed)), |first| {
        // Relations may count on what each drawn scenario has.
        let is_whole = ["fleet", "backend"].iter().all(|key| first.contains_key(*key))
            && crate::scenario::load_text("smaller", &first.to_string(), &[]).is_ok();
        match is_whole.then(|| relation.on(seed, first.clone(), false, tokens)) {
            Some(Err(Not::Held(broken))) => Some(*broken),
            _ => None,
        }
    })
}

impl Relation {
    /// Whether the users of this seed's scenario run token clients.
    fn has_token_clients(&self, seed: u64) -> bool {
        (seed / TURNS).is_multiple_of(TOKEN_TURNS) && !NOT_OF_TOKEN_CLIENTS.contains(&self.name)
    }

    /// Checks the relation on a scenario. `spoilt` spoils the second side, so that the relation must break. With `tokens` the
    /// users run token clients.
    fn on(&self, seed: u64, first: Table, spoilt: bool, tokens: bool) -> Outcome {
        // The draws for one relation do not depend on the other relations.
        let of_name = self.name.bytes().fold(7u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193)) | 1;
        (self.of)(&mut Sides::of(first, spoilt, tokens), &mut Dice::new(seed, of_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel;

    #[test]
    fn every_relation_breaks_when_one_side_is_spoilt() {
        let all = RELATIONS.iter().map(|relation| (relation, false));
        // Token clients are behind every relation in the same way, so a few of them show that they are compared.
        let of_tokens = ["policies in another order", "fewer replications", "a longer horizon"];
        let of_tokens = RELATIONS.iter().filter(|relation| of_tokens.contains(&relation.name));
        let all: Vec<_> = all.chain(of_tokens.map(|relation| (relation, true))).collect();
        parallel::for_each(&all, |_, &(relation, tokens)| {
            let breaks = |seed: &u64| {
                matches!(relation.on(*seed, table(&scenario(*seed)), true, tokens), Err(Not::Held(_)))
            };
            assert!((0..12).any(|seed| breaks(&seed)), "{} compares nothing ({tokens})", relation.name);
        });
    }
}
