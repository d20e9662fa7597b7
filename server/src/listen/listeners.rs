//! The sockets that queries come in by.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use rhumb_config::{Config, ListenEntry, ServerSettings, WorkerThreads as WorkerCount};
use rhumb_net::{SocketKind, check_free, route, tcp, tcp_listener, udp};
use tokio::sync::watch;

use super::stream::{self, Streams};
use super::udp::Workers;
use crate::change::Change;
use crate::recursion::Door;
use crate::snapshot::ServerState;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// What makes a listener the same before and after a reload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListenerKey {
    address: SocketAddr,
    v6only: bool,
    kind: ListenerKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ListenerKind {
    Udp { threads: usize, buffer: u64 },
    Tcp,
}

/// A socket, or sockets, bound and not yet served.
#[derive(Debug)]
pub enum BoundListener {
    /// One for each thread.
    Udp(Vec<udp::DatagramSocket>),
    /// One.
    Tcp(std::net::TcpListener),
}

#[derive(Debug)]
enum OpenListener {
    Udp(Workers),
    Tcp(watch::Sender<bool>),
}

/// What listeners need to serve.
#[derive(Debug, Clone)]
pub struct ListenerServices {
    /// The server's state.
    pub live: Arc<ServerState>,
    /// Where queries go that have to wait.
    pub door: Door,
    /// What connections have in common.
    pub streams: Streams,
    /// Where connections are served.
    pub runtime: tokio::runtime::Handle,
}

/// The listeners that are open.
#[derive(Debug, Default)]
pub struct Listeners {
    open: HashMap<ListenerKey, OpenListener>,
    waiting: Vec<(ListenerKey, BoundListener)>,
    serving: Option<ListenerServices>,
}

impl Listeners {
    /// Binds everything `config` asks for. Errors: each address that could not be bound, in words.
    pub fn bind(config: &Config) -> Result<Self, Vec<String>> {
        let mut listeners = Self::default();
        Self::check_unused(config)?;
        listeners.waiting = listeners.bind_missing(config)?;
        Ok(listeners)
    }

    /// Whether another process, perhaps another rhumb, has what `config` asks for.
    fn check_unused(config: &Config) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        for listen in &config.listen {
            // An interface that is not there is told when it comes to binding.
            for key in keys(listen, config).unwrap_or_default() {
                let transport = match key.kind {
                    ListenerKind::Udp { .. } => SocketKind::Udp,
                    ListenerKind::Tcp => SocketKind::Tcp,
                };
                if let Err(error) = check_free(transport, key.address, key.v6only) {
                    errors.push(format!("{}: {error}", listen.place));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// From now on what is bound is served.
    pub fn serve_with(&mut self, serving: ListenerServices) {
        self.serving = Some(serving);
    }

    /// Binds what `config` asks for and is neither open nor bound. Errors: as [`Self::bind`]; what was bound is closed again.
    pub fn bind_missing(&self, config: &Config) -> Result<Vec<(ListenerKey, BoundListener)>, Vec<String>> {
        let mut bound = Vec::new();
        let mut errors = Vec::new();
        for listen in &config.listen {
            for key in keys(listen, config).unwrap_or_else(|error| {
                errors.push(error);
                Vec::new()
            }) {
                if self.open.contains_key(&key) || self.waiting.iter().any(|(other, _)| *other == key) {
                    continue;
                }
                match key.bind() {
                    Ok(socket) => bound.push((key, socket)),
                    Err(error) => errors.push(format!("{}: {error}", listen.place)),
                }
            }
        }
        if errors.is_empty() { Ok(bound) } else { Err(errors) }
    }

    /// What opening and closing for `config` comes to, in words.
    pub fn changes(&self, config: &Config) -> Vec<Change> {
        let wanted: Vec<ListenerKey> =
            config.listen.iter().filter_map(|listen| keys(listen, config).ok()).flatten().collect();
        let is_new = |key: &&ListenerKey| {
            !self.open.contains_key(*key) && !self.waiting.iter().any(|(other, _)| other == *key)
        };
        let opened = wanted.iter().filter(is_new).map(|key| Change(format!("listener {key}: opened")));
        let closed = self.open.keys().filter(|key| !wanted.contains(key));
        opened.chain(closed.map(|key| Change(format!("listener {key}: closed")))).collect()
    }

    /// Serves what was bound, then closes what `config` no longer asks for, once it has answered what is queued.
    pub fn publish(&mut self, bound: Vec<(ListenerKey, BoundListener)>, config: &Config) {
        let Some(serving) = self.serving.clone() else { return };
        for (key, socket) in std::mem::take(&mut self.waiting).into_iter().chain(bound) {
            match key.open(socket, &serving) {
                Ok(open) => {
                    self.open.insert(key, open);
                }
                Err(error) => tracing::error!(listener = %key, %error, "a listener could not be served"),
            }
        }
        let wanted: Vec<ListenerKey> =
            config.listen.iter().filter_map(|listen| keys(listen, config).ok()).flatten().collect();
        let closed: Vec<ListenerKey> =
            self.open.keys().filter(|key| !wanted.contains(key)).cloned().collect();
        for key in closed {
            if let Some(open) = self.open.remove(&key) {
                open.close();
            }
        }
    }

    /// How many connections there may be from now on.
    pub fn limit(&self, server: &ServerSettings) {
        if let Some(serving) = &self.serving {
            serving.streams.limits.set(server.tcp_clients, server.tcp_clients_per_network);
        }
    }

    /// Closes all.
    pub fn stop_all(&mut self) {
        for (_, open) in self.open.drain() {
            open.close();
        }
    }

    /// Address, transport and threads of each.
    pub fn describe(&self) -> Vec<(String, &'static str, usize)> {
        let mut all: Vec<_> = self
            .open
            .keys()
            .map(|key| match key.kind {
                ListenerKind::Udp { threads, .. } => (key.address.to_string(), "udp", threads),
                ListenerKind::Tcp => (key.address.to_string(), "tcp", 0),
            })
            .collect();
        all.sort();
        all
    }
}

impl std::fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let transport = if matches!(self.kind, ListenerKind::Tcp) { "tcp" } else { "udp" };
        write!(f, "{transport} {}", self.address)?;
        if self.v6only && self.address.ip().is_unspecified() { write!(f, " (IPv6 only)") } else { Ok(()) }
    }
}

impl ListenerKey {
    fn bind(&self) -> Result<BoundListener, rhumb_net::BindError> {
        match self.kind {
            ListenerKind::Udp { threads, buffer } => {
                let options = udp::SocketOptions {
                    address: self.address,
                    v6only: self.v6only,
                    receive_buffer: usize::try_from(buffer).unwrap_or(usize::MAX),
                };
                (0..threads)
                    .map(|_| udp::DatagramSocket::bind(&options))
                    .collect::<Result<_, _>>()
                    .map(BoundListener::Udp)
            }
            ListenerKind::Tcp => tcp::bind(self.address, self.v6only, BACKLOG).map(BoundListener::Tcp),
        }
    }

