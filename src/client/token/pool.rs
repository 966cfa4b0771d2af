//! Pools of reusable slots. State that is rare (a refresh under way, a caller that waits) is stored in a pool, so an
//! idle session uses no memory for it.

use std::num::NonZeroU32;

/// No slot.
pub(in crate::client) const NONE: u32 = u32::MAX;

/// A pool of slots with generations. A key whose slot was freed finds nothing.
#[derive(Clone, Debug)]
pub(in crate::client) struct Pool<T> {
    slots: Vec<Slot<T>>,
    /// The free slots; the last one is used first.
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    /// Odd while the slot is in use. It rises when the slot is taken and when it is freed.
    generation: NonZeroU32,
    /// The value. That of a free slot stays until another takes its place, and nothing reads it.
    value: T,
}

impl<T> Slot<T> {
    #[inline]
    fn is_used(&self) -> bool {
        self.generation.get() & 1 == 1
    }

    #[inline]
    fn turn(&mut self) {
        // The generations come round in step: 2 is even, as is the one after the greatest.
        self.generation = self.generation.checked_add(1).unwrap_or(EVEN);
    }
}

const EVEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

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
    /// Rises with every value that the slot holds.
    pub generation: NonZeroU32,
}

const _: () = assert!(size_of::<Option<Key>>() == 8);

impl Key {
    /// A key of no value, in any pool.
    pub(in crate::client) const NOWHERE: Key = Key { slot: NONE, generation: NonZeroU32::MIN };
}

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Pool<T> {
    /// Bytes of a slot.
    pub(in crate::client) const SLOT: usize = size_of::<Slot<T>>();

    /// Stores a value in a free slot. Grows only when no slot is free.
    #[inline]
    pub(in crate::client) fn insert(&mut self, value: T) -> Key {
        let Some(slot) = self.free.pop() else { return self.push(value) };
        let entry = &mut self.slots[slot as usize];
        entry.turn();
        entry.value = value;
        Key { slot, generation: entry.generation }
    }

    #[cold]
    fn push(&mut self, value: T) -> Key {
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 slots");
        let generation = NonZeroU32::MIN;
        self.slots.push(Slot { generation, value });
        Key { slot, generation }
    }

    /// The value, unless its slot has been freed.
    #[inline]
    pub(in crate::client) fn get(&self, key: Key) -> Option<&T> {
        let entry = self.slots.get(key.slot as usize)?;
        (entry.generation == key.generation).then_some(&entry.value)
    }

    /// The value for a change, unless its slot has been freed.
    #[inline]
    pub(in crate::client) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.slots.get_mut(key.slot as usize)?;
        (entry.generation == key.generation).then_some(&mut entry.value)
    }

    /// Frees a slot and returns its value.
    pub(in crate::client) fn remove(&mut self, key: Key) -> Option<T>
    where
        T: Clone,
    {
        let value = self.get(key)?.clone();
        self.free(key.slot);
        Some(value)
    }

    /// Frees a slot in use, whatever its generation.
    ///
    /// # Panics
    /// If the slot is free.
    #[inline]
    pub(in crate::client) fn free(&mut self, slot: u32) {
        let entry = &mut self.slots[slot as usize];
        assert!(entry.is_used(), "a slot is freed once");
        entry.turn();
        self.free.push(slot);
    }

    /// The value of a slot that is in use, whatever its generation.
    ///
    /// # Panics
    /// Without such a slot, and for a slot that is not in use: a link of a list points only to slots in use.
    #[inline]
    pub(in crate::client) fn at(&self, slot: u32) -> &T {
        let entry = &self.slots[slot as usize];
        assert!(entry.is_used(), "a link points to a slot in use");
        &entry.value
    }

    /// As [`Pool::at`], for a change.
    ///
    /// # Panics
    /// As [`Pool::at`].
    #[inline]
    pub(in crate::client) fn at_mut(&mut self, slot: u32) -> &mut T {
        let entry = &mut self.slots[slot as usize];
        assert!(entry.is_used(), "a link points to a slot in use");
        &mut entry.value
    }

    /// The value of a slot, whatever its generation, unless the slot is free.
    #[inline]
    pub(in crate::client) fn in_slot(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize).filter(|entry| entry.is_used()).map(|entry| &entry.value)
    }

    /// The key of a slot in use. For a free slot, the key of the value that it holds next: it finds nothing before.
    #[inline]
    pub(in crate::client) fn key(&self, slot: u32) -> Key {
        Key { slot, generation: self.slots[slot as usize].generation | NonZeroU32::MIN }
    }

    /// Number of slots in use.
    pub(in crate::client) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
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
        assert_eq!(pool.remove(second), Some("b"));
        let next = pool.key(first.slot);
        assert_eq!((pool.get(next), pool.in_slot(next.slot), pool.len()), (None, None, 0));
        assert_eq!(pool.insert("c"), next);
        assert_eq!(pool.get(next), Some(&"c"));
    }

    #[test]
    fn generations_come_round() {
        let mut pool = Pool::default();
        let key = pool.insert(1);
        pool.slots[0].generation = NonZeroU32::MAX;
        let last = pool.key(key.slot);
        pool.free(last.slot);
        assert_eq!((pool.get(last), pool.in_slot(0)), (None, None));
        let first = pool.insert(2);
        assert_eq!((pool.get(first), pool.get(last)), (Some(&2), None));
    }

    #[test]
    #[should_panic(expected = "a slot is freed once")]
    fn a_slot_is_freed_once() {
        let mut pool = Pool::default();
        let key = pool.insert(1);
        pool.free(key.slot);
        pool.free(key.slot);
    }
}
