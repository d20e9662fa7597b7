//! A message in a datagram, and who asks: the sender, or the client that it is a proxy for.

use rhumb_net::LocalAddress;
use rhumb_net::udp::ReceivedDatagram;
use rhumb_wire::Transport;
use rhumb_wire::proxy_header::ProxiedClient;

use crate::listen::trusted_proxies::{ProxyRefusal, TrustedProxies};
use crate::query::QueryClient;
use crate::recursion::ReplyHop;

/// A message, and where its answer goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedMessage<'a> {
    datagram: ReceivedDatagram<'a>,
    /// Who asks.
    pub(super) client: QueryClient<'a>,
    /// What it asks.
    pub(super) message: &'a [u8],
    /// What the header said, if there was one.
    pub(super) header: Option<ProxiedClient>,
}

impl<'a> AskedMessage<'a> {
    /// Of the sender.
    #[inline]
    pub(super) fn direct(datagram: ReceivedDatagram<'a>) -> Self {
        Self { datagram, client: QueryClient::Datagram(datagram), message: datagram.bytes, header: None }
    }

    /// Of the client that the sender, if it is a proxy, speaks for.
    pub(super) fn proxied(
        mut datagram: ReceivedDatagram<'a>,
        proxies: &TrustedProxies,
    ) -> Result<Self, ProxyRefusal> {
        let (header, message) = proxies.read(datagram.peer_ip(), datagram.bytes)?;
        datagram.bytes = message;
        let client = match header {
            Some(ProxiedClient::Client { source, destination }) => {
                QueryClient::known(source, LocalAddress::new(destination.ip(), 0), Transport::Udp)
            }
            Some(ProxiedClient::Itself) | None => QueryClient::Datagram(datagram),
        };
        Ok(Self { datagram, client, message, header })
    }

    /// Where an answer that comes later is sent, if not to the client itself.
    pub(super) fn hop(&self) -> Option<Box<ReplyHop>> {
        let through = matches!(self.client, QueryClient::Known { .. });
        through.then(|| Box::new(ReplyHop { peer: self.datagram.peer(), local: self.datagram.local() }))
    }
}
