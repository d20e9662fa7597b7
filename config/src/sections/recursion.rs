//! `recursion:`: who may ask for what the zones do not hold, and how it is resolved.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use rhumb_wire::DomainName;

use crate::dns64_prefix::Dns64Prefix;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{
    DomainKind, FilePath, FlagKind, OptionalKind, ParsedKind, SectionKind, ValueList, WordKind,
};
use crate::network::{ClientNetwork, IpNetwork};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::root_hints::{RootServer, built_in};
use crate::section::{ConfigSection, KeyVisitor};
use crate::sections::dnssec::{DNSSEC, DnssecClock, DnssecValidation, NegativeTrustAnchor};
use crate::sections::local_root::LocalRoot;
use crate::sections::recursion_limits::RecursionLimits;
use crate::sections::trust_anchors::{AnchorKind, TrustAnchors};
use crate::trusted_key::TrustedKey;

/// Who gets answers that come from other servers; everyone else is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecursionSettings {
    /// The networks of the clients that are served. Loopback when nothing is configured; may be empty.
    pub allow: Vec<ClientNetwork>,
    /// Whether names of one label are kept from upstreams.
    pub domain_needed: bool,
    /// Names that would be answered here (RFC 6303) and are asked of upstreams instead: these and all below them.
    pub local_names_to_upstreams: Vec<DomainName>,
    /// Whether what no `forward` entry covers is resolved from the root: where the section stands in the file.
    pub iterate: bool,
    /// Where the servers of the root are named.
    pub root_hints: RootHints,
    /// The servers of the root; empty as long as the file that names them was not read.
    pub root_servers: Vec<RootServer>,
    /// A copy of the root zone that is looked at before these are asked.
    pub local_root: Option<LocalRoot>,
    /// How much of a name servers are shown.
    pub qname_minimisation: QnameMinimisation,
    /// Whether servers are asked over IPv4.
    pub ipv4: bool,
    /// Whether servers are asked over IPv6.
    pub ipv6: bool,
    /// Whether servers on loopback addresses are asked.
    pub query_loopback: bool,
    /// Whether answers are validated.
    pub dnssec: DnssecValidation,
    /// Where the keys stand that answers are validated by.
    pub trust_anchors: TrustAnchors,
    /// These keys; empty as long as the file that has them was not read.
    pub trusted_keys: Vec<TrustedKey>,
    /// Domains that are not validated.
    pub negative_trust_anchors: Vec<NegativeTrustAnchor>,
    /// What becomes of signatures while the clock is plainly wrong.
    pub dnssec_clock: DnssecClock,
    /// What stands before IPv4 addresses in the IPv6 addresses that are made of them (RFC 6147); none are made without.
    pub dns64: Option<Dns64Prefix>,
    /// Whether answers from the root down that hold addresses of private networks are taken for attacks.
    pub rebinding_protection: bool,
    /// What one question may cost.
    pub limits: RecursionLimits,
    /// Whether answers come without the servers of their zone.
    pub minimal_responses: bool,
    /// Whether names are denied by what was proven of others (RFC 8198).
    pub aggressive_nsec: bool,
    /// The addresses that queries to other servers leave from, one a family at the most; the system's choice without.
    pub source_addresses: Vec<IpAddr>,
}

/// Where the servers of the root are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RootHints {
    /// In the program.
    #[default]
    BuiltIn,
    /// In this file.
    File(PathBuf),
}

/// How much of a name servers above its own are shown (RFC 9156).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QnameMinimisation {
    /// One label more than their zone; the whole name where that leads nowhere.
    #[default]
    Relaxed,
    /// One label more than their zone, whatever comes of it.
    Strict,
    /// The whole name.
    Off,
}

const MINIMISATION: WordKind<QnameMinimisation> = WordKind {
    words: &[
        ("relaxed", QnameMinimisation::Relaxed),
        ("strict", QnameMinimisation::Strict),
        ("off", QnameMinimisation::Off),
    ],
    later: &[],
};

