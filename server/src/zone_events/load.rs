//! Reading a zone from its file.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_wire::Name;
use rhumb_zones::file::{FileProblem, ParsedZone, read_zone, read_zone_bytes, verify_zone};
use rhumb_zones::verify::VerifyDepth;
use rhumb_zones::{FaultSeverity, ZoneContents};

use crate::snapshot::{FileMark, FileRead};
use crate::test_hooks::{PanicPoint, inject_panic};

/// What reading a zone file gave.
pub(super) type ZoneRead = Result<LoadedZone, ZoneRefusal>;

/// A zone that was read well.
#[derive(Debug)]
pub struct LoadedZone {
    /// What is to be served.
    pub contents: Arc<ZoneContents>,
    /// The zone's own file as it was before it was read.
    pub file: FileMark,
    /// The files that it included.
    pub included: Vec<FileRead>,
    /// What should be looked at, but does not keep the zone from being served.
    pub warnings: Vec<String>,
    /// When its first signature expires, in seconds since 1970; none for a zone without signatures.
    pub expires: Option<u64>,
}

/// A zone that could not be read.
#[derive(Debug)]
pub struct ZoneRefusal {
    /// What is wrong, each with its place.
    pub problems: Vec<String>,
    /// The zone's own file as it was before it was read.
    pub file: FileMark,
}

/// Reads the zone `name` from `file`, to be served; without a file, the zone of the built-in default.
///
/// Errors: what is wrong with the file or the zone.
pub fn load(name: &Name, file: Option<&Path>) -> Result<LoadedZone, ZoneRefusal> {
    load_at(name, file, VerifyDepth::Load)
}

/// The same, with all that can be checked.
///
/// Errors: as [`load`].
pub fn load_to_check(name: &Name, file: &Path) -> Result<LoadedZone, ZoneRefusal> {
    load_at(name, Some(file), VerifyDepth::Full)
}

fn load_at(name: &Name, file: Option<&Path>, depth: VerifyDepth) -> Result<LoadedZone, ZoneRefusal> {
    inject_panic(PanicPoint::ZoneReader);
    let Some(file) = file else {
        let text = rhumb_config::DEFAULT_ZONE.as_bytes();
        return match read_zone_bytes(name.as_ref(), Path::new("built-in"), text) {
            Ok(loaded) => Ok(LoadedZone {
                contents: Arc::new(loaded.contents),
                file: FileMark::default(),
                included: Vec::new(),
                warnings: in_words(&loaded.warnings),
                expires: None,
            }),
            Err(problems) => Err(ZoneRefusal { problems: in_words(&problems), file: FileMark::default() }),
        };
    };
    let mark = FileMark::now(file);
    match read_zone(name.as_ref(), file) {
        Ok(loaded) => verified(loaded, file, mark, depth),
        Err(problems) => Err(ZoneRefusal { problems: in_words(&problems), file: mark }),
    }
}

/// Checks what was read as a whole. The clock is asked now.
fn verified(
    loaded: ParsedZone,
    file: &Path,
    mark: FileMark,
    depth: VerifyDepth,
) -> Result<LoadedZone, ZoneRefusal> {
    let ParsedZone { contents, warnings, files: read } = loaded;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Times of signatures have 32 bits, compared in serial arithmetic.
    let found = verify_zone(file, &contents, now as u32, depth);
    let (errors, more): (Vec<FileProblem>, Vec<FileProblem>) =
        found.problems.into_iter().partition(|problem| problem.severity == FaultSeverity::Error);
    if !errors.is_empty() {
        return Err(ZoneRefusal { problems: in_words(&errors), file: mark });
    }
    let included = read.into_iter().filter(|path| path != file).map(FileRead::now).collect();
    let warnings = warnings.iter().chain(&more).map(ToString::to_string).collect();
    let until =
        |expires: u32| now.saturating_add_signed(i64::from(expires.wrapping_sub(now as u32).cast_signed()));
    Ok(LoadedZone {
        contents: Arc::new(contents),
        file: mark,
        included,
        warnings,
        expires: found.expires.map(until),
    })
}

fn in_words(problems: &[FileProblem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
