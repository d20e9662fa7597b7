//! Replays the corpus of every fuzz target: what was once found stays found.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic here is a failed test")]

use std::fs;
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
    }
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
fn query() {
    replay("query", targets::query::run);
}

#[test]
fn resolv_conf() {
    replay("resolv_conf", targets::resolv_conf::run);
}

#[test]
fn tsig() {
    replay("tsig", targets::tsig::run);
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
