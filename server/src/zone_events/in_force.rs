//! What was read comes into force: at once, or once it is kept.

use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::ZoneContents;

use super::changes::DirtyZones;
use super::describe;
use super::kept_versions::{ChangedZone, CommitDone, InstallSnapshot, KeptFiles, PendingCommit};
use super::load::ZoneRead;
use super::outcome::{FileOutcome, NextZones, PlannedRead, ZonesPlan};
use super::parent_topics::changed_topics;
use super::publish::publish_zone;
use super::schedule::ZoneSchedule;
use super::versions::PublishedFile;
use crate::snapshot::{NotifyTopics, ZoneEntry};

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

    /// A zone has a new version, in place of these contents. Its secondaries are told of one that is newer, and its parent of new records
    /// for it.
    pub(super) fn note_replaced(
        &mut self,
        entry: &ZoneEntry,
        old: Option<Arc<ZoneContents>>,
        is_newer: bool,
    ) {
        let mut topics = NotifyTopics::default();
        // A start is no change, though nothing was served before.
        if entry.origin.parent_notify
            && let (Some(old), Some(new)) = (&old, entry.zone.contents())
        {
            topics = changed_topics(old, &new);
        }
        topics.version = is_newer && !entry.origin.notify.is_empty();
        if !topics.is_empty() {
            self.announced.push((entry.clone(), topics));
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
        self.live.announcements.reconfigured();
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
        for (entry, topics) in self.announced.drain(..) {
            self.live.announcements.push(&entry, topics);
        }
    }

    fn included_changed(&self) {
        self.attention.publish();
        (self.notify)();
    }
}
