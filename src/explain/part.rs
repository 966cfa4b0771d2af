//! Restricts a story to a time range.

use super::story::{Call, Earlier, Story, Trigger, Waiting};
use super::words;
use crate::kernel::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Removes what lies before the range from a story. If entries of the range depend on a removed step, describes that step
/// in words.
pub(super) fn leave_earlier(story: &mut Story) {
    let first = story.steps.iter().find(|(_, step)| step.at >= story.from).map(|(number, _)| *number);
    let told = first.map_or_else(BTreeMap::new, |first| story.steps.split_off(&first));
    let before = std::mem::replace(&mut story.steps, told);
    let (from, to, horizon) = (story.from, story.to, story.horizon);
    let overlaps = |begin: Time, until: Time| begin <= to && until >= from;
    let triggers = || story.steps.values().map(|step| step.trigger);
    // A wait that ended with its page is shown at the time of its timer.
    let timers: BTreeSet<usize> = triggers().filter_map(Trigger::wait).collect();
    let in_part = |call: &Call| overlaps(call.sent, call.until(horizon));
    let lasts =
        |number: usize, wait: &Waiting| overlaps(wait.from, wait.until(horizon)) || timers.contains(&number);
    let calls = story.calls.values().filter(|call| in_part(call)).map(|call| call.by);
    let waits = story.waits.iter().filter(|(number, wait)| lasts(**number, wait)).map(|(_, wait)| wait.by);
    let senders = calls.chain(waits);
    let causes = story.steps.values().filter_map(|step| step.cause);
    let needed: BTreeSet<usize> = senders.chain(causes).collect();
    let earlier = |number: usize| {
        let step = before.get(&number)?;
        let chain = before.get(&step.chain).filter(|_| step.chain != number);
        let began = chain.map(|chain| (chain.at, words::trigger(story, chain)));
        Some((number, Earlier { at: step.at, tab: step.tab, happened: words::trigger(story, step), began }))
    };
    let earlier = needed.into_iter().filter_map(earlier).collect();
    story.earlier = earlier;
    story.calls.retain(|_, call| in_part(call));
    story.waits.retain(|number, wait| lasts(*number, wait));
}
