//! The running server: its threads and tasks, its signals, its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rhumb_config::ServerConfig;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::Interval;

use super::ending::{EndDeadline, EndStep, end_work};
use super::signals::{EndSignals, Signals};
use super::{Sockets, StartError, log, notify, query_lines};
use crate::cache_file::CacheFile;
use crate::change::{ReadStrictness, log_changes};
use crate::listen::stream::StreamServices;
use crate::listen::{ClientAdmission, ListenerServices, OpenListeners};
use crate::operator::{AdminServices, ProcessControls, ServerAdmin, StatusPages};
use crate::recursion::{ResolveQueue, ResolveTasks};
use crate::reload::{ConfigReloader, PreloadedFiles, ReloadRequest, ReloadRequests};
use crate::snapshot::ServerState;
use crate::zone_events::{StateStore, ZoneWriter};
use crate::{control, metrics, recursion, zone_events};

/// How often the service manager hears that the start goes on, and how much time it is asked for each time.
const START_GOES_ON: Duration = Duration::from_secs(10);
const START_TIME: Duration = Duration::from_secs(30);
/// For how long the end waits for a log that nobody reads.
const LOG_END: Duration = Duration::from_secs(1);

/// What the start has gathered.
pub(super) struct StartedServer {
    pub(super) config: Arc<ServerConfig>,
    pub(super) live: Arc<ServerState>,
    pub(super) store: Option<StateStore>,
    pub(super) cache_file: Option<CacheFile>,
    pub(super) supervisor: notify::ServiceManager,
    pub(super) confinement: Vec<String>,
    pub(super) level: log::LogLevelHandle,
    pub(super) log_form: log::LogForm,
}

impl StartedServer {
    /// Serves until SIGTERM or SIGINT.
    pub(super) fn run(self, sockets: Sockets, preloaded: PreloadedFiles) -> Result<(), StartError> {
        let Sockets { mut listeners, metrics, control } = sockets;
        let metrics_address = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
        let control_path = control.as_ref().map(|listener| listener.path().display().to_string());
        let runtime = runtime()?;
        // Before anything is served: whoever got an answer may end the server.
        let signals = Signals::new(&runtime)?;
        let (stop, stopped) = watch::channel(false);
        let (queue, tasks) = self.spawn_resolving(&runtime, &stopped);
        self.spawn_followers(&runtime, &stopped);
        query_lines::start(&self.live, self.log_form)
            .map_err(|error| StartError::system("query log")(error.to_string()))?;
        let (streams, handle) = (self.streams(&queue, &stopped), runtime.handle().clone());
        let connections = Arc::clone(&streams.admission);
        listeners.serve_with(ListenerServices { streams, runtime: handle.clone() });
        let (reloader, requests) = self.reloader(listeners, preloaded)?;
        self.spawn_name_lookup(&runtime, &stopped, requests.clone());
        let (live, reloads) = (Arc::clone(&self.live), reloader.status());
        let confinement = self.confinement.clone();
        let (controls, config) = (self.controls(), Arc::clone(&self.config));
        let zones = reloader.zones();
        let services = AdminServices {
            requests: requests.clone(),
            zones: zones.clone(),
            store: self.store.clone(),
            cache_file: self.cache_file.clone(),
            queue,
        };
        let admin = Arc::new(ServerAdmin::new(live, reloads, confinement, services, controls, config));
        let status = Arc::new(StatusPages::new(Arc::clone(&admin)));
        self.live.metrics.watch(Arc::clone(&status) as Arc<dyn metrics::SampleSource>);
        if let Some(listener) = metrics {
            serve_metrics(&runtime, listener, status, &stopped)?;
        }
        let reloader = self.start_loading(reloader)?;
        self.cache_file.iter().for_each(CacheFile::read);
        self.spawn_refresher(&runtime, &stopped, zones);
        let deadline = runtime.block_on(async {
            tokio::spawn(Arc::clone(&admin).follow_load());
            let control = control
                .map(|bound| tokio::spawn(control::serve(bound, Arc::clone(&admin) as _, stopped.clone())));
            self.log_start(&admin, metrics_address, control_path.as_deref());
            self.supervisor.ready();
            self.supervisor.status("serving");
            tracing::info!("ready");
            self.run_signals(signals, &requests, &admin).await;
            let deadline = EndDeadline::new(Instant::now());
            self.supervisor.stopping();
            admin.stopping();
            end_work(deadline, &requests, &stop, tasks, &connections).await;
            if let Some(control) = control {
                let _ = tokio::time::timeout(deadline.left(EndStep::Control), control).await;
            }
            deadline
        });
        // It was asked to end, and is at most within a load whose result has no use any more.
        drop(reloader);
        runtime.shutdown_timeout(Duration::from_millis(100));
        self.cache_file.iter().for_each(|file| file.end(deadline.by(EndStep::CacheFile)));
        self.live.query_log.drain(deadline.left(EndStep::QueryLog).min(LOG_END));
        tracing::info!("stopped");
        Ok(())
    }

