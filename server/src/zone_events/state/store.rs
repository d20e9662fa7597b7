//! The store: what others ask of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

use rhumb_wire::DomainName;
use rhumb_zones::journal::{ChangeCause, JournalSignature, ReplayedZone};
use rhumb_zones::{HistoryLimits, ZoneContents, ZoneVersion};
use tokio::sync::oneshot;

use super::compaction;
use super::encode::StateChange;
use super::files::StateFile;
use super::folder::{StateFolder, StateFolderError};
use super::log::LogFiles;
use super::log_writer::LogWriter;
use super::read::read_zone;
use super::scan::scan;
use super::shared::{LogQueue, StateShared};
use super::state_error::StateError;
use super::writer;
use crate::metrics::{ServerMetrics, StateLogFigures};

/// A change that is to be written, at the latest when it is waited for.
#[derive(Debug)]
pub(in crate::zone_events) struct PendingWrite {
    result: oneshot::Receiver<Result<(), StateError>>,
    shared: Arc<StateShared>,
}

impl PendingWrite {
    /// Waits until the change is on the disk. The thread that waits writes it, and all else that is queued, unless another one is at it.
    ///
    /// Errors: it cannot be written.
    pub(in crate::zone_events) fn wait(self) -> Result<(), StateError> {
        while self.result.is_empty() && self.shared.write_queued() {}
        let ended = || Err(StateError::Write("the server ends".to_owned()));
        self.result.blocking_recv().unwrap_or_else(|_| ended())
    }
}

/// Versions of zones on the disk.
#[derive(Debug, Clone)]
pub struct StateStore {
    shared: Arc<StateShared>,
    /// Whether records were lost of which it is not known whose they were: any zone may be older than it was.
    is_incomplete: bool,
    /// What the files of zones held that updates change too, when they were last read.
    files: Option<Arc<Self>>,
}

impl StateStore {
    /// Reads what the folder holds and starts the threads of the store, and of the one within it for what zone files held.
    ///
    /// Errors: the folder cannot be read, or a thread not be made.
    pub fn start(folder: StateFolder, metrics: &ServerMetrics) -> Result<Self, StateFolderError> {
        let files = Self::start_one(folder.files()?, metrics, Arc::default())?;
        let store = Self::start_one(folder, metrics, metrics.state_log())?;
        Ok(Self { files: Some(Arc::new(files)), ..store })
    }

    fn start_one(
        folder: StateFolder,
        metrics: &ServerMetrics,
        figures: Arc<StateLogFigures>,
    ) -> Result<Self, StateFolderError> {
        let path = folder.path().to_owned();
        let failed = |error| StateFolderError::Failed { path: path.clone(), error };
        let found = scan(&folder).map_err(failed)?;
        let files = LogFiles::new(&folder, found.last, found.next).map_err(failed)?;
        let (queue, queued) = channel();
        let (full, filled): (SyncSender<StateFile>, _) = sync_channel(1);
        let (wake, woken) = sync_channel(1);
        let log = LogQueue { queue, wake, writer: Mutex::new(LogWriter::new(files, queued, full)) };
        let known = (found.index, found.signatures.into_sorted());
        let shared = Arc::new(StateShared::new(folder, known, log, figures));
        writer::start(Arc::clone(&shared), woken, metrics.workers()).map_err(failed)?;
        compaction::start(Arc::clone(&shared), filled, metrics.workers()).map_err(failed)?;
        Ok(Self { shared, is_incomplete: found.is_incomplete, files: None })
    }

    /// Has a change kept. It may be served once the receiver says that it is on the disk; one change of a zone at a time. A large zone
    /// is written by the caller's thread.
    pub fn submit(&self, change: &StateChange) -> oneshot::Receiver<Result<(), StateError>> {
        let result = self.shared.queue(change, None, &[]);
        self.shared.wake_writer();
        result
    }

