//! Draws one after another from one stream, for scenarios that are drawn at random: their order is all that there is.

use super::random::{Purpose, Stream, below, chance};

/// A sequence of draws.
#[derive(Debug)]
pub struct Dice {
    stream: Stream,
    thrown: u64,
}

impl Dice {
    /// The dice of a seed. Dice of different numbers are independent.
    pub fn new(seed: u64, number: u32) -> Dice {
        Dice { stream: Stream::new(seed, number, Purpose::Generic, u16::MAX), thrown: 0 }
    }

    fn bits(&mut self) -> u64 {
        self.thrown += 1;
        self.stream.bits(0x5EED, self.thrown)
    }

    /// A whole number from `low` to `high`, both included.
    pub fn number(&mut self, low: u64, high: u64) -> u64 {
        low + below(self.bits(), high - low + 1)
    }

    /// A whole number from `low` to `high`, both included.
    pub fn small(&mut self, low: u32, high: u32) -> u32 {
        self.number(low.into(), high.into()) as u32
    }

    /// Yes with this probability.
    pub fn yes(&mut self, p: f64) -> bool {
        chance(self.bits(), p)
    }

    /// One of a list that is not empty.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[below(self.bits(), of.len() as u64) as usize]
    }

    /// Some of a list that is not empty, at least one.
    pub fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        let mut some: Vec<&str> = of.iter().copied().filter(|_| self.yes(0.4)).collect();
        if some.is_empty() {
            some.push(self.one(of));
        }
        some
    }
}