    /// Loads the first configuration, however long that takes: the service manager hears that the start goes on.
    fn start_loading(&self, reloader: ConfigReloader) -> Result<std::thread::JoinHandle<()>, StartError> {
        let (loaded, loading) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                self.supervisor.status("loading");
                self.supervisor.extend_start(START_TIME);
                while loading.recv_timeout(START_GOES_ON) == Err(RecvTimeoutError::Timeout) {
                    self.supervisor.extend_start(START_TIME);
                }
            });
            let started = start(reloader);
            drop(loaded);
            started
        })
    }

    /// Follows the configuration from now on.
    fn reloader(
        &self,
        listeners: OpenListeners,
        preloaded: PreloadedFiles,
    ) -> Result<(ConfigReloader, ReloadRequests), StartError> {
        let (live, config, level) = (Arc::clone(&self.live), Arc::clone(&self.config), self.level.clone());
        let set_log = move |config: &ServerConfig| log::set(&level, config.log);
        ConfigReloader::new(live, config, listeners, preloaded, self.store.as_ref(), set_log)
            .map_err(|error| StartError::system("reloader")(error.to_string()))
    }

    /// Logs what runs and where it is reached.
    fn log_start(&self, admin: &ServerAdmin, metrics: Option<SocketAddr>, control: Option<&str>) {
        let file = self.config.file.as_ref().map(|file| file.display().to_string());
        let config = file.as_deref().unwrap_or("built-in default");
        tracing::info!(version = env!("CARGO_PKG_VERSION"), config, "rhumb starts");
        for (address, transport) in admin.listeners() {
            tracing::info!("listens on {transport} {address}");
        }
        if let Some(address) = metrics {
            tracing::info!("metrics and status page: http://{address}/");
        }
        tracing::info!("control socket: {}", control.unwrap_or("none"));
    }

    /// Follows the networks of this host, and the new versions of zones.
    fn spawn_followers(&self, runtime: &Runtime, stop: &watch::Receiver<bool>) {
        self.spawn_network_watch(runtime);
        self.spawn_notifier(runtime, stop);
    }

    /// Resolves what has to wait, and looks after the upstreams.
    fn spawn_resolving(
        &self,
        runtime: &Runtime,
        stop: &watch::Receiver<bool>,
    ) -> (ResolveQueue, tokio::task::JoinHandle<()>) {
        let (queue, tasks) = ResolveTasks::new(&self.live, runtime.metrics().num_workers());
        self.spawn_prober(runtime, stop);
        (queue, runtime.spawn(tasks.run(stop.clone())))
    }

    /// Looks after the upstreams that are down.
    fn spawn_prober(&self, runtime: &Runtime, stop: &watch::Receiver<bool>) {
        let (live, stop) = (Arc::clone(&self.live), stop.clone());
        let worker = live.metrics.workers().register("prober", "prober");
        runtime.spawn(
            worker.supervise_task(move |_| recursion::probe_upstreams(Arc::clone(&live), stop.clone())),
        );
    }

    /// Looks up the names of upstreams.
    fn spawn_name_lookup(&self, runtime: &Runtime, stop: &watch::Receiver<bool>, requests: ReloadRequests) {
        let (live, stop) = (Arc::clone(&self.live), stop.clone());
        let worker = live.metrics.workers().register("names", "names");
        let changed = move || {
            // The reloader is gone only when the server ends.
            let _ = requests.send(ReloadRequest::Names);
        };
        runtime.spawn(worker.supervise_task(move |_| {
            recursion::look_up_names(Arc::clone(&live), changed.clone(), stop.clone())
        }));
    }

    /// Follows the networks of this host while a configuration asks for them.
    fn spawn_network_watch(&self, runtime: &Runtime) {
        let live = Arc::clone(&self.live);
        let worker = live.metrics.workers().register("networks", "networks");
        runtime.spawn(worker.supervise_task(move |_| follow_networks(Arc::clone(&live))));
    }

    /// Tells other servers of new versions of zones.
    fn spawn_notifier(&self, runtime: &Runtime, stop: &watch::Receiver<bool>) {
        let (live, stop) = (Arc::clone(&self.live), stop.clone());
        let worker = live.metrics.workers().register("notifier", "notifier");
        runtime.spawn(
            worker.supervise_task(move |_| zone_events::send_notifications(Arc::clone(&live), stop.clone())),
        );
    }

    /// Looks after the zones of other servers, once those that are kept are served.
    fn spawn_refresher(&self, runtime: &Runtime, stop: &watch::Receiver<bool>, zones: ZoneWriter) {
        let (live, store, stop) = (Arc::clone(&self.live), self.store.clone(), stop.clone());
        let worker = live.metrics.workers().register("refresher", "refresher");
        runtime.spawn(worker.supervise_task(move |_| {
            zone_events::refresh_zones(Arc::clone(&live), zones.clone(), store.clone(), stop.clone())
        }));
    }

    /// What connections of all listeners have in common.
    fn streams(&self, queue: &ResolveQueue, stop: &watch::Receiver<bool>) -> StreamServices {
        let server = &self.config.server;
        StreamServices {
            live: Arc::clone(&self.live),
            queue: queue.clone(),
            admission: Arc::new(ClientAdmission::new(server.tcp_clients, server.tcp_clients_per_network)),
            stop: stop.clone(),
        }
    }

    /// What the control socket may do to the process.
    fn controls(&self) -> ProcessControls {
        let level = self.level.clone();
        ProcessControls {
            set_level: Box::new(move |wanted| log::set_level(&level, wanted)),
            stop: tokio::sync::Notify::new(),
        }
    }

    /// SIGHUP reloads; SIGTERM, SIGINT and `rhumb stop` end this.
    async fn run_signals(&self, signals: Signals, requests: &ReloadRequests, admin: &ServerAdmin) {
        let Signals { mut hangup, mut end } = signals;
        let beat = self.supervisor.watchdog();
        let mut watchdog = tokio::time::interval(beat.unwrap_or(Duration::from_hours(1)));
        loop {
            tokio::select! {
                () = end.received(admin) => return,
                _ = watchdog.tick(), if beat.is_some() => self.show_life(admin),
                _ = hangup.recv() => {
                    if !self.reload(requests, &mut watchdog, &mut end, admin).await {
                        return;
                    }
                }
            }
        }
    }
}

