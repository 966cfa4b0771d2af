//! The benchmarks of authstorm: `cargo bench -p authstorm-benches`.
