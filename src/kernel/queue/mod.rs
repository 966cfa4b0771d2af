//! The event queue: a total order by time and, at one time, by the order of scheduling.
//!
//! [`Calendar`] is the one that runs; [`Heap`] is the plain binary heap it is tested against, event by event. [`Opposite`]
//! breaks ties the other way round.
//!
//! Measured on the polling workload (`scenarios/rl-poll.toml`), CPU time per event of the whole simulator: the heap took
//! 98 ns with 10,000 and 866 ns with 1,000,000 clients, most of it cache misses; what the calendar takes is printed by
//! `cargo bench --bench engine`. A list of single nodes per day was not tried beyond paper: its traversal is one cache
//! miss per event, where a chunk of eight is one per eight.

mod calendar;
mod chunks;
mod heap;
mod opposite;

pub use calendar::Calendar;
pub use heap::Heap;
pub use opposite::Opposite;

use super::time::Time;

/// A queue that a world can run on. Which one is decided when the program is built.
pub trait Queue<E>: Default {
    /// Schedules an event.
    fn push(&mut self, time: Time, event: E);

    /// Takes the next event that is due at `until` or before. `owner` tells whose an event is, to whom that matters;
    /// `warm` may be shown events some time before they are taken.
    fn pop(
        &mut self,
        until: Time,
        owner: impl Fn(E) -> u32,
        warm: impl FnOnce(&[Due<E>]),
    ) -> Option<(Time, E)>;
}

impl<E: Copy + Default> Queue<E> for Calendar<E> {
    #[inline]
    fn push(&mut self, time: Time, event: E) {
        Calendar::push(self, time, event);
    }

    #[inline]
    fn pop(
        &mut self,
        until: Time,
        _owner: impl Fn(E) -> u32,
        warm: impl FnOnce(&[Due<E>]),
    ) -> Option<(Time, E)> {
        Calendar::pop(self, until, warm)
    }
}

