//! Thousands of tiny zones, each with a question and the answer it must get.
//!
//! The set is not part of the repository: `RHUMB_CONFORMANCE` names its folder, else it is looked for beside the
//! repository.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use rhumb_wire::{DomainName, Rcode};
use rhumb_zones::{AnswerRequest, OneZone};
use serde_json::Value;

use kit::Answered;

fn folder() -> PathBuf {
    std::env::var_os("RHUMB_CONFORMANCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance")),
        Into::into,
    )
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

fn wanted(expected: &Value, section: &str) -> Vec<String> {
    let mut lines: Vec<String> = strings(&expected[section]).into_iter().map(kit::show_line).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// What differs, if anything does.
fn difference(expected: &Value, got: &Answered) -> Option<String> {
    let answer = wanted(expected, "answer");
    let authority = wanted(expected, "authority");
    let additional = wanted(expected, "additional");
    let rcode: Rcode = expected["rcode"].as_str().unwrap().parse().unwrap();
    let authoritative = strings(&expected["flags"]).contains(&"AA");
    let [got_answer, got_authority, got_additional] = &got.sections;
    let empty = answer.is_empty() || got_answer.is_empty();
    let same = rcode == got.reply.rcode
        && authoritative == got.reply.authoritative
        && !got.reply.truncated
        && answer == *got_answer
        && (!empty || authority == *got_authority)
        && additional == *got_additional;
    (!same).then(|| {
        format!(
            "wanted {rcode} AA={authoritative} {answer:?} {authority:?} {additional:?}\n   got {:?} {:?}",
            got.reply, got.sections
        )
    })
}

#[test]
fn every_answer_of_the_set() {
    let path = folder().join("authoritative.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let (mut total, mut wrong) = (0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let lines = strings(&case["zone"]);
        let apex = lines[0].split_whitespace().next().unwrap();
        let contents =
            kit::build(apex, lines.iter().copied()).unwrap_or_else(|faults| panic!("{faults:?}")).0;
        let name: DomainName = case["name"].as_str().unwrap().parse().unwrap();
        let qtype = case["type"].as_str().unwrap().parse().unwrap();
        let asked = AnswerRequest { name: name.as_ref(), qtype, dnssec_ok: false, minimal_any: true };
        let got = kit::ask_in(&contents, &asked, &OneZone, 4096);
        total += 1;
        if let Some(difference) = difference(&case["expected"], &got) {
            wrong.push(format!(
                "{} {} {name} {qtype}\n{}\n{difference}",
                case["id"],
                case["tag"],
                lines.join("\n")
            ));
        }
    }
    println!("{} of {total} match", total - wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {total} differ, such as\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n\n")
    );
}
