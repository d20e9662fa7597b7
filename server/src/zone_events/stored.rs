//! A zone as it is configured, read from where it is.

use std::sync::Arc;

use rhumb_zones::{ZoneDifference, ZoneVersion};

use super::configured::ConfiguredZone;
use super::load::{LoadedZone, ZoneRead, ZoneRefusal, load, load_contents};
use super::state::StateStore;
use super::versions::{file_origin, is_kept, kept_before};
use crate::snapshot::{SecondaryTimes, ServedZone, ZoneFile};

/// Reads a zone from its file, or one of other servers from the state; none where nothing is kept of that. `served` is the zone that it
/// replaces the contents of.
pub(super) fn read_configured(
    zone: &ConfiguredZone,
    served: Option<&ServedZone>,
    store: Option<&StateStore>,
) -> Option<ZoneRead> {
    if zone.origin.source != ZoneFile::Primaries {
        let read = load(&zone.name, zone.file().as_deref(), &zone.origin.reading);
        return Some(read.and_then(|loaded| with_past(loaded, zone, served, store)));
    }
    let refused = |problem| ZoneRefusal { problems: vec![problem], files: Vec::new() };
    let kept = match store?.zone(&zone.name) {
        Ok(kept) => kept?,
        Err(error) => return Some(Err(refused(error.to_string()))),
    };
    let times = SecondaryTimes { checked: kept.checked, expires: kept.expires };
    let (versions, origin) = (kept.versions, kept.origin);
    let loaded = load_contents(kept.contents, zone.origin.reading.digest);
    let loaded = loaded.map_err(|problems| ZoneRefusal { problems, files: Vec::new() });
    Some(loaded.map(|mut loaded| {
        (loaded.versions, loaded.origin, loaded.times) = (Some(versions), Some(origin), Some(times));
        loaded
    }))
}

/// A file that was read, with what is known of its zone from before; where nobody keeps that, with how it differs from what is served.
///
/// Errors: what is kept cannot be read.
fn with_past(
    mut loaded: LoadedZone,
    zone: &ConfiguredZone,
    served: Option<&ServedZone>,
    store: Option<&StateStore>,
) -> ZoneRead {
    if let Some(store) = store.filter(|store| is_kept(&zone.origin, &zone.name, store)) {
        let before = kept_before(&zone.origin, &zone.name, served, &loaded.contents, store);
        return match before {
            Ok(before) => {
                loaded.before = Some(Box::new(before));
                Ok(loaded)
            }
            Err(problem) => Err(ZoneRefusal { problems: vec![problem], files: loaded.files }),
        };
    }
    let is_asked_for = !zone.origin.transfer_to.is_empty() || zone.origin.versioning.is_asked_for;
    let served = served.filter(|_| is_asked_for).and_then(ServedZone::contents);
    let difference = served.and_then(|served| ZoneDifference::between(&served, &loaded.contents));
    loaded.versions = difference
        .map(|difference| vec![ZoneVersion { difference: Arc::new(difference), origin: file_origin() }]);
    Ok(loaded)
}
