//! A calendar of days, weeks and a far future (after Brown 1988, "Calendar queues", CACM 31:10).
//!
//! Time is divided into *days* of 2^k ns. [`WEEK`] days make a week, or as many as 2^32 ns have. Each remaining day of
//! the current week has a list, and each of the next [`WEEKS`] weeks has a list. Later events wait in a heap. When a
//! week begins, the queue distributes its list to the days. When a day begins, the queue copies its list and sorts one
//! word per event. Events are appended to lists, so events of one time stay in scheduling order. Events scheduled for
//! the current day after it began go into a small heap. They come after the day's own events of the same time.
//!
//! The length of a day adapts to the density of events: the target is [`BUSY_DAY`] events per day.

use super::Heap;
use super::chunks::{Chunks, List, Waiting};
use crate::kernel::time::Time;

/// Most days per week.
const WEEK: usize = 4096;
/// Number of later weeks that have a list.
const WEEKS: usize = 4096;
/// Target number of events per day.
const BUSY_DAY: u64 = 16;
/// Events between two measurements of the density.
const LOOK: u64 = 1 << 15;
/// log2 of the initial length of a day in nanoseconds: about a millisecond.
const FIRST_DAY: u32 = 20;
/// log2 of the longest day in nanoseconds: about 17 ms.
const LONGEST_DAY: u32 = 24;
/// log2 of the shortest day in nanoseconds.
const SHORTEST_DAY: u32 = 8;

/// A calendar queue.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    chunks: Chunks<E>,
    days: Box<[List; WEEK]>,
    /// Bit set of the days of the current week that have events.
    busy: [u64; WEEK / 64],
    weeks: Box<[List; WEEKS]>,
    far: Heap<E>,
    /// Events of the current day, in scheduling order.
    today: Vec<Waiting<E>>,
    /// Of each remaining event of the current day, its offset in the week (upper 32 bits) and its place in `today`. Sorted;
    /// the next event is last.
    order: Vec<u64>,
    /// Events scheduled for the current day since it began.
    fresh: Heap<E>,
    spans: Spans,
    now: Time,
    /// Number of events taken since `looked_at`; of the current day only the fresh ones.
    taken: u64,
    looked_at: Time,
    /// Lists to be filed anew, each with the beginning of its week. Empty except while the length of a day changes.
    moving: Vec<(List, u64)>,
}

/// The current day and week, and what the lists of later weeks span, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Spans {
    /// log2 of the length of a day.
    day: u32,
    /// log2 of the length of a week.
    week: u32,
    /// The last nanosecond of the current day.
    day_ends: u64,
    week_begins: u64,
    /// The last nanosecond of the current week.
    week_ends: u64,
    /// The last nanosecond for which a later week has a list.
    lists_end: u64,
    /// The bits of a time that count the nanoseconds of its week.
    in_week: u64,
}

impl Spans {
    /// The spans when time `t` is in the current day, and a day takes 2^`day` ns.
    fn at(t: u64, day: u32) -> Spans {
        let week = (day + WEEK.ilog2()).min(u32::BITS);
        let in_day = (1 << day) - 1;
        let in_week = (1 << week) - 1;
        let week_begins = t & !in_week;
        let lists_end = week_begins.saturating_add(((WEEKS as u64) << week) - 1);
        Spans { day, week, day_ends: t | in_day, week_begins, week_ends: t | in_week, lists_end, in_week }
    }

    /// Nanoseconds between the beginning of a time's week and the time.
    #[inline]
    fn offset(&self, time: u64) -> u32 {
        (time & self.in_week) as u32
    }

    /// Place of a day among the days of its week, by an offset in the week.
    #[inline]
    fn day_of(&self, offset: u32) -> usize {
        // Below 32, so this does not wrap. It spares the check of a shift.
        offset.wrapping_shr(self.day) as usize % WEEK
    }

    /// Place of a week's list: of the week of a time.
    #[inline]
    fn list_of(&self, time: u64) -> usize {
        time.wrapping_shr(self.week) as usize % WEEKS
    }

