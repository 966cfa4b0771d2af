//! Calls with and without an operation.

use super::super::state::{Store, Until};
use super::super::words::{Action, Input, Opening, Out};
use super::super::{SHIPPED, machine, shipped};
use super::*;
use crate::kernel::Time;
use std::num::NonZeroU32;

/// What a step made, without the numbers of tasks and requests.
fn made(out: &mut Out) -> (Vec<Fact>, Vec<String>) {
    let action = |action: &Action| match action {
        Action::Send { endpoint, refresh, .. } => format!("send {endpoint:?} {refresh:?}"),
        Action::Abort { .. } => "abort".to_owned(),
        Action::Wait { timer: Timer::LockWait(_), wait, .. } => format!("wait for the lock {wait:?}"),
        Action::Wait { timer, wait, .. } => format!("wait {timer:?} {wait:?}"),
    };
    let made = (out.facts.iter().map(|(_, fact)| *fact).collect(), out.actions.iter().map(action).collect());
    out.facts.clear();
    out.actions.clear();
    made
}

/// A call that is answered at once leaves what it leaves as an operation of its own: the same facts and actions, and a
/// client that does the same afterwards.
#[test]
fn a_call_without_an_operation_is_as_one_with_an_operation() {
    let (minute, hour) = (Time::from_ms(60_000), Time::from_ms(3_600_000));
    let held = |exp: Time| Held {
        refresh: NonZeroU32::MIN,
        access: 1,
        exp_s: exp.whole_seconds() as u32,
        until: Until::new(exp.0.cast_signed()),
    };
    let mut at_once = 0;
    for profile in (0..SHIPPED.len()).map(shipped::profile) {
        let rules = &profile.rules().expect("a shipped profile is sound");
        for stored in [None, Some(held(hour)), Some(held(minute))] {
            let (mut store, mut out, mut agent) = (Store::new(), Out::default(), None);
            let browser = store.add_browser(stored, 0);
            let how = Opening {
                page: 0,
                visible: true,
                auto: false,
                listens: false,
                asks_on_event: false,
                refreshes_on_expiry: false,
                asks: 0,
            };
            machine::open(rules, &mut store, browser, [how], Time::ZERO, (|key| agent = Some(key), &mut out));
            let agent = agent.expect("one object opens");
            made(&mut out);
            let mut other = store.clone();
            for now in [minute, minute, hour] {
                machine::step(rules, &mut store, agent, Input::Ask(1), now, &mut out);
                let found = made(&mut out);
                let mut machine = Machine { store: &mut other, rules, now, out: &mut out, depth: 0 };
                at_once += u32::from(machine.at_once(agent).is_some());
                let task = machine.new_call(agent, Op::Call);
                machine.begin(task);
                machine.settle();
                assert_eq!(found, made(&mut out), "{} {stored:?} {now:?}", profile.sdk.name);
            }
        }
    }
    assert!(at_once > 20, "{at_once} calls are answered at once");
}
