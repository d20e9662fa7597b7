//! `forward:`: which upstreams answer for which domains.

use std::collections::HashMap;
use std::path::PathBuf;

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use crate::address::AddressError;
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::kinds::{
    DomainKind, FilePath, FlagKind, OptionalKind, ParsedKind, SectionKind, UpstreamAddress, ValueList,
    WordKind,
};
use crate::named_upstream::NamedUpstream;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::sections::dnssec::{DNSSEC, DnssecValidation};
use crate::sections::upstream_trust::{PIN_FORM, UpstreamTrust, VERIFY};
use crate::upstream_list::MOST_ENTRIES;
use crate::upstream_server::{UPSTREAM_FORMS, UpstreamServer};

/// Upstreams for a domain and everything below it. Of several entries the longest matching domain wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardEntry {
    /// The domain; the root stands for everything.
    pub domain: DomainName,
    /// Where the upstreams are named; never empty, no address twice.
    pub upstreams: Vec<UpstreamSource>,
    /// Which upstream is asked first.
    pub policy: ForwardPolicy,
    /// Whether AD of the upstreams (RFC 4035 section 3.2.3) is passed on.
    pub trust_ad: bool,
    /// Whether answers with addresses of private networks are taken for attacks.
    pub rebinding_protection: bool,
    /// Domains whose names may have such addresses all the same.
    pub rebinding_exempt: Vec<DomainName>,
    /// What becomes of a question that no upstream answers.
    pub fallback: ForwardFallback,
    /// Whether answers are validated; as `recursion.dnssec` says where the entry does not.
    pub dnssec: Option<DnssecValidation>,
    /// What the certificates of encrypted upstreams are judged by.
    pub trust: UpstreamTrust,
    /// Who is asked for the addresses of upstreams that are named.
    pub bootstrap: Vec<UpstreamServer>,
    /// Where the entry stands.
    pub place: FilePlace,
}

/// One upstream, or a file that names some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamSource {
    /// A server in the configuration itself.
    Server(UpstreamServer, FilePlace),
    /// A server in the configuration itself, whose address is looked up.
    Named(NamedUpstream, FilePlace),
    /// A file with one upstream a line; see [`upstream_list::parse_list`](crate::upstream_list::parse_list).
    List(PathBuf, FilePlace),
    /// A file in the form of resolv.conf(5), of which the `nameserver` lines count.
    ResolvConf(PathBuf, FilePlace),
}

impl UpstreamSource {
    /// Where the entry stands.
    pub fn place(&self) -> &FilePlace {
        match self {
            UpstreamSource::Server(_, place)
            | UpstreamSource::Named(_, place)
            | UpstreamSource::List(_, place)
            | UpstreamSource::ResolvConf(_, place) => place,
        }
    }
}

/// The order in which upstreams are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForwardPolicy {
    /// The one with the shortest smoothed round-trip time.
    #[default]
    Fastest,
    /// The first that is healthy, in the order of the file.
    InOrder,
    /// Each in turn.
    RoundRobin,
    /// Any, by chance.
    Random,
}

/// What becomes of a question that no upstream answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForwardFallback {
    /// It fails.
    #[default]
    None,
    /// It is resolved from the root.
    Iterate,
}

const FALLBACKS: WordKind<ForwardFallback> =
    WordKind { words: &[("none", ForwardFallback::None), ("iterate", ForwardFallback::Iterate)], later: &[] };

const POLICIES: WordKind<ForwardPolicy> = WordKind {
    words: &[
        ("fastest", ForwardPolicy::Fastest),
        ("in-order", ForwardPolicy::InOrder),
        ("round-robin", ForwardPolicy::RoundRobin),
        ("random", ForwardPolicy::Random),
    ],
    later: &[],
};