    /// When each later week that has a list begins.
    fn weeks(self) -> impl Iterator<Item = u64> {
        let begins = (1..WEEKS as u64).map_while(move |n| self.week_begins.checked_add(n << self.week));
        begins.take_while(move |begins| *begins <= self.lists_end)
    }
}

impl<E: Copy + Default> Default for Calendar<E> {
    fn default() -> Calendar<E> {
        Calendar {
            chunks: Chunks::default(),
            days: Box::new([List::EMPTY; WEEK]),
            busy: [0; WEEK / 64],
            weeks: Box::new([List::EMPTY; WEEKS]),
            far: Heap::default(),
            today: Vec::new(),
            order: Vec::new(),
            fresh: Heap::default(),
            spans: Spans::at(0, FIRST_DAY),
            now: Time::ZERO,
            taken: 0,
            looked_at: Time::ZERO,
            moving: Vec::with_capacity(WEEK + WEEKS),
        }
    }
}

impl<E: Copy + Default> Calendar<E> {
    /// Schedules an event.
    ///
    /// # Panics
    /// If `time` is before the last event taken. This is a bug of the caller: virtual time never goes back.
    #[inline]
    pub fn push(&mut self, time: Time, event: E) {
        assert!(time >= self.now, "scheduled for {time}, before now ({})", self.now);
        let Time(at) = time;
        if at <= self.spans.day_ends {
            self.fresh.push(time, event);
        } else if at <= self.spans.lists_end {
            self.file(at, event);
        } else {
            self.far.push(time, event);
        }
    }

    /// Appends an event to the list of its day, or to that of its week if the week is a later one.
    #[inline]
    fn file(&mut self, at: u64, event: E) {
        let offset = self.spans.offset(at);
        if at <= self.spans.week_ends {
            self.file_this_week(offset, event);
        } else {
            self.chunks.append(&mut self.weeks[self.spans.list_of(at)], offset, event);
        }
    }

    /// Appends an event to the list of its day in the current week.
    #[inline]
    fn file_this_week(&mut self, offset: u32, event: E) {
        let day = self.spans.day_of(offset);
        self.busy[day / 64] |= 1 << (day % 64);
        self.chunks.append(&mut self.days[day], offset, event);
    }

    /// Takes the next event that is due at `until` or before.
    ///
    /// When a day begins, `warm` receives its events. It can prefetch the state that these events will read, so that
    /// their cache misses overlap.
    #[inline]
    pub fn pop(&mut self, until: Time, warm: impl FnOnce(&[Waiting<E>])) -> Option<(Time, E)> {
        if self.order.is_empty() && self.fresh.is_empty() {
            self.begin_day(until, warm)?;
        }
        let own = self.order.last().map(|key| (Time(self.spans.week_begins + (key >> 32)), *key as u32));
        let (time, event) = match own {
            // The day's own events were scheduled before the fresh ones of the same time.
            Some((time, place)) if self.fresh.next_time().is_none_or(|fresh| time <= fresh) => {
                if time > until {
                    return None;
                }
                self.order.pop();
                (time, self.today[place as usize].event)
            }
            _ => {
                let next = self.fresh.pop(until)?;
                self.taken += 1;
                next
            }
        };
        self.now = time;
        Some((time, event))
    }

    /// Moves to the next day that has events. Returns `None` if that day begins after `until`.
    #[inline(never)]
    fn begin_day(&mut self, until: Time, warm: impl FnOnce(&[Waiting<E>])) -> Option<()> {
        self.taken += self.today.len() as u64;
        self.today.clear();
        if self.taken >= LOOK && self.now > self.looked_at {
            self.adapt();
            if !self.fresh.is_empty() {
                return Some(());
            }
        }
        let day = loop {
            if let Some(day) = self.next_busy_day() {
                break day;
            }
            if !self.begin_week(until) {
                return None;
            }
        };
        let begins = self.spans.week_begins + ((day as u64) << self.spans.day);
        if begins > until.0 {
            return None;
        }
        self.spans.day_ends = begins + ((1 << self.spans.day) - 1);
        self.busy[day / 64] &= !(1 << (day % 64));
        let list = std::mem::replace(&mut self.days[day], List::EMPTY);
        self.chunks.take_all(list, &mut self.today);
        let keys = self.today.iter().enumerate();
        self.order.extend(keys.map(|(place, waiting)| u64::from(waiting.offset) << 32 | place as u64));
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        warm(&self.today);
        // Prefetches the list of the next day.
        if let Some(next) = self.next_busy_day() {
            self.chunks.warm(self.days[next]);
        }
        Some(())
    }

