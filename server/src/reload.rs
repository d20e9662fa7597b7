//! Following the configuration while the server runs: one change at a time, checked in full, built aside, published by one swap.

mod facts;
mod follow;
mod lists;
mod plan;
mod publish;
mod routes;
mod zones;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rhumb_config::Config;
use rhumb_watch::{Followed, Watch};
use rhumb_wire::Name;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::change::Change;
use crate::listen::Listeners;
use crate::metrics::{List, ReloadResult};
use crate::snapshot::retired::{self, Retired};
use crate::snapshot::{ListSource, ServerState};
use crate::test_hooks::{PanicPoint, inject_panic};

pub use facts::{Facts, LastReload, ListFact};
pub use plan::{Draft, Strictness};
pub use routes::check_lists;
pub use zones::check_zones;

use follow::Pending;
use lists::ListFile;
use zones::{EarlyZones, Sources, Suspects};

/// The time between two comparisons of followed files, where inotify is silent.
const POLL: Duration = Duration::from_secs(2);

/// Changes that the log tells one by one.
const LOGGED: usize = 200;

/// Why a reload changed nothing: every error, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", errors.join("\n"))]
pub struct Failure {
    /// The errors.
    pub errors: Vec<String>,
}

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In words, one a change; empty where nothing changed.
    pub changes: Vec<Change>,
    /// The serial of the snapshot in force.
    pub serial: u64,
    /// Zones whose files were read.
    pub read: usize,
}

impl Report {
    /// Tells the log: each change, or their number where that is more than anybody reads.
    pub fn log(&self) {
        for change in self.changes.iter().take(LOGGED) {
            tracing::info!("{change}");
        }
        if self.changes.len() > LOGGED {
            tracing::info!("and {} changes more", self.changes.len() - LOGGED);
        }
    }
}

/// What the reloader is asked to do.
#[derive(Debug)]
pub enum Request {
    /// Read everything anew.
    Reload(oneshot::Sender<Result<Report, Failure>>),
    /// Say what reading `file` would change, the configuration's own file if none.
    Diff(Option<PathBuf>, oneshot::Sender<Result<Vec<Change>, Failure>>),
    /// Close the listeners; the answer comes once they are closed.
    Stop(oneshot::Sender<()>),
}

/// Asks the reloader.
#[derive(Debug, Clone)]
pub struct Requests(mpsc::Sender<Order>);

#[derive(Debug)]
enum Order {
    Request(Request),
    /// Something was told of the files followed.
    Told,
}

impl Requests {
    /// Passes a request on; false if the reloader is gone.
    pub async fn send(&self, request: Request) -> bool {
        self.0.send(Order::Request(request)).await.is_ok()
    }
}

/// What is read before root is given up, so that files which only root may read can at least be started from.
pub struct Early {
    zones: Option<EarlyZones>,
    lists: HashMap<ListSource, ListFile>,
}

impl Early {
    /// Reads the zones and lists that `config` names.
    pub fn read(config: &Config) -> Self {
        Self { zones: Some(EarlyZones::read(config)), lists: routes::read_early(config) }
    }
}

/// The one thread that changes what is served.
pub struct Reloader {
    live: Arc<ServerState>,
    config: Arc<Config>,
    listeners: Listeners,
    lists: HashMap<ListSource, (ListFile, Arc<List>)>,
    watch: Watch,
    /// What the watch was told to follow.
    followed: Vec<Followed>,
    /// What the watch told and was not yet acted on.
    pending: Pending,
    /// What asks for zones.
    sources: Sources,
    /// The zones that every reload looks at, for no folder of zones speaks for their files.
    special: HashSet<Name>,
    retired: Retired,
    runtime: Handle,
    facts: Arc<ArcSwap<Facts>>,
    next_route: u32,
    early: Early,
    orders: mpsc::Receiver<Order>,
    set_log: Box<dyn Fn(&Config) + Send>,
}

impl Reloader {
    /// Takes over the listeners that were bound at the start. `set_log` is called with each new configuration.
    ///
    /// Errors: no thread for following files could be made.
    pub fn new(
        live: Arc<ServerState>,
        config: Arc<Config>,
        listeners: Listeners,
        early: Early,
        runtime: &Handle,
        set_log: impl Fn(&Config) + Send + 'static,
    ) -> std::io::Result<(Self, Requests)> {
        let (sender, orders) = mpsc::channel(16);
        let told = sender.clone();
        // Where no room is left there are orders, and after each of them it is looked at what was told.
        let watch = Watch::start(POLL, move || drop(told.try_send(Order::Told)))?;
        let facts = Arc::new(ArcSwap::from_pointee(Facts::default()));
        let reloader = Self {
            live,
            config,
            listeners,
            lists: HashMap::new(),
            watch,
            followed: Vec::new(),
            pending: Pending::default(),
            sources: Sources::default(),
            special: HashSet::new(),
            retired: Retired::default(),
            runtime: runtime.clone(),
            facts,
            next_route: 0,
            early,
            orders,
            set_log: Box::new(set_log),
        };
        Ok((reloader, Requests(sender)))
    }

