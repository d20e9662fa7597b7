//! `recursion:`: who may ask for what the zones do not hold.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhumb_wire::Name;

use crate::in_force::InForce;
use crate::kind::Kind;
use crate::kinds::{Domain, Flag, List, Parsed, Word};
use crate::network::{ClientNetwork, IpNetwork};
use crate::node::{Node, Value};
use crate::reader::Reader;
use crate::section::{Keys, Section};

/// Who gets answers that come from other servers; everyone else is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecursionSettings {
    /// The networks of the clients that are served. Loopback when nothing is configured; may be empty.
    pub allow: Vec<ClientNetwork>,
    /// Whether names of one label are kept from upstreams.
    pub domain_needed: bool,
    /// Names that would be answered here (RFC 6303) and are asked of upstreams instead: these and all below them.
    pub local_names_to_upstreams: Vec<Name>,
}

impl Default for RecursionSettings {
    fn default() -> Self {
        let loopback4 = IpNetwork { addr: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };
        let loopback6 = IpNetwork { addr: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 };
        RecursionSettings {
            allow: [loopback4, loopback6].map(ClientNetwork::Network).to_vec(),
            domain_needed: false,
            local_names_to_upstreams: Vec::new(),
        }
    }
}

pub(crate) struct RecursionDraft {
    recursion: RecursionSettings,
    dnssec: (),
}

/// `dnssec:`, of which this version can offer only the absence.
struct Dnssec;

const OFF: Word<()> = Word { words: &[("off", ())], later: &[] };

impl Kind for Dnssec {
    type Out = ();

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<()> {
        if matches!(&node.value, Value::Text(word) if word == "validate") {
            reader.error(
                node.spot,
                "`validate` is not offered by this version, which forwards and cannot validate; accepted: off",
            );
            return None;
        }
        OFF.read(node, reader)
    }

    fn schema(&self) -> serde_json::Value {
        OFF.schema()
    }

    fn show(&self, value: &()) -> Option<serde_json::Value> {
        OFF.show(value)
    }
}

impl Section for RecursionSettings {
    type Draft = RecursionDraft;

    const ABOUT: &'static str = "Answers to what the zones here do not hold.";

    fn draft() -> RecursionDraft {
        RecursionDraft { recursion: RecursionSettings::default(), dnssec: () }
    }

    fn keys<K: Keys<RecursionDraft>>(keys: &mut K) {
        keys.key(
            "allow",
            InForce::AtReload,
            "The networks whose clients are served; all others are refused. An empty list serves nobody.",
            List {
                of: Parsed::<ClientNetwork>::new(
                    "a network such as 192.0.2.0/24 or 2001:db8::/32, an address, or local for the networks of this host",
                ),
                filled: false,
            },
            |draft| &mut draft.recursion.allow,
        );
        keys.key(
            "domain-needed",
            InForce::AtReload,
            "Whether addresses of names of one label, such as `printer`, are answered NXDOMAIN and not asked of upstreams.",
            Flag,
            |draft| &mut draft.recursion.domain_needed,
        );
        keys.key(
            "local-names-to-upstreams",
            InForce::AtReload,
            "Names that are answered here if nothing else is said (the reverse names of private networks and their like, RFC \
             6303, and home.arpa), and that are asked of upstreams instead. Each stands for all below it; `.` for all of them.",
            List { of: Domain { accepted: "a domain name such as 10.in-addr.arpa, or `.` for all" }, filled: false },
            |draft| &mut draft.recursion.local_names_to_upstreams,
        );
        keys.key(
            "dnssec",
            InForce::AtReload,
            "Validation of answers (RFC 4035). This version forwards and does not validate.",
            Dnssec,
            |draft| &mut draft.dnssec,
        );
        keys.not_offered(
            "root-hints",
            "it forwards and does not resolve from the root; give `forward` an entry for `.` instead",
        );
    }

    fn finish(draft: RecursionDraft, node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut seen = HashSet::new();
        if let Some(again) = draft.recursion.allow.iter().find(|allowed| !seen.insert(**allowed)) {
            let message = format!("`{again}` is given twice");
            reader.at_key("allow", |reader| reader.error(node.spot_of("allow"), message));
        }
        Some(draft.recursion)
    }

    fn values(&self) -> RecursionDraft {
        RecursionDraft { recursion: self.clone(), dnssec: () }
    }
}
