//! Block: needs `numbers`.
//!
//! Refuses every request of some keys: an operator blocks an app, an address or a user. With `from` and `to` of the limit
//! the block begins and is lifted during the run.

use super::{Kind, LimitKind, Verdict};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No request of some keys passes, and every request of the others.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// The blocked users, addresses or apps, numbered from 0. With `key = "global"`, 0 blocks everybody.
    #[schemars(length(min = 1, max = 10_000), example = vec![0])]
    pub numbers: Vec<u32>,
}

/// The blocked keys, in order.
#[derive(Clone, Debug)]
pub(super) struct Block {
    keys: Vec<u32>,
}

impl Kind for Block {
    type Spec = Spec;
    const IS_DRAWN: bool = false;
    const COUNTS_CALLS: bool = false;

    fn in_words(spec: &Spec) -> String {
        let numbers: Vec<String> = spec.numbers.iter().take(5).map(u32::to_string).collect();
        let more = if spec.numbers.len() > 5 { ", ..." } else { "" };
        format!("of {}{more}", numbers.join(", "))
    }

    fn rate(_: &Spec) -> Option<Rate> {
        None
    }

    fn key_bytes(_: &Spec) -> u64 {
        0
    }

    fn new(spec: &Spec, _: u32) -> Block {
        let mut keys = spec.numbers.clone();
        keys.sort_unstable();
        Block { keys }
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
        match self.wait(key, now, cost) {
            Dur::ZERO => Verdict::Admit { delay: Dur::ZERO },
            wait => Verdict::Refuse { wait },
        }
    }

    fn wait(&self, key: usize, _: Time, _: u32) -> Dur {
        let is_blocked = self.keys.binary_search(&(key as u32)).is_ok();
        if is_blocked { Dur(u64::MAX) } else { Dur::ZERO }
    }

    /// A pilot has the first users, addresses and apps.
    fn scaled(spec: &Spec, _: f64) -> LimitKind {
        LimitKind::Block(spec.clone())
    }

    fn draw(_: &mut Dice, _: u64) -> Spec {
        Spec { numbers: vec![0] }
    }

    /// The law does not bound the requests of keys that are not blocked.
    fn broken_law(_: &Spec, _: &[Time]) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::admits;
    use super::*;

    #[test]
    fn blocked_keys_never_pass_and_others_always() {
        let mut block = Block::new(&Spec { numbers: vec![7, 2] }, 9);
        let passing: Vec<usize> = (0..9).filter(|key| admits(block.ask(*key, Time::ZERO, 1))).collect();
        assert_eq!(passing, [0, 1, 3, 4, 5, 6, 8]);
        assert_eq!(block.ask(2, Time(5), 1), Verdict::Refuse { wait: Dur(u64::MAX) });
    }
}
