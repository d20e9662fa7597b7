//! The configuration, while the server runs: read, checked in full, put in force by one swap.
//!
//! One thread, which waits for nothing: zones are read by threads of their own, and a changed list of upstreams is in force
//! while they are.

mod files;
mod hold;
mod local_root;
mod publish;
mod request;
mod settings;
mod status;
mod warnings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use rhumb_config::{ConfigSources, ServerConfig};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::change::ReadStrictness;
use crate::forwarding::{ForwardingRoutes, PreloadedLists, check_trust};
use crate::listen::{OpenListeners, follow_addresses};
use crate::snapshot::{FileRead, ServerState};
use crate::test_hooks::{PanicPoint, inject_panic};
use crate::zone_events::{FileChanges, PlanPurpose, PreloadedZones, StateStore, ZoneWriter, ZonesPlan};

pub use local_root::check_local_root;
pub use request::{ReloadDifference, ReloadFailure, ReloadReport, ReloadRequest, ReloadRequests};
pub use status::{FinishedReload, ReloadStatus};
pub use warnings::overlaps;

use files::FollowedFiles;
use hold::{ReloadHold, still_open};
use publish::{PendingReload, ServerParts};
use request::{DiffReply, FilesSignal, ReloadEvent, ReloadReply};
use status::{ReloadJournal, log_warnings};

/// The configuration is read at most so often in a row, because it turns out to be made of other files.
const SOURCES_ATTEMPTS: u32 = 3;

/// What is read before root is given up, so that files which only root may read can at least be started from.
#[derive(Debug, Default)]
pub struct PreloadedFiles {
    zones: PreloadedZones,
    lists: PreloadedLists,
}

impl PreloadedFiles {
    /// Reads nothing, but looks which zone files are complete.
    pub fn look_at(config: &ServerConfig) -> Self {
        Self { zones: PreloadedZones::look_at(config), lists: PreloadedLists::default() }
    }

    /// Reads the zones and lists that `config` names, on this thread.
    pub fn read(config: &ServerConfig) -> Self {
        Self { zones: PreloadedZones::read(config), lists: PreloadedLists::read(config) }
    }
}

/// The one thread that changes the configuration in force.
pub struct ConfigReloader {
    config: Arc<ServerConfig>,
    parts: ServerParts,
    files: FollowedFiles,
    files_signal: FilesSignal,
    pending: Option<PendingReload>,
    /// Why the requests that wait do so: files of theirs are being written.
    hold: Option<ReloadHold>,
    /// Requests that came while a reload was under way: they get one of their own.
    waiting: Vec<(ReadStrictness, ReloadReply)>,
    /// Whether changes of this host's addresses are reported.
    follows_addresses: bool,
    /// Such a change came and was not acted on yet.
    addresses_changed: bool,
    journal: ReloadJournal,
    events: UnboundedReceiver<ReloadEvent>,
    sender: UnboundedSender<ReloadEvent>,
}

impl ConfigReloader {
    /// Takes over the listeners that were bound at the start. `set_log` is called with each new configuration.
    ///
    /// Errors: a thread could not be made.
    pub fn new(
        live: Arc<ServerState>,
        config: Arc<ServerConfig>,
        listeners: OpenListeners,
        preloaded: PreloadedFiles,
        store: Option<&StateStore>,
        set_log: impl Fn(&ServerConfig) + Send + 'static,
    ) -> std::io::Result<(Self, ReloadRequests)> {
        let (sender, events) = unbounded_channel();
        let files_signal = FilesSignal::new(sender.clone());
        let (changed, included) = (files_signal.clone(), files_signal.clone());
        let files = FollowedFiles::start(live.metrics.workers(), move || changed.send())?;
        let writers = files.writers();
        let parts = ServerParts {
            zones: ZoneWriter::start(&live, preloaded.zones, store, &writers, move || included.send())?,
            forwarding: ForwardingRoutes::new(Arc::clone(&live), preloaded.lists, writers),
            live: Arc::clone(&live),
            listeners,
            set_log: Box::new(set_log),
        };
        let reloader = Self {
            config,
            parts,
            files,
            files_signal,
            pending: None,
            hold: None,
            waiting: Vec::new(),
            follows_addresses: false,
            addresses_changed: false,
            journal: ReloadJournal::new(live),
            events,
            sender: sender.clone(),
        };
        Ok((reloader, ReloadRequests(sender)))
    }

