//! What a reload would change in the zones, without changing it.

use std::sync::Arc;

use rhumb_watch::OpenWriters;

use super::describe;
use super::load::load;
use super::outcome::ZonesPlan;
use super::pairs::{PairedZones, ZonePair, next_zones};
use super::schedule::PlanReply;
use crate::change::ChangeText;
use crate::snapshot::{ServerSnapshot, ZoneEntry, ZoneFile, incomplete_file};

/// A larger zone file is not read only to say what it would change: the answer should come at once.
const READ_AT_MOST: u64 = 4 * 1024 * 1024;

/// Replies from a thread of its own, as files have to be read.
pub(super) fn reply(
    mut paired: PairedZones,
    errors: Vec<String>,
    snapshot: Arc<ServerSnapshot>,
    writers: OpenWriters,
    reply: PlanReply,
) {
    if !errors.is_empty() {
        return reply(Err(errors));
    }
    let work = move || {
        let large: Vec<ChangeText> =
            paired.pairs.iter_mut().filter_map(|pair| read_small(pair, &writers)).collect();
        let mut changes = describe::changes(&paired);
        changes.extend(large);
        let broken = describe::broken(&paired);
        let warnings = std::mem::take(&mut paired.warnings);
        let next = next_zones(paired, &snapshot);
        reply(Ok(ZonesPlan { changes, broken, warnings, read_count: next.read.len(), next }));
    };
    // Without a thread the reply is dropped, which whoever waits for it takes for a failure.
    if let Err(error) = std::thread::Builder::new().name("zone-diff".into()).spawn(work) {
        tracing::error!(%error, "no thread to compare zones");
    }
}

/// Reads a zone that may differ, if its file is small. What is known of it otherwise.
fn read_small(pair: &mut ZonePair, writers: &OpenWriters) -> Option<ChangeText> {
    if pair.kept_entry(true).is_some_and(ZoneEntry::is_current) {
        return None;
    }
    if pair.wanted.origin.source == ZoneFile::Primaries {
        return None;
    }
    let file = pair.wanted.file();
    let size = file.as_deref().and_then(|file| std::fs::metadata(file).ok()).map_or(0, |found| found.len());
    if size <= READ_AT_MOST {
        let read = load(&pair.wanted.name, file.as_deref(), &pair.wanted.origin.reading);
        let files = match &read {
            Ok(loaded) => &loaded.files,
            Err(refusal) => &refusal.files,
        };
        // What was seen is what is there now: a look at the differences waits for nothing.
        if let Some(open) = incomplete_file(writers, files, files) {
            let name = &pair.wanted.name;
            return Some(ChangeText(format!("zone {name}: {} is being written", open.path().display())));
        }
        pair.read = Some(read);
        return None;
    }
    let current = pair.present.as_ref().is_some_and(ZoneEntry::is_current);
    pair.present.as_ref().filter(|_| !current).map(|entry| {
        ChangeText(format!(
            "zone {}: its file has changed ({size} bytes) and would be loaded anew",
            entry.zone.name()
        ))
    })
}
