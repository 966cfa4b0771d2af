//! Reads scenarios.