impl Default for RecursionSettings {
    fn default() -> Self {
        let loopback4 = IpNetwork { addr: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };
        let loopback6 = IpNetwork { addr: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 };
        RecursionSettings {
            allow: [loopback4, loopback6].map(ClientNetwork::Network).to_vec(),
            domain_needed: false,
            local_names_to_upstreams: Vec::new(),
            iterate: false,
            root_hints: RootHints::BuiltIn,
            root_servers: built_in(),
            local_root: None,
            qname_minimisation: QnameMinimisation::Relaxed,
            ipv4: true,
            ipv6: true,
            query_loopback: false,
            dnssec: DnssecValidation::Iterated,
            trust_anchors: TrustAnchors::BuiltIn,
            trusted_keys: TrustAnchors::BuiltIn.keys(),
            negative_trust_anchors: Vec::new(),
            dnssec_clock: DnssecClock::Strict,
            dns64: None,
            rebinding_protection: false,
            limits: RecursionLimits::default(),
            minimal_responses: true,
            aggressive_nsec: true,
            source_addresses: Vec::new(),
        }
    }
}

pub(crate) struct RecursionDraft {
    recursion: RecursionSettings,
    dnssec: Option<DnssecValidation>,
}

const DNSSEC_CLOCK: WordKind<DnssecClock> = WordKind {
    words: &[("strict", DnssecClock::Strict), ("lenient-until-set", DnssecClock::LenientUntilSet)],
    later: &[],
};

impl ConfigSection for RecursionSettings {
    type Draft = RecursionDraft;

    const ABOUT: &'static str = "Answers to what the zones here do not hold.";
    const EXAMPLE: Option<&'static str> = Some("{ allow: [127.0.0.0/8, \"::1\"] }");

    fn draft() -> RecursionDraft {
        RecursionDraft { recursion: RecursionSettings::default(), dnssec: None }
    }

