//! Versions that are written together.

use std::collections::HashSet;

use rhumb_wire::DomainName;

use super::commands::BegunCommand;
use super::event::{FilesDone, PublishedFile, VersionEvent};
use super::file_versions::BegunFile;
use super::thread::VersionThread;
use super::updates::UpdatedVersion;
use crate::zone_events::outcome::PlannedRead;
use crate::zone_events::state::{PendingWrite, StateError};

/// A version that is being written.
pub(super) struct BegunVersion {
    kind: BegunKind,
    /// None: there is nothing to be written.
    write: Option<PendingWrite>,
}

/// What it is of.
enum BegunKind {
    Updates(UpdatedVersion),
    /// With the place of its group.
    File(usize, Box<BegunFile>),
    Command(BegunCommand),
}

/// Files that come into force together. Whoever waits for them is told when this is dropped, should the thread panic before: a reload
/// would wait for ever.
struct FileGroup {
    published: Vec<PublishedFile>,
    done: Option<FilesDone>,
}

impl Drop for FileGroup {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(std::mem::take(&mut self.published));
        }
    }
}

/// Versions that are written together: one a zone.
#[derive(Default)]
pub(super) struct VersionBatch {
    begun: Vec<BegunVersion>,
    zones: HashSet<DomainName>,
    groups: Vec<FileGroup>,
}

impl VersionThread {
    /// Begins what an event asks for. A zone of which a version is being written waits for that.
    pub(super) fn take(&mut self, event: VersionEvent, batch: &mut VersionBatch) {
        match event {
            VersionEvent::Updates => {
                for (name, waiting) in self.live.updates.take() {
                    self.reserve([&name], batch);
                    if let Some((version, write)) = self.begin_updates(&name, waiting) {
                        batch
                            .begun
                            .push(BegunVersion { kind: BegunKind::Updates(version), write: Some(write) });
                    }
                }
            }
            VersionEvent::Files(planned, done) => {
                let mut group = FileGroup { published: Vec::new(), done: Some(done) };
                self.reserve(planned.iter().map(|planned| planned.entry.zone.name()), batch);
                group.published = self.begin_files(planned, batch);
                batch.groups.push(group);
            }
            VersionEvent::Command(command, reply) => {
                self.reserve([command.zone()], batch);
                if let Some((begun, write)) = self.begin_command(command, reply) {
                    batch.begun.push(BegunVersion { kind: BegunKind::Command(begun), write: Some(write) });
                }
            }
        }
    }

    fn reserve<'n>(&mut self, names: impl IntoIterator<Item = &'n DomainName>, batch: &mut VersionBatch) {
        let names: Vec<DomainName> = names.into_iter().map(|name| name.as_ref().to_lowercase()).collect();
        if names.iter().any(|name| batch.zones.contains(name)) {
            self.finish(std::mem::take(batch));
        }
        batch.zones.extend(names);
    }

    /// Begins the versions of files. Those that came to their end at once.
    fn begin_files(&mut self, planned: Vec<PlannedRead>, batch: &mut VersionBatch) -> Vec<PublishedFile> {
        let mut published = Vec::new();
        for one in planned {
            match self.begin_file(one) {
                Ok((file, write)) => {
                    let kind = BegunKind::File(batch.groups.len(), Box::new(file));
                    batch.begun.push(BegunVersion { kind, write });
                }
                Err(done) => published.push(done),
            }
        }
        published
    }

    /// Waits until all is on the disk, and serves it.
    pub(super) fn finish(&mut self, batch: VersionBatch) {
        let VersionBatch { begun, mut groups, .. } = batch;
        let written: Vec<(BegunKind, Result<(), StateError>)> = begun
            .into_iter()
            .map(|BegunVersion { kind, write }| (kind, write.map_or(Ok(()), PendingWrite::wait)))
            .collect();
        // What files hold is noted after what came of it was kept: to bring the same file in once more changes nothing. And before it
        // is served: what updates do from then on must not be undone by that.
        let noted: Vec<(BegunKind, Result<(), StateError>, Option<PendingWrite>)> = written
            .into_iter()
            .map(|(kind, result)| {
                let note = match (&kind, &result) {
                    (BegunKind::File(_, file), Ok(())) => self.begin_note(file),
                    _ => None,
                };
                (kind, result, note)
            })
            .collect();
        for (kind, result, note) in noted {
            let result = result.and_then(|()| note.map_or(Ok(()), PendingWrite::wait));
            match kind {
                BegunKind::Updates(version) => self.serve_updates(version, result),
                BegunKind::File(group, file) => {
                    let published = self.serve_file(*file, result);
                    if let Some(group) = groups.get_mut(group) {
                        group.published.push(published);
                    }
                }
                BegunKind::Command(begun) => self.serve_command(begun, result),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_waits_for_files_is_told_once_whatever_happens() {
        for panics in [false, true] {
            let (told, count) = channel();
            let done: FilesDone = Box::new(move |files| told.send(files.len()).unwrap());
            let group = FileGroup { published: Vec::new(), done: Some(done) };
            let ended = catch_unwind(AssertUnwindSafe(|| {
                let _batch = VersionBatch { groups: vec![group], ..VersionBatch::default() };
                assert!(!panics, "as a version that cannot be made would");
            }));
            assert_eq!(ended.is_err(), panics);
            assert_eq!(count.iter().collect::<Vec<_>>(), [0]);
        }
    }
}
