//! Recurring events of a tab, each with its visit and its round.
//!
//! An event has 16 bits for the visit and 32 for the round. Greater visits are stored in a table while their event
//! waits. A tab needs 65,535 openings to reach them.

/// Marks an event whose visit is stored in the table.
const ASIDE: u16 = u16::MAX;

/// Visits and rounds that do not fit in an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    aside: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl Rounds {
    /// Encodes visit and round for an event. [`Rounds::take`] must decode each result once.
    #[inline]
    pub(super) fn put(&mut self, visit: u32, round: u32) -> (u16, u32) {
        match u16::try_from(visit) {
            Ok(visit) if visit != ASIDE => (visit, round),
            _ => (ASIDE, self.keep((visit, round))),
        }
    }

    #[cold]
    fn keep(&mut self, both: (u32, u32)) -> u32 {
        if let Some(place) = self.free.pop() {
            self.aside[place as usize] = both;
            return place;
        }
        self.aside.push(both);
        u32::try_from(self.aside.len() - 1).expect("fewer than 2^32 events are pending")
    }

    /// Decodes the visit and the round of an event.
    #[inline]
    pub(super) fn take(&mut self, visit: u16, round: u32) -> (u32, u32) {
        if visit != ASIDE {
            return (visit.into(), round);
        }
        self.free.push(round);
        self.aside[round as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visit_and_round_is_encoded_and_decoded() {
        let mut rounds = Rounds::default();
        let (inline, aside) = (u32::from(ASIDE) - 1, u32::from(ASIDE));
        let all = [
            (0, 0),
            (inline, u32::MAX),
            (aside, 5),
            (aside + 1, 5),
            (2 * aside + 1, 0),
            (u32::MAX, u32::MAX),
        ];
        for again in 0..3 {
            let put: Vec<(u16, u32)> = all.iter().map(|(visit, round)| rounds.put(*visit, *round)).collect();
            let taken: Vec<(u32, u32)> =
                put.iter().map(|(visit, round)| rounds.take(*visit, *round)).collect();
            assert_eq!(taken, all, "{again}");
            assert_eq!(rounds.aside.len(), 4, "two fit in an event, and table entries are reused");
        }
    }
}
