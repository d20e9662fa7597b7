//! What was read comes into force: at once, or once it is kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use rhumb_wire::DomainName;
use rhumb_zones::{HistoryLimits, NameTable, ZoneContents};

use super::changes::DirtyZones;
use super::configured::ZoneFolders;
use super::describe;
use super::load::ZoneRead;
use super::outcome::{NextZones, PlannedRead, ZonesPlan};
use super::publish::publish_zone;
use super::schedule::{InstallSnapshot, ZoneSchedule};
use super::state::StateStore;
use super::versions::{FileOutcome, PublishedFile, VersionEvent, is_kept};
use crate::snapshot::{ServerSnapshot, ServerState, SnapshotView, ZoneEntry};

/// Takes the snapshot that a plan has replaced.
pub(super) type CommitDone = Box<dyn FnOnce(Arc<ServerSnapshot>) + Send>;

/// A plan whose versions are being kept.
pub(super) struct PendingCommit {
    /// What is not kept.
    read: Vec<PlannedRead>,
    table: Option<NameTable<ZoneEntry>>,
    folders: Option<ZoneFolders>,
    gone: Vec<DomainName>,
    install: InstallSnapshot,
    done: CommitDone,
}

/// A zone whose changed file comes into force.
#[derive(Debug)]
pub(super) struct ChangedZone {
    name: DomainName,
    /// The serial that was served.
    old: Option<u32>,
    /// What is wrong with the file.
    problems: Option<Vec<String>>,
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
    fn has(&self, entry: &ZoneEntry) -> bool {
        self.store.as_ref().is_some_and(|store| is_kept(&entry.origin, entry.zone.name(), store))
    }

    /// Has files kept and served; `wrap` says what they are of.
    fn keep(
        &self,
        files: Vec<PlannedRead>,
        wrap: impl FnOnce(Vec<PublishedFile>) -> KeptFiles + Send + 'static,
    ) {
        let back = Arc::clone(&self.back);
        // The thread is gone only when the process ends.
        let _ = self.events.send(VersionEvent::Files(files, Box::new(move |files| back(wrap(files)))));
    }

    /// Tells the store how much is kept of earlier versions of the zones of a snapshot.
    fn set_limits(&self, snapshot: &ServerSnapshot) {
        let Some(store) = &self.store else { return };
        let entries = snapshot.view.zones.iter().map(|(_, entry)| entry);
        let limits = entries.map(|entry| (entry.zone.name(), entry.origin.versioning.history));
        let others = limits.filter(|(_, limits)| *limits != HistoryLimits::default());
        let others: HashMap<_, _> =
            others.map(|(name, limits)| (name.as_ref().to_lowercase(), limits)).collect();
        store.set_limits(others);
    }
}

impl ZoneSchedule {
    pub(super) fn publish_changed(&mut self, name: DomainName, version: u32, read: Option<ZoneRead>) {
        let problems =
            read.as_ref().and_then(|read| read.as_ref().err()).map(|refusal| refusal.problems.clone());
        let snapshot = self.live.snapshot.load_full();
        let entry = snapshot.view.zone_at(&name);
        let old = entry.and_then(|entry| entry.zone.contents()).map(|contents| contents.serial());
        let changed = ChangedZone { name, old, problems };
        match (entry, read) {
            (Some(entry), Some(read)) => {
                let planned = PlannedRead { entry: entry.clone(), version, read };
                if self.versions.has(entry) {
                    self.versions.keep(vec![planned], |files| KeptFiles::Changed(changed, files));
                } else {
                    let published = self.publish_read(planned);
                    self.finish_changed(changed, Some(published));
                }
            }
            _ => self.finish_changed(changed, None),
        }
    }

    /// The thread of versions has served files.
    pub(super) fn take_kept(&mut self, files: KeptFiles) {
        match files {
            KeptFiles::Changed(changed, mut files) => {
                let published = files.pop().map(|file| self.note_published(file));
                self.finish_changed(changed, published);
            }
            KeptFiles::Planned(files) => {
                let mut included = false;
                for file in files {
                    included |= self.note_published(file);
                }
                if let Some(commit) = self.committing.take() {
                    self.finish_commit(commit, included);
                }
            }
        }
    }