impl StartedServer {
    /// Reloads for the service manager, which hears that the server is alive as long as the reload gets on. Whether the server goes
    /// on: it does not where it is told to end meanwhile.
    async fn reload(
        &self,
        requests: &ReloadRequests,
        watchdog: &mut Interval,
        end: &mut EndSignals,
        admin: &ServerAdmin,
    ) -> bool {
        self.supervisor.reloading();
        let (reply, mut done) = oneshot::channel();
        requests.send(ReloadRequest::Reload(ReadStrictness::Lenient, reply));
        let result = loop {
            tokio::select! {
                result = &mut done => break result,
                () = end.received(admin) => return false,
                _ = watchdog.tick() => self.show_life(admin),
            }
        };
        let good = matches!(result, Ok(Ok(_)));
        self.supervisor.ready();
        self.supervisor.status(if good { "serving" } else { "serving; the last reload failed" });
        true
    }

    /// A sign of life for the watchdog, while every thread and task does its work.
    fn show_life(&self, admin: &ServerAdmin) {
        match admin.healthy() {
            Ok(()) => self.supervisor.alive(),
            Err(failures) => self.supervisor.status(&failures.join("; ")),
        }
    }
}

/// Looks at the interfaces every two seconds; the kernel lists them in some microseconds.
async fn follow_networks(live: Arc<ServerState>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    loop {
        ticks.tick().await;
        if !live.snapshot.load().view.allow.follows_local() {
            continue;
        }
        if let Some(networks) = live.local_networks.refresh() {
            let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
            tracing::info!("recursion.allow: local is {} now", networks.join(", "));
        }
    }
}

fn runtime() -> Result<Runtime, StartError> {
    // On one processor a second thread would only take turns with the first.
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().min(8));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .thread_name("tokio")
        .on_thread_start(rhumb_net::interrupt_nobody)
        .build()
        .map_err(|error| StartError::system("tokio")(error.to_string()))
}

/// Serves the pages from now on: `/ready` says that the first configuration is being loaded as long as it is.
fn serve_metrics(
    runtime: &Runtime,
    listener: std::net::TcpListener,
    status: Arc<StatusPages>,
    stop: &watch::Receiver<bool>,
) -> Result<(), StartError> {
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)
        .map_err(|error| StartError::system("metrics")(error.to_string()))?;
    runtime.spawn(metrics::http::serve(listener, status, stop.clone()));
    Ok(())
}

/// Publishes the first snapshot, then lets the reloader work on a thread of its own.
fn start(mut reloader: ConfigReloader) -> Result<std::thread::JoinHandle<()>, StartError> {
    let report = reloader.start().map_err(|failure| StartError::Configuration(failure.errors))?;
    log_changes(&report.changes);
    std::thread::Builder::new()
        .name("reload".into())
        .spawn(move || reloader.run())
        .map_err(|error| StartError::system("reloader")(error.to_string()))
}
