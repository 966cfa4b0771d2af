//! Shares of work for several machines.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of several equal shares of work, such as the second of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u64,
    /// Number of shards.
    pub of: u64,
}

impl Shard {
    /// The most shards.
    pub const MOST: u64 = 100_000;

    /// Reads `I/N`, such as `2/4`.
    ///
    /// # Errors
    /// What is allowed, if the text is another.
    pub fn parse(text: &str) -> Result<Shard, String> {
        let read = || {
            let (number, of) = text.split_once('/')?;
            Some(Shard { number: number.parse().ok()?, of: of.parse().ok()? })
        };
        let fits = |shard: &Shard| (1..=shard.of).contains(&shard.number) && shard.of <= Shard::MOST;
        read().filter(fits).ok_or_else(|| {
            format!("allowed: I/N, such as 2/4: a number from 1 to N, and at most {} shards", Shard::MOST)
        })
    }

    /// Whether the item of this number, from 0, is in this shard. Neighbouring items are in different shards, so that shards take
    /// about the same time.
    pub fn has(self, item: u64) -> bool {
        item % self.of == self.number - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}
