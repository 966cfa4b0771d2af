//! Rate limiters: (state, now) -> verdict.
