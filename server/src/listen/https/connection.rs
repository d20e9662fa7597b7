//! One connection, and what its requests ask, by either version of HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rhumb_config::HttpListener;
use rhumb_net::LocalAddress;
use rhumb_net::tcp::ClientConnection;
use rhumb_wire::Transport;
use rhumb_wire::doh::{DohRejection, DohRequest, DohTarget};

use super::forwarded::{ForwardedLines, client_of};
use crate::metrics::StreamFault;
use crate::query::QueryClient;

/// A connection, and what is known of who made it.
#[derive(Debug)]
pub(super) struct HttpConnection {
    pub(super) peer: SocketAddr,
    pub(super) local: LocalAddress,
    /// The same connection, among those of all clients.
    pub(super) among: Arc<ClientConnection>,
    pub(super) terms: Arc<HttpListener>,
    /// Whether its word is taken for which client asks.
    pub(super) is_proxy: bool,
}

/// What a request says beside its body.
#[derive(Debug)]
pub(super) struct HttpHead<'a> {
    pub(super) target: DohTarget<'a>,
    pub(super) content_encoding: Option<&'a [u8]>,
    pub(super) forwarded: ForwardedLines<'a>,
}

/// Who asks, and where the query stands.
pub(super) type AskedQuery = (QueryClient<'static>, DohRequest);

impl HttpConnection {
    /// Reads the head of a request. A query that stands in it takes the place of what is in `query`. Errors: why it has none.
    pub(super) fn read_head(
        &self,
        head: &HttpHead<'_>,
        query: &mut Vec<u8>,
    ) -> Result<AskedQuery, DohRejection> {
        let client = self.client(&head.forwarded)?;
        let is_plain = head.content_encoding.is_none_or(|coding| coding == b"identity");
        let content_type = head.target.content_type.filter(|_| is_plain);
        let target = DohTarget { content_type, ..head.target };
        Ok((client, target.request(&self.terms.paths, query)?))
    }

    /// Who asks. Errors: a proxy does not say it in words that can be read.
    fn client(&self, lines: &ForwardedLines<'_>) -> Result<QueryClient<'static>, DohRejection> {
        let named = if self.is_proxy {
            let is_proxy = |ip: IpAddr| self.terms.proxies.iter().any(|network| network.contains(ip));
            client_of(lines, is_proxy).map_err(|_| DohRejection::Client)?
        } else {
            None
        };
        let peer = named.map_or(self.peer, |ip| SocketAddr::new(ip, self.peer.port()));
        Ok(QueryClient::known(peer, self.local, Transport::Https))
    }
}

/// What requests without an answer are counted as.
pub(super) const fn fault_of(why: DohRejection) -> StreamFault {
    match why {
        DohRejection::Path | DohRejection::Method | DohRejection::MediaType | DohRejection::Client => {
            StreamFault::Request
        }
        DohRejection::Variable | DohRejection::Length | DohRejection::Query => StreamFault::Message,
        DohRejection::Late => StreamFault::Late,
        DohRejection::Unanswered => StreamFault::Unanswered,
    }
}
