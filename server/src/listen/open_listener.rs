//! What listeners of every transport have in common: they are bound, then opened, then served by terms that may change, then closed.

use std::fmt;
use std::io;
use std::net::{TcpListener, UdpSocket};

use rhumb_config::ListenEntry;
use rhumb_net::tls::{CertificatePair, ClientAuthorities, TlsTickets};
use rhumb_net::udp::DatagramSocket;

use super::listener_key::ListenerKey;
use super::stream::ListenerServices;

/// A socket, or sockets, bound and not yet served.
#[derive(Debug)]
pub enum BoundListener {
    /// One for each thread.
    Datagrams(Vec<DatagramSocket>),
    /// One for the datagrams of all connections.
    Datagram(UdpSocket),
    /// One for all connections.
    Streams(TcpListener),
}

/// What the clients of a listener are served by; it may change while the listener is open.
#[derive(Debug, Clone)]
pub(super) struct ListenerTerms<'a> {
    /// What the configuration says.
    pub(super) entry: &'a ListenEntry,
    /// Of encrypted ones.
    pub(super) tls: Option<TlsTerms<'a>>,
}

impl<'a> ListenerTerms<'a> {
    /// Errors: there is no certificate.
    pub(super) fn needed_tls(&self) -> io::Result<&TlsTerms<'a>> {
        self.tls.as_ref().ok_or_else(|| io::Error::other("it has no certificate"))
    }
}

/// What handshakes are done with.
#[derive(Debug, Clone)]
pub(super) struct TlsTerms<'a> {
    /// What clients are shown: the first one, unless another is for the name that they ask for.
    pub(super) certificates: Vec<CertificatePair>,
    /// What sessions are resumed by.
    pub(super) tickets: &'a TlsTickets,
    /// Whose certificates clients may show; none: they are not asked.
    pub(super) authorities: Option<ClientAuthorities>,
}

/// A listener that is about to be opened.
#[derive(Debug)]
pub(super) struct ListenerOpening<'a> {
    pub(super) key: &'a ListenerKey,
    pub(super) terms: ListenerTerms<'a>,
    pub(super) serving: &'a ListenerServices,
}

/// A listener that is open.
pub(super) trait OpenListener: fmt::Debug + Send {
    /// Clients that come from now on are served by these terms.
    fn set_terms(&self, terms: &ListenerTerms<'_>);

    /// Takes no more clients; those that are there are served to their end.
    fn close(self: Box<Self>);
}
