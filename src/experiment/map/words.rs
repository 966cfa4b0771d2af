//! A map in sentences.

use super::{CONFIDENCE, Cell, Kind, Map, PolicyMap, PolicyRamp, RampStep, TriggerEnds, Turn};
use crate::client::token::label;
use crate::kernel::Dur;
use crate::stats::zero_event_upper_bound;
use crate::text::clean;
use crate::text::number::{counted, share, short, upper_share, whole};

impl Map {
    /// What was mapped: `12 cells: backend.pool[0].workers against fault[0].to`.
    pub fn headline(&self) -> String {
        let cells = self.policies.first().map_or(0, |policy| policy.cells.len()) as u64;
        format!("{}: {} against {}", counted(cells, "cell", "cells"), clean(&self.load), clean(&self.trigger))
    }

    /// The answer, and what it is not, a sentence each, without full stops.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![self.headline()];
        for policy in &self.policies {
            words.push(self.without(policy));
            policy.triggers.iter().for_each(|ends| words.extend(self.of_trigger(policy, ends)));
            if let (Some(ramp), Some(hold)) = (&policy.ramp, self.ramp) {
                words.extend(ramp_in_words(&label(&policy.name), ramp, hold));
            }
        }
        words.extend(self.cautions());
        words.push(format!(
            "{} took {}",
            counted(self.runs, "run", "runs"),
            counted(self.events, "event", "events")
        ));
        words
    }

    /// A row for each policy and cell: policy, load, trigger, outcome, and what the runs come to.
    pub fn rows_in_words(&self) -> Vec<[String; 5]> {
        let row = |policy: &PolicyMap, cell: &Cell| {
            let names = [label(&policy.name), clean(&cell.load), clean(&cell.trigger)];
            let [policy, load, trigger] = names;
            [policy, load, trigger, cell.kind.word().to_owned(), cell_in_words(cell)]
        };
        let of_policy =
            |policy: &PolicyMap| policy.cells.iter().map(|cell| row(policy, cell)).collect::<Vec<_>>();
        self.policies.iter().flat_map(of_policy).collect()
    }

    /// How far a load goes: `up to 280`, and of a capacity `down to 280`.
    fn as_far_as(&self, load: &str) -> String {
        format!("{} {}", if self.is_capacity { "down to" } else { "up to" }, clean(load))
    }

    fn without(&self, policy: &PolicyMap) -> String {
        let under = format!("under {}, without a trigger", label(&policy.name));
        let load = clean(&self.load);
        match (&policy.keeps_up_to, &policy.falls_at) {
            (Some(kept), None) => {
                format!(
                    "{under}, every run carries its load at {load} {}, the hardest looked at",
                    self.as_far_as(kept)
                )
            }
            (Some(kept), Some(falls)) => {
                format!(
                    "{under}, every run carries its load at {load} {}; at {} some run does not",
                    self.as_far_as(kept),
                    clean(falls)
                )
            }
            (None, _) => format!("{under}, some run does not carry even the easiest load"),
        }
    }

    fn of_trigger(&self, policy: &PolicyMap, ends: &TriggerEnds) -> Vec<String> {
        let under = format!(
            "under {}, with {} = {}",
            label(&policy.name),
            clean(&self.trigger),
            clean(&ends.trigger)
        );
        let load = clean(&self.load);
        let cell =
            |at: &str| policy.cells.iter().find(|cell| cell.load == at && cell.trigger == ends.trigger);
        let mut words = Vec::new();
        match ends.back_up_to.as_deref().and_then(|at| Some((at, cell(at)?))) {
            Some((at, cell)) => words.push(format!(
                "{under}, the system comes back at {load} {}: {}",
                self.as_far_as(at),
                cell_in_words(cell)
            )),
            None => words.push(format!("{under}, no load is shown from which on the system comes back")),
        }
        if let Some((at, cell)) = ends.not_back_at.as_deref().and_then(|at| Some((at, cell(at)?))) {
            let hysteresis = match (&policy.falls_at, &ends.back_up_to) {
                (Some(falls), Some(back)) => format!(
                    "; it falls by itself at {} and comes back from this trigger {} only",
                    clean(falls),
                    self.as_far_as(back)
                ),
                _ => String::new(),
            };
            words.push(format!(
                "{under}, it does not {}come back at {load} = {}, which it carries without a trigger: {}{hysteresis}",
                if cell.kind == Kind::Mixed { "always " } else { "" },
                clean(at),
                cell_in_words(cell)
            ));
        }
        let of_kind = |kind: Kind| {
            let cells = policy.cells.iter().filter(|cell| cell.trigger == ends.trigger && cell.kind == kind);
            cells.map(|cell| clean(&cell.load)).collect::<Vec<_>>()
        };
        let idle = of_kind(Kind::NotExercised);
        if !idle.is_empty() {
            words.push(format!(
                "{under}, the trigger strikes nothing at {load} = {}: nothing is shown there",
                idle.join(", ")
            ));
        }
        words
    }

    fn cautions(&self) -> Vec<String> {
        let at_once = self.at_once;
        let mut words = vec![
            format!("stable: every run is back within {at_once} of the end of the trigger, and stays in the band of the run without disturbance to its end"),
            "not back is not never: a run that is not back at its end may come back later, and one that is back may fall later".to_owned(),
            format!("the bounds of shares hold with {} for all cells and policies together; those of medians are pointwise", share(self.confidence)),
            "all cells have the same random numbers: differences between them are sharp, and their errors are common".to_owned(),
        ];
        words.push(match self.ramp {
            None => "the loads are steady: a load that rises or falls slowly may turn at other values; --ramp shows at which".to_owned(),
            Some(hold) => format!(
                "the speed of the ramp is part of its answer: a load that lasts longer or shorter than {hold} may turn at other values; a \
                 step carries its load if at least 95% of the generic calls that are sent in its second half succeed"
            ),
        });
        words
    }
}

