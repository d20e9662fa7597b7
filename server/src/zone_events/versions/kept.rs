//! Which zones of files are kept, and what is known of them from before.

use std::sync::Arc;

use rhumb_config::SerialPolicy;
use rhumb_wire::DomainName;
use rhumb_zones::{VersionOrigin, ZoneContents, ZoneDifference, ZoneVersion};

use crate::snapshot::{ServedZone, ZoneFile, ZoneOrigin};
use crate::zone_events::state::StateStore;

/// A zone as it was kept.
#[derive(Debug, Clone)]
pub(in crate::zone_events) struct KeptZone {
    pub(super) contents: Arc<ZoneContents>,
    pub(super) versions: Vec<ZoneVersion>,
    pub(super) origin: VersionOrigin,
}

/// What the file of a zone that does not only its file changes held when it was last brought in.
#[derive(Debug, Clone)]
pub(in crate::zone_events) struct FileBefore {
    /// Of the record that has it: whether it is still the last is asked before it is used.
    pub(super) sequence: u64,
    pub(super) contents: Arc<ZoneContents>,
    /// What the file holds now.
    pub(super) difference: Option<Arc<ZoneDifference>>,
}

/// What is known from before of a zone whose file was read.
#[derive(Debug, Clone, Default)]
pub(in crate::zone_events) struct KeptBefore {
    /// What was kept, where nothing is served yet.
    pub(super) zone: Option<KeptZone>,
    pub(super) file: Option<FileBefore>,
    /// How the file differs from what is served or kept, where the file alone changes the zone.
    pub(super) difference: Option<Arc<ZoneDifference>>,
}

/// Whether the zone has a file and its versions are kept: others may ask how they differ, or not only the file changes it.
pub(in crate::zone_events) fn is_kept(origin: &ZoneOrigin, name: &DomainName, store: &StateStore) -> bool {
    has_file(origin)
        && (!origin.transfer_to.is_empty()
            || origin.versioning.is_asked_for
            || is_merged(origin, name, store))
}

/// Whether what is served has other records or another serial than the file.
pub(in crate::zone_events) fn is_merged(origin: &ZoneOrigin, name: &DomainName, store: &StateStore) -> bool {
    let is_noted = || store.files().is_some_and(|files| files.serial(name).is_some());
    has_file(origin)
        && (!origin.update.is_empty() || origin.versioning.serial != SerialPolicy::Keep || is_noted())
}

const fn has_file(origin: &ZoneOrigin) -> bool {
    matches!(origin.source, ZoneFile::File(_) | ZoneFile::Folder(..))
}

/// What is known from before of a zone whose file holds `file` now. Called by the threads that read.
///
/// Errors: what is kept cannot be read, in words.
pub(in crate::zone_events) fn kept_before(
    origin: &ZoneOrigin,
    name: &DomainName,
    served: Option<&ServedZone>,
    file: &ZoneContents,
    store: &StateStore,
) -> Result<KeptBefore, String> {
    let served = served.and_then(ServedZone::contents);
    let zone = if served.is_some() { None } else { kept_zone(name, store)? };
    if is_merged(origin, name, store) {
        let file = file_before(name, Some(file), store)?;
        return Ok(KeptBefore { zone, file, difference: None });
    }
    let base = served.as_ref().or(zone.as_ref().map(|zone| &zone.contents));
    let difference = base.and_then(|base| ZoneDifference::between(base, file)).map(Arc::new);
    Ok(KeptBefore { zone, file: None, difference })
}

/// What is kept of a zone.
///
/// Errors: it cannot be read, in words.
pub(super) fn kept_zone(name: &DomainName, store: &StateStore) -> Result<Option<KeptZone>, String> {
    let kept = store.zone(name).map_err(|error| error.to_string())?;
    Ok(kept.map(|kept| KeptZone {
        contents: Arc::new(kept.contents),
        versions: kept.versions,
        origin: kept.origin,
    }))
}

/// What the file of a zone held when it was last brought in, and how it differs from `now`.
///
/// Errors: it cannot be read, in words.
pub(super) fn file_before(
    name: &DomainName,
    now: Option<&ZoneContents>,
    store: &StateStore,
) -> Result<Option<FileBefore>, String> {
    let Some(files) = store.files() else { return Ok(None) };
    let before = files.zone(name).map_err(|error| error.to_string())?;
    Ok(before.map(|before| {
        let difference = now.and_then(|now| ZoneDifference::between(&before.contents, now)).map(Arc::new);
        FileBefore { sequence: before.sequence, contents: Arc::new(before.contents), difference }
    }))
}
