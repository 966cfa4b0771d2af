//! Laws that bound what passes a limiter, in exact integers over every window.

use crate::backend::rate::Rate;
use crate::kernel::{Dur, Time};
use std::collections::BTreeMap;

/// The arrival envelope (Le Boudec and Thiran, Network Calculus, 2001, section 1.2): in every closed window at most
/// `burst` requests plus `rate` times the window's length.
pub(super) fn envelope(rate: Rate, burst: u32, admitted: &[Time]) -> Option<String> {
    let (count, per) = (i128::from(rate.count), i128::from(rate.per.0));
    // From the i-th to the j-th there are j - i + 1 calls in t_j - t_i. For each j the worst i has the least i per -
    // count t_i.
    let mut least = i128::MAX;
    for (j, at) in admitted.iter().enumerate() {
        let here = j as i128 * per - count * i128::from(at.0);
        least = least.min(here);
        if here - least + per > i128::from(burst) * per {
            return Some(format!("more than {burst} + {rate} times the window end at {at}"));
        }
    }
    None
}

/// At most `limit` in each window aligned to the start of the run.
pub(super) fn aligned_windows(limit: u32, window: Dur, admitted: &[Time]) -> Option<String> {
    let mut counts = BTreeMap::<u64, usize>::new();
    for at in admitted {
        *counts.entry(at.0 / window.0).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    (most > limit as usize).then(|| format!("{most} in one window of {window}, limit {limit}"))
}

/// At most `limit` in each window that begins with the first time after the last one.
pub(super) fn windows_from_first(limit: u32, window: Dur, counted: &[Time]) -> Option<String> {
    let (mut begin, mut within) = (None::<Time>, 0);
    for &at in counted {
        if begin.is_none_or(|begin| at.since(begin) >= window) {
            (begin, within) = (Some(at), 0);
        }
        within += 1;
        if within > limit {
            return Some(format!("{within} in one window of {window}, limit {limit}, at {at}"));
        }
    }
    None
}

/// The largest number of times of an ascending list in one closed window of this length.
pub fn most_in_window(times: &[Time], window: Dur) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (i, time) in times.iter().enumerate() {
        while time.since(times[first]) > window {
            first += 1;
        }
        most = most.max(i + 1 - first);
    }
    most
}
