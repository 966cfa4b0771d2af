//! Pools of reusable slots. State that is rare (a refresh under way, a caller that waits) is stored in a pool, so an
//! idle session uses no memory for it.

use std::num::NonZeroU32;

/// No slot.
pub(in crate::client) const NONE: u32 = u32::MAX;

/// A pool of slots with generations. A key whose slot was freed finds nothing.
#[derive(Clone, Debug)]
pub(in crate::client) struct Pool<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    used: u32,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    generation: NonZeroU32,
    content: Content<T>,
}

/// What a slot holds: a value, or the number of the next free slot.
#[derive(Clone, Debug)]
enum Content<T> {
    Used(T),
    Free(u32),
}

impl<T> Slot<T> {
    fn value(&self) -> Option<&T> {
        match &self.content {
            Content::Used(value) => Some(value),
            Content::Free(_) => None,
        }
    }

    fn value_mut(&mut self) -> Option<&mut T> {
        match &mut self.content {
            Content::Used(value) => Some(value),
            Content::Free(_) => None,
        }
    }
}

/// Slots whose values stay readable after their end, until their places are freed. A generation rises when what refers to a
/// value becomes stale.
#[derive(Clone, Debug)]
pub(in crate::client) struct Slots<T> {
    slots: Vec<Lasting<T>>,
    free: u32,
}

#[derive(Clone, Debug)]
struct Lasting<T> {
    generation: u32,
    /// The next free slot, or [`NONE`].
    next_free: u32,
    value: T,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots { slots: Vec::new(), free: NONE }
    }
}

impl<T> Slots<T> {
    /// Bytes of a slot.
    pub(in crate::client) const SLOT: usize = size_of::<Lasting<T>>();

    /// Stores a value and returns its index. Grows only when no slot is free.
    pub(in crate::client) fn add(&mut self, value: T) -> u32 {
        if self.free == NONE {
            let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 slots");
            self.slots.push(Lasting { generation: 0, next_free: NONE, value });
            return index;
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.next_free;
        slot.value = value;
        index
    }

    /// The value of this index.
    pub(in crate::client) fn at(&self, index: u32) -> &T {
        &self.slots[index as usize].value
    }

    /// The value of this index, for a change.
    pub(in crate::client) fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.slots[index as usize].value
    }

    /// The generation of what refers to this index.
    pub(in crate::client) fn generation(&self, index: u32) -> u32 {
        self.slots[index as usize].generation
    }

    /// Makes what refers to this index stale.
    pub(in crate::client) fn turn(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
    }

    /// Frees a place. Its value stays readable until another takes it.
    pub(in crate::client) fn free(&mut self, index: u32) {
        self.slots[index as usize].next_free = self.free;
        self.free = index;
    }

    /// Indices and values of all places, in order.
    pub(in crate::client) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..).zip(self.slots.iter().map(|slot| &slot.value))
    }
}

/// A slot and its generation. An optional key takes no more memory than a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Index of the slot.
    pub slot: u32,
    /// Number of values that the slot has held, this one included.
    pub generation: NonZeroU32,
}

const _: () = assert!(size_of::<Option<Key>>() == 8);

/// The generation after this one.
fn next(generation: NonZeroU32) -> NonZeroU32 {
    generation.checked_add(1).unwrap_or(NonZeroU32::MIN)
}

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool { slots: Vec::new(), free: NONE, used: 0 }
    }
}

impl<T> Pool<T> {
    /// Bytes of a slot.
    pub(in crate::client) const SLOT: usize = size_of::<Slot<T>>();

    /// Stores a value in a free slot. Grows only when no slot is free.
    pub(in crate::client) fn insert(&mut self, value: T) -> Key {
        self.used += 1;
        if self.free == NONE {
            let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 slots");
            let generation = NonZeroU32::MIN;
            self.slots.push(Slot { generation, content: Content::Used(value) });
            return Key { slot, generation };
        }
        let slot = self.free;
        let entry = &mut self.slots[slot as usize];
        let Content::Free(next) = entry.content else {
            unreachable!("the list of free slots has free slots only")
        };
        entry.content = Content::Used(value);
        self.free = next;
        Key { slot, generation: entry.generation }
    }

    /// The value, unless its slot has been freed.
    pub(in crate::client) fn get(&self, key: Key) -> Option<&T> {
        let entry = self.slots.get(key.slot as usize)?;
        if entry.generation == key.generation { entry.value() } else { None }
    }

    /// The value for a change, unless its slot has been freed.
    pub(in crate::client) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.slots.get_mut(key.slot as usize)?;
        if entry.generation == key.generation { entry.value_mut() } else { None }
    }

    /// Frees a slot and returns its value.
    pub(in crate::client) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.slots.get_mut(key.slot as usize)?;
        if entry.generation != key.generation || entry.value().is_none() {
            return None;
        }
        let Content::Used(value) = std::mem::replace(&mut entry.content, Content::Free(self.free)) else {
            unreachable!("the slot is in use")
        };
        entry.generation = next(entry.generation);
        self.free = key.slot;
        self.used -= 1;
        Some(value)
    }

    /// Frees a slot in use, whatever its generation.
    ///
    /// # Panics
    /// If the slot is free.
    pub(in crate::client) fn free(&mut self, slot: u32) {
        let entry = &mut self.slots[slot as usize];
        assert!(matches!(entry.content, Content::Used(_)), "a slot is freed once");
        entry.content = Content::Free(self.free);
        entry.generation = next(entry.generation);
        self.free = slot;
        self.used -= 1;
    }

    /// The value of a slot that is in use, whatever its generation.
    ///
    /// # Panics
    /// If the slot is free: a link of a list points only to slots in use.
    pub(in crate::client) fn at(&self, slot: u32) -> &T {
        self.slots[slot as usize].value().expect("a link points to a slot in use")
    }

    /// As [`Pool::at`], for a change.
    ///
    /// # Panics
    /// If the slot is free.
    pub(in crate::client) fn at_mut(&mut self, slot: u32) -> &mut T {
        self.slots[slot as usize].value_mut().expect("a link points to a slot in use")
    }

    /// The value of a slot, whatever its generation, unless the slot is free.
    pub(in crate::client) fn in_slot(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize).and_then(Slot::value)
    }

    /// The key of a slot in use.
    pub(in crate::client) fn key(&self, slot: u32) -> Key {
        Key { slot, generation: self.slots[slot as usize].generation }
    }

    /// Number of slots in use.
    pub(in crate::client) fn len(&self) -> usize {
        self.used as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_is_used_again_and_its_old_key_finds_nothing() {
        let mut pool = Pool::default();
        let first = pool.insert("a");
        assert_eq!(pool.remove(first), Some("a"));
        let second = pool.insert("b");
        assert_eq!(second.slot, first.slot);
        assert_eq!((pool.get(first), pool.get(second), pool.len()), (None, Some(&"b"), 1));
        assert_eq!(pool.remove(first), None);
    }
}
