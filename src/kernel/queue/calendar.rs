//! A calendar of days, weeks and a far future (after Brown 1988, "Calendar queues", CACM 31:10).
//!
//! Time is cut into *days* of 2^k ns, a [`WEEK`] of days at a time. Days of this week have a list each; so has each of the
//! next [`WEEKS`] weeks; what lies beyond is in a heap. When a week begins, its list is dealt out to its days; when a day
//! begins, its list is sorted. Lists are appended to, so events of one time stay in the order of scheduling; what is
//! scheduled for the day under way goes into a small heap, and comes after the day's own events of the same time.
//! The length of a day follows the density of events: about [`BUSY_DAY`] of them.

use super::chunks::{Chunks, List};
use super::{Due, Heap};
use crate::kernel::time::Time;

/// Days of a week.
const WEEK: usize = 4096;
/// Weeks that have a list each.
const WEEKS: usize = 4096;
/// Events of a day that the length of a day aims at.
const BUSY_DAY: u64 = 16;
/// Events between two looks at the density.
const LOOK: u64 = 1 << 15;
/// The longest day, and a first guess: 2^20 ns, about a millisecond. In a week of such days an instant takes 32 bits.
const LONGEST_SHIFT: u32 = 20;
const _: () = assert!((WEEK as u64) << LONGEST_SHIFT == 1 << 32);
/// The shortest day: 2^8 ns.
const SHORTEST_SHIFT: u32 = 8;

/// A calendar queue.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    chunks: Chunks<E>,
    days: Box<[List]>,
    /// Which days have events, 64 to a word.
    busy: [u64; WEEK / 64],
    weeks: Box<[List]>,
    far: Heap<E>,
    /// The day under way, sorted, its next event last.
    today: Vec<Due<E>>,
    /// What was scheduled for the day under way since it began.
    fresh: Heap<E>,
    /// The day under way, counted from time zero.
    day: u64,
    /// A day is 2^shift ns long.
    shift: u32,
    now: Time,
    len: usize,
    taken: u64,
    looked_at: Time,
    /// Lists on their way to other days, and when their weeks begin; empty but while the length of a day changes.
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
    /// When `time` lies before the last event taken: a bug, for virtual time never goes back.
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
        // After the beginning of its week.
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

    /// When the week of a day begins.
    #[inline]
    fn week_begins(&self, day: u64) -> u64 {
        (day & !(WEEK as u64 - 1)) << self.shift
    }

    /// Takes the next event that is due at `until` or before. When a day begins, `warm` is shown its events in order:
    /// whoever reads then what they will need finds it in the cache later, for such reads do not wait for each other.
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

    /// Turns to the next day that has events, unless it begins after `until`.
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
        // The next day's list begins with a cache miss, unless it is looked at in time.
        if let Some(next) = self.next_busy_day() {
            self.chunks.warm(self.days[(next % WEEK as u64) as usize]);
        }
        Some(())
    }

    /// The next day of this week that has events, from the day under way on.
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

    /// Turns to the next week that has events and deals them out to its days; whether there is one that begins in time.
    fn begin_week(&mut self, until: Time) -> bool {
        let this_week = self.day / WEEK as u64;
        let listed = (1..WEEKS as u64)
            .map(|n| this_week + n)
            .find(|w| !self.weeks[(w % WEEKS as u64) as usize].is_empty());
        let day_length = self.shift;
        let far = self.far.next_time().map(|t| (t.0 >> day_length) / WEEK as u64);
        let Some(week) = listed.into_iter().chain(far).min() else { return false };
        // Beyond the clock's last week nothing can begin.
        if week.checked_mul(WEEK as u64).is_none_or(|day| day << self.shift > until.0) {
            return false;
        }
        self.day = week * WEEK as u64;
        // What was far comes near in the order of its scheduling, before anything can be scheduled beside it.
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

    /// Fits the length of a day to the density of the events taken since the last look.
    fn adapt(&mut self) {
        let elapsed = (self.now.0 - self.looked_at.0).max(1);
        let wanted = (elapsed / self.taken).saturating_mul(BUSY_DAY).max(1);
        let shift = wanted.ilog2().clamp(SHORTEST_SHIFT, LONGEST_SHIFT);
        self.taken = 0;
        self.looked_at = self.now;
        // Re-filing costs as much as a few thousand events take: a factor of two is not worth it.
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
        // The day under way is the one of the last event taken, and it is over.
        self.day = self.now.0 >> shift;
        // Chunk by chunk, so that what is filed anew takes the room of what was taken out.
        for (mut list, begin) in moving.drain(..) {
            while let Some(events) = self.chunks.take_chunk(&mut list) {
                for (offset, event) in events {
                    self.file_anew(Time(begin.0 + u64::from(offset)), event);
                }
            }
        }
        self.moving = moving;
        // What is far in days of the new length stays where it is.
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

    /// Events waiting.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
