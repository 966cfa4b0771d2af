//! An event queue that reverses the order of simultaneous events, to find results that depend on that order.

use super::{Heap, Queue};
use crate::kernel::time::Time;
use std::collections::{BTreeMap, VecDeque};

/// Among simultaneous events of different owners, the one scheduled last comes first.
///
/// Simultaneous events of one owner keep their order. A JavaScript engine fires two timers of the same delay in the
/// order in which the client set them, so this order has a cause. The order of two clients that meet in the same
/// nanosecond is chance.
#[derive(Clone, Debug)]
pub struct Opposite<E> {
    waiting: Heap<E>,
    /// The time whose events are being taken.
    instant: Time,
    /// Events of that time by owner, in scheduling order, each with its sequence number.
    tied: BTreeMap<u32, VecDeque<(u64, E)>>,
    /// Owners by the sequence number of their first event. The greatest number is next.
    heads: BTreeMap<u64, u32>,
    numbers: u64,
}

impl<E> Default for Opposite<E> {
    fn default() -> Opposite<E> {
        Opposite {
            waiting: Heap::default(),
            instant: Time::ZERO,
            tied: BTreeMap::new(),
            heads: BTreeMap::new(),
            numbers: 0,
        }
    }
}

impl<E: Copy + Default> Queue<E> for Opposite<E> {
    fn push(&mut self, time: Time, event: E) {
        self.waiting.push(time, event);
    }

    fn pop(
        &mut self,
        until: Time,
        owner: impl Fn(E) -> u32,
        _warm: impl FnOnce(&[super::Waiting<E>]),
    ) -> Option<(Time, E)> {
        if self.heads.is_empty() {
            self.instant = self.waiting.next_time()?;
        }
        if self.instant > until {
            return None;
        }
        // Adds the events that events of this time have scheduled for it.
        while let Some((_, event)) = self.waiting.pop(self.instant) {
            self.numbers += 1;
            let owner = owner(event);
            let line = self.tied.entry(owner).or_default();
            if line.is_empty() {
                self.heads.insert(self.numbers, owner);
            }
            line.push_back((self.numbers, event));
        }
        let (_, owner) = self.heads.pop_last()?;
        let line = self.tied.get_mut(&owner)?;
        let (_, event) = line.pop_front()?;
        match line.front() {
            Some((number, _)) => drop(self.heads.insert(*number, owner)),
            None => drop(self.tied.remove(&owner)),
        }
        Some((self.instant, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order in which events, given as (time, (owner, number)), are taken.
    fn order(scheduled: &[(u64, (u32, u32))]) -> Vec<(u32, u32)> {
        let mut queue = Opposite::default();
        scheduled.iter().for_each(|(time, event)| queue.push(Time(*time), *event));
        std::iter::from_fn(|| queue.pop(Time(9), |(owner, _)| owner, |_| {}).map(|(_, event)| event))
            .collect()
    }

    #[test]
    fn owners_are_reversed_and_each_keeps_its_own_order() {
        for (scheduled, expected) in [
            (vec![(5, (1, 1)), (5, (2, 1)), (5, (3, 1))], vec![(3, 1), (2, 1), (1, 1)]),
            (vec![(5, (1, 1)), (5, (1, 2)), (5, (1, 3))], vec![(1, 1), (1, 2), (1, 3)]),
            (vec![(5, (1, 1)), (5, (2, 1)), (5, (1, 2))], vec![(2, 1), (1, 1), (1, 2)]),
            (vec![(5, (2, 1)), (5, (1, 1)), (5, (2, 2)), (5, (1, 2))], vec![(1, 1), (1, 2), (2, 1), (2, 2)]),
            // The time decides before the owner.
            (vec![(6, (1, 1)), (5, (2, 1)), (7, (3, 1))], vec![(2, 1), (1, 1), (3, 1)]),
            // Events after `until` stay.
            (vec![(9, (1, 1)), (10, (2, 1))], vec![(1, 1)]),
        ] {
            assert_eq!(order(&scheduled), expected, "{scheduled:?}");
        }
    }

    #[test]
    fn events_scheduled_for_the_current_time_come_before_waiting_ones() {
        let mut queue = Opposite::default();
        (1..=3).for_each(|owner| queue.push(Time(5), (owner, 1)));
        let pop = |queue: &mut Opposite<(u32, u32)>| queue.pop(Time(9), |(owner, _)| owner, |_| {});
        assert_eq!(pop(&mut queue), Some((Time(5), (3, 1))));
        queue.push(Time(5), (1, 2));
        queue.push(Time(5), (4, 1));
        let rest: Vec<_> = std::iter::from_fn(|| pop(&mut queue)).map(|(_, event)| event).collect();
        assert_eq!(rest, [(4, 1), (2, 1), (1, 1), (1, 2)]);
    }
}
