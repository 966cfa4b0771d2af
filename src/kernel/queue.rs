//! The event queue: a total order by time and, at one time, by the order of scheduling.

use super::time::Time;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What the world schedules: small enough that an entry with time and sequence is 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<E> {
    /// When it is due.
    pub time: Time,
    /// Its place among those of the same time.
    pub sequence: u64,
    /// What is due.
    pub event: E,
}

impl<E: Copy + Eq> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first: the earliest must be the greatest.
        (other.time, other.sequence).cmp(&(self.time, self.sequence))
    }
}

impl<E: Copy + Eq> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A queue on a binary heap.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Entry<E>>,
    sequence: u64,
    now: Time,
}

impl<E: Copy + Eq> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue { heap: BinaryHeap::new(), sequence: 0, now: Time::ZERO }
    }
}

impl<E: Copy + Eq> Queue<E> {
    /// Schedules an event.
    ///
    /// # Panics
    /// When `time` lies before the last event taken: a bug, for virtual time never goes back.
    #[inline]
    pub fn push(&mut self, time: Time, event: E) {
        assert!(time >= self.now, "scheduled for {time}, before now ({})", self.now);
        self.heap.push(Entry { time, sequence: self.sequence, event });
        self.sequence += 1;
    }

    /// Takes the next event that is due at `until` or before.
    #[inline]
    pub fn pop(&mut self, until: Time) -> Option<(Time, E)> {
        if self.heap.peek()?.time > until {
            return None;
        }
        let entry = self.heap.pop()?;
        self.now = entry.time;
        Some((entry.time, entry.event))
    }

    /// Events waiting.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a sorted vector: same events, same order, ties by order of scheduling.
        #[test]
        fn the_queue_orders_like_a_sorted_vector(steps in proptest::collection::vec((0u64..50, any::<bool>()), 1..300)) {
            let mut queue = Queue::default();
            let mut model: Vec<(Time, u32)> = Vec::new();
            let mut now = Time::ZERO;
            for (n, (delay, take)) in steps.into_iter().enumerate() {
                let at = Time(now.0 + delay);
                queue.push(at, n as u32);
                let place = model.partition_point(|(t, _)| *t <= at);
                model.insert(place, (at, n as u32));
                if take {
                    let expected = model.remove(0);
                    prop_assert_eq!(queue.pop(Time::NEVER), Some(expected));
                    now = expected.0;
                }
            }
            while let Some(next) = queue.pop(Time::NEVER) {
                prop_assert_eq!(next, model.remove(0));
            }
            prop_assert!(model.is_empty());
        }
    }

    #[test]
    #[should_panic(expected = "before now")]
    fn time_never_goes_back() {
        let mut queue = Queue::default();
        queue.push(Time(5), ());
        queue.pop(Time::NEVER);
        queue.push(Time(4), ());
    }
}
