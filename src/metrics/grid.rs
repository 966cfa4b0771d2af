//! Calls on a fixed time grid, for the judgement of recovery and demand. The scenario's `bucket` does not influence it.

use crate::backend::Endpoint;
use crate::kernel::{Dur, Time};
use crate::protocol::Outcome;
use serde::{Deserialize, Serialize};

/// Greatest number of cells. A cell lasts a power of two nanoseconds, so a run has more than half as many.
const MOST_CELLS: u64 = 2_048;
/// Longest window for the judgement of recovery.
const LONGEST_WINDOW: Dur = Dur::from_secs(60);
/// Windows per run, for runs too short for the longest window.
const WINDOWS_PER_RUN: u64 = 20;

/// Calls of one endpoint in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Counts", into = "Counts")]
pub struct Cell {
    /// Calls sent in the cell.
    pub sent: u64,
    /// Nanoseconds from sending to the end, summed over the calls that ended in the cell. A call in flight at the
    /// horizon ends there.
    pub waited: u128,
    /// Calls that ended in the cell, by their [`End`].
    ends: [u64; ENDS],
}

/// How a call ends, as cells count it.
#[derive(Clone, Copy, Debug)]
enum End {
    Ok,
    /// It fails, and its connection does not.
    Failed,
    Network,
    /// It is in flight at the horizon.
    Open,
}

const ENDS: usize = 4;

/// The end of a call, by its outcome. A dropped call is not counted.
const END_OF: [End; Outcome::COUNT] = {
    let mut ends = [End::Open; Outcome::COUNT];
    let mut place = 0;
    while place < Outcome::COUNT {
        ends[place] = match Outcome::ALL[place] {
            Outcome::Ok => End::Ok,
            Outcome::NetworkError => End::Network,
            outcome if outcome.is_failure() => End::Failed,
            _ => End::Open,
        };
        place += 1;
    }
    ends
};

impl Cell {
    /// Calls that ended with 2xx in the cell.
    pub fn ok(&self) -> u64 {
        self.ends[End::Ok as usize]
    }

    /// Calls that failed in the cell: see [`Outcome::is_failure`].
    pub fn failed(&self) -> u64 {
        self.ends[End::Failed as usize] + self.network()
    }

    /// Failed calls whose connection failed, so that no HTTP answer came. Included in [`Cell::failed`].
    pub fn network(&self) -> u64 {
        self.ends[End::Network as usize]
    }

    /// Calls that ended in the cell. Includes calls in flight at the horizon, excludes calls that their page dropped.
    pub fn ended(&self) -> u64 {
        self.ends.iter().sum()
    }

    fn add(&mut self, other: &Cell) {
        self.sent += other.sent;
        self.waited += other.waited;
        self.ends.iter_mut().zip(other.ends).for_each(|(mine, more)| *mine += more);
    }
}

/// The counts of a cell without their names, which would be most of a kept run.
type Counts = (u64, u128, [u64; ENDS]);

impl From<Cell> for Counts {
    fn from(cell: Cell) -> Counts {
        (cell.sent, cell.waited, cell.ends)
    }
}

impl From<Counts> for Cell {
    fn from((sent, waited, ends): Counts) -> Cell {
        Cell { sent, waited, ends }
    }
}

/// Cells of all endpoints of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// log2 of the length of a cell in nanoseconds.
    shift: u32,
    /// Cells in order of time, indexed by endpoint.
    cells: [Vec<Cell>; Endpoint::COUNT],
    horizon: Time,
}

impl Grid {
    /// Size of the largest grid, in bytes.
    pub(crate) const MOST_BYTES: u64 = MOST_CELLS * (Endpoint::COUNT * size_of::<Cell>()) as u64;

    /// A grid for these endpoints with all counts zero. Recording a call of another endpoint panics.
    pub fn new(horizon: Dur, called: [bool; Endpoint::COUNT]) -> Grid {
        let shift = (0..64).find(|shift| horizon.0 >> shift < MOST_CELLS).unwrap_or(63);
        let count = (horizon.0 >> shift) as usize + 1;
        Grid {
            shift,
            cells: called.map(|called| vec![Cell::default(); if called { count } else { 0 }]),
            horizon: Time(horizon.0),
        }
    }

    /// Records that a call was sent.
    #[inline]
    pub fn sent(&mut self, endpoint: Endpoint, now: Time) {
        self.cells[endpoint.index()][(now.0 >> self.shift) as usize].sent += 1;
    }

    /// Records the end of a call. `ended` is clipped to the horizon.
    #[inline]
    pub fn ended(&mut self, endpoint: Endpoint, outcome: Outcome, sent: Time, ended: Time) {
        if outcome == Outcome::Dropped {
            return;
        }
        let ended = ended.min(self.horizon);
        let cell = &mut self.cells[endpoint.index()][(ended.0 >> self.shift) as usize];
        cell.ends[END_OF[outcome as usize] as usize] += 1;
        cell.waited += u128::from(ended.since(sent).0);
    }