    fn keys<K: KeyVisitor<RecursionDraft>>(keys: &mut K) {
        keys.key(
            "allow",
            InForce::AtReload,
            "The networks whose clients are served; all others are refused. An empty list serves no one.",
            ValueList {
                of: ParsedKind::<ClientNetwork>::new(
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
            FlagKind,
            |draft| &mut draft.recursion.domain_needed,
        );
        keys.key(
            "local-names-to-upstreams",
            InForce::AtReload,
            "Names that are answered here if nothing else is said (the reverse names of private networks and their like, RFC \
             6303, and home.arpa), and that are asked of upstreams instead. Each stands for all below it; `.` for all of them.",
            ValueList { of: DomainKind { accepted: "a domain name such as 10.in-addr.arpa, or `.` for all" }, filled: false },
            |draft| &mut draft.recursion.local_names_to_upstreams,
        );
        keys.key(
            "dnssec",
            InForce::AtReload,
            "Validation of answers (RFC 4035): of all, or off. Default: of those that are resolved from the root or a stub.",
            OptionalKind(DNSSEC),
            |draft| &mut draft.dnssec,
        );
        iteration_keys(keys);
        validation_keys(keys);
    }

    fn finish(draft: RecursionDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        let mut seen = HashSet::new();
        if let Some(again) = draft.recursion.allow.iter().find(|allowed| !seen.insert(**allowed)) {
            let message = format!("`{again}` is given twice");
            reader.at_key("allow", |reader| reader.error(node.spot_of("allow"), message));
        }
        let mut recursion = draft.recursion;
        let of_family = |v4: bool| recursion.source_addresses.iter().filter(move |ip| ip.is_ipv4() == v4);
        if of_family(true).count() > 1 || of_family(false).count() > 1 {
            let message =
                "more than one address of a family; accepted: one of IPv4 and one of IPv6 at the most";
            reader.at_key("source-addresses", |reader| {
                reader.error(node.spot_of("source-addresses"), message);
            });
        }
        if !recursion.ipv4 && !recursion.ipv6 {
            let message =
                "no server can be asked over neither IPv4 nor IPv6; accepted: one of the two at the least";
            reader.at_key("ipv6", |reader| reader.error(node.spot_of("ipv6"), message));
        }
        recursion.dnssec = draft.dnssec.unwrap_or(DnssecValidation::Iterated);
        recursion.iterate = true;
        if recursion.root_hints != RootHints::BuiltIn {
            recursion.root_servers = Vec::new();
        }
        recursion.trusted_keys = recursion.trust_anchors.keys();
        Some(recursion)
    }

    fn values(&self) -> RecursionDraft {
        let dnssec = Some(self.dnssec).filter(|dnssec| *dnssec != DnssecValidation::Iterated);
        RecursionDraft { recursion: self.clone(), dnssec }
    }
}

fn iteration_keys<K: KeyVisitor<RecursionDraft>>(keys: &mut K) {
    keys.key(
        "root-hints",
        InForce::AtReload,
        "The servers of the root: built-in, or a file in the form of named.root.",
        Hints,
        |draft| &mut draft.recursion.root_hints,
    );
    keys.key(
        "local-root",
        InForce::AtReload,
        "A copy of the root zone, which is looked at before the servers of the root are asked (RFC 8806). Default: none.",
        OptionalKind(SectionKind::new()),
        |draft| &mut draft.recursion.local_root,
    );
    keys.key(
        "qname-minimisation",
        InForce::AtReload,
        "How much of a name servers are shown (RFC 9156): relaxed asks for the whole name where less leads nowhere.",
        MINIMISATION,
        |draft| &mut draft.recursion.qname_minimisation,
    );
    keys.key(
        "dns64",
        InForce::AtReload,
        "The IPv6 prefix before IPv4 addresses: where a name has no IPv6 address, one is made of its IPv4 address (RFC 6147).",
        OptionalKind(ParsedKind::<Dns64Prefix>::new("a prefix of 32, 40, 48, 56, 64 or 96 bits such as 64:ff9b::/96")),
        |draft| &mut draft.recursion.dns64,
    );
    keys.key(
        "rebinding-protection",
        InForce::AtReload,
        "Whether answers from the root down with addresses of private networks are taken for attacks, and answered with nothing.",
        FlagKind,
        |draft| &mut draft.recursion.rebinding_protection,
    );
    keys.key("ipv4", InForce::AtReload, "Whether servers are asked over IPv4.", FlagKind, |draft| {
        &mut draft.recursion.ipv4
    });
    keys.key("ipv6", InForce::AtReload, "Whether servers are asked over IPv6.", FlagKind, |draft| {
        &mut draft.recursion.ipv6
    });
    keys.key(
        "query-loopback",
        InForce::AtReload,
        "Whether servers on loopback addresses may be asked.",
        FlagKind,
        |draft| &mut draft.recursion.query_loopback,
    );
    keys.key(
        "source-addresses",
        InForce::AtReload,
        "The addresses that queries to other servers leave from, one of each family at the most.",
        ValueList {
            of: ParsedKind::<IpAddr>::new("an address such as 192.0.2.1 or 2001:db8::1"),
            filled: false,
        },
        |draft| &mut draft.recursion.source_addresses,
    );
}

fn validation_keys<K: KeyVisitor<RecursionDraft>>(keys: &mut K) {
    keys.key(
        "trust-anchors",
        InForce::AtReload,
        "The keys that answers are validated by: built-in for those of the root, DS and DNSKEY records, or {file: PATH} for a file of \
         these. Keys of a file are followed as their zones change them (RFC 5011), and so are the built-in ones where there is `state`.",
        AnchorKind,
        |draft| &mut draft.recursion.trust_anchors,
    );
    keys.key(
        "negative-trust-anchors",
        InForce::AtReload,
        "Domains whose answers are not validated (RFC 7646).",
        ValueList { of: SectionKind::new(), filled: false },
        |draft| &mut draft.recursion.negative_trust_anchors,
    );
    keys.key(
        "dnssec-clock",
        InForce::AtReload,
        "While the clock of this host is plainly wrong: strict for signatures that have to be valid by it all the same, or \
         lenient-until-set for times that do not count, so that the servers of time can be found.",
        DNSSEC_CLOCK,
        |draft| &mut draft.recursion.dnssec_clock,
    );
    keys.key("limits", InForce::AtReload, "What one question may cost.", SectionKind::new(), |draft| {
        &mut draft.recursion.limits
    });
    keys.key(
        "aggressive-nsec",
        InForce::AtReload,
        "Whether names are denied by NSEC and NSEC3 records that came with other answers of a secure zone (RFC 8198).",
        FlagKind,
        |draft| &mut draft.recursion.aggressive_nsec,
    );
    keys.key(
        "minimal-responses",
        InForce::AtReload,
        "Whether answers come without the servers of their zone and the addresses of these, which unsigned zones send along.",
        FlagKind,
        |draft| &mut draft.recursion.minimal_responses,
    );
}

/// `root-hints:`, a word or a file.
struct Hints;

impl ValueKind for Hints {
    type Out = RootHints;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<RootHints> {
        if matches!(&node.value, YamlContent::Text(word) if word == "built-in") {
            return Some(RootHints::BuiltIn);
        }
        FilePath.read(node, reader).map(RootHints::File)
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "description": "built-in, or a file." })
    }

    fn show(&self, value: &RootHints) -> Option<Json> {
        match value {
            RootHints::BuiltIn => Some(json!("built-in")),
            RootHints::File(path) => FilePath.show(path),
        }
    }
}
