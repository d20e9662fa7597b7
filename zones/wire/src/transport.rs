//! How DNS messages travel between two hosts.

use std::fmt;
use std::str::FromStr;

/// What sets one transport apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFacts {
    /// Its name in configurations, metrics, logs and on the command line.
    pub name: &'static str,
    /// The port that IANA assigned to DNS over it.
    pub default_port: u16,
    /// What its bytes are carried by.
    pub carrier: TransportCarrier,
    /// How messages are told from one another.
    pub framing: MessageFraming,
    /// What its clients offer within TLS (RFC 7301), the best first; none where there is no TLS.
    pub protocols: &'static [&'static [u8]],
}

/// What carries the bytes of a transport. Transports of one carrier cannot share a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportCarrier {
    /// UDP.
    Datagrams,
    /// TCP.
    Streams,
}

/// How messages are told from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFraming {
    /// Each is a datagram of its own.
    Datagram,
    /// Each follows its length, on one stream for all of them.
    Stream,
    /// A request of HTTP has one query, and its response one message.
    Exchange,
    /// A stream for each query, with its responses behind their lengths.
    StreamEach,
}

/// The transports: each with what it is, and its facts. Everything else goes by these.
macro_rules! transports {
    ($($(#[$about:meta])* $variant:ident { $($fact:ident: $value:expr),* $(,)? })*) => {
        /// A transport that carries DNS messages, of listeners as of servers that are asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Transport {
            $($(#[$about])* $variant,)*
        }

        impl Transport {
            /// All of them, by declaration: `Transport::ALL[t as usize] == t`.
            pub const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];
            /// Their names, in the same order.
            pub const NAMES: [&'static str; Self::ALL.len()] = [$(Self::$variant.name()),*];

            /// Each behind its name, in the same order.
            pub const WORDS: [(&'static str, Self); Self::ALL.len()] =
                [$((Self::$variant.name(), Self::$variant)),*];

            /// What sets it apart from the others.
            pub const fn facts(self) -> TransportFacts {
                match self {
                    $(Self::$variant => TransportFacts { $($fact: $value),* },)*
                }
            }
        }
    };
}

transports! {
    /// Datagrams (RFC 1035 section 4.2.1).
    Udp {
        name: "udp",
        default_port: 53,
        carrier: TransportCarrier::Datagrams,
        framing: MessageFraming::Datagram,
        protocols: &[],
    }
    /// A stream (RFC 7766).
    Tcp {
        name: "tcp",
        default_port: 53,
        carrier: TransportCarrier::Streams,
        framing: MessageFraming::Stream,
        protocols: &[],
    }
    /// TLS over a stream (RFC 7858).
    Tls {
        name: "tls",
        default_port: 853,
        carrier: TransportCarrier::Streams,
        framing: MessageFraming::Stream,
        protocols: &[b"dot"],
    }
    /// HTTP over TLS (RFC 8484).
    Https {
        name: "https",
        default_port: 443,
        carrier: TransportCarrier::Streams,
        framing: MessageFraming::Exchange,
        protocols: &[b"h2", b"http/1.1"],
    }
    /// QUIC (RFC 9250).
    Quic {
        name: "quic",
        default_port: 853,
        carrier: TransportCarrier::Datagrams,
        framing: MessageFraming::StreamEach,
        protocols: &[b"doq"],
    }
}

impl Transport {
    /// Its name in configurations, metrics, logs and on the command line.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The port that IANA assigned to DNS over it.
    pub const fn default_port(self) -> u16 {
        self.facts().default_port
    }

    /// What its bytes are carried by.
    pub const fn carrier(self) -> TransportCarrier {
        self.facts().carrier
    }

    /// What its clients offer within TLS (RFC 7301), the best first; none where there is no TLS.
    pub const fn protocols(self) -> &'static [&'static [u8]] {
        self.facts().protocols
    }

    /// Whether nobody on the path can read the messages.
    pub const fn is_encrypted(self) -> bool {
        !self.facts().protocols.is_empty()
    }

    /// Whether each message is a datagram of its own: it may get lost, and its sender's address may be forged.
    pub const fn is_datagram(self) -> bool {
        matches!(self.facts().framing, MessageFraming::Datagram)
    }

    /// Whether a query may be answered by more than one message, as zone transfers are (RFC 5936, section 2.2).
    pub const fn has_many_responses(self) -> bool {
        matches!(self.facts().framing, MessageFraming::Stream | MessageFraming::StreamEach)
    }

    /// Whether edns-tcp-keepalive says how long a connection stays (RFC 7828); QUIC has its own way (RFC 9250, section 5.5.2).
    pub const fn has_keepalive(self) -> bool {
        matches!(self.facts().framing, MessageFraming::Stream)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no transport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown transport {0:?}; known are {known}", known = Transport::NAMES.join(", "))]
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
            assert_eq!(Transport::NAMES[index].parse(), Ok(transport));
            assert_eq!(format!("{transport:>6}").len(), 6);
        }
        for wrong in ["", "UDP", "udp ", "dot"] {
            assert_eq!(wrong.parse::<Transport>(), Err(UnknownTransport(wrong.to_owned())));
        }
        let error = UnknownTransport("dot".to_owned()).to_string();
        assert_eq!(error, "unknown transport \"dot\"; known are udp, tcp, tls, https, quic");
    }

    #[test]
    fn ports_and_properties() {
        let known = [
            (Transport::Udp, 53, false, true, (false, false)),
            (Transport::Tcp, 53, false, false, (true, true)),
            (Transport::Tls, 853, true, false, (true, true)),
            (Transport::Https, 443, true, false, (false, false)),
            (Transport::Quic, 853, true, false, (true, false)),
        ];
        for (transport, port, encrypted, datagram, (many, keepalive)) in known {
            assert_eq!(transport.default_port(), port);
            assert_eq!((transport.is_encrypted(), transport.is_datagram()), (encrypted, datagram));
            assert_eq!((transport.has_many_responses(), transport.has_keepalive()), (many, keepalive));
        }
        assert_eq!(Transport::Quic.carrier(), TransportCarrier::Datagrams);
        assert_eq!(Transport::Https.carrier(), TransportCarrier::Streams);
    }

    /// Two transports that share a port need different carriers, or no host could listen on both.
    #[test]
    fn default_ports_do_not_clash() {
        for (index, one) in Transport::ALL.into_iter().enumerate() {
            for other in &Transport::ALL[index + 1..] {
                let socket = |transport: Transport| (transport.default_port(), transport.carrier());
                assert_ne!(socket(one), socket(*other));
            }
        }
    }
}
