//! Lists of events in chunks from one pool: appended at the end, read from the front, given back as they are read.

use super::Due;

/// Events of a chunk: with its length and link, 200 bytes for events of 12.
const CHUNK: usize = 8;
/// No chunk.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Chunk<E> {
    events: [Due<E>; CHUNK],
    len: u32,
    next: u32,
}

/// A list: its first and last chunk.
#[derive(Clone, Copy, Debug)]
pub struct List {
    first: u32,
    last: u32,
}

impl List {
    /// Nothing in it.
    pub const EMPTY: List = List { first: NONE, last: NONE };

    /// Whether nothing is in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// The pool.
#[derive(Clone, Debug)]
pub struct Chunks<E> {
    chunks: Vec<Chunk<E>>,
    free: u32,
}

impl<E> Default for Chunks<E> {
    fn default() -> Chunks<E> {
        Chunks { chunks: Vec::new(), free: NONE }
    }
}

impl<E: Copy + Default> Chunks<E> {
    /// Appends an event.
    #[inline]
    pub fn append(&mut self, list: &mut List, due: Due<E>) {
        if list.last != NONE {
            let last = &mut self.chunks[list.last as usize];
            let len = last.len as usize;
            if len < CHUNK {
                last.events[len] = due;
                last.len += 1;
                return;
            }
        }
        let id = self.take(due);
        if list.last == NONE {
            list.first = id;
        } else {
            self.chunks[list.last as usize].next = id;
        }
        list.last = id;
    }

    fn take(&mut self, due: Due<E>) -> u32 {
        if self.free == NONE {
            let mut chunk = Chunk { events: [Due::default(); CHUNK], len: 1, next: NONE };
            chunk.events[0] = due;
            self.chunks.push(chunk);
            return (self.chunks.len() - 1) as u32;
        }
        let id = self.free;
        let chunk = &mut self.chunks[id as usize];
        self.free = chunk.next;
        chunk.events[0] = due;
        chunk.len = 1;
        chunk.next = NONE;
        id
    }

    /// Takes the first chunk of a list off it and gives it back to the pool; its events, in order.
    #[inline]
    pub fn take_chunk(&mut self, list: &mut List) -> Option<([Due<E>; CHUNK], usize)> {
        if list.first == NONE {
            return None;
        }
        let id = list.first;
        let chunk = &mut self.chunks[id as usize];
        list.first = chunk.next;
        if list.first == NONE {
            list.last = NONE;
        }
        chunk.next = self.free;
        self.free = id;
        Some((chunk.events, chunk.len as usize))
    }
}
