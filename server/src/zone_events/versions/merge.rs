//! Zones of files that updates or commands change too. The file is only read: what changes in it is brought into what is kept and served.

use std::sync::Arc;

use rhumb_config::SerialPolicy;
use rhumb_zones::file::rdata_text;
use rhumb_zones::{
    FileMerge, MergeConflict, MergedSerial, VersionOrigin, ZoneContents, ZoneDifference, ZoneVersion,
};

use super::base::{follows_kept, is_of_file};
use super::file_origin::{FileVersion, file_origin};
use super::kept::{FileBefore, KeptBefore, KeptZone, file_before, kept_zone};
use crate::change::utc_time;
use crate::snapshot::ZoneEntry;
use crate::zone_events::load::LoadedZone;
use crate::zone_events::state::{StateStore, StateVersion};
use crate::zone_events::wall_clock::unix_time;

/// Makes of a file that was read what is to be served: what is kept, with what is new in the file.
///
/// `served_follows`: whether what is served was kept.
///
/// Errors: the two cannot be brought together; in words.
pub(super) fn merge_file(
    entry: &ZoneEntry,
    before: Option<Box<KeptBefore>>,
    loaded: &mut LoadedZone,
    store: &StateStore,
    served_follows: bool,
) -> Result<FileVersion, String> {
    let name = entry.zone.name();
    let file = Arc::clone(&loaded.contents);
    let KeptBefore { zone, file: before, .. } = before.map(|before| *before).unwrap_or_default();
    let served = entry.zone.contents();
    let kept = match zone {
        None if served.is_none() => kept_zone(name, store)?,
        zone => zone,
    };
    let (contents, mut versions, origin) = match (served, kept) {
        (Some(contents), _) => (contents, Vec::new(), None),
        (None, Some(KeptZone { contents, versions, origin })) => (contents, versions, Some(origin)),
        (None, None) => {
            let version = Some(StateVersion::Whole(Arc::clone(&file)));
            return Ok(FileVersion { version, note: Some(file) });
        }
    };
    let is_noted = store.files().is_some_and(|files| files.serial(name).is_some());
    let before = known_before(entry, before, &contents, &file, store)?;
    let FileBefore { contents: old, difference, .. } = before;
    let difference = difference.ok_or_else(|| "the zone has no SOA".to_owned())?;
    let (versioning, now) = (&entry.origin.versioning, unix_time());
    let serial =
        if versioning.serial == SerialPolicy::Keep { MergedSerial::File } else { MergedSerial::Next };
    let next = |serial| versioning.next_serial(serial, now);
    let merge = FileMerge::merge(&old, &difference, &contents, serial, next).map_err(|refusal| {
        format!("{name}: what is new in the file does not go with what updates changed: {refusal}")
    })?;
    let known = entry.zone.versions();
    for conflict in &merge.conflicts {
        let setter = |rdata: &[u8]| {
            let adds = |version: &&ZoneVersion| version.adds(conflict.owner.as_ref(), conflict.rtype, rdata);
            known.iter().chain(&versions).rev().find(adds).map(|version| version.origin.clone())
        };
        tracing::warn!("zone {name}: {}", conflict_text(conflict, setter));
    }
    let is_new = !difference.is_empty();
    let note = (is_new || !is_noted).then(|| Arc::clone(&file));
    // One that was kept and could not be served is not followed.
    let follows = served_follows && follows_kept(entry, &contents, store);
    let mut version = None;
    loaded.contents = contents;
    loaded.origin = origin;
    if let Some(updated) = merge.updated {
        let difference = Arc::new(updated.difference);
        version = follows.then(|| StateVersion::Difference(Arc::clone(&difference)));
        loaded.contents = Arc::new(updated.contents);
        versions.push(ZoneVersion { difference, origin: file_origin() });
    }
    if !follows {
        version = Some(StateVersion::Whole(Arc::clone(&loaded.contents)));
    }
    loaded.versions = Some(versions);
    Ok(FileVersion { version, note })
}

/// What the file held when it was last brought in, and how it differs from `file`. `before` is what was known when that was read.
fn known_before(
    entry: &ZoneEntry,
    before: Option<FileBefore>,
    contents: &Arc<ZoneContents>,
    file: &Arc<ZoneContents>,
    store: &StateStore,
) -> Result<FileBefore, String> {
    let name = entry.zone.name();
    let last = store.files().and_then(|files| files.sequence(name));
    let before = match before.filter(|before| Some(before.sequence) == last) {
        Some(before) => Some(before),
        None => file_before(name, Some(file), store)?,
    };
    if let Some(before) = before {
        return Ok(before);
    }
    // A zone that others changed before it had a file is what the file takes the place of.
    let is_files = is_of_file(entry, store);
    let old = if is_files { contents } else { file };
    if !is_files {
        tracing::warn!(
            "zone {name}: it is not known what its file held before; only later changes of it are taken"
        );
    }
    let difference = ZoneDifference::between(old, file).map(Arc::new);
    Ok(FileBefore { sequence: 0, contents: Arc::clone(old), difference })
}

/// `www.example. A: the file says 192.0.2.7, key acme. 192.0.2.1 had set 192.0.2.9 on 2026-11-29 20:57:00`.
fn conflict_text(conflict: &MergeConflict, setter: impl Fn(&[u8]) -> Option<VersionOrigin>) -> String {
    let MergeConflict { owner, rtype, dropped, file } = conflict;
    let file: Vec<String> = file
        .iter()
        .map(|(of, rdata)| match rdata_text(*of, rdata) {
            text if of == rtype => text,
            text => format!("{of} {text}"),
        })
        .collect();
    let dropped: Vec<String> = dropped
        .iter()
        .map(|rdata| {
            let text = rdata_text(*rtype, rdata);
            match setter(rdata) {
                Some(VersionOrigin { who, time, .. }) if !who.is_empty() => {
                    format!("{who} had set {text} on {}", utc_time(time))
                }
                _ => format!("an update had set {text}"),
            }
        })
        .collect();
    format!("{owner} {rtype}: the file says {}, {}", file.join(", "), dropped.join(", "))
}
