//! Reading a zone from its file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rhumb_wire::DomainName;
use rhumb_zones::file::{
    FileProblem, ParsedZone, UnreadZone, ZoneReadOptions, read_zone_bytes, read_zone_with, verify_zone_with,
};
use rhumb_zones::verify::{DigestPolicy, VerifyDepth, ZoneFinding, verify_with};
use rhumb_zones::{FaultSeverity, VersionOrigin, ZoneContents, ZoneVersion};

use super::versions::kept::KeptBefore;
use super::wall_clock::unix_time;
use crate::snapshot::{FileMark, FileRead, SecondaryTimes};
use crate::test_hooks::{PanicPoint, inject_panic};

/// What reading a zone file gave.
pub(super) type ZoneRead = Result<LoadedZone, ZoneRefusal>;

/// A zone that was read well.
#[derive(Debug)]
pub struct LoadedZone {
    /// What is to be served.
    pub contents: Arc<ZoneContents>,
    /// The files that it was read from as they were before, its own first.
    pub files: Vec<FileRead>,
    /// What should be looked at, but does not keep the zone from being served.
    pub warnings: Vec<String>,
    /// How many of its records were left out, each with a warning.
    pub left_out: u64,
    /// The versions that lead to it from what is served, where somebody may want to know.
    pub versions: Option<Vec<ZoneVersion>>,
    /// How it came about, where no version says so.
    pub origin: Option<VersionOrigin>,
    /// When its first signature expires, in seconds since 1970; none for a zone without signatures.
    pub expires: Option<u64>,
    /// Of a zone of other servers.
    pub times: Option<SecondaryTimes>,
    /// What is known from before of a zone whose versions are kept.
    pub(super) before: Option<Box<KeptBefore>>,
}

/// A zone that could not be read.
#[derive(Debug)]
pub struct ZoneRefusal {
    /// What is wrong, each with its place.
    pub problems: Vec<String>,
    /// The files that are known to have been read as they were before, or to be missing, the zone's own first.
    pub files: Vec<FileRead>,
}

/// Files are read again at most so often because they change while they are read.
const ATTEMPTS: u32 = 3;
/// An included file is known only once it was read. One that changed less long before that is read again.
const LATELY: Duration = Duration::from_secs(2);

/// The mark of the first file; none of the zone of the built-in default.
pub(super) fn own_mark(files: &[FileRead]) -> FileMark {
    files.first().map_or_else(FileMark::default, FileRead::mark)
}

/// The files that a zone was read from, well or not.
pub(super) fn files_read(read: &ZoneRead) -> &[FileRead] {
    match read {
        Ok(loaded) => &loaded.files,
        Err(refusal) => &refusal.files,
    }
}

/// Reads the zone `name` from `file`, to be served; without a file, the zone of the built-in default.
///
/// Errors: what is wrong with the file or the zone.
pub fn load(
    name: &DomainName,
    file: Option<&Path>,
    options: &ZoneReadOptions,
) -> Result<LoadedZone, ZoneRefusal> {
    load_at(name, file, options, VerifyDepth::Load)
}

/// The same, with all that can be checked.
///
/// Errors: as [`load`].
pub fn load_to_check(
    name: &DomainName,
    file: &Path,
    options: &ZoneReadOptions,
) -> Result<LoadedZone, ZoneRefusal> {
    load_at(name, Some(file), options, VerifyDepth::Full)
}

fn load_at(
    name: &DomainName,
    file: Option<&Path>,
    options: &ZoneReadOptions,
    depth: VerifyDepth,
) -> Result<LoadedZone, ZoneRefusal> {
    inject_panic(PanicPoint::ZoneReader);
    let Some(file) = file else {
        let text = rhumb_config::DEFAULT_ZONE.as_bytes();
        return match read_zone_bytes(name.as_ref(), Path::new("built-in"), text) {
            Ok(loaded) => Ok(LoadedZone {
                contents: Arc::new(loaded.contents),
                files: Vec::new(),
                warnings: in_words(&loaded.warnings),
                left_out: loaded.left_out,
                versions: None,
                origin: None,
                before: None,
                times: None,
                expires: None,
            }),
            Err(problems) => Err(ZoneRefusal { problems: in_words(&problems), files: Vec::new() }),
        };
    };
    let (read, files) = read_at_rest(file, || read_zone_with(name.as_ref(), file, options));
    match read {
        Ok(loaded) => verified(loaded, file, files, options, depth),
        Err(unread) => Err(ZoneRefusal { problems: in_words(&unread.problems), files }),
    }
}

