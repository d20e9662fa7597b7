//! Zones of files that updates change too. The file is only read: what changes in it is brought into what is kept and served.

use std::sync::Arc;

use rhumb_wire::{DomainName, serial};
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{FileMerge, ZoneContents, ZoneDifference};

use super::load::{LoadedZone, ZoneRead, ZoneRefusal, unix_time};
use super::schedule::ZoneSchedule;
use super::state::{StateChange, StateStore, StateVersion};
use crate::snapshot::{NewContents, ZoneEntry, ZoneFile};

/// What a zone is kept as, and the differences that lead there.
#[derive(Debug)]
struct KeptZone {
    contents: Arc<ZoneContents>,
    steps: Vec<Arc<ZoneDifference>>,
}

impl ZoneSchedule {
    /// What is to be served once the file of a zone was read, and in place of which version. Of a zone that updates change too, that is what
    /// is kept, with what is new in the file; while its file cannot be read, it is what is kept.
    pub(super) fn merged(&self, entry: &ZoneEntry, version: u32, read: ZoneRead) -> (u32, ZoneRead) {
        let Some(store) = self.store.clone().filter(|store| is_merged(entry, store)) else {
            return (version, read);
        };
        let name = entry.zone.name();
        let read = match (kept_zone(entry, &store), read) {
            (Ok(Some(kept)), Err(refusal)) if entry.zone.contents().is_none() => {
                let contents = kept.contents.serial();
                tracing::warn!("zone {name}: served as it was kept, serial {contents}");
                // There is no other version of a zone that is not served.
                let _ =
                    entry.zone.publish(entry.zone.version(), NewContents::kept(kept.contents, kept.steps));
                Err(refusal)
            }
            (_, Err(refusal)) => Err(refusal),
            (kept, Ok(loaded)) => {
                let files = loaded.files.clone();
                let merged = kept.and_then(|kept| merge_file(name, kept, loaded, &store));
                merged.map_err(|problem| ZoneRefusal { problems: vec![problem], files })
            }
        };
        (entry.zone.version(), read)
    }
}

/// Whether a zone has a file, and updates change it, or did so before: it is then kept in `store`.
fn is_merged(entry: &ZoneEntry, store: &StateStore) -> bool {
    let has_file = matches!(entry.origin.source, ZoneFile::File(_) | ZoneFile::Folder(..));
    has_file && (!entry.origin.update.is_empty() || store.serial(entry.zone.name()).is_some())
}

/// What is kept of a zone: what is served, or else what was served last.
///
/// Errors: it cannot be read, in words.
fn kept_zone(entry: &ZoneEntry, store: &StateStore) -> Result<Option<KeptZone>, String> {
    if let Some(contents) = entry.zone.contents() {
        return Ok(Some(KeptZone { contents, steps: Vec::new() }));
    }
    let kept = store.zone(entry.zone.name()).map_err(|error| error.to_string())?;
    Ok(kept.map(|kept| KeptZone { contents: Arc::new(kept.contents), steps: kept.steps }))
}

/// Makes of a file that was read what is to be served: what is kept, with what is new in the file. It is on the disk then.
///
/// Errors: the two cannot be brought together, or what comes of them cannot be kept; in words.
fn merge_file(
    name: &DomainName,
    kept: Option<KeptZone>,
    mut loaded: LoadedZone,
    store: &StateStore,
) -> Result<LoadedZone, String> {
    let file = Arc::clone(&loaded.contents);
    let Some(kept) = kept else {
        keep(store, name, StateVersion::Whole(Arc::clone(&file)))?;
        note_file(name, &file, store)?;
        return Ok(loaded);
    };
    let before = file_before(name, store)?.unwrap_or_else(|| {
        tracing::warn!(
            "zone {name}: it is not known what its file held before; only later changes of it are taken"
        );
        Arc::clone(&file)
    });
    let merge = FileMerge::merge(&before, &file, &kept.contents, serial::next).map_err(|refusal| {
        format!("{name}: what is new in the file does not go with what updates changed: {refusal}")
    })?;
    for conflict in &merge.conflicts {
        tracing::warn!("zone {name}: {conflict}");
    }
    let KeptZone { mut contents, mut steps } = kept;
    if let Some(updated) = merge.updated {
        let difference = Arc::new(updated.difference);
        keep(store, name, StateVersion::Difference(Arc::clone(&difference)))?;
        contents = Arc::new(updated.contents);
        steps.push(difference);
    }
    // After what comes of it is kept: to bring the same file in once more changes nothing.
    let is_new = ZoneDifference::between(&before, &file).is_none_or(|difference| !difference.is_empty());
    let is_noted = store.files().is_some_and(|files| files.serial(name).is_some());
    if is_new || !is_noted {
        note_file(name, &file, store)?;
    }
    (loaded.contents, loaded.steps) = (contents, Some(steps));
    Ok(loaded)
}

/// What the file of a zone held when it was last brought in.
fn file_before(name: &DomainName, store: &StateStore) -> Result<Option<Arc<ZoneContents>>, String> {
    let Some(files) = store.files() else { return Ok(None) };
    let before = files.zone(name).map_err(|error| error.to_string())?;
    Ok(before.map(|before| Arc::new(before.contents)))
}

fn note_file(name: &DomainName, file: &Arc<ZoneContents>, store: &StateStore) -> Result<(), String> {
    store.files().map_or(Ok(()), |files| keep(files, name, StateVersion::Whole(Arc::clone(file))))
}

fn keep(store: &StateStore, name: &DomainName, version: StateVersion) -> Result<(), String> {
    let change = StateChange {
        zone: name.clone(),
        cause: ChangeCause::File,
        who: String::new(),
        time: unix_time(),
        expires: 0,
        version,
    };
    store.keep(&change).map_err(|error| error.to_string())
}