    /// What `status` tells of reloads, lists and listeners.
    pub fn facts(&self) -> Arc<ArcSwap<Facts>> {
        Arc::clone(&self.facts)
    }

    /// Publishes the configuration that the server starts with. Zones that cannot be read are answered SERVFAIL; anything else that
    /// is wrong is an error.
    pub fn start(&mut self) -> Result<Report, Failure> {
        let config = Arc::clone(&self.config);
        self.follow(&config);
        let all = Suspects { all: true, ..Suspects::default() };
        let draft = self.plan(&config, Strictness::Start, &all)?;
        let report = self.publish(draft);
        self.follow_present();
        self.retired.sweep();
        Ok(report)
    }

    /// Works until it is stopped. Blocks its thread.
    pub fn run(mut self) {
        rhumb_net::yield_to_others();
        while let Some(order) = self.next() {
            inject_panic(PanicPoint::Reloader);
            match order {
                Order::Request(Request::Reload(reply)) => {
                    let result = self.reload();
                    // Whoever asked may have gone; the log and the metrics tell all the same.
                    let _ = reply.send(result);
                }
                Order::Request(Request::Diff(file, reply)) => {
                    let _ = reply.send(self.diff(file.as_deref()));
                }
                Order::Request(Request::Stop(reply)) => {
                    self.listeners.stop_all();
                    let _ = reply.send(());
                    return;
                }
                Order::Told => {}
            }
            self.catch_up();
            self.retired.sweep();
        }
    }

    /// The next order. While there is none, what is used no more is freed.
    fn next(&mut self) -> Option<Order> {
        while !self.retired.is_empty() {
            let orders = &mut self.orders;
            let order =
                self.runtime.block_on(async { tokio::time::timeout(retired::PAUSE, orders.recv()).await });
            match order {
                Ok(order) => return order,
                Err(_) => self.retired.sweep(),
            }
        }
        self.orders.blocking_recv()
    }

    fn reload(&mut self) -> Result<Report, Failure> {
        let suspects = self.look();
        // It is read now, whatever comes of it.
        self.pending.config = false;
        let result = self.read_config(None).and_then(|config| {
            self.follow(&config);
            let draft = self.plan(&config, Strictness::Reload, &suspects)?;
            self.config = config;
            // All of it is in the draft.
            self.pending = Pending::default();
            Ok(self.publish(draft))
        });
        self.follow_present();
        self.tell(&result);
        result
    }

    fn diff(&mut self, file: Option<&Path>) -> Result<Vec<Change>, Failure> {
        let suspects = self.look();
        let config = self.read_config(file)?;
        Ok(self.plan(&config, Strictness::Diff, &suspects)?.changes)
    }

    fn read_config(&self, file: Option<&Path>) -> Result<Arc<Config>, Failure> {
        match file.or(self.config.file.as_deref()) {
            None => Ok(Arc::new(rhumb_config::built_in())),
            Some(file) => rhumb_config::load(file)
                .map(Arc::new)
                .map_err(|errors| Failure { errors: errors.0.iter().map(ToString::to_string).collect() }),
        }
    }

    fn tell(&self, result: &Result<Report, Failure>) {
        let (count, last) = match result {
            Ok(report) => {
                report.log();
                tracing::info!(
                    changes = report.changes.len(),
                    zones_read = report.read,
                    "configuration reloaded"
                );
                let changed = !report.changes.is_empty();
                (if changed { ReloadResult::Changed } else { ReloadResult::Unchanged }, Vec::new())
            }
            Err(failure) => {
                for error in &failure.errors {
                    tracing::error!("{error}");
                }
                tracing::error!(errors = failure.errors.len(), "reload failed, nothing was changed");
                (ReloadResult::Failed, failure.errors.clone())
            }
        };
        self.live.metrics.reload(count);
        let last = LastReload { when: SystemTime::now(), result: count, errors: last };
        self.facts.rcu(|facts| Facts { last_reload: Some(last.clone()), ..Facts::clone(facts) });
    }
}