/// Reads `file` by `read`, again where it changes meanwhile, and the files that were read as they are then. They are known to have been
/// [changing](FileRead::changing) where that does not end.
fn read_at_rest(
    file: &Path,
    mut read: impl FnMut() -> Result<ParsedZone, UnreadZone>,
) -> (Result<ParsedZone, UnreadZone>, Vec<FileRead>) {
    let mut before = vec![FileRead::now(file.to_owned())];
    let mut attempt = 1;
    loop {
        let begun = SystemTime::now();
        let found = read();
        let files = files_of(file, &found);
        match pause_before_again(&before, &files, begun) {
            None => return (found, files),
            Some(_) if attempt == ATTEMPTS => {
                return (found, files.into_iter().map(FileRead::changing).collect());
            }
            Some(pause) => {
                attempt += 1;
                before = files;
                std::thread::sleep(pause);
            }
        }
    }
}

/// The files that reading `file` read, as they are now, and those that a zone with errors lacks.
fn files_of(file: &Path, read: &Result<ParsedZone, UnreadZone>) -> Vec<FileRead> {
    let others = match read {
        Ok(loaded) => &loaded.files,
        Err(unread) => &unread.files,
    };
    let mut named = HashSet::new();
    let all =
        std::iter::once(file).chain(others.iter().map(PathBuf::as_path)).filter(|path| named.insert(*path));
    all.map(|path| FileRead::now(path.to_owned())).collect()
}

/// How long to wait before reading once more; none if what was read is what the files held at one moment, and any later change
/// gives another mark. `before` and `after` are the files around the reading, which began at `begun`.
fn pause_before_again(before: &[FileRead], after: &[FileRead], begun: SystemTime) -> Option<Duration> {
    let again = after.iter().filter(|file| match before.iter().find(|known| known.path() == file.path()) {
        Some(known) => known != *file || file.changed_within(file.tick(), begun),
        None => file.changed_since(begun - LATELY),
    });
    again.map(FileRead::tick).max()
}

/// Checks what was read as a whole. The clock is asked now.
fn verified(
    loaded: ParsedZone,
    file: &Path,
    files: Vec<FileRead>,
    options: &ZoneReadOptions,
    depth: VerifyDepth,
) -> Result<LoadedZone, ZoneRefusal> {
    let ParsedZone { contents, warnings, left_out, .. } = loaded;
    let now = unix_time();
    // Times of signatures have 32 bits, compared in serial arithmetic.
    let found = verify_zone_with(file, &contents, now as u32, depth, options);
    let (errors, more): (Vec<FileProblem>, Vec<FileProblem>) =
        found.problems.into_iter().partition(|problem| problem.severity == FaultSeverity::Error);
    if !errors.is_empty() {
        return Err(ZoneRefusal { problems: in_words(&errors), files });
    }
    let warnings = warnings.iter().chain(&more).map(ToString::to_string).collect();
    Ok(LoadedZone {
        contents: Arc::new(contents),
        files,
        warnings,
        left_out,
        versions: None,
        origin: None,
        before: None,
        times: None,
        expires: found.expires.map(|expires| time_near(expires, now)),
    })
}

