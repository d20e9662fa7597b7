//! `listen:`: the sockets that queries arrive on.

use std::net::IpAddr;

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use crate::address::{AddressOrAll, InterfaceName, ListenAddresses, ScopedAddress};
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
    /// The addresses to bind.
    pub addresses: ListenAddresses,
    /// The port, never 0.
    pub port: u16,
    /// `IPV6_V6ONLY` (ipv6(7)): whether `::` leaves IPv4 to others. Always false for other addresses than `::`.
    pub v6only: bool,
    /// What is spoken there, each once, at least one.
    pub transports: Vec<Transport>,
    /// Where the entry stands.
    pub place: FilePlace,
}

impl ListenEntry {
    /// What is used when the configuration has no `listen:`: `::` port 53, IPv4 too, UDP and TCP.
    pub(crate) fn everywhere(place: FilePlace) -> Self {
        let ip = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        ListenEntry {
            addresses: ListenAddresses::One { ip, scope: None },
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
    address: Option<AddressOrAll>,
    interface: Option<InterfaceName>,
    port: u16,
    v6only: bool,
    transports: Vec<Transport>,
}

impl Section for ListenEntry {
    type Draft = ListenDraft;

    const ABOUT: &'static str = "One address and port to answer on.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["address"], &["interface"]];
    const IDENTITY: &'static [&'static str] = &["address", "interface", "port"];

    fn draft() -> ListenDraft {
        ListenDraft {
            address: None,
            interface: None,
            port: Transport::Udp.default_port(),
            v6only: false,
            transports: USUAL.to_vec(),
        }
    }

    fn keys<K: Keys<ListenDraft>>(keys: &mut K) {
        keys.key("address", InForce::AtReload,
            "The address to listen on. `::` is every address, IPv4 too unless v6only is true; `0.0.0.0` is every \
             IPv4 address; `all` opens a socket for each address of the host, follows addresses that come and go, and \
             passes over those that another process has. Replies leave from the address that was asked.",
            Optional(Parsed::new(
                "all, or an IPv4 or IPv6 address, link-local ones with their interface as in fe80::1%eth0",
            )),
            |draft| &mut draft.address,
        );
        keys.key(
            "interface",
            InForce::AtReload,
            "In place of `address`: as `all`, but only the addresses of this interface.",
            Optional(Parsed::new("the name of an interface such as br0")),
            |draft| &mut draft.interface,
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
        let addresses = match (draft.address, draft.interface) {
            (Some(AddressOrAll::Address(ScopedAddress { ip, scope })), _) => {
                ListenAddresses::One { ip, scope }
            }
            (Some(AddressOrAll::All), _) => ListenAddresses::EachOfHost,
            (None, interface) => ListenAddresses::EachOfInterface(interface?.0),
        };
        let is_ipv6 = matches!(addresses, ListenAddresses::One { ip: IpAddr::V6(_), .. });
        if draft.v6only && !is_ipv6 {
            let spot = node.spot_of("v6only");
            let message = match &addresses {
                ListenAddresses::One { ip, .. } => {
                    format!("{ip} is an IPv4 address; v6only is for IPv6 addresses only")
                }
                _ => "v6only is for `::`; here each address has a socket of its own".to_owned(),
            };
            reader.at_key("v6only", |reader| reader.error(spot, message));
        }
        let v6only = draft.v6only && addresses.is_wildcard();
        let place = reader.place(node.spot);
        Some(ListenEntry { addresses, port: draft.port, v6only, transports: draft.transports, place })
    }

    fn values(&self) -> ListenDraft {
        let (address, interface) = match &self.addresses {
            ListenAddresses::One { ip, scope } => {
                (Some(AddressOrAll::Address(ScopedAddress { ip: *ip, scope: scope.clone() })), None)
            }
            ListenAddresses::EachOfHost => (Some(AddressOrAll::All), None),
            ListenAddresses::EachOfInterface(name) => (None, Some(InterfaceName(name.clone()))),
        };
        ListenDraft {
            address,
            interface,
            port: self.port,
            v6only: self.v6only,
            transports: self.transports.clone(),
        }
    }
}
