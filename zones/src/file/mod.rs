//! Zone files: the master files of RFC 1035 section 5, with `$TTL` (RFC 2308), `$INCLUDE`, `$GENERATE` and the generic forms of
//! RFC 3597.
//!
//! A file is read in one pass. What is wrong is collected with its place and reading goes on with the next record, up to a
//! hundred problems. Nothing is allocated for a record.

mod budget;
mod directive;
mod disk;
mod generate;
mod head;
mod line;
mod lines;
mod mnemonic;
mod number;
mod parsed;
mod problem;
mod rdata;
mod reader;
mod record_place;
mod scanner;
mod short;
mod single_rdata;
mod verified;

use std::path::Path;

use rhumb_wire::NameRef;

use crate::builder::ZoneBuilder;
use disk::{NoFiles, ZoneFolder};
use reader::ZoneReader;

pub use disk::ZoneReadOptions;
pub(crate) use number::signature_time_text;
pub use parsed::{ParsedZone, UnreadZone};
pub use problem::FileProblem;
pub use rdata::rdata_text;
pub use record_place::{RecordPlace, find_records};
pub use single_rdata::parse_rdata;
pub use verified::{VerifiedFile, verify_zone, verify_zone_with};

/// Reads the zone `origin` from the file at `path`, which has to be a regular one. An included file is looked for
/// beside the file that includes it, then in the folder of `path`; it lies in that folder or below it.
///
/// Errors: everything that is wrong, at most a hundred problems, and what may explain them: at most a hundred warnings.
pub fn read_zone(origin: NameRef<'_>, path: &Path) -> Result<ParsedZone, Vec<FileProblem>> {
    read_zone_with(origin, path, &ZoneReadOptions::default()).map_err(|unread| unread.problems)
}

/// As [`read_zone`], with `options`.
///
/// Errors: as [`read_zone`], and the files concerned.
pub fn read_zone_with(
    origin: NameRef<'_>,
    path: &Path,
    options: &ZoneReadOptions,
) -> Result<ParsedZone, UnreadZone> {
    let files = ZoneFolder::of(path, options);
    let mut reader = ZoneReader::new(origin, ZoneBuilder::new(origin), &files);
    match reader.file(path) {
        Ok(()) => reader.finish(),
        Err(error) => {
            let problems = vec![FileProblem::of_file(path, error)];
            Err(UnreadZone { problems, files: vec![path.to_owned()] })
        }
    }
}

/// Reads the zone `origin` from `text`, which problems call `path`. Nothing can be included.
///
/// Errors: as [`read_zone`].
pub fn read_zone_bytes(
    origin: NameRef<'_>,
    path: &Path,
    text: &[u8],
) -> Result<ParsedZone, Vec<FileProblem>> {
    let mut reader = ZoneReader::new(origin, ZoneBuilder::new(origin), &NoFiles);
    reader.source(path, None, text, 0);
    reader.finish().map_err(|unread| unread.problems)
}

#[cfg(test)]
mod tests;
