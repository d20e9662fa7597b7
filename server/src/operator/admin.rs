//! The running server as its operators see it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use rhumb_config::{InForce, LogLevel, ServerConfig};
use rhumb_net::LocalAddress;
use rhumb_resolver::OutboundQuestion;
use rhumb_resolver::iterate::known_steps;
use rhumb_wire::{DomainName, Type};
use tokio::sync::{Notify, oneshot};

use super::config_hash::ConfigHash;
use super::explain;
use super::explanation::{AnswerExplanation, ExplanationStep, RecordSource};
use super::load::{LoadHistory, SAMPLE_EVERY};
use super::record_sources::{self, AnsweredRecord};
use super::resolution_tree;
use super::zone_trouble::{lacks_upstream, zone_trouble};
use crate::cache_file::CacheFile;
use crate::query::{QueryClient, QueryContext, QueryOutcome, QueryScratch, TraceStep, respond};
use crate::recursion::{ExplainedAnswer, ExplainedLookups, ReplyPath, ResolveQueue};
use crate::reload::{ReloadRequests, ReloadStatus};
use crate::snapshot::{AnswerAuthority, RouteCourse, ServerSnapshot, ServerState};
use crate::zone_events::{StateStore, ZoneWriter};
use rhumb_wire::Transport;

/// Broken zones and domains that `/ready` names.
const MOST_NAMED: usize = 20;

/// What the control socket may do to the process.
pub(crate) struct ProcessControls {
    /// Sets the level of the log.
    pub(crate) set_level: Box<dyn Fn(LogLevel) + Send + Sync>,
    /// Ends the server as SIGTERM does.
    pub(crate) stop: Notify,
}

/// What the commands reach the parts of the server by.
pub(crate) struct AdminServices {
    /// The way to the reloader.
    pub(crate) requests: ReloadRequests,
    /// The way to the thread that writes zones.
    pub(crate) zones: ZoneWriter,
    /// Versions of zones on the disk.
    pub(crate) store: Option<StateStore>,
    /// What was learnt, on the disk.
    pub(crate) cache_file: Option<CacheFile>,
    /// The way to what resolves.
    pub(crate) queue: ResolveQueue,
}

/// The running server, for the control socket and the status page.
pub(crate) struct ServerAdmin {
    pub(super) live: Arc<ServerState>,
    pub(super) reloads: Arc<ArcSwap<ReloadStatus>>,
    pub(super) confinement: Vec<String>,
    pub(super) began: Instant,
    pub(super) started: SystemTime,
    pub(super) requests: ReloadRequests,
    pub(super) zones: ZoneWriter,
    pub(super) store: Option<StateStore>,
    pub(super) cache_file: Option<CacheFile>,
    queue: ResolveQueue,
    pub(super) load: LoadHistory,
    pub(super) config_hash: ConfigHash,
    /// The configuration that the server was started with.
    pub(super) start_config: Arc<ServerConfig>,
    pub(super) controls: ProcessControls,
    stopping: AtomicBool,
}

impl ServerAdmin {
    pub(crate) fn new(
        live: Arc<ServerState>,
        reloads: Arc<ArcSwap<ReloadStatus>>,
        confinement: Vec<String>,
        services: AdminServices,
        controls: ProcessControls,
        start_config: Arc<ServerConfig>,
    ) -> Self {
        let AdminServices { requests, zones, store, cache_file, queue } = services;
        Self {
            live,
            reloads,
            confinement,
            began: Instant::now(),
            started: SystemTime::now(),
            requests,
            zones,
            store,
            cache_file,
            queue,
            load: LoadHistory::default(),
            config_hash: ConfigHash::default(),
            start_config,
            controls,
            stopping: AtomicBool::new(false),
        }
    }

    /// Follows the load, as long as the server runs.
    pub(crate) async fn follow_load(self: Arc<Self>) {
        let mut every = tokio::time::interval(SAMPLE_EVERY);
        loop {
            every.tick().await;
            self.load.sample(&self.live.metrics);
        }
    }

    /// Waits until a client of the control socket has the server end.
    pub(crate) async fn stop_requested(&self) {
        self.controls.stop.notified().await;
    }

    /// Address and transport of each listener.
    pub(crate) fn listeners(&self) -> Vec<(String, &'static str)> {
        let reloads = self.reloads.load();
        reloads.listeners.iter().map(|(address, transport, _)| (address.clone(), *transport)).collect()
    }

    /// From now on the server is not ready.
    pub(crate) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Settings that were changed and are in force only after a restart, in words.
    pub(super) fn pending_restart(&self) -> Vec<String> {
        let changes = rhumb_config::changes(&self.start_config, &self.live.snapshot.load().config);
        let pending = changes.into_iter().filter(|change| change.in_force == InForce::AtRestart);
        pending.map(|change| change.value_text()).collect()
    }

    /// Whether queries are served: the first configuration is in force, its listeners are open, and the server is not about to end.
    /// Gives what does not work and takes nothing away from that: zones that are broken, domains whose upstreams are all down.
    /// Errors: why queries are not served.
    pub(super) fn ready(&self) -> Result<Vec<String>, Vec<String>> {
        let snapshot = self.live.snapshot.load();
        let mut reasons = Vec::new();
        if self.is_stopping() {
            reasons.push("shutting down".to_owned());
        }
        if snapshot.serial == 0 {
            reasons.push("the first configuration is being loaded".to_owned());
        } else if self.reloads.load().listeners.is_empty() && !snapshot.config.listen.is_empty() {
            reasons.push("no listener is open".to_owned());
        }
        if reasons.is_empty() { Ok(degraded(&self.live, &snapshot)) } else { Err(reasons) }
    }