    /// `published`: whether the zone includes other files than before; none where nothing was put in force.
    fn finish_changed(&mut self, changed: ChangedZone, published: Option<bool>) {
        let ChangedZone { name, old, problems } = changed;
        let again = self.reading.remove(&name).unwrap_or(false);
        if published == Some(true) {
            self.included_changed();
        }
        self.announce();
        let snapshot = self.live.snapshot.load_full();
        let serial = snapshot.view.zone_at(&name).and_then(|entry| entry.zone.contents());
        let serial = serial.map(|contents| contents.serial());
        if let Some(new) = serial.filter(|_| published.is_some() && problems.is_none()) {
            tracing::info!("{}", describe::loaded_anew(&name, old, new));
        }
        if again {
            self.look_at(&DirtyZones::one(name));
        } else if self.awaited.contains_key(&name) {
            let gone = || vec![format!("there is no zone {name} any more")];
            let result = problems.map_or_else(|| serial.ok_or_else(gone), Err);
            self.answer_awaited(&name, &result);
        }
    }

    /// Serves what was read. Whether the zone includes other files than before.
    pub(super) fn publish_read(&mut self, planned: PlannedRead) -> bool {
        let PlannedRead { entry, version, read } = planned;
        self.retired.add_freed(read.as_ref().map_or(0, |loaded| loaded.contents.memory()));
        let outcome = publish_zone(&entry, version, read);
        self.note_published(PublishedFile { entry, outcome })
    }

    /// A zone has what its file holds. Whether it includes other files than before.
    fn note_published(&mut self, file: PublishedFile) -> bool {
        let PublishedFile { entry, outcome } = file;
        match outcome {
            FileOutcome::Stale => {
                self.deferred.names.insert(entry.zone.name().clone());
                false
            }
            FileOutcome::Done { old, is_newer } => {
                self.note_replaced(&entry, old, is_newer);
                self.attention.update(&entry)
            }
        }
    }

    /// A zone has a new version, in place of these contents; whether its servers are told of it.
    pub(super) fn note_replaced(
        &mut self,
        entry: &ZoneEntry,
        old: Option<Arc<ZoneContents>>,
        is_newer: bool,
    ) {
        if is_newer && !entry.origin.notify.is_empty() {
            self.announced.push(entry.clone());
        }
        if let Some(old) = old {
            self.retired.add_contents(old);
        }
    }

    /// Puts a plan in force: contents first, then the snapshot that has the new zones. `done` takes the snapshot before.
    pub(super) fn commit(&mut self, plan: ZonesPlan, install: InstallSnapshot, done: CommitDone) {
        let NextZones { read, table, folders, gone } = plan.next;
        let (kept, read): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|planned| self.versions.has(&planned.entry));
        let commit = PendingCommit { read, table, folders, gone, install, done };
        if kept.is_empty() {
            self.finish_commit(commit, false);
        } else {
            self.committing = Some(commit);
            self.versions.keep(kept, KeptFiles::Planned);
        }
    }

    fn finish_commit(&mut self, commit: PendingCommit, mut included: bool) {
        let PendingCommit { read, table, folders, gone, install, done } = commit;
        self.plan = None;
        for name in &gone {
            included |= self.attention.remove(name);
        }
        for planned in read {
            included |= self.publish_read(planned);
        }
        let old = install(table);
        self.announce();
        self.live.refreshes.look();
        let snapshot = self.live.snapshot.load_full();
        self.versions.set_limits(&snapshot);
        if let Some(folders) = folders {
            self.folders = folders;
            for (_, entry) in snapshot.view.zones.iter() {
                included |= self.attention.update(entry);
            }
        }
        self.retired.add_snapshot(Arc::clone(&old));
        if included {
            self.included_changed();
        }
        done(old);
    }

    /// Has the servers told of the new versions: once the keys that this is signed with are in force.
    pub(super) fn announce(&mut self) {
        for entry in self.announced.drain(..) {
            self.live.announcements.push(&entry);
        }
    }

    fn included_changed(&self) {
        self.attention.publish();
        (self.notify)();
    }
}

/// Makes a snapshot current that differs in its zones alone.
pub(super) fn install_table(live: &ServerState, table: Option<NameTable<ZoneEntry>>) -> Arc<ServerSnapshot> {
    let old = live.snapshot.load_full();
    let Some(zones) = table else { return old };
    let view = SnapshotView { zones, ..old.view.clone() };
    let next = ServerSnapshot { serial: old.serial + 1, view, ..ServerSnapshot::clone(&old) };
    live.snapshot.swap(Arc::new(next))
}
