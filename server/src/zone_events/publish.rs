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
            entry.zone.fail(ZoneTrouble(trouble.into()), own_mark(&refusal.files));
            Ok(None)
        }
    }
}
