//! What is told of signed zones: nothing of those that the usual programs made, and of each single change what it broke,
//! with its line. The zones here are of ldns-signzone and dnssec-signzone, their signatures good from 2026 to 2029.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod chains;
mod kit;
mod misplaced;
mod random;
mod signatures;

use kit::{ALL, END, NOW, told};
use rhumb_zones::verify::VerifyDepth;

#[test]
fn good_zones() {
    for (index, text) in ALL.into_iter().enumerate() {
        for (now, depth) in [(NOW, VerifyDepth::Load), (NOW, VerifyDepth::Full), (END, VerifyDepth::Full)] {
            assert_eq!(told(text, now, depth), (vec![], Some(END)), "zone {index} at {now}");
        }
    }
}