/// What a load that rises and falls slowly shows, in sentences without full stops.
fn ramp_in_words(policy: &str, ramp: &PolicyRamp, hold: Dur) -> Vec<String> {
    let under =
        format!("under {policy}, while the load rises and falls by a step every {hold} without a trigger");
    let loads = |step: Option<&RampStep>| step.map_or_else(String::new, |step| whole(step.load.into()));
    let all = counted(ramp.runs, "run", "runs");
    let top = loads(ramp.steps.iter().max_by_key(|step| step.load));
    if ramp.falls.runs == 0 {
        let none = one_sided_none(ramp.runs);
        return vec![format!("{under}, none of {all} falls up to {top} (at most {none} of runs do)")];
    }
    let at = |turn: &Turn| {
        let end = |value: Option<f64>| value.map_or("beyond the ramp".to_owned(), short);
        format!("{} (median; {} to {})", end(turn.median), end(turn.least), end(turn.most))
    };
    let falls = whole(ramp.falls.runs);
    let mut words = vec![format!("{under}, {falls} of {all} fall on the way up, at {}", at(&ramp.falls))];
    let back = whole(ramp.comes_back.runs);
    words.push(match ramp.comes_back.runs {
        0 => format!(
            "{under}, none of them comes back on the way down to {}",
            loads(ramp.steps.iter().min_by_key(|step| step.load))
        ),
        _ => format!("{under}, {back} of the {falls} come back on the way down, at {}", at(&ramp.comes_back)),
    });
    if let Some([mean, low, high]) = ramp.hysteresis {
        let interval =
            if low < high { format!(" ({} to {})", short(low), short(high)) } else { String::new() };
        words.push(format!(
            "hysteresis under {policy}: a run comes back {}{interval} below the load at which it falls",
            short(mean)
        ));
    }
    words
}

/// The upper bound of the share of runs that do what none of so many does (one-sided, 95%).
fn one_sided_none(runs: u64) -> String {
    upper_share(zero_event_upper_bound(runs, CONFIDENCE))
}

/// What the runs of a cell come to: `20 of 20 runs are not back within 290 s (at least 80% of runs)`.
pub(crate) fn cell_in_words(cell: &Cell) -> String {
    let n = cell.struck;
    let (low, high) = (cell.not_back_low.unwrap_or(0.0), cell.not_back_high.unwrap_or(1.0));
    let median = match cell.median_s {
        Some(median) => format!("; median {} s{}", short(median), ends(cell)),
        None => String::new(),
    };
    let runs = counted(n, "run", "runs");
    match cell.kind {
        Kind::NotExercised => "the trigger strikes nothing".to_owned(),
        Kind::Overloaded => "overloaded without a trigger".to_owned(),
        Kind::Stable => format!(
            "{n} of {runs} are back at once (at most {} of runs are not back){median}",
            upper_share(high)
        ),
        Kind::Recovers => format!(
            "{n} of {runs} are back within {} s, {} of them at once (at most {} of runs are not back){median}",
            short(cell.within_s),
            cell.at_once,
            upper_share(high)
        ),
        Kind::NotBack => {
            format!(
                "{n} of {runs} are not back within {} s (at least {} of runs)",
                short(cell.within_s),
                share(low)
            )
        }
        Kind::Mixed => format!(
            "{} of {runs} are not back within {} s ({} to {} of runs){median}",
            cell.not_back,
            short(cell.within_s),
            share(low),
            share(high)
        ),
    }
}

fn ends(cell: &Cell) -> String {
    match (cell.median_low_s, cell.median_high_s) {
        (None, None) => String::new(),
        (low, high) => format!(
            " ({} to {})",
            low.map_or("not bounded".to_owned(), short),
            high.map_or("not bounded".to_owned(), short)
        ),
    }
}