    /// The way to the thread that changes the contents of zones.
    pub fn zones(&self) -> ZoneWriter {
        self.parts.zones.clone()
    }

    /// What `status` tells of reloads, lists and listeners.
    pub fn status(&self) -> Arc<ArcSwap<ReloadStatus>> {
        self.journal.status()
    }

    /// Publishes the configuration that the server starts with, and waits until its zones are read. Zones that cannot be read
    /// are answered SERVFAIL; anything else that is wrong is an error.
    pub fn start(&mut self) -> Result<ReloadReport, ReloadFailure> {
        let config = Arc::clone(&self.config);
        self.files.set_sources(config.sources.clone());
        self.files.follow(&config, &[]);
        let (reply, planned) = std::sync::mpsc::sync_channel(1);
        let every = FileChanges { all: true, ..FileChanges::default() };
        let reply = Box::new(move |plan| drop(reply.send(plan)));
        self.parts.zones.plan(Arc::clone(&config), every, PlanPurpose::Start, reply);
        let plan = planned.recv().map_err(|_| ReloadFailure::internal())?;
        let plan = plan.map_err(|errors| ReloadFailure { errors })?;
        let (_, errors) = check_trust(&config);
        if !errors.is_empty() {
            return Err(ReloadFailure { errors });
        }
        let pending = PendingReload {
            changes: self.parts.listeners.changes(&config),
            config,
            strictness: ReadStrictness::Lenient,
            replies: Vec::new(),
            bound: Vec::new(),
            errors: Vec::new(),
        };
        let report = self.put_in_force(pending, plan)?;
        log_warnings(&report.warnings);
        self.follow_present();
        Ok(report)
    }

    /// Works until it is stopped. Blocks its thread. A panic fails what was being done, and ends nothing else.
    pub fn run(mut self) {
        rhumb_net::yield_to_others();
        let worker = self.parts.live.metrics.workers().register("reload", "reload");
        let mut restarted = false;
        worker.supervise(|worker| {
            if std::mem::replace(&mut restarted, true) {
                self.recover();
            }
            while let Some(event) = self.events.blocking_recv() {
                let _busy = worker.busy();
                if !self.act_on(event) {
                    return;
                }
            }
        });
    }

    /// After a panic: no reload is under way, and the files are looked at again.
    fn recover(&mut self) {
        self.pending = None;
        self.hold = None;
        self.parts.zones.abandon();
        self.files_signal.clear();
        self.files_signal.send();
    }

    /// Whether to go on.
    fn act_on(&mut self, event: ReloadEvent) -> bool {
        match event {
            ReloadEvent::Request(request) => {
                inject_panic(PanicPoint::Reloader);
                match request {
                    ReloadRequest::Reload(strictness, reply) => self.waiting.push((strictness, reply)),
                    ReloadRequest::Diff(file, reply) => self.diff(file.as_deref(), reply),
                    ReloadRequest::Upstream { upstream, out, reply } => {
                        let _ = reply.send(self.parts.forwarding.withhold(&upstream, out));
                    }
                    ReloadRequest::Names => self.parts.forwarding.names_changed(&self.config),
                    ReloadRequest::Zone(name, reply) => self.parts.zones.read_again(name, reply),
                    ReloadRequest::Stop(reply) => {
                        self.parts.listeners.stop_all();
                        let _ = reply.send(());
                        return false;
                    }
                }
            }
            ReloadEvent::Files => {
                self.files_signal.clear();
                self.follow_present();
            }
            ReloadEvent::ZonesPlanned(result) => self.finish(*result),
            ReloadEvent::Addresses => self.addresses_changed = true,
        }
        self.catch_up();
        true
    }

