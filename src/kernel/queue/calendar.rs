//! A calendar of days, weeks and a far future (after Brown 1988, "Calendar queues", CACM 31:10).
//!
//! Time is divided into *days* of 2^k ns, and [`WEEK`] days make a week. Each remaining day of the current week has a
//! list, and each of the next [`WEEKS`] weeks has a list. Later events wait in a heap. When a week begins, the queue
//! distributes its list to the days. When a day begins, the queue sorts its list. Events are appended to lists, so
//! events of one time stay in scheduling order. Events scheduled for the current day after it began go into a small
//! heap. They come after the day's own events of the same time.
//!
//! The length of a day adapts to the density of events: the target is [`BUSY_DAY`] events per day.

use super::chunks::{Chunks, List};
use super::{Due, Heap};
use crate::kernel::time::Time;

/// Days per week.
const WEEK: usize = 4096;
/// Number of later weeks that have a list.
const WEEKS: usize = 4096;
/// Target number of events per day.
const BUSY_DAY: u64 = 16;
/// Events between two measurements of the density.
const LOOK: u64 = 1 << 15;
/// log2 of the longest day in nanoseconds, which is also the initial day: 2^20 ns, about a millisecond. With it, an
/// offset within a week fits in 32 bits.
const LONGEST_SHIFT: u32 = 20;
const _: () = assert!((WEEK as u64) << LONGEST_SHIFT == 1 << 32);
/// log2 of the shortest day in nanoseconds.
const SHORTEST_SHIFT: u32 = 8;

/// A calendar queue.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    chunks: Chunks<E>,
    days: Box<[List]>,
    /// Bit set of the days of the current week that have events.
    busy: [u64; WEEK / 64],
    weeks: Box<[List]>,
    far: Heap<E>,
    /// Remaining events of the current day, sorted; the next event is last.
    today: Vec<Due<E>>,
    /// Events scheduled for the current day since it began.
    fresh: Heap<E>,
    /// The current day, counted from time zero.
    day: u64,
    /// log2 of the length of a day, in nanoseconds.
    shift: u32,
    now: Time,
    len: usize,
    taken: u64,
    looked_at: Time,
    /// Lists to be filed anew, each with the beginning of its week. Empty except while the length of a day changes.
    moving: Vec<(List, Time)>,
}

