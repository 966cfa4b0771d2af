//! Event queues. They order events by time and, within one time, by scheduling order.
//!
//! Worlds run on [`Calendar`]. Tests compare it with [`Heap`], a binary heap, event by event. [`Opposite`] reverses the
//! order of simultaneous events.
//!
//! CPU time per event of the whole simulator, measured on the polling workload (`scenarios/rl-poll.toml`): with the
//! heap, 98 ns for 10,000 clients and 866 ns for 1,000,000, mostly cache misses. `cargo bench -p authstorm-benches` prints
//! the time with the calendar. A linked list of single events per day would miss the cache once per event; a chunk of
//! eight events misses it once per eight.

mod calendar;
mod chunks;
mod heap;
mod opposite;

pub use calendar::Calendar;
pub use chunks::Waiting;
pub use heap::Heap;
pub use opposite::Opposite;

use super::time::Time;

/// An event queue of a world. The world's type parameter selects the implementation at compile time.
pub trait Queue<E>: Default {
    /// Schedules an event.
    fn push(&mut self, time: Time, event: E);

    /// Takes the next event that is due at `until` or before.
    ///
    /// `owner` returns the client that an event belongs to; only [`Opposite`] calls it. `warm` may receive events some
    /// time before they are taken.
    fn pop(
        &mut self,
        until: Time,
        owner: impl Fn(E) -> u32,
        warm: impl FnOnce(&[Waiting<E>]),
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
        warm: impl FnOnce(&[Waiting<E>]),
    ) -> Option<(Time, E)> {
        Calendar::pop(self, until, warm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Random steps: schedule an event after a delay in nanoseconds, then take one if the flag is set.
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
        /// Compares both queues with a sorted vector: same events in the same order, ties in scheduling order.
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
    fn pop_leaves_events_after_until_in_place() {
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

    /// A long run of the hold model (Vaucher and Duval 1975), in which the calendar changes the length of its day
    /// several times.
    #[test]
    fn the_calendar_keeps_the_order_while_the_length_of_a_day_changes() {
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
            let (now, _) = next.expect("each round schedules one event and takes one");
            // The density is high, then low, then high again.
            let scale = if (100_000..250_000).contains(&round) { 1 << 36 } else { 1 << 28 };
            let at = now.after(crate::kernel::Dur(stream.bits(round, 1) % scale));
            calendar.push(at, n);
            heap.push(at, n);
            n += 1;
        }
    }

    #[test]
    #[should_panic(expected = "before now")]
    fn an_event_before_now_panics() {
        let mut queue = Calendar::default();
        queue.push(Time(5), 'a');
        queue.pop(Time::NEVER, |_| {});
        queue.push(Time(4), 'b');
    }

    /// A day is 2^20 ns long at first and 2^24 ns at most, a week has 2^32 ns, and 2^12 weeks have a list. The events are at
    /// the edges of each.
    #[test]
    fn an_event_at_the_edge_of_a_day_or_week_is_due_exactly_then() {
        for edge in [1u64 << 20, 1 << 24, 1 << 30, 1 << 32, 1 << 42, 1 << 44, 3 << 44] {
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

    #[test]
    fn the_last_nanoseconds_of_the_clock_have_their_days() {
        let mut queue = Calendar::default();
        for before_end in [0u64, 1, 1 << 20, 1 << 32, 1 << 44, 1 << 45, 0] {
            queue.push(Time(u64::MAX - before_end), before_end);
        }
        let taken = std::iter::from_fn(|| queue.pop(Time::NEVER, |_| {}));
        assert_eq!(taken.map(|(_, e)| e).collect::<Vec<_>>(), [1 << 45, 1 << 44, 1 << 32, 1 << 20, 1, 0, 0]);
    }

    /// Dense crowds of events make the calendar change the length of its day, long after the start and while every list
    /// has events.
    #[test]
    fn a_change_of_the_day_length_files_every_list_anew() {
        let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
        let mut n = 0u32;
        let mut push = |calendar: &mut Calendar<u32>, heap: &mut Heap<u32>, at: u64| {
            calendar.push(Time(at), n);
            heap.push(Time(at), n);
            n += 1;
        };
        // Week 1000, sixth day. The second crowd is far denser than the average until then.
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
            // Schedules further events at times that have events since before the change, so that the test sees their
            // order.
            if taken == crowd + 10 || taken == 3 * crowd + 1_000 {
                weeks.iter().filter(|at| **at > now.0).for_each(|at| push(&mut calendar, &mut heap, *at));
            }
        }
    }

    /// An event is beyond all lists while days are short and gets a list when days become longer. It must come before
    /// events of the same time that are scheduled later.
    #[test]
    fn a_far_event_keeps_its_order_when_days_become_longer() {
        let (mut calendar, mut heap) = (Calendar::default(), Heap::default());
        let push = |calendar: &mut Calendar<u32>, heap: &mut Heap<u32>, at: u64, n: u32| {
            calendar.push(Time(at), n);
            heap.push(Time(at), n);
        };
        let far = 100_000_000_000;
        // One event per nanosecond leads to the shortest day. All lists together then cover four seconds.
        (0..40_000).for_each(|i| push(&mut calendar, &mut heap, i, 0));
        for taken in 0u64.. {
            let next = heap.pop(Time::NEVER);
            assert_eq!(calendar.pop(Time::NEVER, |_| {}), next, "{taken}");
            match (taken, next) {
                // One event per millisecond leads to the longest day.
                (39_999, _) => {
                    push(&mut calendar, &mut heap, far, 1);
                    (1..80_000).for_each(|i| push(&mut calendar, &mut heap, 40_000 + i * 1_000_000, 2));
                }
                // The length of a day changes about here. Some of these events are scheduled before the next week
                // begins.
                (60_000..100_000, _) => push(&mut calendar, &mut heap, far, 3),
                (_, None) => break,
                _ => {}
            }
        }
    }
}
