//! What hostile servers cost resolvers, and what a saturated resolver costs authoritative answers. Needs root, for network namespaces.
//!
//! ```text
//! resolver-bench attacks [WORD]        rhumb beside Unbound and BIND, each attack whose title contains the word
//! resolver-bench forwarders [WORD]     the same as forwarders before one upstream: private answers, a dead domain, held answers, few descriptors
//! resolver-bench authority [ROUNDS]    latency of authoritative answers in turns: alone, beside a flood, beside a saturated resolver;
//!                                      as clients see it, and from interface to interface, which is the server's part
//! ```
//!
//! `RHUMB_BIN` names the server. Counts of queries hold on a busy machine, times do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic ends the measurement, with its place"
)]

mod attacks;
mod authority;
mod forwarders;
mod interface_tap;
mod running;

use std::process::ExitCode;

use rhumb_tests::Failure;
use rhumb_tests::rig::{folder, netns};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    netns::sweep();
    let done = match words[..] {
        ["attacks"] => attacks::run(""),
        ["attacks", word] => attacks::run(word),
        ["forwarders"] => forwarders::run(""),
        ["forwarders", word] => forwarders::run(word),
        ["authority"] => authority::run(5),
        ["authority", rounds] => rounds.parse().map_err(Failure::from).and_then(authority::run),
        _ => {
            Err(Failure::new("usage: resolver-bench attacks [WORD] | forwarders [WORD] | authority [ROUNDS]"))
        }
    };
    folder::sweep(true);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
