//! `listen:`: the sockets that queries arrive on.

use std::net::IpAddr;

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use crate::address::ScopedAddress;
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kind::Kind;
use crate::kinds::{Flag, List, Optional, Parsed, Whole, Word};
use crate::node::Node;
use crate::reader::Reader;
use crate::section::{Keys, Section};

/// A listening socket for each transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenEntry {
    /// The address to bind; `::` and `0.0.0.0` stand for every address.
    pub address: IpAddr,
    /// The name or number of the interface of a link-local IPv6 address, `None` for every other address.
    pub scope: Option<String>,
    /// The port, never 0.
    pub port: u16,
    /// `IPV6_V6ONLY` (ipv6(7)): whether `::` leaves IPv4 to others. Always false for IPv4 addresses.
    pub v6only: bool,
    /// What is spoken there, each once, at least one.
    pub transports: Vec<Transport>,
    /// Where the entry stands.
    pub place: FilePlace,
}

impl ListenEntry {
    /// What is used when the configuration has no `listen:`: `::` port 53, IPv4 too, UDP and TCP.
    pub(crate) fn everywhere(place: FilePlace) -> Self {
        let address = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        ListenEntry {
            address,
            scope: None,
            port: Transport::Udp.default_port(),
            v6only: false,
            transports: USUAL.to_vec(),
            place,
        }
    }
}

/// What a listener speaks where the configuration does not say.
const USUAL: [Transport; 2] = [Transport::Udp, Transport::Tcp];

const WORDS: Word<Transport> = Word {
    words: &[(Transport::Udp.name(), Transport::Udp), (Transport::Tcp.name(), Transport::Tcp)],
    later: &[Transport::Tls.name(), Transport::Https.name(), Transport::Quic.name()],
};

/// A list of transports, each at most once, in the order of [`Transport::ALL`].
struct TransportList;

impl Kind for TransportList {
    type Out = Vec<Transport>;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Vec<Transport>> {
        let mut transports = List { of: WORDS, filled: true }.read(node, reader)?;
        let given = transports.len();
        transports.sort();
        transports.dedup();
        if transports.len() < given {
            reader.error(node.spot, "a transport is named twice");
        }
        Some(transports)
    }

    fn schema(&self) -> Json {
        let list = json!({ "type": "array", "items": WORDS.schema(), "minItems": 1, "uniqueItems": true });
        json!({ "anyOf": [list, WORDS.schema()] })
    }

    fn show(&self, value: &Vec<Transport>) -> Option<Json> {
        Some(value.iter().map(|transport| transport.name()).collect())
    }
}

pub(crate) struct ListenDraft {
    address: Option<ScopedAddress>,
    port: u16,
    v6only: bool,
    transports: Vec<Transport>,
}

impl Section for ListenEntry {
    type Draft = ListenDraft;

    const ABOUT: &'static str = "One address and port to answer on.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["address"]];
    const IDENTITY: &'static [&'static str] = &["address", "port"];

    fn draft() -> ListenDraft {
        ListenDraft {
            address: None,
            port: Transport::Udp.default_port(),
            v6only: false,
            transports: USUAL.to_vec(),
        }
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
        Some(ListenEntry {
            address: ip,
            scope,
            port,
            v6only: draft.v6only && ip.is_ipv6(),
            transports,
            place,
        })
    }

    fn values(&self) -> ListenDraft {
        let address = ScopedAddress { ip: self.address, scope: self.scope.clone() };
        ListenDraft {
            address: Some(address),
            port: self.port,
            v6only: self.v6only,
            transports: self.transports.clone(),
        }
    }
}
