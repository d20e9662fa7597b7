//! Dynamic update (RFC 2136): each of its rules by a table, and random messages against a map of RRsets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod interleaving;
#[path = "../kit/mod.rs"]
mod kit;
mod merge;
mod message;
mod model;
mod operations;
mod prerequisites;
mod rules;
