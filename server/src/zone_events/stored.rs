//! A zone as it is configured, read from where it is.

use std::sync::Arc;

use super::configured::ConfiguredZone;
use super::load::{ZoneRead, ZoneRefusal, load, load_contents};
use super::state::StateStore;
use crate::snapshot::{SecondaryTimes, ZoneFile};

/// Reads a zone from its file, or one of other servers from the state; none where nothing is kept of that.
pub(super) fn read_configured(zone: &ConfiguredZone, store: Option<&StateStore>) -> Option<ZoneRead> {
    if zone.origin.source != ZoneFile::Primaries {
        return Some(load(&zone.name, zone.file().as_deref(), &zone.origin.reading));
    }
    let refused = |problem| ZoneRefusal { problems: vec![problem], files: Vec::new() };
    let kept = match store?.zone(&zone.name) {
        Ok(kept) => kept?,
        Err(error) => return Some(Err(refused(error.to_string()))),
    };
    let times = SecondaryTimes { checked: kept.checked, expires: kept.expires };
    let steps: Vec<Arc<_>> = kept.steps;
    let loaded = load_contents(kept.contents).map_err(|problems| ZoneRefusal { problems, files: Vec::new() });
    Some(loaded.map(|mut loaded| {
        (loaded.steps, loaded.times) = (Some(steps), Some(times));
        loaded
    }))
}