/// The zone of these contents, which come from elsewhere than a file; `digest` says what is made of ZONEMD.
///
/// Errors: what keeps them from being served, in words.
pub(super) fn load_contents(contents: ZoneContents, digest: DigestPolicy) -> Result<LoadedZone, Vec<String>> {
    let now = unix_time();
    let found = verify_with(&contents, now as u32, VerifyDepth::Load, digest);
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for ZoneFinding { record, defect } in found.findings {
        let owner = record.map(|record| format!("{}: ", record.owner)).unwrap_or_default();
        let is_error = defect.severity() == FaultSeverity::Error;
        if is_error { &mut errors } else { &mut warnings }.push(format!("{owner}{defect}"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(LoadedZone {
        contents: Arc::new(contents),
        files: Vec::new(),
        warnings,
        left_out: 0,
        versions: None,
        origin: None,
        before: None,
        expires: found.expires.map(|expires| time_near(expires, now)),
        times: None,
    })
}

/// The time of a signature, which has 32 bits, in seconds since 1970: the one that is nearest to `now`.
fn time_near(time: u32, now: u64) -> u64 {
    now.saturating_add_signed(i64::from(time.wrapping_sub(now as u32).cast_signed()))
}

fn in_words(problems: &[FileProblem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ZONE: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rhumb-load-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Right after it was written, a second change of the same size must not go unseen.
    #[test]
    fn what_was_just_written_is_read_when_its_mark_says_it_all() {
        let folder = folder("fresh");
        let (zone, part) = (folder.join("zone"), folder.join("part"));
        let name: DomainName = "a.test".parse().unwrap();
        for round in 0..10 {
            fs::write(&part, format!("www A 192.0.2.{round}\n")).unwrap();
            fs::write(&zone, format!("{ZONE}$INCLUDE part\n")).unwrap();
            let loaded = load(&name, Some(&zone), &ZoneReadOptions::default()).unwrap();
            assert_eq!(loaded.files.iter().map(FileRead::path).collect::<Vec<_>>(), [&zone, &part]);
            assert!(loaded.files.iter().all(FileRead::is_current), "round {round}");
            let changed = if round % 2 == 0 { &part } else { &zone };
            let text = fs::read_to_string(changed).unwrap().replace("192.0.2", "192.0.3");
            fs::write(changed, text).unwrap();
            assert!(!loaded.files.iter().all(FileRead::is_current), "round {round}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_goes_on_changing_while_it_is_read_is_known_to() {
        let folder = folder("restless");
        let zone = folder.join("zone");
        let name: DomainName = "a.test".parse().unwrap();
        for (changes, is_changing) in [(0, false), (1, false), (2, false), (3, true), (9, true)] {
            let mut reads = 0;
            let write = |round: u32| fs::write(&zone, format!("{ZONE}h A 192.0.2.{round}\n")).unwrap();
            write(0);
            let (read, files) = read_at_rest(&zone, || {
                reads += 1;
                let read = read_zone_with(name.as_ref(), &zone, &ZoneReadOptions::default());
                if reads <= changes {
                    write(10 + reads);
                }
                read
            });
            assert!(read.is_ok() && reads <= ATTEMPTS, "{changes} changes, {reads} reads");
            assert_eq!(files.iter().any(FileRead::is_changing), is_changing, "{changes} changes");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_that_changed_around_the_reading_are_read_again() {
        let folder = folder("around");
        let (zone, part) = (folder.join("zone"), folder.join("part"));
        fs::write(&zone, "1").unwrap();
        fs::write(&part, "1").unwrap();
        let now = |path: &PathBuf| FileRead::now(path.clone());
        let later = SystemTime::now() + Duration::from_mins(1);
        let (zone_before, part_before) = (now(&zone), now(&part));
        let pause = |before: &[&FileRead], after: &[&FileRead], begun| {
            let owned = |files: &[&FileRead]| files.iter().map(|&file| file.clone()).collect::<Vec<_>>();
            pause_before_again(&owned(before), &owned(after), begun)
        };
        let both = [&zone_before, &part_before];
        assert_eq!(pause(&both, &both, later), None, "long ago");
        assert_eq!(pause(&[&zone_before], &both, later), None, "an included file, long ago");
        let begun = SystemTime::now();
        assert!(pause(&[&zone_before], &both, begun).is_some(), "an included file, lately");
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(pause(&both, &both, SystemTime::now()), None, "both known");
        fs::write(&part, "2").unwrap();
        assert!(pause(&both, &[&zone_before, &now(&part)], later).is_some(), "changed while it was read");
        fs::remove_dir_all(folder).unwrap();
    }
}
