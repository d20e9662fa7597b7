//! Who asks, where, and how.

use std::net::{IpAddr, SocketAddr};

use rhumb_net::LocalAddress;
use rhumb_net::udp::ReceivedDatagram;

use crate::metrics::ClientFamily;
use rhumb_wire::{DomainName, Transport};

/// The other end of a query. The addresses of a datagram are converted only when somebody asks for them.
#[derive(Clone, Copy, Debug)]
pub enum QueryClient<'a> {
    /// A datagram.
    Datagram(ReceivedDatagram<'a>),
    /// A connection, or a query that waited and so had to be copied.
    Known {
        /// Who asks.
        peer: SocketAddr,
        /// The address that was asked.
        local: LocalAddress,
        /// How.
        transport: Transport,
        /// The names of the certificate that it showed, which was verified.
        names: &'a [DomainName],
    },
}

impl<'a> QueryClient<'a> {
    /// One that shows no certificate.
    pub const fn known(peer: SocketAddr, local: LocalAddress, transport: Transport) -> Self {
        Self::Known { peer, local, transport, names: &[] }
    }

    /// The same with the names of its certificate.
    pub fn named<'n>(self, names: &'n [DomainName]) -> QueryClient<'n>
    where
        'a: 'n,
    {
        match self {
            Self::Datagram(datagram) => QueryClient::Datagram(datagram),
            Self::Known { peer, local, transport, .. } => {
                QueryClient::Known { peer, local, transport, names }
            }
        }
    }

    /// The names of the certificate that it showed, which was verified.
    pub const fn names(&self) -> &'a [DomainName] {
        match self {
            Self::Datagram(_) => &[],
            Self::Known { names, .. } => names,
        }
    }

    /// Who asks.
    pub fn peer(&self) -> SocketAddr {
        match self {
            Self::Datagram(datagram) => datagram.peer(),
            Self::Known { peer, .. } => *peer,
        }
    }

    /// The address of who asks, IPv4 as such.
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::Datagram(datagram) => datagram.peer_ip(),
            Self::Known { peer, .. } => peer.ip().to_canonical(),
        }
    }

    /// The port of who asks.
    pub fn port(&self) -> u16 {
        match self {
            Self::Datagram(datagram) => datagram.peer_port(),
            Self::Known { peer, .. } => peer.port(),
        }
    }

    /// The address that was asked.
    pub fn local(&self) -> LocalAddress {
        match self {
            Self::Datagram(datagram) => datagram.local(),
            Self::Known { local, .. } => *local,
        }
    }

    /// How the query came.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Datagram(_) => Transport::Udp,
            Self::Known { transport, .. } => *transport,
        }
    }

    /// The family of who asks.
    #[inline]
    pub fn family(&self) -> ClientFamily {
        let v4 = match self {
            Self::Datagram(datagram) => datagram.peer_is_ipv4(),
            Self::Known { peer, .. } => peer.ip().to_canonical().is_ipv4(),
        };
        if v4 { ClientFamily::V4 } else { ClientFamily::V6 }
    }
}
