//! `listen:`: the sockets that queries arrive on.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use crate::address::{DNS_PORT, ScopedAddress};
use crate::errors::Place;
use crate::in_force::InForce;
use crate::kind::Kind;
use crate::kinds::{Flag, List, Optional, Parsed, Whole, Word};
use crate::node::Node;
use crate::reader::Reader;
use crate::section::{Keys, Section};

/// A listening socket for each transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address to bind; `::` and `0.0.0.0` stand for every address.
    pub address: IpAddr,
    /// The name or number of the interface of a link-local IPv6 address, `None` for every other address.
    pub scope: Option<String>,
    /// The port, never 0.
    pub port: u16,
    /// `IPV6_V6ONLY` (ipv6(7)): whether `::` leaves IPv4 to others. Always false for IPv4 addresses.
    pub v6only: bool,
    /// What is spoken there; at least one.
    pub transports: Transports,
    /// Where the entry stands.
    pub place: Place,
}

impl Listen {
    /// What is used when the configuration has no `listen:`: `::` port 53, IPv4 too, UDP and TCP.
    pub(crate) fn everywhere(place: Place) -> Self {
        let address = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        Listen { address, scope: None, port: DNS_PORT, v6only: false, transports: Transports::ALL, place }
    }
}

/// The transports of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transports {
    /// Plain DNS over UDP (RFC 1035 section 4.2.1).
    pub udp: bool,
    /// Plain DNS over TCP (RFC 7766).
    pub tcp: bool,
}

impl Transports {
    const ALL: Transports = Transports { udp: true, tcp: true };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

const WORDS: Word<Transport> =
    Word { words: &[("udp", Transport::Udp), ("tcp", Transport::Tcp)], later: &["tls", "https", "quic"] };

/// A list of transports, each at most once.
struct TransportList;

impl Kind for TransportList {
    type Out = Transports;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Transports> {
        let list = List { of: WORDS, filled: true }.read(node, reader)?;
        let mut transports = Transports { udp: false, tcp: false };
        for transport in list {
            let flag = match transport {
                Transport::Udp => &mut transports.udp,
                Transport::Tcp => &mut transports.tcp,
            };
            if std::mem::replace(flag, true) {
                reader.error(node.spot, "a transport is named twice");
            }
        }
        Some(transports)
    }

    fn schema(&self) -> Json {
        json!({ "type": "array", "items": WORDS.schema(), "minItems": 1, "uniqueItems": true })
    }

    fn show(&self, value: &Transports) -> Option<Json> {
        let words = [("udp", value.udp), ("tcp", value.tcp)];
        Some(words.iter().filter(|(_, on)| *on).map(|(word, _)| *word).collect())
    }
}

pub(crate) struct ListenDraft {
    address: Option<ScopedAddress>,
    port: u16,
    v6only: bool,
    transports: Transports,
}

impl Section for Listen {
    type Draft = ListenDraft;

    const ABOUT: &'static str = "One address and port to answer on.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["address"]];
    const IDENTITY: &'static [&'static str] = &["address", "port"];

    fn draft() -> ListenDraft {
        ListenDraft { address: None, port: DNS_PORT, v6only: false, transports: Transports::ALL }
    }

    fn keys<K: Keys<ListenDraft>>(keys: &mut K) {
        keys.key("address", InForce::AtReload,
            "The address to listen on. `::` is every address, IPv4 too unless v6only is true; `0.0.0.0` is every \
             IPv4 address. Replies leave from the address that was asked.",
            Optional(Parsed::new("an IPv4 or IPv6 address, link-local ones with their interface as in fe80::1%eth0")),
            |draft| &mut draft.address,
        );
        keys.key("port", InForce::AtReload, "The port.", Whole::new(1, 65_535), |draft| &mut draft.port);
        keys.key("v6only", InForce::AtReload,
            "For `::`: true leaves IPv4 to other entries, false serves IPv4 on the same socket. Always set on the \
             socket, whatever the system's default is.",
            Flag,
            |draft| &mut draft.v6only,
        );
        keys.key(
            "transports",
            InForce::AtReload,
            "What is spoken on this address and port.",
            TransportList,
            |draft| &mut draft.transports,
        );
        keys.not_offered("certificate", "it belongs to the transports tls, https and quic");
        keys.not_offered("key", "it belongs to the transports tls, https and quic");
    }

    fn finish(draft: ListenDraft, node: &Node, reader: &mut Reader) -> Option<Self> {
        let ScopedAddress { ip, scope } = draft.address?;
        if draft.v6only && ip.is_ipv4() {
            let spot = node.spot_of("v6only");
            reader.at_key("v6only", |reader| {
                reader.error(spot, format!("{ip} is an IPv4 address; v6only is for IPv6 addresses only"));
            });
        }
        let place = reader.place(node.spot);
        let (port, transports) = (draft.port, draft.transports);
        Some(Listen { address: ip, scope, port, v6only: draft.v6only && ip.is_ipv6(), transports, place })
    }

    fn values(&self) -> ListenDraft {
        let address = ScopedAddress { ip: self.address, scope: self.scope.clone() };
        ListenDraft {
            address: Some(address),
            port: self.port,
            v6only: self.v6only,
            transports: self.transports,
        }
    }
}