pub(crate) struct ForwardDraft {
    domain: Option<DomainName>,
    upstreams: Vec<UpstreamSource>,
    policy: ForwardPolicy,
    trust_ad: bool,
    rebinding_protection: bool,
    rebinding_exempt: Vec<DomainName>,
    fallback: ForwardFallback,
    dnssec: Option<DnssecValidation>,
    trust: UpstreamTrust,
    bootstrap: Vec<UpstreamServer>,
}

impl ConfigSection for ForwardEntry {
    type Draft = ForwardDraft;

    const ABOUT: &'static str = "A domain and the upstreams that queries below it go to.";
    const EXAMPLE: Option<&'static str> = Some("{ domain: ., upstreams: [192.0.2.1] }");
    const ONE_OF: &'static [&'static [&'static str]] = &[&["domain", "upstreams"]];
    const IDENTITY: &'static [&'static str] = &["domain"];

    fn draft() -> ForwardDraft {
        ForwardDraft {
            domain: None,
            upstreams: Vec::new(),
            policy: ForwardPolicy::Fastest,
            trust_ad: false,
            rebinding_protection: false,
            rebinding_exempt: Vec::new(),
            fallback: ForwardFallback::None,
            dnssec: None,
            trust: UpstreamTrust::default(),
            bootstrap: Vec::new(),
        }
    }

    fn keys<K: KeyVisitor<ForwardDraft>>(keys: &mut K) {
        keys.key("domain", InForce::AtReload,
            "The domain; `.` is everything. The entry with the longest matching domain is used. A name that no entry \
             covers is resolved from the root where there is a section `recursion`, and refused without.",
            OptionalKind(DomainKind { accepted: "a domain name such as corp.example, or `.` for everything" }),
            |draft| &mut draft.domain,
        );
        keys.key("upstreams", InForce::AtReload,
            "The servers to ask: addresses, list files and resolv.conf files, in any mixture. The files are watched.",
            ValueList { of: Upstream, filled: true },
            |draft| &mut draft.upstreams,
        );
        keys.key("policy", InForce::AtReload, "Which upstream is asked first.", POLICIES, |draft| {
            &mut draft.policy
        });
        keys.key("trust-ad", InForce::AtReload,
            "Whether clients are told that an answer is authentic (AD) when the upstream says so. Only for upstreams that \
             validate and that are reached over a path that no one else can write to.",
            FlagKind,
            |draft| &mut draft.trust_ad,
        );
        keys.key("rebinding-protection", InForce::AtReload,
            "Whether answers with an address of this host, this link or a private network (such as 127.0.0.1, 10.0.0.1, \
             fd00::1, 0.0.0.0), in A, AAAA, HTTPS or SVCB records, are answered as if there were no such record: a web \
             page could use them to reach services inside (DNS rebinding).",
            FlagKind,
            |draft| &mut draft.rebinding_protection,
        );
        keys.key(
            "rebinding-exempt",
            InForce::AtReload,
            "Domains whose names may have such addresses all the same.",
            ValueList { of: DomainKind { accepted: "a domain name such as corp.example" }, filled: false },
            |draft| &mut draft.rebinding_exempt,
        );
        keys.key(
            "fallback",
            InForce::AtReload,
            "What becomes of a question that no upstream answers: iterate resolves it from the root.",
            FALLBACKS,
            |draft| &mut draft.fallback,
        );
        keys.key(
            "dnssec",
            InForce::AtReload,
            "Validation of the answers, those by fallback too; the keys are fetched through the same upstreams. Default: as \
             recursion.dnssec says.",
            OptionalKind(DNSSEC),
            |draft| &mut draft.dnssec,
        );
        trust_keys(keys);
        keys.key(
            "bootstrap",
            InForce::AtReload,
            "The servers that are asked for the addresses of upstreams given by name alone, as tls://dns.example: each again when its \
             TTL ends. They are asked over udp, and over tcp where need be.",
            ValueList { of: UpstreamAddress, filled: true },
            |draft| &mut draft.bootstrap,
        );
    }

