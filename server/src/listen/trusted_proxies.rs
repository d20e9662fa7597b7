//! The proxies of a listener that say for which client they speak, by a header of the PROXY protocol (`proxy-protocol`) or of requests.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use rhumb_config::{IpNetwork, ListenEntry};
use rhumb_wire::Transport;
use rhumb_wire::proxy_header::{PROXY_SIGNATURE, ProxiedClient, ProxyHeaderError, read_proxy_header};

use super::paced_log::PacedLog;
use crate::metrics::{ProxyHeaderResult, ServerMetrics};

/// From so many bytes on, what begins like a header is taken for one.
const TELLING: usize = 5;

/// The proxies of a listener, and what is counted and logged of their headers.
#[derive(Debug)]
pub(super) struct TrustedProxies {
    transport: Transport,
    is_used: AtomicBool,
    networks: ArcSwap<Vec<IpNetwork>>,
    /// Those whose requests name the client of each (`proxies`).
    by_request: ArcSwap<Vec<IpNetwork>>,
    log: PacedLog<{ ProxyHeaderResult::COUNT }>,
}

/// Why what a proxy, or another, sent first is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProxyRefusal {
    /// A proxy sent no header, or one that is of no use.
    #[error("{0}")]
    Header(#[from] ProxyHeaderError),
    /// Somebody who is no proxy sent one.
    #[error("a header of the PROXY protocol from an address that is not among those of `proxy-protocol`")]
    NotAllowed,
    /// It was not there in time, or the connection ended before it.
    #[error("no header of the PROXY protocol came in time")]
    Late,
}

impl ProxyRefusal {
    const fn result(self) -> ProxyHeaderResult {
        match self {
            Self::Header(ProxyHeaderError::Missing) => ProxyHeaderResult::Missing,
            Self::Header(_) => ProxyHeaderResult::Malformed,
            Self::NotAllowed => ProxyHeaderResult::NotAllowed,
            Self::Late => ProxyHeaderResult::Late,
        }
    }
}

impl TrustedProxies {
    pub(super) fn new(transport: Transport, entry: &ListenEntry) -> Arc<Self> {
        let proxies = Self {
            transport,
            is_used: AtomicBool::new(false),
            networks: ArcSwap::default(),
            by_request: ArcSwap::default(),
            log: PacedLog::new(),
        };
        proxies.set(entry);
        Arc::new(proxies)
    }

    /// Those of this entry from now on.
    pub(super) fn set(&self, entry: &ListenEntry) {
        self.networks.store(Arc::new(entry.proxy_protocol.clone()));
        let by_request =
            if self.transport == Transport::Https { entry.http.proxies.clone() } else { Vec::new() };
        self.by_request.store(Arc::new(by_request));
        self.is_used.store(!entry.proxy_protocol.is_empty(), Relaxed);
    }

    /// Whether there are any.
    #[inline]
    pub(super) fn is_used(&self) -> bool {
        self.is_used.load(Relaxed)
    }

    /// Whether this is the address of one.
    pub(super) fn includes(&self, ip: IpAddr) -> bool {
        self.is_used() && self.networks.load().iter().any(|network| network.contains(ip))
    }

    /// Whether connections from this address are those of many clients.
    pub(super) fn is_shared(&self, ip: IpAddr) -> bool {
        self.includes(ip) || self.by_request.load().iter().any(|network| network.contains(ip))
    }

    /// Whom a datagram is for, and the message in it: none where the sender asks for itself. Errors: a proxy without a header, or a
    /// header of somebody else.
    pub(super) fn read<'d>(
        &self,
        sender: IpAddr,
        datagram: &'d [u8],
    ) -> Result<(Option<ProxiedClient>, &'d [u8]), ProxyRefusal> {
        if self.includes(sender) {
            let (client, message) = read_proxy_header(datagram)?;
            return Ok((Some(client), message));
        }
        if is_header(datagram) { Err(ProxyRefusal::NotAllowed) } else { Ok((None, datagram)) }
    }

    /// A header was taken.
    pub(super) fn taken(&self, client: ProxiedClient, metrics: &ServerMetrics) {
        let result = match client {
            ProxiedClient::Itself => ProxyHeaderResult::Itself,
            ProxiedClient::Client { .. } => ProxyHeaderResult::Client,
        };
        metrics.clients().proxy_header(self.transport, result);
    }

    /// What came first was not taken.
    pub(super) fn refused(&self, sender: SocketAddr, why: ProxyRefusal, metrics: &ServerMetrics) {
        let result = why.result();
        metrics.clients().proxy_header(self.transport, result);
        if self.log.is_due(result.index()) {
            tracing::info!(%sender, proto = self.transport.name(), "not served: {why}");
        }
    }
}

/// Whether bytes begin as a header does.
pub(super) fn is_header(bytes: &[u8]) -> bool {
    let length = bytes.len().min(PROXY_SIGNATURE.len());
    length >= TELLING && bytes.get(..length) == PROXY_SIGNATURE.get(..length)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn proxies(networks: &str) -> Arc<TrustedProxies> {
        let text = format!("listen: [{{ address: 192.0.2.1, proxy-protocol: [{networks}] }}]");
        let config = rhumb_config::parse(&text, Path::new("x.yaml")).unwrap();
        TrustedProxies::new(Transport::Udp, &config.listen[0])
    }

    #[test]
    fn a_proxy_has_a_header_and_nobody_else() {
        let proxies = proxies("198.51.100.0/24");
        let header =
            [&PROXY_SIGNATURE[..], b"\x21\x12\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc0\0\0\x35"].concat();
        let with = [&header[..], b"message"].concat();
        let client = ProxiedClient::Client {
            source: "192.0.2.7:49152".parse().unwrap(),
            destination: "198.51.100.1:53".parse().unwrap(),
        };
        let read = |sender: &str, bytes: &[u8]| {
            let read = proxies.read(sender.parse().unwrap(), bytes);
            read.map(|(client, message)| (client, message.to_vec()))
        };
        let message = b"message".to_vec();
        assert_eq!(read("198.51.100.9", &with), Ok((Some(client), message.clone())));
        assert_eq!(read("198.51.100.9", &message), Err(ProxyHeaderError::Missing.into()));
        assert_eq!(read("203.0.113.1", &message), Ok((None, message.clone())));
        assert_eq!(read("203.0.113.1", &with), Err(ProxyRefusal::NotAllowed));
        assert_eq!(read("203.0.113.1", &PROXY_SIGNATURE[..4]), Ok((None, PROXY_SIGNATURE[..4].to_vec())));
    }

    #[test]
    fn the_networks_may_change() {
        let first = proxies("198.51.100.0/24");
        let none = rhumb_config::parse("listen: [{ address: 192.0.2.1 }]", Path::new("x.yaml")).unwrap();
        assert!(first.includes("198.51.100.1".parse().unwrap()));
        first.set(&none.listen[0]);
        assert!(!first.is_used() && !first.includes("198.51.100.1".parse().unwrap()));
    }
}
