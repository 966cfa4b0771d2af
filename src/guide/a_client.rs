//! How to simulate your own SDK.
//!
//! **Without code**: a client profile describes an SDK that refreshes tokens as data. `authstorm new-client NAME` writes
//! one to fill in, and `authstorm explain-client FILE` says what it does.
//!
//! **With code**: implement [`Sdk`](crate::client::own::Sdk) for what one tab does, and name it where you read the scenario.
//! [`client::own`](crate::client::own) says what the world does for it. A client with endpoints of its own, locks or
//! several objects in a page implements [`Client`](crate::client::Client).
//!
//! This example runs an SDK of 60 lines under faults and a limit, writes its page, and tells the story of its worst
//! session. Its scenario is `examples/own_sdk.toml`.
//!
//! ```ignore
#![doc = include_str!("../../examples/own_sdk.rs")]
//! ```
//!
//! A family that comes with the crate is a folder in `src/client/` and a line in the registration of `src/client/mod.rs`.