    /// Adds the calls of other sessions of the same run.
    pub fn add(&mut self, other: &Grid) {
        for (mine, more) in self.cells.iter_mut().zip(&other.cells) {
            mine.iter_mut().zip(more).for_each(|(mine, more)| mine.add(more));
        }
    }

    /// Frees the memory of endpoints without calls.
    pub fn shrink(&mut self) {
        for endpoint in Endpoint::ALL {
            if !self.has_calls(endpoint) {
                self.cells[endpoint.index()] = Vec::new();
            }
        }
    }

    /// Number of cells of the run.
    pub fn count(&self) -> usize {
        (self.horizon.0 >> self.shift) as usize + 1
    }

    /// Start of a cell.
    pub fn begin(&self, cell: usize) -> Time {
        Time((cell as u64) << self.shift).min(self.horizon)
    }

    /// The first cell that begins at `time` or later.
    pub fn first_from(&self, time: Time) -> usize {
        (time.0.div_ceil(1 << self.shift) as usize).min(self.count())
    }

    /// Cells per window: a minute, or a twentieth of a run shorter than twenty minutes. At least one.
    pub fn window(&self) -> usize {
        let window = Dur(self.horizon.0 / WINDOWS_PER_RUN).min(LONGEST_WINDOW);
        (window.0.div_ceil(1 << self.shift) as usize).max(1)
    }

    /// Whether a call of this endpoint was sent.
    pub fn has_calls(&self, endpoint: Endpoint) -> bool {
        self.cells[endpoint.index()].iter().any(|cell| cell.sent > 0)
    }

    /// Prefix sums over the cells of one endpoint.
    pub fn sums(&self, endpoint: Endpoint) -> Sums {
        let cells = &self.cells[endpoint.index()];
        let mut up_to = Vec::with_capacity(self.count() + 1);
        let mut sum = Cell::default();
        up_to.push(sum);
        for cell in 0..self.count() {
            if let Some(cell) = cells.get(cell) {
                sum.add(cell);
            }
            up_to.push(sum);
        }
        Sums { up_to }
    }
}

/// Prefix sums over cells. They give the sum over any range of cells in constant time.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Sum of all cells before each cell, and of all cells.
    up_to: Vec<Cell>,
}

impl Sums {
    /// Sum of the cells `from..to`, clipped to the run.
    pub fn over(&self, from: usize, to: usize) -> Cell {
        let last = self.up_to.len() - 1;
        let (a, b) = (self.up_to[from.min(last)], self.up_to[to.min(last)]);
        Cell {
            sent: b.sent - a.sent,
            waited: b.waited - a.waited,
            ends: std::array::from_fn(|end| b.ends[end] - a.ends[end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_cells_depends_on_the_horizon_alone() {
        for horizon in [1, 2, 1_023, 1_024, 65_000_000_000, crate::kernel::time::MAX_DURATION.0] {
            let grid = Grid::new(Dur(horizon), [true; Endpoint::COUNT]);
            assert!(grid.count() as u64 <= MOST_CELLS, "{horizon}");
            assert!(grid.count() as u64 > horizon.min(MOST_CELLS) / 2, "{horizon}");
            assert!(grid.begin(grid.count() - 1).0 <= horizon);
            assert!(grid.window() >= 1);
        }
    }

    #[test]
    fn prefix_sums_match_the_recorded_calls() {
        let mut grid = Grid::new(Dur::from_secs(100), [true; Endpoint::COUNT]);
        for s in 0..100 {
            let sent = Time(s * 1_000_000_000);
            grid.sent(Endpoint::known("touch"), sent);
            let outcome = if s % 4 == 0 { Outcome::NetworkError } else { Outcome::Ok };
            grid.ended(Endpoint::known("touch"), outcome, sent, sent.after(Dur::from_secs(2)));
        }
        let sums = grid.sums(Endpoint::known("touch"));
        let all = sums.over(0, grid.count());
        assert_eq!((all.sent, all.ended(), all.ok(), all.failed(), all.network()), (100, 100, 75, 25, 25));
        // The last two calls end at the horizon: 98 x 2 s, then 2 s and 1 s.
        assert_eq!(all.waited, (98 * 2 + 2 + 1) * 1_000_000_000);
        let middle = grid.first_from(Time(49_500_000_000));
        let (a, b) = (sums.over(0, middle), sums.over(middle, grid.count()));
        assert_eq!(a.sent + b.sent, 100);
        assert_eq!(a.sent, 50);
        assert_eq!(grid.sums(Endpoint::known("tokens")).over(0, 9), Cell::default());
    }
}
