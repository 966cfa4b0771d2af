//! A world of clients of several families: one more family, made of the registered ones.
//!
//! Every associated type is one of a registered family's, and the store and the accounts hold those of each family. A world
//! of one family is compiled for that family and has nothing of this. A user belongs to one family for a whole run. Task
//! numbers say the family in their lowest digit (to the base of the number of families), and messages of a family have kinds after those of the families before it.

mod family;
mod store;

pub(super) use family::mixed;
pub(super) use store::stores;

use super::family::Users;
use super::step::{Action, Input, Message, TaskId};
use crate::kernel::Block;
use std::ops::Range;

/// The family of each user of a world, by its index among the registered ones.
pub(super) type Belongs = Block<u8>;

/// The families of these users, where an arm is of this family.
pub(super) fn belongs(users: &Users<'_>, of_arm: impl Fn(usize) -> u8) -> Belongs {
    let mut all = Block::new(users.range.clone(), 0);
    for user in users.range.clone() {
        all[user as usize] = of_arm((users.arm_of)(user));
    }
    all
}

/// The smallest range that contains all users of a family.
pub(super) fn range_of(belongs: &Belongs, family: u8) -> Range<u32> {
    let has = |of: &u8| *of == family;
    let Some(first) = belongs.iter().position(has) else { return 0..0 };
    let last = belongs.iter().rposition(has).unwrap_or(first);
    let start = belongs.range().start;
    start + first as u32..start + last as u32 + 1
}

/// How the numbers of one family stand among those of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbering {
    /// The index of the family.
    pub family: u8,
    /// Number of families.
    pub count: u8,
    /// Kinds of messages of the families before it.
    pub messages: u16,
}

impl Numbering {
    /// The index of the family of a task.
    #[inline]
    pub(super) const fn family_of(task: TaskId, count: u8) -> u8 {
        (task % count as u32) as u8
    }

    /// The number of a task in its family.
    #[inline]
    pub(super) const fn inner(self, task: TaskId) -> TaskId {
        (task / self.count as u32).rotate_right(1)
    }

    /// The number among all of a task of this family.
    #[inline]
    pub(super) fn outer(self, task: TaskId) -> TaskId {
        // The upper bit, which tells kinds of tasks apart, becomes the lowest.
        let all = task
            .rotate_left(1)
            .checked_mul(self.count.into())
            .expect("a world has fewer tasks than fill the memory");
        all + u32::from(self.family)
    }

    /// A message as its family numbers it.
    pub(super) const fn inner_message(self, message: Message) -> Message {
        Message { kind: message.kind - self.messages, word: message.word }
    }

    /// An input as the family numbers it.
    pub(super) fn input(self, input: Input) -> Input {
        match input {
            Input::Answer(task) => Input::Answer(self.inner(task)),
            Input::Timer(task) => Input::Timer(self.inner(task)),
            Input::Lock(task) => Input::Lock(self.inner(task)),
            Input::Message(message) => Input::Message(self.inner_message(message)),
            Input::Open
            | Input::Close
            | Input::Focus
            | Input::Blur
            | Input::AppGetToken { .. }
            | Input::SetActive { .. }
            | Input::SignIn { .. } => input,
        }
    }

    /// Numbers the actions of this family among all.
    pub(super) fn actions(self, actions: &mut [Action]) {
        for action in actions {
            match action {
                Action::Send { task, .. }
                | Action::Wait { task, .. }
                | Action::Grant { task }
                | Action::Abort { task } => *task = self.outer(*task),
                Action::Tell(message) => message.kind += self.messages,
                Action::Fact(_) | Action::Of { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all families are different, and each family gets back its own.
    #[test]
    fn tasks_keep_their_numbers_and_their_families() {
        let numberings =
            [0, 1, 2].map(|family| Numbering { family, count: 3, messages: 2 * u16::from(family) });
        let mut all = Vec::new();
        for numbering in numberings {
            for task in [0, 1, 77, 1 << 29, 1 << 31, (1 << 31) + 1, (1 << 31) + (1 << 29)] {
                let outer = numbering.outer(task);
                assert_eq!(
                    (Numbering::family_of(outer, 3), numbering.inner(outer)),
                    (numbering.family, task)
                );
                assert_eq!(numbering.input(Input::Answer(outer)), Input::Answer(task));
                let mut actions = [Action::Grant { task }, Action::Tell(Message { kind: 1, word: 5 })];
                numbering.actions(&mut actions);
                assert_eq!(actions[0], Action::Grant { task: outer });
                let Action::Tell(message) = actions[1] else { panic!("a message") };
                assert_eq!(
                    numbering.input(Input::Message(message)),
                    Input::Message(Message { kind: 1, word: 5 })
                );
                all.push(outer);
            }
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 21);
    }

    #[test]
    fn the_range_of_a_family_is_the_smallest_with_all_its_users() {
        let users = Users {
            range: 10..16,
            tabs: crate::client::TabNumbers::new(1),
            arm_of: &|user| usize::from(user % 4 == 1),
        };
        let belongs = belongs(&users, |arm| arm as u8);
        assert_eq!([0, 1, 2].map(|family| range_of(&belongs, family)), [10..16, 13..14, 0..0]);
    }
}
