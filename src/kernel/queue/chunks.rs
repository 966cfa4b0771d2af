//! Lists of events in chunks from a shared pool. Events are appended at the end and taken from the front. Emptied
//! chunks return to the pool.

/// Events per chunk. With its length and link, a chunk of 12-byte events takes 136 bytes.
const CHUNK: usize = 8;
/// Index that denotes the absence of a chunk.
const NONE: u32 = u32::MAX;

/// A waiting event.
#[derive(Clone, Copy, Debug, Default)]
struct Stored<E> {
    /// Nanoseconds after a base time that the owner of the list knows. Saves four bytes per event.
    offset: u32,
    event: E,
}

#[derive(Clone, Copy, Debug)]
struct Chunk<E> {
    events: [Stored<E>; CHUNK],
    len: u32,
    next: u32,
}

/// A list, as the indices of its first and last chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl List {
    /// The list without events.
    pub(super) const EMPTY: List = List { first: NONE, last: NONE };

    /// Whether the list has no events.
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// The pool of chunks.
#[derive(Clone, Debug)]
pub(super) struct Chunks<E> {
    chunks: Vec<Chunk<E>>,
    free: u32,
}

impl<E> Default for Chunks<E> {
    fn default() -> Chunks<E> {
        Chunks { chunks: Vec::new(), free: NONE }
    }
}

impl<E: Copy + Default> Chunks<E> {
    /// Appends an event to `list`.
    #[inline]
    pub(super) fn append(&mut self, list: &mut List, offset: u32, event: E) {
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

    /// Prefetches the first and last chunk of a list: reads one word of each of their cache lines.
    #[inline]
    pub(super) fn warm(&self, list: List) {
        for id in [list.first, list.last] {
            if let Some(chunk) = self.chunks.get(id as usize) {
                let first =
                    chunk.events[0].offset ^ chunk.events[CHUNK / 2].offset ^ chunk.events[CHUNK - 1].offset;
                std::hint::black_box(first ^ chunk.next);
            }
        }
    }

    /// Removes the first chunk of a list and returns it to the pool. Yields its events with their offsets, in order.
    #[inline]
    pub(super) fn take_chunk(&mut self, list: &mut List) -> Option<impl Iterator<Item = (u32, E)> + use<E>> {
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
