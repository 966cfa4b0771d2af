//! Workers and their queue.
