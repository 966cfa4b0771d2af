//! Any bytes as a limit and requests: every answer is the naive model's.
#![no_main]

use authstorm::backend::limiter::{
    LimitKind, Limiter, Verdict, concurrency, fixed_window, gcra, idle_window, leaky_bucket, sliding_counter,
    sliding_log, token_bucket,
};
use authstorm::{backend, kernel};

#[path = "../../src/backend/limiter/testing.rs"]
#[allow(dead_code, reason = "the limiters' own tests use the rest")]
mod testing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| testing::judge(data));