    /// As [`Self::submit`], for a thread that will wait for it: several changes that it begins are written together.
    pub(in crate::zone_events) fn begin(&self, change: &StateChange) -> PendingWrite {
        self.pending(self.shared.queue(change, None, &[]))
    }

    /// As [`Self::begin`] does for a whole zone, with the versions that lead to it.
    pub(in crate::zone_events) fn begin_with_past(
        &self,
        whole: &StateChange,
        versions: &[ZoneVersion],
    ) -> PendingWrite {
        self.pending(self.shared.queue(whole, None, versions))
    }

    fn pending(&self, result: oneshot::Receiver<Result<(), StateError>>) -> PendingWrite {
        PendingWrite { result, shared: Arc::clone(&self.shared) }
    }

    /// As [`Self::begin`], and waits until the change is on the disk.
    ///
    /// Errors: it cannot be written.
    pub fn keep(&self, change: &StateChange) -> Result<(), StateError> {
        self.begin(change).wait()
    }

    /// What is kept of a zone; none where there is nothing.
    ///
    /// Errors: it is damaged, or cannot be read.
    pub fn zone(&self, name: &DomainName) -> Result<Option<ReplayedZone>, StateError> {
        let key = name.as_ref().to_lowercase();
        let places = || self.shared.index().zones.get(&key).cloned();
        let mut known = places();
        while let Some(zone) = known {
            let fault = match read_zone(&self.shared.folder, name, &zone) {
                Ok(read) => return Ok(read),
                Err(fault) => fault,
            };
            // A zone that was written anew meanwhile stands elsewhere, and its former log may be gone.
            known = places();
            if known.as_ref().is_some_and(|now| now.places == zone.places) {
                return Err(StateError::Read(fault.to_string()));
            }
        }
        Ok(None)
    }

    /// What the file of a zone held when it was last read, where not only its file changes the zone.
    ///
    /// Errors: it cannot be read, in words.
    pub fn file_contents(&self, name: &DomainName) -> Result<Option<ZoneContents>, String> {
        let Some(files) = &self.files else { return Ok(None) };
        let kept = files.zone(name).map_err(|error| error.to_string())?;
        Ok(kept.map(|kept| kept.contents))
    }

    /// The serial of the last version that is kept of a zone.
    pub fn serial(&self, name: &DomainName) -> Option<u32> {
        let index = self.shared.index();
        let zone = index.zones.get(&name.as_ref().to_lowercase()).filter(|zone| zone.damage.is_none())?;
        (zone.sequence > 0).then_some(zone.serial)
    }

    /// What caused the last version that is kept of a zone.
    pub(in crate::zone_events) fn cause(&self, name: &DomainName) -> Option<ChangeCause> {
        self.shared.index().zones.get(&name.as_ref().to_lowercase())?.cause
    }

    /// The sequence of the last version that is kept of a zone.
    pub(in crate::zone_events) fn sequence(&self, name: &DomainName) -> Option<u64> {
        let index = self.shared.index();
        index.zones.get(&name.as_ref().to_lowercase()).map(|zone| zone.sequence)
    }

    /// The signatures of messages that were carried out before the start and are still good; those that are so for the shortest time come
    /// first. They are given once.
    pub(in crate::zone_events) fn take_signatures(&self) -> Vec<JournalSignature> {
        self.shared.take_signatures()
    }

    /// From now on so much is kept of earlier versions of these zones, named in lower case, and of all others as much as is usual.
    pub(in crate::zone_events) fn set_limits(&self, limits: HashMap<DomainName, HistoryLimits>) {
        self.shared.set_limits(limits);
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.shared.folder.path()
    }

    /// The zones of which something is kept.
    pub fn zones(&self) -> Vec<DomainName> {
        self.shared.index().zones.keys().cloned().collect()
    }

    /// See [`Self`].
    pub const fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// The store of what zone files held.
    pub fn files(&self) -> Option<&Self> {
        self.files.as_deref()
    }
}

#[cfg(test)]
mod tests;
