//! What encrypted transports bear, beside other servers. Needs root, for network namespaces.
//!
//! ```text
//! encrypted-bench attacks [WORD]       slow connections, floods of HTTP/2, floods of QUIC: each attack whose title contains the word
//! encrypted-bench idle [CONNECTIONS]   memory of connections that rest
//! encrypted-bench handshakes [ROUNDS]  latency of answers by UDP beside 1,000 handshakes a second, in turns with the same ones elsewhere
//! encrypted-bench first [CONNECTIONS]  how long the first answer on a new connection takes, and of it what is after the handshake
//! ```
//!
//! `RHUMB_BIN` names the server. Counts and memory hold on a busy machine, times do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic ends the measurement, with its place"
)]

mod attacks;
mod first;
mod handshakes;
mod http2;
mod idle;
mod innocent;
mod lab;
mod quic;
#[allow(clippy::unnecessary_wraps, reason = "attacks of other kinds may fail")]
mod slow;
mod software;

use std::process::ExitCode;

use rhumb_tests::rig::{folder, netns};
use rhumb_tests::{Failure, fail};

fn main() -> ExitCode {
    netns::sweep();
    let done = measure();
    folder::sweep(true);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<u16>().map_err(|error| Failure::new(format!("{word}: {error}")));
    match words[..] {
        ["attacks"] => attacks::run(""),
        ["attacks", word] => attacks::run(word),
        ["idle"] => idle::run(10_000),
        ["idle", connections] => idle::run(number(connections)?),
        ["handshakes"] => handshakes::run(5),
        ["handshakes", rounds] => handshakes::run(number(rounds)?),
        ["first"] => first::run(1000),
        ["first", connections] => first::run(number(connections)?),
        _ => fail!(
            "usage: encrypted-bench attacks [WORD] | idle [CONNECTIONS] | handshakes [ROUNDS] | first [CONNECTIONS]"
        ),
    }
    Ok(())
}