    fn finish(draft: ForwardDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.upstreams.len() > MOST_ENTRIES {
            let message = format!("more than {MOST_ENTRIES} upstreams for one domain");
            reader.at_key("upstreams", |reader| reader.error(node.spot_of("upstreams"), message));
        }
        twice(&draft.upstreams, reader);
        check_bootstrap(&draft, node, reader);
        draft.trust.check(draft.upstreams.iter().any(may_be_encrypted), node, reader);
        let place = reader.place(node.spot);
        let ForwardDraft { domain, upstreams, policy, trust_ad, rebinding_protection, .. } = draft;
        Some(ForwardEntry {
            domain: domain?,
            upstreams,
            policy,
            trust_ad,
            rebinding_protection,
            rebinding_exempt: draft.rebinding_exempt,
            fallback: draft.fallback,
            dnssec: draft.dnssec,
            trust: draft.trust,
            bootstrap: draft.bootstrap,
            place,
        })
    }

    fn values(&self) -> ForwardDraft {
        ForwardDraft {
            domain: Some(self.domain.clone()),
            upstreams: self.upstreams.clone(),
            policy: self.policy,
            trust_ad: self.trust_ad,
            rebinding_protection: self.rebinding_protection,
            rebinding_exempt: self.rebinding_exempt.clone(),
            fallback: self.fallback,
            dnssec: self.dnssec,
            trust: self.trust.clone(),
            bootstrap: self.bootstrap.clone(),
        }
    }
}

fn trust_keys<K: KeyVisitor<ForwardDraft>>(keys: &mut K) {
    keys.key(
        "ca",
        InForce::AtReload,
        "A file with certificates in PEM that those of encrypted upstreams have to lead to. Default: those that the system trusts.",
        OptionalKind(FilePath),
        |draft| &mut draft.trust.authorities,
    );
    keys.key(
        "pins",
        InForce::AtReload,
        "Keys that encrypted upstreams may have: the SHA-256 digests of their public keys. An upstream without a name needs no more \
         than one of them; one with a name needs a good certificate too.",
        ValueList { of: ParsedKind::new(PIN_FORM), filled: false },
        |draft| &mut draft.trust.pins,
    );
    keys.key(
        "verify",
        InForce::AtReload,
        "off takes any certificate of encrypted upstreams: whoever is on the path can answer in their place.",
        VERIFY,
        |draft| &mut draft.trust.verified,
    );
}

/// Names need servers that know them, and such servers are of use for names alone.
fn check_bootstrap(draft: &ForwardDraft, node: &YamlNode, reader: &mut ConfigReader) {
    let names = |source: &UpstreamSource| matches!(source, UpstreamSource::Named(..));
    if !draft.bootstrap.is_empty() {
        if !draft.upstreams.iter().any(names) {
            let message = "it has no effect: every upstream has its address";
            reader.at_key("bootstrap", |reader| reader.warning(node.spot_of("bootstrap"), message));
        }
        return;
    }
    // What is wrong with it was reported.
    if node.entry("bootstrap").is_some() {
        return;
    }
    for source in draft.upstreams.iter().filter(|source| names(source)) {
        if let UpstreamSource::Named(upstream, place) = source {
            let spot = reader.numbers.spot(place);
            let message = format!(
                "`{upstream}` {}; or name servers under `bootstrap` that are asked for it",
                AddressError::HostName
            );
            reader.at_key("upstreams", |reader| reader.error(spot, message));
        }
    }
}

/// Files may name any upstream; those of resolv.conf are never encrypted.
fn may_be_encrypted(source: &UpstreamSource) -> bool {
    match source {
        UpstreamSource::Server(server, _) => server.transport.is_encrypted(),
        UpstreamSource::Named(..) | UpstreamSource::List(..) => true,
        UpstreamSource::ResolvConf(..) => false,
    }
}

