use super::*;

#[test]
fn a_slot_used_again_makes_old_events_stale() {
    let mut tasks = Tasks::default();
    let first = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
    let generation = tasks[first].generation;
    tasks.end(first);
    let second = tasks.start(Kind::Flow, 8, 0, Caller::Parent, Time::ZERO);
    assert_eq!(first, second);
    assert_ne!(tasks[second].generation, generation);
    assert_eq!((tasks.live(), tasks.slots().count()), (1, 1));
}

/// A slot and its generation name one task only, however often the slot is reused.
#[test]
fn no_two_tasks_are_named_alike() {
    let mut tasks = Tasks::default();
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..200_000u32 {
        for id in [
            tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO),
            tasks.start_refresh(7, 1, n),
            tasks.start_poller(7, 1),
        ] {
            assert!(seen.insert((id, tasks.generation(id))), "{id} {n}");
            tasks.end(id);
        }
    }
    assert_eq!((tasks.live(), tasks.slots().count(), tasks.pollers().count()), (0, 0, 0));
    // A timer's slot has 32,768 generations, and each use takes one.
    assert_eq!((tasks.slots.len(), tasks.timers.len()), (1, 2 * 200_000_usize.div_ceil(32_768)));
}

#[test]
fn a_slot_whose_generations_are_used_up_is_left_alone() {
    let mut tasks = Tasks::default();
    let first = tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO);
    tasks[first].generation = LAST_GENERATION;
    tasks.end(first);
    let second = tasks.start(Kind::Touch, 7, 1, Caller::Focus, Time::ZERO);
    assert_ne!(first, second);
    assert_eq!((tasks.live(), tasks[second].generation), (1, 0));
}

#[test]
fn what_is_left_of_a_tabs_earlier_pages_is_of_no_page() {
    let mut tasks = Tasks::default();
    let of = |tasks: &mut Tasks, tab| {
        [
            tasks.start(Kind::Touch, tab, LAST_EPOCH, Caller::Focus, Time::ZERO),
            tasks.start_refresh(tab, LAST_EPOCH, 3),
            tasks.start_poller(tab, LAST_EPOCH),
        ]
    };
    let (own, others) = (of(&mut tasks, 7), of(&mut tasks, 8));
    tasks.poller_waits(own[2], Stage::Lock);
    tasks.forget_pages(7);
    assert_eq!(own.map(|id| tasks.epoch(id)), [GONE; 3]);
    assert_eq!(others.map(|id| tasks.epoch(id)), [LAST_EPOCH; 3]);
    assert_eq!((tasks.refresh_object(own[1]), tasks.poller_stage(own[2])), (3, Stage::Lock));
    assert_eq!([LAST_EPOCH - 1, LAST_EPOCH].map(next_epoch), [LAST_EPOCH, 1], "never that of no page");
}

#[test]
fn the_living_are_counted_and_refreshes_are_not() {
    let mut tasks = Tasks::default();
    let touch = tasks.start(Kind::Touch, 7, 0, Caller::Focus, Time::ZERO);
    tasks.start(Kind::Flow, 7, 0, Caller::Parent, Time::ZERO);
    let poller = tasks.start_poller(7, 0);
    let refresh = tasks.start_refresh(7, 0, 3);
    assert_eq!(tasks.live(), 3);
    let seen = |id| (tasks.get(id).kind, tasks.get(id).stage, tasks.get(id).caller, tasks.get(id).object);
    assert_eq!(seen(poller), (Kind::Poll, Stage::Waiting, Caller::Poller, 0));
    assert_eq!(seen(refresh), (Kind::Refresh, Stage::Timer, Caller::Background, 3));
    tasks.end(touch);
    tasks.end(poller);
    assert_eq!(tasks.live(), 1);
}