    /// Acts on what was reported of files, and on requests that wait.
    fn catch_up(&mut self) {
        self.files.collect();
        let reports = std::mem::take(&mut self.files.reports);
        for warning in &reports.warnings {
            self.journal.warn(warning);
        }
        self.read_changed(&reports.changes.files);
        if !reports.changes.is_empty() {
            self.parts.zones.files_changed(reports.changes);
            self.update_status();
        }
        if self.addresses_changed && self.pending.is_none() {
            self.addresses_changed = false;
            self.parts.listeners.follow(&self.config);
            self.update_status();
        }
        if self.pending.is_some() {
            self.files.reports.config = reports.config;
        } else if !reports.config.is_empty() || !self.waiting.is_empty() {
            for file in &reports.config {
                tracing::info!("{}: changed", file.display());
            }
            self.begin_when_closed();
        }
    }

    /// Reads lists, certificates and the copy of the root zone again that are among these files: a reload alone does not, or not if it
    /// fails.
    fn read_changed(&mut self, files: &[PathBuf]) {
        for file in files {
            self.parts.forwarding.file_changed(&self.config, file);
            self.parts.listeners.file_changed(&self.config, file);
            local_root::file_changed(&self.parts.live, &self.config, file);
        }
    }

    /// Begins a reload if its own files are complete. Else the requests wait; a change that was reported is reported again once
    /// its file is closed.
    fn begin_when_closed(&mut self) {
        let now = Instant::now();
        if self.hold.as_ref().is_some_and(|hold| hold.is_early(now)) {
            return;
        }
        let (files, read) = self.read_own_files();
        let seen = match &self.hold {
            Some(hold) => hold.seen(),
            // What was reported was seen twice already.
            None if self.waiting.is_empty() => &files,
            None => &[],
        };
        let Some(file) = self.files.incomplete(&files, seen) else {
            self.hold = None;
            return self.begin(read, &files);
        };
        if self.hold.as_ref().is_some_and(|hold| hold.is_over(now)) {
            self.hold = None;
            // A list that is open keeps its last good upstreams.
            let is_config = self.files.is_source(&file);
            self.begin(if is_config { Err(still_open(&file)) } else { read }, &files);
        } else if !self.waiting.is_empty() {
            let hold = self.hold.get_or_insert_with(|| ReloadHold::new(now));
            hold.wait(files, now, &self.files_signal);
        }
    }

    /// Reads the configuration, which may be made of other files than before. The files as they were before they were read.
    fn read_own_files(&mut self) -> (Vec<FileRead>, Result<Arc<ServerConfig>, ReloadFailure>) {
        let mut attempt = 1;
        loop {
            let files = self.files.own_files(&self.config);
            let read = self.read_config(None);
            let sources = match (&read, &self.config.file) {
                (Ok(config), _) => config.sources.clone(),
                (Err(_), Some(file)) => rhumb_config::sources(file),
                (Err(_), None) => ConfigSources::default(),
            };
            // Of files that were not known, nothing was noted before.
            if self.files.set_sources(sources) || attempt == SOURCES_ATTEMPTS {
                return (files, read);
            }
            attempt += 1;
        }
    }

