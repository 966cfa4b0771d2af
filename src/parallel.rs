//! Work on several things at a time: on the threads of the pool it is called in where the feature `parallel` is on, one
//! after the other where it is not. What comes of it is the same.
//!
//! The loops over threads are not generic. The compiler makes them once, and not for each kind of work.

use std::sync::{Mutex, PoisonError};

/// What comes of each item, in their order. Each item is long, so no thread is left with several while another has none.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let done: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    each(items.len(), &|place| {
        let result = work(&items[place]);
        *done[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let result = |place: Mutex<Option<R>>| place.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().map(|place| result(place).expect("each item is worked on")).collect()
}

/// Works on each item, with its place among them.
pub(crate) fn for_each<T: Sync>(items: &[T], work: impl Fn(usize, &T) + Sync) {
    each(items.len(), &|place| work(place, &items[place]));
}

#[cfg(feature = "parallel")]
fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    use rayon::prelude::*;
    (0..count).into_par_iter().with_max_len(1).for_each(work);
}

#[cfg(not(feature = "parallel"))]
fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(work);
}

/// Two pieces of work.
#[cfg(all(feature = "parallel", feature = "charts"))]
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(a, b)
}

/// Two pieces of work.
#[cfg(all(not(feature = "parallel"), feature = "charts"))]
pub(crate) fn join<A, B>(a: impl FnOnce() -> A, b: impl FnOnce() -> B) -> (A, B) {
    (a(), b())
}

/// Number of items that are worked on at a time.
#[cfg(feature = "parallel")]
pub(crate) fn width() -> usize {
    rayon::current_num_threads()
}

/// Number of items that are worked on at a time.
#[cfg(not(feature = "parallel"))]
pub(crate) fn width() -> usize {
    1
}