/// Refuses an upstream, or a file of upstreams, that one entry names twice.
fn twice(upstreams: &[UpstreamSource], reader: &mut ConfigReader) {
    let mut seen = HashMap::new();
    for upstream in upstreams {
        let what = match upstream {
            UpstreamSource::Server(server, _) => server.to_string(),
            UpstreamSource::Named(upstream, _) => upstream.to_string(),
            UpstreamSource::List(path, _) | UpstreamSource::ResolvConf(path, _) => path.display().to_string(),
        };
        let place = upstream.place();
        if let Some(line) = seen.get(&what) {
            let message = format!("`{what}` is given twice; the first is on line {line}");
            let spot = reader.numbers.spot(place);
            reader.at_key("upstreams", |reader| reader.error(spot, message));
        } else {
            seen.insert(what, place.line);
        }
    }
}

/// An upstream: an address as text, or a section that names a file.
struct Upstream;

impl ValueKind for Upstream {
    type Out = UpstreamSource;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<UpstreamSource> {
        match &node.value {
            YamlContent::Section(_) => SectionKind::new().read(node, reader),
            YamlContent::Text(text) => {
                match text.parse::<UpstreamServer>() {
                    Ok(server) => return Some(UpstreamSource::Server(server, reader.place(node.spot))),
                    Err(error) => match text.parse::<NamedUpstream>() {
                        Ok(named) if error == AddressError::HostName => {
                            return Some(UpstreamSource::Named(named, reader.place(node.spot)));
                        }
                        _ => {
                            let message = format!("{} {error}; accepted: {UPSTREAM_FORMS}", shown(text));
                            reader.error(node.spot, message);
                        }
                    },
                }
                None
            }
            _ => {
                reader.wrong(node, &format!("{UPSTREAM_FORMS}; or `list: FILE`; or `resolv-conf: FILE`"));
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [{ "type": "string", "description": format!("Accepted: {UPSTREAM_FORMS}.") }, SectionKind::<UpstreamSource>::new().schema()] })
    }

    fn show(&self, value: &UpstreamSource) -> Option<Json> {
        match value {
            UpstreamSource::Server(server, _) => Some(json!(server.to_string())),
            UpstreamSource::Named(upstream, _) => Some(json!(upstream.to_string())),
            file => SectionKind::new().show(file),
        }
    }

    fn list_keys(&self, keys: &mut KeyList<'_>) {
        SectionKind::<UpstreamSource>::new().list_keys(keys);
    }
}

#[derive(Default)]
pub(crate) struct UpstreamDraft {
    list: Option<PathBuf>,
    resolv_conf: Option<PathBuf>,
}

impl ConfigSection for UpstreamSource {
    type Draft = UpstreamDraft;

    const ABOUT: &'static str = "A file that names upstreams.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["list"], &["resolv-conf"]];

    fn draft() -> UpstreamDraft {
        UpstreamDraft::default()
    }

    fn keys<K: KeyVisitor<UpstreamDraft>>(keys: &mut K) {
        keys.key(
            "list",
            InForce::AtReload,
            "A file with one upstream a line; `#` and `;` begin comments.",
            OptionalKind(FilePath),
            |draft| &mut draft.list,
        );
        keys.key(
            "resolv-conf",
            InForce::AtReload,
            "A file in the form of resolv.conf(5); all of its nameserver lines count, where the C library asks the first three.",
            OptionalKind(FilePath),
            |draft| &mut draft.resolv_conf,
        );
    }

    fn finish(draft: UpstreamDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        let place = reader.place(node.spot);
        match draft {
            UpstreamDraft { list: Some(path), .. } => Some(UpstreamSource::List(path, place)),
            UpstreamDraft { resolv_conf: Some(path), .. } => Some(UpstreamSource::ResolvConf(path, place)),
            _ => None,
        }
    }

    fn values(&self) -> UpstreamDraft {
        match self {
            UpstreamSource::Server(..) | UpstreamSource::Named(..) => UpstreamDraft::default(),
            UpstreamSource::List(path, _) => UpstreamDraft { list: Some(path.clone()), ..Default::default() },
            UpstreamSource::ResolvConf(path, _) => {
                UpstreamDraft { resolv_conf: Some(path.clone()), ..Default::default() }
            }
        }
    }
}
