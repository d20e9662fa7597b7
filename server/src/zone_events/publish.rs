//! New contents come into force.

use std::sync::Arc;

use rhumb_wire::serial;
use rhumb_zones::ZoneContents;

use super::load::{ZoneRead, own_mark};
use super::outcome::FileOutcome;
use super::wall_clock::unix_time;
use crate::snapshot::{NewContents, StaleVersion, ZoneEntry, ZoneTrouble};

/// Serves from now on what was read, in place of the version that was served when reading began; a zone that could not be
/// read keeps its contents.
pub(super) fn publish_zone(entry: &ZoneEntry, version: u32, read: ZoneRead) -> FileOutcome {
    let serial = read.as_ref().ok().map(|loaded| loaded.contents.serial());
    let Ok(old) = publish_contents(entry, version, read) else { return FileOutcome::Stale };
    let is_newer = |serial| old.as_ref().is_none_or(|old| serial::is_newer(serial, old.serial()));
    FileOutcome::Done { is_newer: serial.is_some_and(is_newer), old }
}

/// Gives what was served until now.
///
/// Errors: another version is served by now. Nothing is changed.
fn publish_contents(
    entry: &ZoneEntry,
    version: u32,
    read: ZoneRead,
) -> Result<Option<Arc<ZoneContents>>, StaleVersion> {
    match read {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            if loaded.times.is_some_and(|times| times.is_over(unix_time())) {
                return Ok(entry.zone.expire());
            }
            let mark = own_mark(&loaded.files);
            let step = loaded.versions.iter().flatten().last().map(|version| &version.difference);
            if let Some(step) = step.filter(|step| !step.is_empty() && !loaded.files.is_empty())
                && !serial::is_newer(step.to, step.from)
            {
                let (zone, next) = (entry.zone.name(), serial::next(step.from));
                tracing::warn!(
                    "zone {zone} has changed and its serial, {}, is not newer than {} before: secondaries do not take the change \
                     until the serial is {next} or later",
                    step.to,
                    step.from
                );
            }
            let new = NewContents {
                contents: loaded.contents,
                file: mark,
                included: loaded.files.into_iter().skip(1).collect(),
                expires: loaded.expires,
                versions: loaded.versions,
                origin: loaded.origin,
                limits: entry.origin.versioning.history,
                times: loaded.times,
                left_out: loaded.left_out,
            };
            entry.zone.publish(version, new)
        }
        Err(refusal) => {
            let serial = entry.zone.load().as_ref().map(|contents| contents.serial());
            let served = serial.map_or_else(|| "SERVFAIL".to_owned(), |serial| format!("serial {serial}"));
            for problem in &refusal.problems {
                tracing::error!("zone {} is broken and answered by {served}: {problem}", entry.zone.name());
            }
            let trouble = refusal.problems.first().cloned().unwrap_or_default();
            let mark = own_mark(&refusal.files);
            let included = refusal.files.into_iter().skip(1).collect();
            entry.zone.fail(ZoneTrouble(trouble.into()), mark, included);
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use rhumb_config::FilePlace;
    use rhumb_wire::DomainName;
    use rhumb_zones::file::ZoneReadOptions;

    use super::super::load::load;
    use super::*;
    use crate::snapshot::{ServedZone, ZoneFile, ZoneOrigin, ZoneVersioning};

    #[test]
    fn the_files_of_a_broken_zone_are_known() {
        let folder = std::env::temp_dir().join(format!("rhumb-publish-broken-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, part, missing) = (folder.join("zone"), folder.join("part"), folder.join("missing"));
        let name: DomainName = "a.test".parse().unwrap();
        let origin = ZoneOrigin {
            place: FilePlace { file: file.as_path().into(), line: 1, column: 1 },
            source: ZoneFile::File(file.clone()),
            transfer_to: Vec::new(),
            notify: Vec::new(),
            parent_notify: false,
            update: Vec::new(),
            versioning: ZoneVersioning::default(),
            reading: ZoneReadOptions::default(),
            secondary: None,
        };
        let zone = Arc::new(ServedZone::new(name.clone()));
        let entry = ZoneEntry { zone, origin: Arc::new(origin) };
        let included = || {
            let read = load(&name, Some(&file), &ZoneReadOptions::default());
            publish_zone(&entry, entry.zone.version(), read);
            entry.zone.included()
        };
        let both: Vec<PathBuf> = vec![part.clone(), missing.clone()];
        let zone = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n$INCLUDE part\n$INCLUDE missing\n";
        fs::write(&file, zone).unwrap();
        fs::write(&part, "x A bad\n").unwrap();
        assert_eq!(included(), both);
        assert!(entry.zone.trouble().is_some() && entry.is_current());
        fs::write(&missing, "y A 192.0.2.1\n").unwrap();
        assert!(!entry.is_current(), "a file that was missing");
        assert_eq!(included(), both);
        assert!(entry.zone.trouble().is_some() && entry.is_current());
        fs::write(&part, "ns A 192.0.2.100\n").unwrap();
        assert!(!entry.is_current(), "a file that had a mistake");
        assert_eq!(included(), both);
        assert!(entry.zone.trouble().is_none() && entry.is_current());
        // A zone file that is gone does not say what it included.
        fs::remove_file(&file).unwrap();
        assert_eq!(included(), both);
        fs::remove_dir_all(folder).unwrap();
    }
}
