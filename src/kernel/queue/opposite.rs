//! The queue that breaks ties the other way round: it shows which results hang on the order of simultaneous events.

use super::{Heap, Queue};
use crate::kernel::time::Time;
use std::collections::{BTreeMap, VecDeque};

/// Of the events of one instant, whoever scheduled last comes first.
///
/// The order of one owner's own events of an instant is kept: what a client puts off twice by the same delay comes in that
/// order in any JavaScript engine, so it is cause and effect. That two clients meet at the same nanosecond is chance, and
/// so is who of them comes first.
#[derive(Clone, Debug)]
pub struct Opposite<E> {
    waiting: Heap<E>,
    /// The instant under way...
    instant: Time,
    /// ...its events, by owner, in the order of scheduling...
    tied: BTreeMap<u32, VecDeque<(u64, E)>>,
    /// ...and who of them is next: the number of each owner's first event.
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
        _warm: impl FnOnce(&[super::Due<E>]),
    ) -> Option<(Time, E)> {
        if self.heads.is_empty() {
            self.instant = self.waiting.next_time()?;
        }
        if self.instant > until {
            return None;
        }
        // What the events of this instant have scheduled for it meanwhile joins those that wait.
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

    /// Events are (owner, number).
    fn order(scheduled: &[(u64, (u32, u32))]) -> Vec<(u32, u32)> {
        let mut queue = Opposite::default();
        scheduled.iter().for_each(|(time, event)| queue.push(Time(*time), *event));
        std::iter::from_fn(|| queue.pop(Time(9), |(owner, _)| owner, |_| {}).map(|(_, event)| event))
            .collect()
    }

    #[test]
    fn owners_come_the_other_way_round_and_each_keeps_its_own_order() {
        for (scheduled, expected) in [
            (vec![(5, (1, 1)), (5, (2, 1)), (5, (3, 1))], vec![(3, 1), (2, 1), (1, 1)]),
            (vec![(5, (1, 1)), (5, (1, 2)), (5, (1, 3))], vec![(1, 1), (1, 2), (1, 3)]),
            (vec![(5, (1, 1)), (5, (2, 1)), (5, (1, 2))], vec![(2, 1), (1, 1), (1, 2)]),
            (vec![(5, (2, 1)), (5, (1, 1)), (5, (2, 2)), (5, (1, 2))], vec![(1, 1), (1, 2), (2, 1), (2, 2)]),
            // Time goes before all.
            (vec![(6, (1, 1)), (5, (2, 1)), (7, (3, 1))], vec![(2, 1), (1, 1), (3, 1)]),
            // What is due later than asked for stays.
            (vec![(9, (1, 1)), (10, (2, 1))], vec![(1, 1)]),
        ] {
            assert_eq!(order(&scheduled), expected, "{scheduled:?}");
        }
    }

    #[test]
    fn what_an_instant_schedules_for_itself_comes_before_what_waited() {
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
