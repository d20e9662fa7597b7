//! The rig on which rhumb is tested from outside: hosts in network namespaces, scripted upstreams, clients that check
//! where a reply came from, load, and the harness that runs and counts the tests.
//!
//! Nothing here shares code with the server: messages are written and read by the rig itself, so that a mistake in
//! `rhumb-wire` cannot hide itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic here is a failed test, reported with its name"
)]

pub mod failure;
pub mod harness;
pub mod rig;

pub use failure::{Context, Failure, Outcome, Verdict};
pub use harness::Test;