    /// The next day of this week that has events, starting at the current day: its place in the week.
    #[inline]
    fn next_busy_day(&self) -> Option<usize> {
        let place = self.spans.day_of(self.spans.offset(self.spans.day_ends));
        let mut word = place / 64;
        let mut bits = self.busy[word] & (u64::MAX << (place % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize);
            }
            word += 1;
            bits = *self.busy.get(word)?;
        }
    }

    /// Moves to the next week that has events and distributes them to its days. Returns false if no such week begins by
    /// `until`.
    fn begin_week(&mut self, until: Time) -> bool {
        let listed = self.spans.weeks().find(|begins| !self.weeks[self.spans.list_of(*begins)].is_empty());
        let far = self.far.next_time().map(|t| t.0 >> self.spans.week << self.spans.week);
        let Some(begins) = listed.into_iter().chain(far).min() else { return false };
        if begins > until.0 {
            return false;
        }
        // The first day is current, but has not begun: its events are still in its list.
        self.spans = Spans::at(begins, self.spans.day);
        let mut list = std::mem::replace(&mut self.weeks[self.spans.list_of(begins)], List::EMPTY);
        while let Some(events) = self.chunks.take_chunk(&mut list) {
            for Waiting { offset, event } in events {
                self.file_this_week(offset, event);
            }
        }
        // Moves far events into lists in scheduling order, before later events of the same time can be appended.
        while let Some((time, event)) = self.far.pop(Time(self.spans.lists_end)) {
            self.file(time.0, event);
        }
        true
    }

    /// Adapts the length of a day to the density of the events taken since the last measurement.
    #[cold]
    #[inline(never)]
    fn adapt(&mut self) {
        let elapsed = (self.now.0 - self.looked_at.0).max(1);
        let wanted = (elapsed / self.taken).saturating_mul(BUSY_DAY).max(1);
        let day = wanted.ilog2().clamp(SHORTEST_DAY, LONGEST_DAY);
        self.taken = 0;
        self.looked_at = self.now;
        // Filing anew costs as much as taking a few thousand events: a factor of two is not worth it.
        if day.abs_diff(self.spans.day) < 2 {
            return;
        }
        let mut moving = std::mem::take(&mut self.moving);
        let mut add = |list: &mut List, begins: u64| {
            if !list.is_empty() {
                moving.push((std::mem::replace(list, List::EMPTY), begins));
            }
        };
        let spans = self.spans;
        self.days.iter_mut().for_each(|list| add(list, spans.week_begins));
        for begins in spans.weeks() {
            add(&mut self.weeks[spans.list_of(begins)], begins);
        }
        self.busy = [0; WEEK / 64];
        // The current day becomes the day of the last event taken. Its remaining events become fresh ones.
        self.spans = Spans::at(self.now.0, day);
        // Moves one chunk at a time, so that new chunks reuse the memory of emptied ones.
        for (mut list, begins) in moving.drain(..) {
            while let Some(events) = self.chunks.take_chunk(&mut list) {
                for Waiting { offset, event } in events {
                    self.push(Time(begins + u64::from(offset)), event);
                }
            }
        }
        self.moving = moving;
        // Events that are still far with the new length stay in the heap.
        while let Some((time, event)) = self.far.pop(Time(self.spans.lists_end)) {
            self.push(time, event);
        }
    }

    /// Number of waiting events.
    pub fn len(&self) -> usize {
        let lists = self.days.iter().chain(self.weeks.iter());
        let listed: usize = lists.map(|list| self.chunks.len(*list)).sum();
        listed + self.order.len() + self.fresh.len() + self.far.len()
    }

    /// Whether no event is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