    /// Whether every thread and task is there and gets on. Upstreams and zones are no part of it: a server started anew would be no
    /// better. Errors: what is gone or stuck, or that the server is about to end.
    pub(crate) fn healthy(&self) -> Result<(), Vec<String>> {
        let mut failures = self.live.metrics.workers().failures();
        if self.is_stopping() {
            failures.push("shutting down".to_owned());
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// Each reason why `/health` or `/ready` says no.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = self.healthy().err().unwrap_or_default();
        let unready = self.ready().err().unwrap_or_default();
        failures.extend(unready);
        failures.dedup();
        failures
    }

    /// Answers as a client would be answered, every decision noted.
    pub(super) async fn explained(
        &self,
        name: &DomainName,
        rtype: Type,
        from: Option<IpAddr>,
        to: Option<IpAddr>,
        via: Option<Transport>,
    ) -> Result<AnswerExplanation, String> {
        let begun = Instant::now();
        let query = explain::query(name.as_ref(), rtype);
        let from = from.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let to = to.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let client = QueryClient::known(
            SocketAddr::new(from, 53_053),
            LocalAddress::new(to, 0),
            via.unwrap_or(Transport::Tcp),
        );
        let mut out = vec![0; 65_535];
        let (outcome, steps) = self.respond(&query, &client, &mut out);
        let lookups = ExplainedLookups::default();
        let (message, tried, links) = match outcome {
            QueryOutcome::Messages(_) => {
                return Err("such a query has more than one response message".to_owned());
            }
            QueryOutcome::Reply(length) => {
                (out.get(..length).unwrap_or_default().to_vec(), Arc::default(), Vec::new())
            }
            QueryOutcome::Drop(reason) => {
                return Err(format!("such a query is dropped: {}", reason.as_str()));
            }
            QueryOutcome::Wait(waiting) => {
                let (reply, answer) = oneshot::channel();
                self.queue.enter(*waiting, ReplyPath::Explain(reply, lookups.clone()));
                let ExplainedAnswer { message, tried, steps } =
                    answer.await.map_err(|_| "the query was dropped")?;
                (message, tried, steps)
            }
        };
        // The links as they were found in the end, in place of those known before.
        let known = |step: &TraceStep| links.is_empty() || step.step != "link";
        let steps = steps.into_iter().filter(known).chain(links.iter().cloned());
        let step = |step: TraceStep| ExplanationStep::new(step.step, step.what);
        let looked_up = lookups.take().into_iter().map(resolution_tree::lookup);
        let learnt = self.learnt(name, rtype, tried.is_empty());
        let took = begun.elapsed();
        let (versions, sources) = self.traced(name, rtype, explain::answered(&message)?).await?;
        let steps = steps.map(step).chain(versions).chain(learnt).chain(looked_up).collect();
        Ok(AnswerExplanation { sources, ..explain::explanation(&message, steps, &tried, took)? })
    }

    /// The versions of the zones that an answer comes from, and where its records do. Files may be read for that.
    async fn traced(
        &self,
        name: &DomainName,
        rtype: Type,
        records: Vec<AnsweredRecord>,
    ) -> Result<(Vec<ExplanationStep>, Vec<RecordSource>), String> {
        let (snapshot, name) = (self.live.snapshot.load_full(), name.clone());
        let trace = move || record_sources::trace(&snapshot.view, (name.as_ref(), rtype), records);
        tokio::task::spawn_blocking(trace).await.map_err(|_| "the server is about to end".to_owned())
    }

    /// What is known of a name that is resolved by iteration, where an answer came `from_cache`.
    fn learnt(&self, name: &DomainName, rtype: Type, from_cache: bool) -> Option<ExplanationStep> {
        let snapshot = self.live.snapshot.load();
        let AnswerAuthority::Forward(entry) = snapshot.view.authority_of(name.as_ref(), rtype) else {
            return None;
        };
        let iterated = match snapshot.iteration.course(entry.route.id()) {
            RouteCourse::Iterate => true,
            RouteCourse::Forward(course) => course.validates,
        };
        let question = OutboundQuestion::new(name.as_ref(), rtype);
        let known = if iterated && from_cache {
            known_steps(&self.live.resolver, &question, self.live.clock.now())
        } else {
            Vec::new()
        };
        let children = resolution_tree::tree(known);
        let what = "what is known of it".to_owned();
        (!children.is_empty()).then(|| ExplanationStep { children, ..ExplanationStep::new("learnt", what) })
    }

    fn respond(
        &self,
        query: &[u8],
        client: &QueryClient<'_>,
        out: &mut [u8],
    ) -> (QueryOutcome, Vec<TraceStep>) {
        let snapshot = self.live.snapshot.load();
        let context = QueryContext::of(&self.live, &snapshot, Instant::now());
        let mut scratch = QueryScratch::new();
        scratch.trace = Some(Vec::new());
        let outcome = respond(query, client, &context, &mut scratch, out);
        (outcome, scratch.trace.unwrap_or_default())
    }
}

/// Broken zones and domains without an upstream that answers: a few by name, all of them by number.
fn degraded(live: &ServerState, snapshot: &ServerSnapshot) -> Vec<String> {
    let broken = snapshot.view.zones.iter().filter_map(|(_, entry)| {
        let trouble = zone_trouble(live, entry)?;
        Some(format!("zone {}: {trouble}", entry.zone.name()))
    });
    let down = snapshot.view.routes.iter().filter(|(_, entry)| lacks_upstream(snapshot, entry));
    let down = down.map(|(_, entry)| format!("forward {}: no upstream answers", entry.route.domain()));
    let all: Vec<String> = broken.chain(down).collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let rest = (more > 0).then(|| format!("and {more} more"));
    all.into_iter().take(MOST_NAMED).chain(rest).collect()
}
