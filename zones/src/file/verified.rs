//! What is wrong with a zone as a whole, with the places in its files.

use std::path::Path;
use std::sync::Arc;

use super::disk::{ZoneFolder, ZoneReadOptions};
use super::problem::FileProblem;
use super::reader::ZoneReader;
use crate::builder::ZoneBuilder;
use crate::contents::ZoneContents;
use crate::verify::{VerifyDepth, ZoneFinding, verify_with};

/// What was found.
#[derive(Debug)]
pub struct VerifiedFile {
    /// What is wrong. With an error among them the zone is not to be served.
    pub problems: Vec<FileProblem>,
    /// When the first signature expires, in seconds as RRSIG has them (RFC 4034 section 3.1.5).
    pub expires: Option<u32>,
}

/// Checks, as [`crate::verify::verify`] does, the contents that were read from the file at `path`. Only if there is something to tell is
/// the file read a second time, for the lines; one that has changed since then is named without a line.
pub fn verify_zone(path: &Path, contents: &ZoneContents, now: u32, depth: VerifyDepth) -> VerifiedFile {
    verify_zone_with(path, contents, now, depth, &ZoneReadOptions::default())
}

/// As [`verify_zone`], for contents that were read with `options`.
pub fn verify_zone_with(
    path: &Path,
    contents: &ZoneContents,
    now: u32,
    depth: VerifyDepth,
    options: &ZoneReadOptions,
) -> VerifiedFile {
    let verdict = verify_with(contents, now, depth, options.digest);
    let problems = match verdict.findings.as_slice() {
        [] => Vec::new(),
        _ => placed(path, contents, verdict.findings, options),
    };
    VerifiedFile { problems, expires: verdict.expires }
}

fn placed(
    path: &Path,
    contents: &ZoneContents,
    findings: Vec<ZoneFinding>,
    options: &ZoneReadOptions,
) -> Vec<FileProblem> {
    let files = ZoneFolder::of(path, options);
    let owners = findings.iter().filter_map(|finding| Some(finding.record.as_ref()?.owner.as_ref()));
    let mut reader = ZoneReader::new(contents.apex(), ZoneBuilder::seeking(contents.apex(), owners), &files);
    // A file that cannot be read any more leaves the findings without their lines.
    let _ = reader.file(path);
    let whole: Arc<Path> = path.into();
    let place = |finding: ZoneFinding| {
        let place = finding.record.as_ref().and_then(|record| reader.place_of(record));
        let (file, line) = place.unwrap_or_else(|| (Arc::clone(&whole), 0));
        let message = match &finding.record {
            Some(record) => format!("{}: {}", record.owner, finding.defect),
            None => finding.defect.to_string(),
        };
        FileProblem { severity: finding.defect.severity(), file, line, column: 0, message }
    };
    findings.into_iter().map(place).collect()
}
