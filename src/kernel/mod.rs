//! Time, the event queue, random streams and distributions. This module contains no domain terms.

mod block;
pub mod dice;
pub mod dist;
pub mod queue;
pub mod random;
pub mod self_test;
pub mod time;

pub use block::Block;
pub use dist::Dist;
pub use time::{Dur, Time};
