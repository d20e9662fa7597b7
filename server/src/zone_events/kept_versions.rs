//! The way to the thread that makes versions, and what waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use rhumb_wire::DomainName;
use rhumb_zones::{HistoryLimits, NameTable};

use super::configured::ZoneFolders;
use super::outcome::PlannedRead;
use super::state::StateStore;
use super::versions::{PublishedFile, VersionEvent, is_kept};
use crate::snapshot::{ServerSnapshot, ServerState, SnapshotView, ZoneEntry};

/// Makes the next snapshot current, with these zones or with those that there are. Gives the one before.
pub(super) type InstallSnapshot = Box<dyn FnOnce(Option<NameTable<ZoneEntry>>) -> Arc<ServerSnapshot> + Send>;
/// Takes the snapshot that a plan has replaced.
pub(super) type CommitDone = Box<dyn FnOnce(Arc<ServerSnapshot>) + Send>;

/// A plan whose versions are being kept.
pub(super) struct PendingCommit {
    /// What is not kept.
    pub(super) read: Vec<PlannedRead>,
    pub(super) table: Option<NameTable<ZoneEntry>>,
    pub(super) folders: Option<ZoneFolders>,
    pub(super) gone: Vec<DomainName>,
    pub(super) install: InstallSnapshot,
    pub(super) done: CommitDone,
}

/// A zone whose changed file comes into force.
#[derive(Debug)]
pub(super) struct ChangedZone {
    pub(super) name: DomainName,
    /// The serial that was served.
    pub(super) old: Option<u32>,
    /// What is wrong with the file.
    pub(super) problems: Option<Vec<String>>,
}

/// What came of files that the thread of versions was given.
pub(super) enum KeptFiles {
    /// Of one zone.
    Changed(ChangedZone, Vec<PublishedFile>),
    /// Of a plan.
    Planned(Vec<PublishedFile>),
}

/// Where versions are kept, and the way to the thread that makes them.
pub(super) struct KeptVersions {
    pub(super) store: Option<StateStore>,
    pub(super) events: Sender<VersionEvent>,
    /// Gives what came of files back to the zone thread.
    pub(super) back: Arc<dyn Fn(KeptFiles) + Send + Sync>,
}

impl KeptVersions {
    pub(super) fn has(&self, entry: &ZoneEntry) -> bool {
        self.store.as_ref().is_some_and(|store| is_kept(&entry.origin, entry.zone.name(), store))
    }

    /// Has files kept and served; `wrap` says what they are of.
    pub(super) fn keep(
        &self,
        files: Vec<PlannedRead>,
        wrap: impl FnOnce(Vec<PublishedFile>) -> KeptFiles + Send + 'static,
    ) {
        let back = Arc::clone(&self.back);
        // The thread is gone only when the process ends.
        let _ = self.events.send(VersionEvent::Files(files, Box::new(move |files| back(wrap(files)))));
    }

    /// Tells the store how much is kept of earlier versions of the zones of a snapshot.
    pub(super) fn set_limits(&self, snapshot: &ServerSnapshot) {
        let Some(store) = &self.store else { return };
        let entries = snapshot.view.zones.iter().map(|(_, entry)| entry);
        let limits = entries.map(|entry| (entry.zone.name(), entry.origin.versioning.history));
        let others = limits.filter(|(_, limits)| *limits != HistoryLimits::default());
        let others: HashMap<_, _> =
            others.map(|(name, limits)| (name.as_ref().to_lowercase(), limits)).collect();
        store.set_limits(others);
    }
}

/// Makes a snapshot current that differs in its zones alone.
pub(super) fn install_table(live: &ServerState, table: Option<NameTable<ZoneEntry>>) -> Arc<ServerSnapshot> {
    let Some(zones) = table else { return live.snapshot.load_full() };
    live.install(|old| {
        let view = SnapshotView { zones, ..old.view.clone() };
        ServerSnapshot { view, ..old.clone() }
    })
}
