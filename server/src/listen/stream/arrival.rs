//! A connection as it arrives, until it is known which client it is for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rhumb_net::LocalAddress;
use rhumb_net::tcp::{ClientConnection, ClientPermit};
use rhumb_wire::proxy_header::{
    PROXY_FIXED, PROXY_SIGNATURE, ProxiedClient, ProxyHeaderError, read_proxy_header, rest_of_proxy_header,
};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::services::StreamServices;
use crate::listen::trusted_proxies::{ProxyRefusal, TrustedProxies, is_header};
use crate::metrics::GaugeUnit;

/// A connection that counts as long as this lives.
#[derive(Debug)]
pub(in crate::listen) struct ConnectionArrival {
    peer: SocketAddr,
    local: LocalAddress,
    connected: IpAddr,
    /// A proxy has yet to say which client it speaks for.
    needs_header: bool,
    proxies: Arc<TrustedProxies>,
    permit: ClientPermit,
    _open: GaugeUnit,
}

impl ConnectionArrival {
    pub(super) fn new(
        (peer, local): (SocketAddr, LocalAddress),
        proxies: &Arc<TrustedProxies>,
        permit: ClientPermit,
        open: GaugeUnit,
    ) -> Self {
        let needs_header = proxies.includes(peer.ip());
        let proxies = Arc::clone(proxies);
        Self { peer, local, connected: peer.ip(), needs_header, proxies, permit, _open: open }
    }

    /// Who asks.
    pub(in crate::listen) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether a proxy has yet to say which client it speaks for.
    pub(in crate::listen) const fn owes_header(&self) -> bool {
        self.needs_header
    }

    /// The address that was asked.
    pub(in crate::listen) fn local(&self) -> LocalAddress {
        self.local
    }

    /// Who connected: the client, or a proxy of it.
    pub(in crate::listen) fn connected(&self) -> IpAddr {
        self.connected
    }

    /// The same connection, among the others.
    pub(in crate::listen) fn connection(&self) -> Arc<ClientConnection> {
        Arc::clone(self.permit.connection())
    }

    /// Reads the header of a proxy, and looks that nobody else sends one. Whether the connection is to be served.
    pub(in crate::listen) async fn introduce(
        &mut self,
        stream: &mut TcpStream,
        streams: &StreamServices,
        by: Instant,
    ) -> bool {
        if self.needs_header {
            return self.read_header(stream, streams, by).await;
        }
        self.refuse_header(stream, streams, by).await
    }

    /// The same where a proxy may send its header inside of TLS too: that one is left to [`Self::introduce_inside`].
    pub(in crate::listen) async fn introduce_outside(
        &mut self,
        stream: &mut TcpStream,
        streams: &StreamServices,
        by: Instant,
    ) -> bool {
        if !self.needs_header {
            return self.refuse_header(stream, streams, by).await;
        }
        let mut first = [0];
        match timeout_at(by, stream.peek(&mut first)).await {
            Ok(Ok(1)) if first.first() == PROXY_SIGNATURE.first() => {
                self.read_header(stream, streams, by).await
            }
            Ok(Ok(1)) => true,
            _ => false,
        }
    }

    /// Reads the header that a proxy owes still.
    pub(in crate::listen) async fn introduce_inside<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        streams: &StreamServices,
        by: Instant,
    ) -> bool {
        !self.needs_header || self.read_header(stream, streams, by).await
    }

    async fn refuse_header(&self, stream: &TcpStream, streams: &StreamServices, by: Instant) -> bool {
        if !self.proxies.is_used() {
            return true;
        }
        let mut start = [0; PROXY_SIGNATURE.len()];
        let Ok(Ok(length @ 1..)) = timeout_at(by, stream.peek(&mut start)).await else { return false };
        let refused = start.get(..length).is_some_and(is_header);
        if refused {
            self.proxies.refused(self.peer, ProxyRefusal::NotAllowed, &streams.live.metrics);
        }
        !refused
    }

    async fn read_header<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        streams: &StreamServices,
        by: Instant,
    ) -> bool {
        let metrics = &streams.live.metrics;
        let read = timeout_at(by, read(stream)).await.unwrap_or(Err(ProxyRefusal::Late));
        let client = match read {
            // A proxy looks whether somebody is there.
            Ok(None) => return false,
            Ok(Some(client)) => client,
            Err(why) => {
                self.proxies.refused(self.peer, why, metrics);
                return false;
            }
        };
        self.proxies.taken(client, metrics);
        self.needs_header = false;
        if let ProxiedClient::Client { source, destination } = client {
            self.peer = source;
            self.local = LocalAddress::new(destination.ip(), 0);
        }
        streams.admission.name(&self.permit, self.peer.ip(), metrics)
    }
}

/// The header that comes first; none where the connection ends before it.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<ProxiedClient>, ProxyRefusal> {
    let cut = |_: io::Error| ProxyRefusal::from(ProxyHeaderError::Short);
    let mut header = vec![0; PROXY_FIXED];
    let begun = stream.read(&mut header).await.map_err(cut)?;
    if begun == 0 {
        return Ok(None);
    }
    stream.read_exact(header.get_mut(begun..).unwrap_or_default()).await.map_err(cut)?;
    let fixed = header.first_chunk().ok_or(ProxyHeaderError::Short)?;
    let rest = rest_of_proxy_header(fixed)?;
    header.resize(PROXY_FIXED + rest, 0);
    stream.read_exact(header.get_mut(PROXY_FIXED..).unwrap_or_default()).await.map_err(cut)?;
    Ok(Some(read_proxy_header(&header)?.0))
}
