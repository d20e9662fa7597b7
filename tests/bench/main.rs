//! What an answer costs, without a socket: a request is read, its zone found, the answer put together and ended with OPT.
//!
//! ```text
//! cargo bench -p rhumb-tests --bench answers                        instructions per query, zones built in
//! cargo bench -p rhumb-tests --bench answers -- ORIGIN FILE         the same for the zone of a file
//! cargo bench -p rhumb-tests --bench answers -- --time [ORIGIN FILE]     nanoseconds instead
//! ```
//!
//! Instructions are counted by `valgrind --tool=callgrind`, under which the program starts itself. The steps are those
//! of the server but for its counters, its access list and the options of EDNS.

mod callgrind;
mod questions;
mod respond;
mod zones;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use questions::Kind;
use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone;

/// Answers of each kind under callgrind.
const COUNTED: usize = 16_384;
/// Answers of each kind by the clock.
const TIMED: usize = 1 << 20;
/// By this word the program knows that it was started by itself.
const INSIDE: &str = "--inside";

fn main() -> ExitCode {
    // Cargo adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (flags, file): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|word| word.starts_with("--"));
    let result = match flags.as_slice() {
        [] => callgrind::run(&file, COUNTED),
        ["--time"] => kinds(&file).map(|kinds| kinds.iter().for_each(time)),
        // What `cargo test` does with a program to measure with: it is seen to work.
        ["--test"] => kinds(&file).map(|kinds| kinds.iter().for_each(count)),
        [INSIDE] => kinds(&file).map(|kinds| kinds.iter().for_each(count)),
        _ => Err("usage: [--time] [ORIGIN FILE]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The questions to be asked: those of the zones built in, or of the zone in a file.
fn kinds(file: &[&str]) -> Result<Vec<Kind>, String> {
    match file {
        [] => zones::built_in(),
        [origin, path] => {
            let origin: DomainName = origin.parse().map_err(|error| format!("{origin}: {error}"))?;
            let loaded =
                read_zone(origin.as_ref(), Path::new(path)).map_err(|problems| format!("{problems:?}"))?;
            Ok(questions::of_zone(loaded.contents))
        }
        _ => Err("give both the origin and the file of a zone".to_owned()),
    }
}

/// Callgrind writes down what it counted each time this ends; the name goes to where it is read back.
fn count(kind: &Kind) {
    let length = respond::answers(&kind.served, &kind.requests, COUNTED);
    println!("{}\t{length}", kind.name);
}

fn time(kind: &Kind) {
    respond::answers(&kind.served, &kind.requests, kind.requests.len());
    let started = Instant::now();
    let length = respond::answers(&kind.served, &kind.requests, TIMED);
    let each = started.elapsed().as_nanos() / TIMED as u128;
    println!("{:32} {each:8} ns {length:6} bytes", kind.name);
}