impl<E: Copy + Default> Default for Calendar<E> {
    fn default() -> Calendar<E> {
        Calendar {
            chunks: Chunks::default(),
            days: vec![List::EMPTY; WEEK].into(),
            busy: [0; WEEK / 64],
            weeks: vec![List::EMPTY; WEEKS].into(),
            far: Heap::default(),
            today: Vec::new(),
            fresh: Heap::default(),
            day: 0,
            shift: LONGEST_SHIFT,
            now: Time::ZERO,
            len: 0,
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
        self.len += 1;
        let day = time.0 >> self.shift;
        if day <= self.day {
            return self.fresh.push(time, event);
        }
        self.file(day, time, event);
    }

    #[inline]
    fn file(&mut self, day: u64, time: Time, event: E) {
        let (week, this_week) = (day / WEEK as u64, self.day / WEEK as u64);
        // Offset from the beginning of the event's week.
        let within = (1 << (WEEK.ilog2() + self.shift)) - 1;
        let offset = (time.0 & within) as u32;
        if week == this_week {
            let place = (day % WEEK as u64) as usize;
            self.busy[place / 64] |= 1 << (place % 64);
            self.chunks.append(&mut self.days[place], offset, event);
        } else if week - this_week < WEEKS as u64 {
            self.chunks.append(&mut self.weeks[(week % WEEKS as u64) as usize], offset, event);
        } else {
            self.far.push(time, event);
        }
    }

    /// Beginning of the week that contains `day`, in nanoseconds.
    #[inline]
    fn week_begins(&self, day: u64) -> u64 {
        (day & !(WEEK as u64 - 1)) << self.shift
    }

    /// Takes the next event that is due at `until` or before.
    ///
    /// When a day begins, `warm` receives its events in order. It can prefetch the state that these events will read,
    /// so that their cache misses overlap.
    #[inline]
    pub fn pop(&mut self, until: Time, warm: impl FnOnce(&[Due<E>])) -> Option<(Time, E)> {
        if self.today.is_empty() && self.fresh.is_empty() {
            self.begin_day(until, warm)?;
        }
        // The day's own events were scheduled before the fresh ones of the same time.
        let next = self.today.last().map(|due| due.time);
        let from_fresh = match (next, self.fresh.next_time()) {
            (Some(own), Some(fresh)) => fresh < own,
            (own, _) => own.is_none(),
        };
        let (time, event) = if from_fresh {
            self.fresh.pop(until)?
        } else {
            if next? > until {
                return None;
            }
            let due = self.today.pop()?;
            (due.time, due.event)
        };
        self.now = time;
        self.len -= 1;
        self.taken += 1;
        Some((time, event))
    }

    /// Moves to the next day that has events. Returns `None` if that day begins after `until`.
    #[cold]
    #[inline(never)]
    fn begin_day(&mut self, until: Time, warm: impl FnOnce(&[Due<E>])) -> Option<()> {
        if self.len == 0 {
            return None;
        }
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
        if day << self.shift > until.0 {
            return None;
        }
        self.day = day;
        let place = (day % WEEK as u64) as usize;
        self.busy[place / 64] &= !(1 << (place % 64));
        let mut list = std::mem::replace(&mut self.days[place], List::EMPTY);
        let (begin, mut order) = (self.week_begins(day), 0);
        while let Some(events) = self.chunks.take_chunk(&mut list) {
            for (offset, event) in events {
                self.today.push(Due { time: Time(begin + u64::from(offset)), order, event });
                order += 1;
            }
        }
        if self.today.len() > 1 {
            self.today.sort_unstable_by_key(|due| std::cmp::Reverse((due.time, due.order)));
        }
        warm(&self.today);
        // Prefetches the list of the next day.
        if let Some(next) = self.next_busy_day() {
            self.chunks.warm(self.days[(next % WEEK as u64) as usize]);
        }
        Some(())
    }

    /// The next day of this week that has events, starting at the current day.
    fn next_busy_day(&self) -> Option<u64> {
        let place = (self.day % WEEK as u64) as usize;
        let week = self.day - place as u64;
        let mut word = place / 64;
        let mut bits = self.busy[word] & (u64::MAX << (place % 64));
        loop {
            if bits != 0 {
                return Some(week + (word * 64) as u64 + u64::from(bits.trailing_zeros()));
            }
            word += 1;
            bits = *self.busy.get(word)?;
        }
    }

    /// Moves to the next week that has events and distributes them to its days. Returns false if no such week begins by
    /// `until`.
    fn begin_week(&mut self, until: Time) -> bool {
        let this_week = self.day / WEEK as u64;
        let listed = (1..WEEKS as u64)
            .map(|n| this_week + n)
            .find(|w| !self.weeks[(w % WEEKS as u64) as usize].is_empty());
        let day_length = self.shift;
        let far = self.far.next_time().map(|t| (t.0 >> day_length) / WEEK as u64);
        let Some(week) = listed.into_iter().chain(far).min() else { return false };
        // No week begins after the last week of the clock's range.
        if week.checked_mul(WEEK as u64).is_none_or(|day| day << self.shift > until.0) {
            return false;
        }
        self.day = week * WEEK as u64;
        // Moves far events into lists in scheduling order, before later events of the same time can be appended.
        let reach = (week + WEEKS as u64).saturating_mul(WEEK as u64);
        let mut list = std::mem::replace(&mut self.weeks[(week % WEEKS as u64) as usize], List::EMPTY);
        let begin = self.week_begins(self.day);
        while let Some(events) = self.chunks.take_chunk(&mut list) {
            for (offset, event) in events {
                let time = Time(begin + u64::from(offset));
                self.file(time.0 >> self.shift, time, event);
            }
        }
        while let Some(next) = self.far.next_time() {
            if next.0 >> self.shift >= reach {
                break;
            }
            let Some((time, event)) = self.far.pop(next) else { break };
            self.file(time.0 >> self.shift, time, event);
        }
        true
    }

    /// Adapts the length of a day to the density of the events taken since the last measurement.
    fn adapt(&mut self) {
        let elapsed = (self.now.0 - self.looked_at.0).max(1);
        let wanted = (elapsed / self.taken).saturating_mul(BUSY_DAY).max(1);
        let shift = wanted.ilog2().clamp(SHORTEST_SHIFT, LONGEST_SHIFT);
        self.taken = 0;
        self.looked_at = self.now;
        // Filing anew costs as much as taking a few thousand events: a factor of two is not worth it.
        if shift.abs_diff(self.shift) < 2 {
            return;
        }
        let first_day = (self.day % WEEK as u64) as usize;
        let this_week = self.day / WEEK as u64;
        let mut moving = std::mem::take(&mut self.moving);
        let begins = |week: u64| Time(week << (WEEK.ilog2() + self.shift));
        for list in &mut self.days[first_day..] {
            moving.push((std::mem::replace(list, List::EMPTY), begins(this_week)));
        }
        for week in (1..WEEKS as u64).map(|n| this_week + n) {
            let list = &mut self.weeks[(week % WEEKS as u64) as usize];
            moving.push((std::mem::replace(list, List::EMPTY), begins(week)));
        }
        moving.retain(|(list, _)| !list.is_empty());
        self.busy = [0; WEEK / 64];
        self.shift = shift;
        // The current day becomes the day of the last event taken. All its events are taken.
        self.day = self.now.0 >> shift;
        // Moves one chunk at a time, so that new chunks reuse the memory of emptied ones.
        for (mut list, begin) in moving.drain(..) {
            while let Some(events) = self.chunks.take_chunk(&mut list) {
                for (offset, event) in events {
                    self.file_anew(Time(begin.0 + u64::from(offset)), event);
                }
            }
        }
        self.moving = moving;
        // Events that are still far with the new length stay in the heap.
        let reach = (self.day / WEEK as u64 + WEEKS as u64).saturating_mul(WEEK as u64);
        while let Some(next) = self.far.next_time() {
            if next.0 >> shift >= reach {
                break;
            }
            let Some((time, event)) = self.far.pop(next) else { break };
            self.file_anew(time, event);
        }
    }

    fn file_anew(&mut self, time: Time, event: E) {
        let day = time.0 >> self.shift;
        if day <= self.day {
            self.fresh.push(time, event);
        } else {
            self.file(day, time, event);
        }
    }

    /// Number of waiting events.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no event is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
