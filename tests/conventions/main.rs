//! What holds for the source tree as a whole.
#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "a panic here is a failed test")]

mod alerts;
mod commands;
mod crates;
mod files;
mod labels;
mod order;
mod source;
mod words;
