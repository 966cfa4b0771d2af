//! The trigger of a map: the fault or the action that a key belongs to.

use super::{BadDesign, Error, Vary};
use crate::fault::FaultSpec;
use crate::kernel::Dur;
use crate::scenario::Scenario;
use crate::text::tick;
use crate::toml_text::Step;
use crate::toml_text::tree::steps;

/// What a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    Fault(usize),
    Action(usize),
}

/// The fault or the action that a key belongs to.
pub(super) fn trigger_of(vary: &Vary) -> Result<Trigger, Error> {
    let path = steps(vary.key()).unwrap_or_default();
    match &path[..] {
        [Step::Key(list), Step::Index(number), Step::Key(_), ..] if list == "fault" => Ok(Trigger::Fault(*number)),
        [Step::Key(list), Step::Index(number), Step::Key(_), ..] if list == "action" => Ok(Trigger::Action(*number)),
        _ => Err(BadDesign::new(format!(
            "{} is no trigger; allowed: a key of a fault or of an action, as in fault[0].to or action[0].users",
            tick(vary.key())
        ))
        .into()),
    }
}

/// Time from the end of the trigger, and of every other fault and action that ends before the run does, to the end of the run.
pub(super) fn left_after(scenario: &Scenario, trigger: Trigger, key: &str) -> Result<Dur, Error> {
    let ends = |fault: &FaultSpec| if fault.is_instant() { Some(fault.from) } else { fault.to };
    let end = match trigger {
        Trigger::Action(number) => scenario.actions.get(number).map(|action| action.at),
        Trigger::Fault(number) => {
            scenario.faults.get(number).filter(|fault| fault.repeat_every.is_none()).and_then(ends)
        }
    };
    let within = |end: &Dur| *end < scenario.horizon;
    let others =
        scenario.faults.iter().filter_map(ends).chain(scenario.actions.iter().map(|action| action.at));
    let last = end.filter(within).and_then(|end| others.filter(within).chain([end]).max());
    last.map(|end| Dur(scenario.horizon.0 - end.0)).ok_or_else(|| {
        let what = format!(
            "the trigger of {} comes back, or does not end before the run does: nothing is left in which the system could recover",
            tick(key)
        );
        BadDesign::new(what).into()
    })
}
