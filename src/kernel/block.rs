//! State of a contiguous range of users or tabs, indexed by their numbers in the whole fleet.

use std::ops::{Index, IndexMut, Range};

/// One `T` per number of a range.
#[derive(Clone, Debug)]
pub struct Block<T> {
    first: usize,
    items: Vec<T>,
}

impl<T: Clone> Block<T> {
    /// A block whose items are all equal to `item`.
    pub fn new(range: Range<u32>, item: T) -> Block<T> {
        Block { first: range.start as usize, items: vec![item; range.len()] }
    }
}

impl<T> Block<T> {
    /// The numbers that the block covers.
    pub fn range(&self) -> Range<u32> {
        self.first as u32..(self.first + self.items.len()) as u32
    }

    /// The items in the order of their numbers.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The items in the order of their numbers.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }
}

impl<T> Index<usize> for Block<T> {
    type Output = T;
    #[inline]
    fn index(&self, number: usize) -> &T {
        &self.items[number - self.first]
    }
}

impl<T> IndexMut<usize> for Block<T> {
    #[inline]
    fn index_mut(&mut self, number: usize) -> &mut T {
        &mut self.items[number - self.first]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_indexed_by_fleet_numbers() {
        let mut block = Block::new(5..8, 'a');
        block[7] = 'b';
        assert_eq!((block[5], block[7], block.range()), ('a', 'b', 5..8));
        assert_eq!(block.into_items(), ['a', 'a', 'b']);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn a_number_outside_the_range_panics() {
        assert!(Block::new(5..8, false)[4]);
    }
}
