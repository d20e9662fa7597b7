//! Replays the corpus of every fuzz target: what was once found stays found.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Every input of a target, in the order of names.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn replay(target: &str, run: fn(&[u8])) {
    let files = corpus(target);
    assert!(files.len() >= 5, "{target} has {} inputs", files.len());
    for file in files {
        let input = fs::read(&file).unwrap();
        // The name of the input stands above its panic.
        eprintln!("{}", file.display());
        run(&input);
        for seed in 0..MUTATIONS {
            let mutated = mutate(&input, seed);
            let run = catch_unwind(|| run(&mutated));
            assert!(run.is_ok(), "{}, seed {seed}: {mutated:?}", file.display());
        }
    }
}

/// How often each input is changed and run again.
const MUTATIONS: u64 = 500;

/// The input with up to four bytes changed, inserted or removed, the same for the same seed.
fn mutate(input: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // xorshift64*, enough to choose places and bytes.
    let mut next = |bound: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound.max(1)
    };
    let mut bytes = input.to_vec();
    for _ in 0..=next(4) {
        let at = next(bytes.len());
        let byte = u8::try_from(next(256)).unwrap();
        match next(4) {
            0 => bytes.insert(at, byte),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(1),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => {}
        }
    }
    bytes
}

#[test]
fn answer() {
    replay("answer", targets::answer::run);
}

#[test]
fn config() {
    replay("config", targets::config::run);
}

#[test]
fn denial_proofs() {
    replay("denial_proofs", targets::denial_proofs::run);
}

#[test]
fn doq_stream() {
    replay("doq_stream", targets::doq_stream::run);
}

#[test]
fn http2_connection() {
    replay("http2_connection", targets::http2_connection::run);
}

#[test]
fn http_request() {
    replay("http_request", targets::http_request::run);
}

#[test]
fn journal() {
    replay("journal", targets::journal::run);
}

#[test]
fn proxy_header() {
    replay("proxy_header", targets::proxy_header::run);
}

#[test]
fn query() {
    replay("query", targets::query::run);
}

#[test]
fn resolv_conf() {
    replay("resolv_conf", targets::resolv_conf::run);
}

#[test]
fn resolver_steps() {
    replay("resolver_steps", targets::resolver_steps::run);
}

#[test]
fn signature_sets() {
    replay("signature_sets", targets::signature_sets::run);
}

#[test]
fn tsig() {
    replay("tsig", targets::tsig::run);
}

#[test]
fn update() {
    replay("update", targets::update::run);
}

#[test]
fn upstream_answer() {
    replay("upstream_answer", targets::upstream_answer::run);
}

#[test]
fn zone_file() {
    replay("zone_file", targets::zone_file::run);
}

#[test]
fn every_target_is_replayed() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
    let this = include_str!("fuzz_corpus.rs");
    let targets: Vec<_> =
        manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")).collect();
    assert!(!targets.is_empty());
    for target in targets {
        let target = target.trim_end_matches(".rs\"");
        assert!(this.contains(&format!("replay(\"{target}\", targets::{target}::run)")), "{target}");
    }
}
