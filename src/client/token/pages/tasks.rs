//! What a machine waits for, numbered as a world's tasks.
//!
//! The lowest bits of a number are its kind; the others are an index: of a request, of a wait, or of the client object
//! whose clock it is. The clocks of an idle object need no entry of their own.

use super::sessions::Reply;
use crate::backend::Endpoint;
use crate::client::step::TaskId;
use crate::client::token::pool::{Key, Pool, Slots};
use crate::client::token::{Op, Request, Timer};
use crate::kernel::Time;
use crate::protocol::Failure;

/// Bits of a kind.
const KIND_BITS: u32 = 3;

/// The kind of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    /// A request.
    Call,
    /// A retry, a time-out, a wait for the lock.
    Wait,
    /// A tick of an object's ticker.
    Tick,
    /// The first tick of an object's ticker.
    FirstTick,
    /// An object's timer before expiry.
    Alarm,
    /// An object's timer that tells of the expiry.
    Expiry,
}

/// The kinds by the lowest bits of a number. The last two stand for no kind.
const KINDS: [Kind; 1 << KIND_BITS] = [
    Kind::Call,
    Kind::Wait,
    Kind::Tick,
    Kind::FirstTick,
    Kind::Alarm,
    Kind::Expiry,
    Kind::Expiry,
    Kind::Expiry,
];

/// The task of this kind and index.
pub(super) fn id(kind: Kind, index: u32) -> TaskId {
    assert!(index.leading_zeros() >= KIND_BITS, "an index leaves {KIND_BITS} bits to the kind");
    index << KIND_BITS | kind as u32
}

/// The kind and the index of a task.
#[inline]
pub(super) fn parts(task: TaskId) -> (Kind, u32) {
    (KINDS[(task % (1 << KIND_BITS)) as usize], task >> KIND_BITS)
}

/// A request that a client sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// The client object.
    pub agent: Key,
    pub tab: u32,
    pub request: Request,
    /// Number of the refresh token in it; 0 for none.
    pub refresh: u32,
    /// Number of tries of the same request before it.
    pub attempt: u32,
    pub endpoint: Endpoint,
    /// Its number among equal requests of its tab and instant.
    pub ordinal: u8,
    /// The operation that began it.
    pub op: Op,
    pub sent: Time,
    /// The answer on its way.
    pub reply: Reply,
    /// Whether the answer comes from a full queue.
    pub shed: bool,
    /// Whether it still waits for its answer.
    pub waits: bool,
}

/// A retry, a time-out or a wait for the lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub agent: Key,
    pub tab: u32,
    pub timer: Timer,
    /// As in [`Sent`].
    pub ordinal: u8,
    pub op: Op,
    /// Tries before the one that it waits for.
    pub attempt: u32,
}

/// The requests and waits under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    requests: Slots<Sent>,
    pub waits: Pool<Waiting>,
}

impl Tasks {
    /// Adds a request and returns its index.
    pub(super) fn send(&mut self, sent: Sent) -> u32 {
        self.requests.add(sent)
    }

    /// The request of this index.
    pub(super) fn sent(&self, index: u32) -> &Sent {
        self.requests.at(index)
    }

    /// The request of this index, for a change.
    pub(super) fn sent_mut(&mut self, index: u32) -> &mut Sent {
        self.requests.at_mut(index)
    }

    /// Generation of the request's events.
    pub(super) fn generation(&self, index: u32) -> u32 {
        self.requests.generation(index)
    }

    /// Ends a request. It stays readable until [`Tasks::take`].
    pub(super) fn end(&mut self, index: u32) {
        self.requests.turn(index);
        self.requests.at_mut(index).waits = false;
    }

    /// Takes a request that has ended.
    pub(super) fn take(&mut self, index: u32) -> &Sent {
        self.requests.free(index);
        self.requests.at(index)
    }

    /// Adds a wait and returns its task.
    pub(super) fn wait(&mut self, waiting: Waiting) -> TaskId {
        id(Kind::Wait, self.waits.insert(waiting).slot)
    }

    /// The indices of the requests that wait for answers, in order.
    pub(super) fn requesting(&self) -> impl Iterator<Item = u32> {
        self.requests.iter().filter(|(_, sent)| sent.waits).map(|(index, _)| index)
    }
}

impl Sent {
    /// The answer before one is known: none.
    pub(super) const UNANSWERED: Reply = Reply::Failed(Failure::NETWORK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_numbered() {
        for kind in [Kind::Call, Kind::Wait, Kind::Tick, Kind::FirstTick, Kind::Alarm, Kind::Expiry] {
            for index in [0, 1, u32::MAX >> KIND_BITS] {
                assert_eq!(parts(id(kind, index)), (kind, index));
            }
        }
    }
}
