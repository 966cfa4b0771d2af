//! Work on several things at a time: on the threads of the pool it is called in where the feature `parallel` is on, one
//! after the other where it is not. What comes of it is the same.

/// What comes of each item, in their order. Each item is long, so no thread is left with several while another has none.
#[cfg(feature = "parallel")]
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    use rayon::prelude::*;
    items.par_iter().with_max_len(1).map(work).collect()
}

/// What comes of each item, in their order.
#[cfg(not(feature = "parallel"))]
pub(crate) fn map<T, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}

/// Works on each item, with its place among them.
#[cfg(feature = "parallel")]
pub(crate) fn for_each<T: Sync>(items: &[T], work: impl Fn(usize, &T) + Sync + Send) {
    use rayon::prelude::*;
    items.par_iter().enumerate().for_each(|(place, item)| work(place, item));
}

/// Works on each item, with its place among them.
#[cfg(not(feature = "parallel"))]
pub(crate) fn for_each<T>(items: &[T], work: impl Fn(usize, &T)) {
    items.iter().enumerate().for_each(|(place, item)| work(place, item));
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