    /// Has the zones of a configuration read that was read from `files`. All requests that wait get its outcome; the strictest
    /// counts.
    fn begin(&mut self, config: Result<Arc<ServerConfig>, ReloadFailure>, files: &[FileRead]) {
        let waiting = std::mem::take(&mut self.waiting);
        let strict = waiting.iter().any(|(strictness, _)| *strictness == ReadStrictness::Strict);
        let strictness = if strict { ReadStrictness::Strict } else { ReadStrictness::Lenient };
        let replies = waiting.into_iter().map(|(_, reply)| reply).collect();
        self.files.look();
        // What was reported is read by now, unless it has changed since.
        self.files.reports.config = files
            .iter()
            .filter(|file| self.files.is_source(file.path()) && !file.is_current())
            .map(|file| file.path().to_owned())
            .collect();
        let config = match config {
            Ok(config) => config,
            Err(failure) => return self.conclude(replies, &Err(failure)),
        };
        self.files.follow(&config, &self.parts.zones.included());
        let mut changes = settings::changes(&self.config, &config);
        let (bound, errors) = match self.parts.listeners.bind_missing(&config) {
            Ok(bound) => (bound, Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
        changes.extend(self.parts.listeners.changes(&config));
        let errors = errors.into_iter().chain(check_trust(&config).1).collect();
        self.pending =
            Some(PendingReload { config: Arc::clone(&config), strictness, replies, changes, bound, errors });
        let files = std::mem::take(&mut self.files.reports.changes);
        self.read_changed(&files.files);
        let planned = self.sender.clone();
        // The receiver is gone only when the server ends.
        let reply = Box::new(move |plan| drop(planned.send(ReloadEvent::ZonesPlanned(Box::new(plan)))));
        self.parts.zones.plan(config, files, PlanPurpose::Reload, reply);
    }

    /// Puts the reload under way in force, or gives it up: its zones are read.
    fn finish(&mut self, planned: Result<ZonesPlan, Vec<String>>) {
        let Some(mut pending) = self.pending.take() else { return };
        let replies = std::mem::take(&mut pending.replies);
        let result = planned.map_err(|mut errors| {
            errors.extend(pending.errors.iter().cloned());
            ReloadFailure { errors }
        });
        let result = result.and_then(|plan| {
            let mut errors = std::mem::take(&mut pending.errors);
            if pending.strictness == ReadStrictness::Strict {
                errors.extend(plan.broken.iter().flat_map(|zone| zone.problems.iter().cloned()));
            }
            if errors.is_empty() {
                return self.put_in_force(pending, plan);
            }
            self.parts.zones.abandon();
            Err(ReloadFailure { errors })
        });
        self.conclude(replies, &result);
    }

    /// Reports the outcome of a reload.
    fn conclude(&mut self, replies: Vec<ReloadReply>, result: &Result<ReloadReport, ReloadFailure>) {
        self.follow_present();
        self.journal.note(result);
        for reply in replies {
            // Whoever asked may have gone; the log and the metrics tell all the same.
            let _ = reply.send(result.clone());
        }
    }

    /// Says what reading `file` would change. Its zones are compared by another thread, which replies.
    fn diff(&mut self, file: Option<&Path>, reply: DiffReply) {
        self.files.look();
        let config = match self.read_config(file) {
            Ok(config) => config,
            // Whoever asked may have gone.
            Err(failure) => return drop(reply.send(Err(failure))),
        };
        let mut changes = settings::changes(&self.config, &config);
        changes.extend(self.parts.listeners.changes(&config));
        let (_, routes) = self.parts.forwarding.plan(&config);
        let files = self.files.reports.changes.clone();
        let compared = move |planned: Result<ZonesPlan, Vec<String>>| {
            let difference = planned.map(|plan| {
                changes.extend(plan.changes);
                changes.extend(routes);
                ReloadDifference { changes, broken: plan.broken }
            });
            let _ = reply.send(difference.map_err(|errors| ReloadFailure { errors }));
        };
        self.parts.zones.plan(config, files, PlanPurpose::Diff, Box::new(compared));
    }

    /// Puts a configuration in force whose zones are read.
    fn put_in_force(
        &mut self,
        pending: PendingReload,
        plan: ZonesPlan,
    ) -> Result<ReloadReport, ReloadFailure> {
        let config = Arc::clone(&pending.config);
        let report = self.parts.publish(pending, plan)?;
        self.config = config;
        Ok(report)
    }

    fn read_config(&self, file: Option<&Path>) -> Result<Arc<ServerConfig>, ReloadFailure> {
        match file.or(self.config.file.as_deref()) {
            None => Ok(Arc::new(rhumb_config::built_in())),
            Some(file) => rhumb_config::load(file).map(Arc::new).map_err(|errors| ReloadFailure {
                errors: errors.errors.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Follows what the present configuration and its zones depend on, or the one that is about to be put in force, and brings `status`
    /// up to date.
    fn follow_present(&mut self) {
        // The writers of the files that it waits for are known only as long as those are followed.
        let config = self.pending.as_ref().map_or(&self.config, |pending| &pending.config);
        self.files.follow(config, &self.parts.zones.included());
        if OpenListeners::follows_addresses(&self.config) && !self.follows_addresses {
            let sender = self.sender.clone();
            let changed = move || sender.send(ReloadEvent::Addresses).is_ok();
            match follow_addresses(self.parts.live.metrics.workers(), changed) {
                Ok(()) => self.follows_addresses = true,
                Err(error) => tracing::error!(%error, "the addresses of this host are not followed"),
            }
        }
        self.update_status();
    }

    fn update_status(&self) {
        self.journal.update(&self.parts.forwarding.lists(), &self.parts.listeners);
    }
}
