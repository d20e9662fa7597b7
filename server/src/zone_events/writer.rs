//! The zone thread, and the way to it.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Instant;

use arc_swap::ArcSwap;
use rhumb_config::ServerConfig;
use rhumb_watch::OpenWriters;
use rhumb_wire::DomainName;
use rhumb_zones::ZoneContents;

use super::attention::ZoneAttention;
use super::changes::FileChanges;
use super::difference;
use super::kept_versions::{InstallSnapshot, KeptFiles, KeptVersions};
use super::open_files::{LOOK_PAUSE, OpenZoneFiles};
use super::outcome::{PlanPurpose, ZoneReadReply, ZonesPlan};
use super::preload::PreloadedZones;
use super::read_job::{ReadJob, ZoneReadOutcome};
use super::readers::{ReaderSettings, ZoneReaders};
use super::schedule::{PlanReply, ZoneSchedule};
use super::state::{StateStore, read_frozen};
use super::stored::read_configured;
use super::transferred::TransferredZone;
use super::versions::{VersionCommand, VersionEvent, VersionReply, start_thread};
use crate::snapshot::retired::SWEEP_PAUSE;
use crate::snapshot::{ServerSnapshot, ServerState, ZoneEntry};

/// What the zone thread is asked to do.
enum ZoneEvent {
    Plan { config: Arc<ServerConfig>, changes: FileChanges, purpose: PlanPurpose, reply: PlanReply },
    Commit { plan: Box<ZonesPlan>, install: InstallSnapshot, done: SyncSender<Arc<ServerSnapshot>> },
    Abandon,
    FilesChanged(FileChanges),
    ReadAgain(DomainName, ZoneReadReply),
    Read(Box<(ReadJob, ZoneReadOutcome)>),
    Transferred(Box<TransferredZone>),
    Expire(DomainName),
    Kept(KeptFiles),
    Replaced(ZoneEntry, Option<Arc<ZoneContents>>),
}

impl ZoneEvent {
    /// Whether it is about plans: one that is being put in force comes first.
    const fn is_of_plans(&self) -> bool {
        matches!(self, Self::Plan { .. } | Self::Commit { .. } | Self::Abandon)
    }
}

/// The way to the one thread that changes the contents of zones and makes snapshots current.
#[derive(Debug, Clone)]
pub struct ZoneWriter {
    events: Sender<ZoneEvent>,
    versions: Sender<VersionEvent>,
    included: Arc<ArcSwap<Vec<PathBuf>>>,
}

impl ZoneWriter {
    /// Starts the thread, and those that read for it. `notify` is called by it when zones include other files than before.
    ///
    /// Errors: a thread could not be made.
    pub fn start(
        live: &Arc<ServerState>,
        mut preloaded: PreloadedZones,
        store: Option<&StateStore>,
        writers: &OpenWriters,
        notify: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (events, inbox) = channel();
        let (read, store) = (events.clone(), store.cloned());
        let readers_store = store.clone();
        let settings =
            ReaderSettings::new(move |zone, served| read_configured(zone, served, readers_store.as_ref()));
        let readers = ZoneReaders::start(&live.metrics, writers.clone(), settings, move |job, outcome| {
            // The zone thread is gone only when the process ends.
            let _ = read.send(ZoneEvent::Read(Box::new((job, outcome))));
        })?;
        let attention = ZoneAttention::default();
        let included = attention.included();
        let versions = start_versions(live, store, &events)?;
        let sender = versions.events.clone();
        let schedule = ZoneSchedule::new(
            Arc::clone(live),
            versions,
            readers,
            OpenZoneFiles::new(writers.clone(), preloaded.take_at_rest()),
            attention,
            preloaded,
            Box::new(notify),
        );
        let live = Arc::clone(live);
        std::thread::Builder::new().name("zones".into()).spawn(move || run(schedule, &inbox, &live))?;
        Ok(Self { events, versions: sender, included })
    }

    /// Works out what `config` comes to and replies once its zones are read. Of a reload's plan the caller has to say
    /// whether it is put in force or given up.
    pub fn plan(
        &self,
        config: Arc<ServerConfig>,
        changes: FileChanges,
        purpose: PlanPurpose,
        reply: PlanReply,
    ) {
        self.send(ZoneEvent::Plan { config, changes, purpose, reply });
    }

    /// Puts a plan in force. `install` makes the snapshot current; the one before comes back. None: the thread failed.
    pub fn commit(&self, plan: ZonesPlan, install: InstallSnapshot) -> Option<Arc<ServerSnapshot>> {
        let (done, waiting) = sync_channel(1);
        self.send(ZoneEvent::Commit { plan: Box::new(plan), install, done });
        waiting.recv().ok()
    }

    /// Gives a plan up.
    pub fn abandon(&self) {
        self.send(ZoneEvent::Abandon);
    }

    /// Looks at the zones of these files.
    pub fn files_changed(&self, changes: FileChanges) {
        self.send(ZoneEvent::FilesChanged(changes));
    }

    /// Reads the files of a zone again, whether or not they differ, and puts them in force.
    pub fn read_again(&self, name: DomainName, reply: ZoneReadReply) {
        self.send(ZoneEvent::ReadAgain(name, reply));
    }

