//! What is served is kept before another version follows it.

use std::sync::Arc;

use rhumb_zones::ZoneContents;
use rhumb_zones::journal::ChangeCause;

use super::thread::VersionThread;
use crate::snapshot::ZoneEntry;
use crate::zone_events::state::{StateChange, StateStore, StateVersion};

/// Whether the last version that is kept is `contents`. Nothing says so as long as nothing is noted of the zone's file: until then
/// versions may have been served that nobody kept.
pub(super) fn follows_kept(entry: &ZoneEntry, contents: &ZoneContents, store: &StateStore) -> bool {
    let name = entry.zone.name();
    let is_noted = store.files().is_some_and(|files| files.sequence(name).is_some());
    is_noted && store.serial(name) == Some(contents.serial())
}

/// Whether the file alone has made what is kept of a zone, if something is.
pub(super) fn is_of_file(entry: &ZoneEntry, store: &StateStore) -> bool {
    let name = entry.zone.name();
    let is_noted = store.files().is_some_and(|files| files.sequence(name).is_some());
    !is_noted && !matches!(store.cause(name), Some(ChangeCause::Update | ChangeCause::Command))
}

impl VersionThread {
    /// Has what is served kept whole unless it is what a difference would follow, and that the file holds it where nothing else has
    /// changed the zone yet. The one before the other: what is noted of a file has come into what is kept.
    ///
    /// Errors: it cannot be written, in words.
    pub(super) fn keep_base(
        &mut self,
        entry: &ZoneEntry,
        base: &Arc<ZoneContents>,
        store: &StateStore,
    ) -> Result<(), String> {
        let name = entry.zone.name();
        let key = name.as_ref().to_lowercase();
        let origin = entry.zone.origin().ok_or("the zone is not loaded")?;
        let version = StateVersion::Whole(Arc::clone(base));
        let whole = StateChange { zone: name.clone(), origin, expires: 0, version };
        let is_of_file = is_of_file(entry, store);
        if self.unkept.contains(&key) || !follows_kept(entry, base, store) {
            let write = store.begin_with_past(&whole, &entry.zone.versions());
            write.wait().map_err(|error| error.to_string())?;
            self.unkept.remove(&key);
        }
        let files = store.files().filter(|_| is_of_file);
        let note = files.map_or(Ok(()), |files| files.keep(&whole));
        note.map_err(|error| error.to_string())
    }
}