    fn open(&self, bound: BoundListener, serving: &ListenerServices) -> std::io::Result<OpenListener> {
        match bound {
            BoundListener::Udp(sockets) => {
                let name = format!("udp/{}", self.address);
                Workers::start(&name, sockets, &serving.live, &serving.door).map(OpenListener::Udp)
            }
            BoundListener::Tcp(listener) => {
                let _inside = serving.runtime.enter();
                let listener = tcp_listener(listener)?;
                let (close, closed) = watch::channel(false);
                serving.runtime.spawn(stream::accept(listener, serving.streams.clone(), closed));
                Ok(OpenListener::Tcp(close))
            }
        }
    }
}

impl OpenListener {
    fn close(self) {
        match self {
            Self::Udp(workers) => workers.stop(),
            // Nobody is listening any more where this fails.
            Self::Tcp(close) => drop(close.send(true)),
        }
    }
}

/// The listeners that one entry of the configuration asks for. Errors: its interface is not there.
fn keys(listen: &ListenEntry, config: &Config) -> Result<Vec<ListenerKey>, String> {
    let scope = match &listen.scope {
        None => 0,
        Some(name) => route::scope_id(name)
            .ok_or_else(|| format!("{}: no interface is called `{name}` on this host", listen.place))?,
    };
    let mut address = SocketAddr::new(listen.address, listen.port);
    if let SocketAddr::V6(v6) = &mut address {
        v6.set_scope_id(scope);
    }
    let threads = match config.workers {
        WorkerCount::Auto => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        WorkerCount::Count(count) => usize::from(count.get()),
    };
    let udp = ListenerKind::Udp { threads, buffer: config.server.receive_buffer };
    let spoken = |transport| listen.transports.contains(&transport);
    let kinds = [
        spoken(rhumb_wire::Transport::Udp).then_some(udp),
        spoken(rhumb_wire::Transport::Tcp).then_some(ListenerKind::Tcp),
    ];
    Ok(kinds.into_iter().flatten().map(|kind| ListenerKey { address, v6only: listen.v6only, kind }).collect())
}
