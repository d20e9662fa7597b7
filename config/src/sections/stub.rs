//! `stub:`: domains that are resolved from servers of their own.

use rhumb_wire::DomainName;

use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{DomainKind, OptionalKind, UpstreamAddress, ValueList};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::upstream_server::UpstreamServer;

/// A domain and its authoritative servers, which are asked instead of those that its parent names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubEntry {
    /// The domain.
    pub domain: DomainName,
    /// Its servers; never empty.
    pub servers: Vec<UpstreamServer>,
    /// Where the entry stands.
    pub place: FilePlace,
}

pub(crate) struct StubDraft {
    domain: Option<DomainName>,
    servers: Vec<UpstreamServer>,
}

impl ConfigSection for StubEntry {
    type Draft = StubDraft;

    const ABOUT: &'static str = "A domain and the authoritative servers to ask for it.";
    const EXAMPLE: Option<&'static str> = Some("{ domain: corp.example, servers: [192.0.2.1] }");
    const ONE_OF: &'static [&'static [&'static str]] = &[&["domain", "servers"]];
    const IDENTITY: &'static [&'static str] = &["domain"];

    fn draft() -> StubDraft {
        StubDraft { domain: None, servers: Vec::new() }
    }

    fn keys<K: KeyVisitor<StubDraft>>(keys: &mut K) {
        keys.key(
            "domain",
            InForce::AtReload,
            "The domain; what is delegated further down is followed from there.",
            OptionalKind(DomainKind { accepted: "a domain name such as corp.example" }),
            |draft| &mut draft.domain,
        );
        keys.key(
            "servers",
            InForce::AtReload,
            "Its authoritative servers, which are asked whatever the parent of the domain says.",
            ValueList { of: UpstreamAddress, filled: true },
            |draft| &mut draft.servers,
        );
    }

    fn finish(draft: StubDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        let place = reader.place(node.spot);
        Some(StubEntry { domain: draft.domain?, servers: draft.servers, place })
    }

    fn values(&self) -> StubDraft {
        StubDraft { domain: Some(self.domain.clone()), servers: self.servers.clone() }
    }
}
