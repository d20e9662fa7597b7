//! `stub:`: domains that are resolved from servers of their own.

use rhumb_wire::Name;

use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{Domain, List, Optional, Upstream};
use crate::node::Node;
use crate::reader::Reader;
use crate::section::{Keys, Section};
use crate::upstream_server::UpstreamServer;

/// A domain and its authoritative servers, which are asked instead of those that its parent names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubEntry {
    /// The domain.
    pub domain: Name,
    /// Its servers; never empty.
    pub servers: Vec<UpstreamServer>,
    /// Where the entry stands.
    pub place: FilePlace,
}

pub(crate) struct StubDraft {
    domain: Option<Name>,
    servers: Vec<UpstreamServer>,
}

impl Section for StubEntry {
    type Draft = StubDraft;

    const ABOUT: &'static str = "A domain and the authoritative servers to ask for it.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["domain", "servers"]];
    const IDENTITY: &'static [&'static str] = &["domain"];

    fn draft() -> StubDraft {
        StubDraft { domain: None, servers: Vec::new() }
    }

    fn keys<K: Keys<StubDraft>>(keys: &mut K) {
        keys.key(
            "domain",
            InForce::AtReload,
            "The domain; what is delegated further down is followed from there.",
            Optional(Domain { accepted: "a domain name such as corp.example" }),
            |draft| &mut draft.domain,
        );
        keys.key(
            "servers",
            InForce::AtReload,
            "Its authoritative servers, which are asked whatever the parent of the domain says.",
            List { of: Upstream, filled: true },
            |draft| &mut draft.servers,
        );
    }

    fn finish(draft: StubDraft, node: &Node, reader: &mut Reader) -> Option<Self> {
        let place = reader.place(node.spot);
        Some(StubEntry { domain: draft.domain?, servers: draft.servers, place })
    }

    fn values(&self) -> StubDraft {
        StubDraft { domain: Some(self.domain.clone()), servers: self.servers.clone() }
    }
}
