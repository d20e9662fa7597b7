//! The thread that makes the versions.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rhumb_zones::ZoneContents;

use super::batch::VersionBatch;
use super::commands::{VersionCommand, VersionReply};
use super::file_versions::FilesDone;
use super::recent_updates::RecentUpdates;
use crate::snapshot::{ServerState, ZoneEntry};
use crate::zone_events::outcome::PlannedRead;
use crate::zone_events::state::StateStore;

/// What the thread is asked to do.
pub(in crate::zone_events) enum VersionEvent {
    /// Dynamic updates wait.
    Updates,
    /// Files of zones that are kept were read.
    Files(Vec<PlannedRead>, FilesDone),
    /// An operator asks for something.
    Command(VersionCommand, VersionReply),
}

/// Takes a zone that has a new version, and the contents that it had.
type ReplacedZone = Box<dyn Fn(ZoneEntry, Option<Arc<ZoneContents>>) + Send>;

/// What the thread knows.
pub(in crate::zone_events) struct VersionThread {
    pub(super) live: Arc<ServerState>,
    pub(super) store: Option<StateStore>,
    pub(super) replaced: ReplacedZone,
    pub(super) recent_updates: RecentUpdates,
    /// Zones that are served as they could not be kept: they are kept whole the next time.
    pub(super) unkept: HashSet<rhumb_wire::DomainName>,
}

impl VersionThread {
    /// Starts the thread; it ends with the last sender. `replaced` is called by it with what came of updates and commands.
    ///
    /// Errors: it could not be made.
    pub(in crate::zone_events) fn start(
        live: Arc<ServerState>,
        store: Option<StateStore>,
        replaced: impl Fn(ZoneEntry, Option<Arc<ZoneContents>>) + Send + 'static,
    ) -> io::Result<Sender<VersionEvent>> {
        let (events, inbox) = channel();
        let mut thread = Self {
            live,
            store,
            replaced: Box::new(replaced),
            recent_updates: RecentUpdates::default(),
            unkept: HashSet::new(),
        };
        std::thread::Builder::new().name("zone-versions".into()).spawn(move || thread.run(&inbox))?;
        Ok(events)
    }

    fn run(&mut self, inbox: &Receiver<VersionEvent>) {
        rhumb_net::yield_to_others();
        let live = Arc::clone(&self.live);
        live.metrics.workers().register("zones", "zone-versions").supervise(|worker| {
            while let Ok(first) = inbox.recv() {
                let _busy = worker.busy();
                let mut batch = VersionBatch::default();
                let mut next = Some(first);
                while let Some(event) = next {
                    self.take(event, &mut batch);
                    next = inbox.try_recv().ok();
                }
                self.finish(batch);
            }
        });
    }
}
