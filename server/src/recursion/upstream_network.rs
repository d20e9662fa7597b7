//! The resolver's network, over real sockets.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use rhumb_net::upstream::{QueryExchangeError, ReceiveVerdict};
use rhumb_resolver::exchange::QueryPlace;
use rhumb_resolver::{DatagramVerdict, ExchangeError, ServerIdentity, SignatureCheck, UpstreamTransport};
use rhumb_wire::Transport;
use tokio::time::Instant;

use super::signature_threads::SignatureThreads;
use super::stream_server::{classified, stream_error, stream_server};
use crate::snapshot::ServerState;

/// Exchanges with other servers: a socket for each datagram, connections that all share.
#[derive(Debug)]
pub struct UpstreamNetwork {
    live: Arc<ServerState>,
    /// Begun with the first signature.
    signatures: OnceLock<SignatureThreads>,
}

impl UpstreamNetwork {
    /// From the addresses that the configuration in force says.
    pub fn new(live: &Arc<ServerState>) -> Self {
        Self { live: Arc::clone(live), signatures: OnceLock::new() }
    }

    /// A place among all queries that are under way. Errors: `Full`.
    fn place(&self) -> Result<QueryPlace, ExchangeError> {
        let most = self.live.snapshot.load().config.recursion.limits.under_way;
        self.live.under_way.take(most).ok_or(ExchangeError::Full)
    }

    fn source_for(&self, to: SocketAddr) -> Option<IpAddr> {
        self.live.snapshot.load().iteration.source_for(to)
    }
}

impl UpstreamTransport for UpstreamNetwork {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        let _place = self.place()?;
        let mut signal = None;
        let judge = |datagram: &[u8]| match accept(datagram) {
            DatagramVerdict::Accept => ReceiveVerdict::Accept,
            DatagramVerdict::Ignore => ReceiveVerdict::Ignore,
            DatagramVerdict::GiveUp(found) => {
                signal = Some(found);
                ReceiveVerdict::Stop
            }
        };
        let exchange = self.live.datagrams.exchange(to, self.source_for(to), query, deadline, judge);
        match (exchange.await, signal) {
            (Ok(length), _) => Ok(length),
            (Err(_), Some(signal)) => Err(ExchangeError::GaveUp(signal)),
            (Err(QueryExchangeError::Io(error)), None) => Err(classified(error)),
            (Err(_), None) => Err(ExchangeError::Timeout),
        }
    }

    async fn stream(
        &self,
        server: &ServerIdentity,
        transport: Transport,
        query: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        let _place = self.place()?;
        let to = stream_server(server, transport, self.source_for(server.address));
        self.live.streams.exchange(&to, query, deadline).await.map_err(stream_error)
    }

    fn is_in_handshake(&self, server: &ServerIdentity) -> bool {
        let to = stream_server(server, server.transport, self.source_for(server.address));
        self.live.streams.is_in_handshake(&to)
    }

    fn reachable(&self, to: SocketAddr) -> bool {
        rhumb_net::route::reachable(to)
    }

    async fn check_signature(&self, check: SignatureCheck) -> Option<bool> {
        let threads = self.signatures.get_or_init(|| SignatureThreads::start(&self.live.metrics));
        threads.check(check).await
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // Without the kernel's generator nothing may be sent at all: no port can be drawn either, so that the exchange fails.
        let _ = rhumb_net::random(&mut bytes);
        u64::from_ne_bytes(bytes)
    }
}
