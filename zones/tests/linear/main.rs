//! Reading a zone takes time that grows with the size of its file, whatever is wrong with it.
//!
//! For each kind of input the processor time of this thread is taken for `n` and for `4n` lines, and the better of several
//! tries counts. An algorithm that grows with the square comes out at 16. One that grows with the size comes out a little
//! above 4, because more of what it touches lies outside the processor's caches, and the more so on a shared machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod inputs;

use std::path::Path;
use std::time::Duration;

use inputs::{ERRORS, Input, RDATA, WHOLE};
use nix::time::{ClockId, clock_gettime};
use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::verify::{VerifyDepth, verify};

/// How many times as much the longer input holds.
const TIMES: usize = 4;
/// How many times as long it may take: `n` to the power of 1.5, half of what a square would take.
const MOST: f64 = 8.0;
/// Rounds of measuring until one is good.
const ROUNDS: usize = 8;
/// Below this a measurement says nothing, so more is read.
const LEAST: Duration = Duration::from_millis(2);

const HEAD: &str = "$TTL 3600\n@ SOA ns host 1 1h 15m 1w 5m\n@ NS ns.other.\n";

/// Processor time of this thread.
fn now() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
}

/// The time of reading and checking a zone of this text.
fn time(text: &str) -> Duration {
    let origin: DomainName = "example".parse().unwrap();
    let start = now();
    if let Ok(loaded) = read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()) {
        std::hint::black_box(verify(&loaded.contents, 1_800_000_000, VerifyDepth::Full));
    }
    now().saturating_sub(start)
}

/// Fails if reading `TIMES` as much of an input takes more than `MOST` times as long.
fn check(name: &str, input: &Input) {
    let text = |lines: usize| format!("{HEAD}{}", input(lines));
    let mut lines = 2000;
    while lines < 16_000 && time(&text(lines)) < LEAST {
        lines *= 2;
    }
    let (once, often) = (text(lines), text(TIMES * lines));
    let (mut short, mut long) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        short = short.min(time(&once)).min(time(&once));
        long = long.min(time(&often));
        if long.as_secs_f64() <= MOST * short.as_secs_f64() {
            return;
        }
    }
    panic!("{name}: {lines} lines take {short:?}, {TIMES} times as many {long:?}");
}

#[test]
fn errors_of_lines() {
    for (name, input) in ERRORS {
        check(name, input);
    }
}

#[test]
fn rdata_that_does_not_fit() {
    for &rtype in RDATA {
        check(&format!("{rtype} with one word"), &move |n: usize| format!("a {rtype} x\n").repeat(n));
        check(&format!("{rtype} in the generic form"), &move |n: usize| {
            format!("a {rtype} \\# 2 01\n").repeat(n)
        });
        check(&format!("{rtype} without RDATA"), &move |n: usize| format!("a {rtype}\n").repeat(n));
    }
}

#[test]
fn faults_of_the_whole_zone() {
    for (name, input) in WHOLE {
        check(name, input);
    }
}
