//! How DNS messages travel between two hosts.

use std::fmt;
use std::str::FromStr;

/// A transport that carries DNS messages, of listeners as of servers that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams (RFC 1035 section 4.2.1).
    Udp,
    /// A stream (RFC 7766).
    Tcp,
    /// TLS over a stream (RFC 7858).
    Tls,
    /// HTTP over TLS or QUIC (RFC 8484).
    Https,
    /// QUIC (RFC 9250).
    Quic,
}

impl Transport {
    /// All of them, by declaration: `Transport::ALL[t as usize] == t`.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Https, Self::Quic];

    /// Its name in configurations, metrics, logs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
        }
    }

    /// The port that IANA assigned to DNS over it.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 53,
            Self::Tls | Self::Quic => 853,
            Self::Https => 443,
        }
    }

    /// Whether nobody on the path can read the messages.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Https | Self::Quic)
    }

    /// Whether each message is a datagram of its own: it may get lost, and its sender's address may be forged.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Udp)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no transport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown transport {0:?}: udp, tcp, tls, https and quic are known")]
pub struct UnknownTransport(pub String);

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        let found = Self::ALL.into_iter().find(|transport| transport.name() == text);
        found.ok_or_else(|| UnknownTransport(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for (index, transport) in Transport::ALL.into_iter().enumerate() {
            assert_eq!(transport as usize, index);
            assert_eq!(transport.name().parse(), Ok(transport));
            assert_eq!(format!("{transport:>6}").len(), 6);
        }
        for wrong in ["", "UDP", "udp ", "dot"] {
            assert_eq!(wrong.parse::<Transport>(), Err(UnknownTransport(wrong.to_owned())));
        }
    }

    #[test]
    fn ports_and_properties() {
        let known = [
            (Transport::Udp, 53, false, true),
            (Transport::Tcp, 53, false, false),
            (Transport::Tls, 853, true, false),
            (Transport::Https, 443, true, false),
            (Transport::Quic, 853, true, false),
        ];
        for (transport, port, encrypted, datagram) in known {
            assert_eq!(transport.default_port(), port);
            assert_eq!((transport.is_encrypted(), transport.is_datagram()), (encrypted, datagram));
        }
    }
}
