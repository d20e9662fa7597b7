//! The zones, changed line by line, and what is told of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rhumb_wire::DomainName;
use rhumb_zones::FaultSeverity;
use rhumb_zones::file::{read_zone, verify_zone};
use rhumb_zones::verify::VerifyDepth;

pub(crate) const LDNS_NSEC: &str = include_str!("ldns-nsec.zone");
pub(crate) const LDNS_NSEC3: &str = include_str!("ldns-nsec3s.zone");
pub(crate) const LDNS_OPT_OUT: &str = include_str!("ldns-optout.zone");
pub(crate) const LDNS_ZONEMD: &str = include_str!("ldns-zonemd.zone");
pub(crate) const BIND_NSEC: &str = include_str!("bind-nsec.zone");
pub(crate) const BIND_NSEC3: &str = include_str!("bind-nsec3.zone");
pub(crate) const BIND_OPT_OUT: &str = include_str!("bind-optout.zone");

/// All of them.
pub(crate) const ALL: [&str; 7] =
    [LDNS_NSEC, LDNS_NSEC3, LDNS_OPT_OUT, LDNS_ZONEMD, BIND_NSEC, BIND_NSEC3, BIND_OPT_OUT];

/// 2026-07-01, and the last second of the signatures.
pub(crate) const NOW: u32 = 1_782_864_000;
pub(crate) const END: u32 = 1_893_456_000;

/// A file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rhumb-verify-{}-{number}.zone", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is told of a zone: line, severity, text. And when its first signature expires.
pub(crate) fn told(
    text: &str,
    now: u32,
    depth: VerifyDepth,
) -> (Vec<(u32, FaultSeverity, String)>, Option<u32>) {
    let file = File::new(text);
    let origin: DomainName = "example.".parse().unwrap();
    let loaded = read_zone(origin.as_ref(), &file.0).unwrap_or_else(|problems| panic!("{problems:?}"));
    let verified = verify_zone(&file.0, &loaded.contents, now, depth);
    let problems = verified.problems.into_iter();
    (problems.map(|problem| (problem.line, problem.severity, problem.message)).collect(), verified.expires)
}

/// The one thing that is told of a zone, at both depths.
#[track_caller]
pub(crate) fn one(text: &str, line: u32, message: &str) {
    for depth in [VerifyDepth::Load, VerifyDepth::Full] {
        let (told, _) = told(text, NOW, depth);
        assert_eq!(told, [(line, FaultSeverity::Warning, message.to_owned())], "at {depth:?}");
    }
}

/// The number of the first line that begins so.
#[track_caller]
pub(crate) fn line(text: &str, beginning: &str) -> u32 {
    let at = text.lines().position(|line| line.starts_with(beginning));
    at.unwrap_or_else(|| panic!("no line {beginning}")) as u32 + 1
}

/// The text without the first line that begins so.
#[track_caller]
pub(crate) fn without(text: &str, beginning: &str) -> String {
    let left = line(text, beginning);
    let lines = (1..).zip(text.lines()).filter(|(number, _)| *number != left);
    lines.fold(String::new(), |text, (_, line)| text + line + "\n")
}

/// The text with a part of that line replaced.
#[track_caller]
pub(crate) fn replaced(text: &str, beginning: &str, from: &str, to: &str) -> String {
    let changed = line(text, beginning);
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        if number != changed {
            return line.to_owned();
        }
        assert!(line.contains(from), "{line} has no {from}");
        line.replacen(from, to, 1)
    });
    lines.fold(String::new(), |text, line| text + &line + "\n")
}