/// An event and when it is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due<E> {
    /// When.
    pub time: Time,
    /// Its place among those of one day, set when that day begins.
    order: u32,
    /// What.
    pub event: E,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A step of a random use: schedule so far ahead, then perhaps take one.
    fn steps() -> impl Strategy<Value = Vec<(u64, bool)>> {
        let delay = prop_oneof![
            Just(0u64),
            0u64..50,
            0u64..5_000_000,
            Just(5_000_000_000u64),
            Just(100_000_000),
            0u64..60_000_000_000,
            Just(86_400_000_000_000u64),
            Just(3_000_000_000_000_000_000u64),
        ];
        proptest::collection::vec((delay, any::<bool>()), 1..600)
    }

    proptest! {
        /// Against a sorted vector and against the heap: same events, same order, ties by order of scheduling.
        #[test]
        fn all_queues_order_like_a_sorted_vector(steps in steps()) {
            let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
            let mut model: Vec<(Time, u32)> = Vec::new();
            let mut now = Time::ZERO;
            for (n, (delay, take)) in steps.into_iter().enumerate() {
                let at = now.after(crate::kernel::Dur(delay));
                calendar.push(at, n as u32);
                heap.push(at, n as u32);
                prop_assert!(!calendar.is_empty() && !heap.is_empty());
                let place = model.partition_point(|(t, _)| *t <= at);
                model.insert(place, (at, n as u32));
                if take {
                    let expected = Some(model.remove(0));
                    prop_assert_eq!(calendar.pop(Time::NEVER, |_| {}), expected);
                    prop_assert_eq!(heap.pop(Time::NEVER), expected);
                    now = expected.map_or(now, |(t, _)| t);
                }
                prop_assert_eq!((calendar.len(), heap.len()), (model.len(), model.len()));
            }
            while !model.is_empty() {
                let expected = Some(model.remove(0));
                prop_assert_eq!(calendar.pop(Time::NEVER, |_| {}), expected);
                prop_assert_eq!(heap.pop(Time::NEVER), expected);
            }
            prop_assert_eq!(calendar.pop(Time::NEVER, |_| {}), None);
            prop_assert!(calendar.is_empty() && heap.is_empty());
        }
    }

    #[test]
    fn a_limit_leaves_later_events_in_place() {
        let mut queue = Calendar::default();
        queue.push(Time(5), 'a');
        queue.push(Time(7), 'b');
        assert_eq!(queue.pop(Time(4), |_| {}), None);
        queue.push(Time(5), 'c');
        assert_eq!(queue.pop(Time(6), |_| {}), Some((Time(5), 'a')));
        assert_eq!(queue.pop(Time(6), |_| {}), Some((Time(5), 'c')));
        assert_eq!(queue.pop(Time(6), |_| {}), None);
        assert_eq!(queue.len(), 1);
    }

    /// A long run of the hold model (Vaucher and Duval 1975): the calendar changes its day's length several times.
    #[test]
    fn the_calendar_keeps_the_order_while_it_changes_its_day() {
        let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
        let stream = crate::kernel::random::Stream::new(3, 0, crate::kernel::random::Purpose::Generic, 0);
        let mut n = 0u32;
        for _ in 0..20_000 {
            let at = Time(stream.bits(u64::from(n), 0) % 5_000_000_000);
            calendar.push(at, n);
            heap.push(at, n);
            n += 1;
        }
        for round in 0..400_000u64 {
            let next = calendar.pop(Time::NEVER, |_| {});
            assert_eq!(next, heap.pop(Time::NEVER), "round {round}");
            let (now, _) = next.expect("as many are put in as are taken");
            // Dense, then sparse, then dense again.
            let scale = if (100_000..250_000).contains(&round) { 1 << 36 } else { 1 << 28 };
            let at = now.after(crate::kernel::Dur(stream.bits(round, 1) % scale));
            calendar.push(at, n);
            heap.push(at, n);
            n += 1;
        }
    }

    #[test]
    #[should_panic(expected = "before now")]
    fn time_never_goes_back() {
        let mut queue = Calendar::default();
        queue.push(Time(5), 'a');
        queue.pop(Time::NEVER, |_| {});
        queue.push(Time(4), 'b');
    }

    /// The first day is 2^20 ns long, a week 2^12 of these, and 2^12 weeks have a list: events at the edges of each.
    #[test]
    fn an_event_at_the_edge_of_a_day_a_week_or_the_lists_is_due_exactly_then() {
        for edge in [1u64 << 20, 1 << 30, 1 << 32, 1 << 42, 1 << 44, 3 << 44] {
            for at in [edge - 1, edge, edge + 1] {
                let mut queue = Calendar::default();
                queue.push(Time(at), 'a');
                assert_eq!(queue.pop(Time(at), |_| {}), Some((Time(at), 'a')), "not looked for before");
                let mut queue = Calendar::default();
                queue.push(Time(at), 'a');
                queue.push(Time(at + 5), 'b');
                assert_eq!(queue.pop(Time(at - 1), |_| {}), None, "{at}");
                assert_eq!(queue.pop(Time(at), |_| {}), Some((Time(at), 'a')));
                assert_eq!(queue.pop(Time(at + 4), |_| {}), None, "{at}");
                assert_eq!(queue.pop(Time(at + 5), |_| {}), Some((Time(at + 5), 'b')));
            }
        }
    }

    /// Crowds that make the calendar change its day, long after the start and with an event in each of its lists.
    #[test]
    fn a_change_of_the_day_takes_every_list_along() {
        let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
        let mut n = 0u32;
        let mut push = |calendar: &mut Calendar<u32>, heap: &mut Heap<u32>, at: u64| {
            calendar.push(Time(at), n);
            heap.push(Time(at), n);
            n += 1;
        };
        // Week 1000, sixth day; first and second crowd, the second one far denser than time has been until then.
        let start = (1_000 * 4_096 + 5) << 20;
        let crowd = 40_000;
        (0..crowd).for_each(|_| push(&mut calendar, &mut heap, start));
        (0..2 * crowd).for_each(|i| push(&mut calendar, &mut heap, start + (3 << 20) + i / 4));
        let days: Vec<u64> = (6..5_000).map(|day| start + (day << 20)).collect();
        let weeks: Vec<u64> = (1..2_100).map(|week| start + (week << 32)).collect();
        days.iter().chain(&weeks).for_each(|at| push(&mut calendar, &mut heap, *at));
        for taken in 0u64.. {
            let next = heap.pop(Time::NEVER);
            assert_eq!(calendar.pop(Time::NEVER, |_| {}), next, "{taken}");
            let Some((now, _)) = next else { break };
            // Beside what waits since before the change, so that the order of scheduling shows.
            if taken == crowd + 10 || taken == 3 * crowd + 1_000 {
                weeks.iter().filter(|at| **at > now.0).for_each(|at| push(&mut calendar, &mut heap, *at));
            }
        }
    }

    /// An event that has no list while days are short has one when they are longer: before others of its instant, which
    /// are scheduled later.
    #[test]
    fn what_was_far_keeps_its_place_when_days_become_longer() {
        let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
        let push = |calendar: &mut Calendar<u32>, heap: &mut Heap<u32>, at: u64, n: u32| {
            calendar.push(Time(at), n);
            heap.push(Time(at), n);
        };
        let far = 100_000_000_000;
        // One event each nanosecond makes the shortest day, of which all lists together are four seconds.
        (0..40_000).for_each(|i| push(&mut calendar, &mut heap, i, 0));
        for taken in 0u64.. {
            let next = heap.pop(Time::NEVER);
            assert_eq!(calendar.pop(Time::NEVER, |_| {}), next, "{taken}");
            match (taken, next) {
                // One each millisecond from then on makes the longest.
                (39_999, _) => {
                    push(&mut calendar, &mut heap, far, 1);
                    (1..80_000).for_each(|i| push(&mut calendar, &mut heap, 40_000 + i * 1_000_000, 2));
                }
                // Days change about here; before the next week begins some of these are scheduled.
                (60_000..100_000, _) => push(&mut calendar, &mut heap, far, 3),
                (_, None) => break,
                _ => {}
            }
        }
    }
}
