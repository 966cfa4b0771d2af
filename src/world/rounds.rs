//! The recurring events of a tab, each with the visit and the round that it belongs to.
//!
//! An event has 16 bits for the visit and 32 for the round. A visit that does not fit is kept aside, while its event waits:
//! it takes a tab 65,535 openings to come there.

/// Says in place of a visit that it is kept aside.
const ASIDE: u16 = u16::MAX;

/// Visits and rounds that do not fit an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    aside: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl Rounds {
    /// What an event of this visit and round says; [`Rounds::take`] must take it back once.
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
        u32::try_from(self.aside.len() - 1).expect("fewer events wait than 32 bits number")
    }

    /// The visit and the round of an event.
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
    fn an_event_tells_its_visit_and_round_whatever_they_are() {
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
            assert_eq!(rounds.aside.len(), 4, "two fit an event, and places are used again");
        }
    }
}
