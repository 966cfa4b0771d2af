//! Lists of events in chunks from one pool: appended at the end, read from the front, given back as they are read.

/// Events of a chunk: with its length and link, 136 bytes for events of 12.
const CHUNK: usize = 8;
/// No chunk.
const NONE: u32 = u32::MAX;

/// An event as it waits.
#[derive(Clone, Copy, Debug, Default)]
struct Stored<E> {
    /// When it is due, after an instant that its list's owner knows: four bytes less for each event that waits.
    offset: u32,
    event: E,
}

#[derive(Clone, Copy, Debug)]
struct Chunk<E> {
    events: [Stored<E>; CHUNK],
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
    pub fn append(&mut self, list: &mut List, offset: u32, event: E) {
        let stored = Stored { offset, event };
        if list.last != NONE {
            let last = &mut self.chunks[list.last as usize];
            let len = last.len as usize;
            if len < CHUNK {
                last.events[len] = stored;
                last.len += 1;
                return;
            }
        }
        let id = self.take(stored);
        if list.last == NONE {
            list.first = id;
        } else {
            self.chunks[list.last as usize].next = id;
        }
        list.last = id;
    }

    fn take(&mut self, stored: Stored<E>) -> u32 {
        if self.free == NONE {
            let mut chunk = Chunk { events: [Stored::default(); CHUNK], len: 1, next: NONE };
            chunk.events[0] = stored;
            self.chunks.push(chunk);
            return (self.chunks.len() - 1) as u32;
        }
        let id = self.free;
        let chunk = &mut self.chunks[id as usize];
        self.free = chunk.next;
        chunk.events[0] = stored;
        chunk.len = 1;
        chunk.next = NONE;
        id
    }

    /// Reads a word of each cache line of a list's first and last chunk, so that they are there when they are needed.
    #[inline]
    pub fn warm(&self, list: List) {
        for id in [list.first, list.last] {
            if let Some(chunk) = self.chunks.get(id as usize) {
                let first =
                    chunk.events[0].offset ^ chunk.events[CHUNK / 2].offset ^ chunk.events[CHUNK - 1].offset;
                std::hint::black_box(first ^ chunk.next);
            }
        }
    }

    /// Takes the first chunk of a list off it and gives it back to the pool; its events with their offsets, in order.
    #[inline]
    pub fn take_chunk(&mut self, list: &mut List) -> Option<impl Iterator<Item = (u32, E)> + use<E>> {
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
        let events = chunk.events;
        Some(events.into_iter().take(chunk.len as usize).map(|stored| (stored.offset, stored.event)))
    }
}
