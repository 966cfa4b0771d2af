//! Lists of events in chunks from a shared pool. Events are appended at the end, and a list is emptied from its front.
//! Emptied chunks return to the pool.

/// Events per chunk. A chunk of 12-byte events takes two cache lines.
const CHUNK: usize = 8;
/// Index that denotes the absence of a chunk.
const NONE: u32 = u32::MAX;

/// A waiting event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting<E> {
    /// Nanoseconds after a base time that the owner of the list knows. Saves four bytes per event.
    pub(super) offset: u32,
    /// The event.
    pub event: E,
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The first chunk.
    first: u32,
    /// The place after the last event, counted over all chunks. At the beginning of a chunk, the last chunk is full.
    end: u32,
}

impl List {
    /// The list without events.
    pub(super) const EMPTY: List = List { first: NONE, end: 0 };

    /// Whether the list has no events.
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }

    /// The last chunk of a list that has events.
    #[inline]
    fn last(self) -> u32 {
        self.end.wrapping_sub(1) / CHUNK as u32
    }

    /// Number of places without an event in the last chunk.
    #[inline]
    fn unused(self) -> usize {
        self.end.wrapping_neg() as usize % CHUNK
    }
}

/// The pool of chunks.
#[derive(Clone, Debug)]
pub(super) struct Chunks<E> {
    /// [`CHUNK`] places per chunk.
    places: Vec<Waiting<E>>,
    /// The next chunk of the same list, by chunk; of a chunk in the pool, the next one there.
    next: Vec<u32>,
    free: u32,
}

impl<E> Default for Chunks<E> {
    fn default() -> Chunks<E> {
        Chunks { places: Vec::new(), next: Vec::new(), free: NONE }
    }
}

impl<E: Copy + Default> Chunks<E> {
    /// Appends an event to `list`.
    #[inline]
    pub(super) fn append(&mut self, list: &mut List, offset: u32, event: E) {
        if (list.end as usize).is_multiple_of(CHUNK) {
            self.grow(list);
        }
        self.places[list.end as usize] = Waiting { offset, event };
        list.end += 1;
    }

    /// Adds a chunk to a list whose last chunk is full, or that is empty. The list's end is then in the new chunk.
    #[inline(never)]
    fn grow(&mut self, list: &mut List) {
        let id = if self.free == NONE { self.make() } else { self.free };
        self.free = std::mem::replace(&mut self.next[id as usize], NONE);
        if list.is_empty() {
            list.first = id;
        } else {
            self.next[list.last() as usize] = id;
        }
        list.end = id * CHUNK as u32;
    }

    /// Adds a chunk to the pool, which is empty.
    #[cold]
    fn make(&mut self) -> u32 {
        let end = self.places.len() + CHUNK;
        assert!(end <= u32::MAX as usize, "at most 2^32 events wait at one time");
        self.places.resize(end, Waiting::default());
        self.next.push(NONE);
        (self.next.len() - 1) as u32
    }

    /// Prefetches the first and last chunk of a list: reads one word of each of their cache lines.
    #[inline]
    pub(super) fn warm(&self, list: List) {
        if list.is_empty() {
            return;
        }
        for id in [list.first, list.last()] {
            let chunk = self.chunk(id);
            std::hint::black_box(chunk[0].offset ^ chunk[CHUNK / 2].offset);
        }
    }

    /// Appends the events of a list to `to`, in order, and returns its chunks to the pool.
    #[inline]
    pub(super) fn take_all(&mut self, list: List, to: &mut Vec<Waiting<E>>) {
        let mut id = list.first;
        while id != NONE {
            to.extend_from_slice(self.chunk(id));
            id = self.put_back(id);
        }
        to.truncate(to.len() - list.unused());
    }

    /// Removes the first chunk of a list and returns it to the pool. Yields its events, in order.
    #[inline]
    pub(super) fn take_chunk(
        &mut self,
        list: &mut List,
    ) -> Option<impl Iterator<Item = Waiting<E>> + use<E>> {
        if list.is_empty() {
            return None;
        }
        let (id, is_last) = (list.first, list.first == list.last());
        let events: [Waiting<E>; CHUNK] = self.chunk(id).try_into().ok()?;
        let count = CHUNK - if is_last { list.unused() } else { 0 };
        list.first = self.put_back(id);
        if is_last {
            *list = List::EMPTY;
        }
        Some(events.into_iter().take(count))
    }

    /// Number of events of a list.
    pub(super) fn len(&self, list: List) -> usize {
        let after = |id: &u32| Some(self.next[*id as usize]).filter(|next| *next != NONE);
        let chunks = std::iter::successors(Some(list.first).filter(|first| *first != NONE), after).count();
        chunks * CHUNK - list.unused()
    }

    #[inline]
    fn chunk(&self, id: u32) -> &[Waiting<E>] {
        &self.places[id as usize * CHUNK..][..CHUNK]
    }

    /// Returns a chunk to the pool. Returns the next chunk of its list.
    #[inline]
    fn put_back(&mut self, id: u32) -> u32 {
        let free = std::mem::replace(&mut self.free, id);
        std::mem::replace(&mut self.next[id as usize], free)
    }
}