    /// Serves a version that was transferred from another server, and is kept.
    pub(super) fn publish(&self, transferred: TransferredZone) {
        self.send(ZoneEvent::Transferred(Box::new(transferred)));
    }

    /// Serves nothing of a zone of other servers any more: what there is, is too old.
    pub(super) fn expire(&self, name: DomainName) {
        self.send(ZoneEvent::Expire(name));
    }

    /// Does what an operator asks for, and replies once it is kept.
    pub fn command(&self, command: VersionCommand, reply: VersionReply) {
        // The thread ends with the last sender.
        let _ = self.versions.send(VersionEvent::Command(command, reply));
    }

    /// The files that zones include, in order.
    pub fn included(&self) -> Arc<Vec<PathBuf>> {
        self.included.load_full()
    }

    fn send(&self, event: ZoneEvent) {
        // The thread ends with the last sender.
        let _ = self.events.send(event);
    }
}

/// Starts the thread of versions, and has it woken by updates that wait.
fn start_versions(
    live: &Arc<ServerState>,
    store: Option<StateStore>,
    events: &Sender<ZoneEvent>,
) -> io::Result<KeptVersions> {
    if let Some(store) = &store {
        live.frozen.set(read_frozen(store)?);
    }
    // The zone thread is gone only when the process ends; so is the other.
    let (replaced, back) = (events.clone(), events.clone());
    let versions = start_thread(Arc::clone(live), store.clone(), move |entry, old| {
        let _ = replaced.send(ZoneEvent::Replaced(entry, old));
    })?;
    let waiting = versions.clone();
    live.updates.set_wake(move || {
        let _ = waiting.send(VersionEvent::Updates);
    });
    let back = Arc::new(move |files| {
        let _ = back.send(ZoneEvent::Kept(files));
    });
    Ok(KeptVersions { store, events: versions, back })
}

fn run(mut schedule: ZoneSchedule, inbox: &Receiver<ZoneEvent>, live: &Arc<ServerState>) {
    rhumb_net::yield_to_others();
    let mut restarted = false;
    let mut postponed = VecDeque::new();
    live.metrics.workers().register("zones", "zones").supervise(|worker| {
        if std::mem::replace(&mut restarted, true) {
            schedule.recover();
        }
        while let Some(event) = next(&mut schedule, inbox) {
            let _busy = worker.busy();
            if schedule.committing.is_some() && event.is_of_plans() {
                postponed.push_back(event);
            } else {
                execute(&mut schedule, event, live);
            }
            while schedule.committing.is_none()
                && let Some(event) = postponed.pop_front()
            {
                execute(&mut schedule, event, live);
            }
            schedule.resume();
            schedule.retired.sweep();
        }
    });
}

/// The next event. While there is none, what is used no more is freed, and what is waited for is looked at.
fn next(schedule: &mut ZoneSchedule, inbox: &Receiver<ZoneEvent>) -> Option<ZoneEvent> {
    loop {
        let pause = if !schedule.retired.is_empty() {
            SWEEP_PAUSE
        } else if schedule.is_waiting() {
            LOOK_PAUSE
        } else {
            return inbox.recv().ok();
        };
        match inbox.recv_timeout(pause) {
            Ok(event) => return Some(event),
            Err(RecvTimeoutError::Timeout) => {
                schedule.retired.sweep();
                schedule.retired.give_back();
                schedule.look_at_waiting(Instant::now());
                schedule.resume();
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn execute(schedule: &mut ZoneSchedule, event: ZoneEvent, live: &Arc<ServerState>) {
    match event {
        ZoneEvent::Plan { config, changes, purpose: PlanPurpose::Diff, reply } => {
            let snapshot = live.snapshot.load_full();
            let dirty = schedule.unsettled(&changes, &snapshot);
            let (paired, errors) = schedule.pair(&config, &snapshot, &dirty);
            difference::reply(paired, errors, snapshot, schedule.writers().clone(), reply);
        }
        ZoneEvent::Plan { config, changes, purpose, reply } => {
            schedule.plan(&config, &changes, purpose, reply);
        }
        ZoneEvent::Commit { plan, install, done } => {
            // Whoever waits for it is gone only when the server ends.
            schedule.commit(*plan, install, Box::new(move |old| drop(done.send(old))));
        }
        ZoneEvent::Abandon => schedule.abandon(),
        ZoneEvent::FilesChanged(changes) => schedule.files_changed(&changes),
        ZoneEvent::ReadAgain(name, reply) => schedule.read_again(name, reply),
        ZoneEvent::Read(read) => {
            let (job, outcome) = *read;
            schedule.finish_read(job, outcome);
        }
        ZoneEvent::Transferred(transferred) => schedule.publish_transferred(*transferred),
        ZoneEvent::Expire(name) => schedule.expire(&name),
        ZoneEvent::Kept(files) => schedule.take_kept(files),
        ZoneEvent::Replaced(entry, old) => {
            schedule.note_replaced(&entry, old, true);
            schedule.announce();
        }
    }
}
