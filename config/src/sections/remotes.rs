//! `remotes:`: other nameservers, by names that zones refer to.

use std::net::IpAddr;

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use super::keys::KEY_NAME;
use super::remote_tls::RemoteTls;
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{OptionalKind, ParsedKind, SectionKind, UpstreamAddress, ValueList};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::upstream_server::UpstreamServer;

/// The most addresses of one server.
const MOST_ADDRESSES: usize = 16;

/// Another nameserver: a secondary or a primary of zones here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRemote {
    /// What zones call it.
    pub name: String,
    /// Its addresses; never empty.
    pub addresses: Vec<UpstreamServer>,
    /// The key that messages from it and to it are signed with.
    pub key: Option<DomainName>,
    /// The address that messages to those of its addresses leave from that are of the same family; none: the routing table's.
    pub source: Option<IpAddr>,
    /// What it is asked by over TLS, and has to ask over TLS itself.
    pub tls: Option<RemoteTls>,
    /// Where the entry stands.
    pub place: FilePlace,
}

/// Whether a text can be the name of a server: letters, digits, and `-`, `_`, `.` between them.
pub(crate) fn is_remote_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// What zones call a server.
pub(crate) struct RemoteName;

impl ValueKind for RemoteName {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        match &node.value {
            YamlContent::Text(text) if is_remote_name(text) => Some(text.clone()),
            _ => {
                reader.wrong_text(node, "a name of 1 to 63 letters, digits, `-`, `_` and `.`");
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$", "minLength": 1, "maxLength": 63 })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }

    fn identity(&self, value: &String) -> Option<String> {
        Some(value.clone())
    }
}

#[derive(Default)]
pub(crate) struct RemoteDraft {
    name: Option<String>,
    addresses: Vec<UpstreamServer>,
    key: Option<DomainName>,
    source: Option<IpAddr>,
    tls: Option<RemoteTls>,
}

impl ConfigSection for NamedRemote {
    type Draft = RemoteDraft;

    const ABOUT: &'static str = "Another nameserver, by a name that zones refer to.";
    const EXAMPLE: Option<&'static str> = Some("{ name: ns2, address: 192.0.2.2 }");
    const ONE_OF: &'static [&'static [&'static str]] = &[&["name", "addresses"]];
    const IDENTITY: &'static [&'static str] = &["name"];

    fn draft() -> RemoteDraft {
        RemoteDraft::default()
    }

    fn keys<K: KeyVisitor<RemoteDraft>>(keys: &mut K) {
        keys.key(
            "name",
            InForce::AtReload,
            "What zones call the server.",
            OptionalKind(RemoteName),
            |draft| &mut draft.name,
        );
        keys.key(
            "addresses",
            InForce::AtReload,
            "Its addresses.",
            ValueList { of: UpstreamAddress, filled: true },
            |draft| &mut draft.addresses,
        );
        keys.key(
            "key",
            InForce::AtReload,
            "The key of `keys` that messages from it and to it are signed with. Without it they are not signed.",
            OptionalKind(KEY_NAME),
            |draft| &mut draft.key,
        );
        keys.key(
            "source",
            InForce::AtReload,
            "The address of this host that messages leave from to those of its addresses that are of the same family. Without it the \
             routing table says which.",
            OptionalKind(ParsedKind::new("an address such as 192.0.2.1 or 2001:db8::1")),
            |draft| &mut draft.source,
        );
        keys.key(
            "tls",
            InForce::AtReload,
            "Transfers from the server and updates passed on to it go over TLS (RFC 9103), and `transfer-to` takes its own requests over an \
             encrypted transport alone. Announcements go by UDP to its addresses all the same.",
            OptionalKind(SectionKind::new()),
            |draft| &mut draft.tls,
        );
    }

    fn finish(draft: RemoteDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.addresses.len() > MOST_ADDRESSES {
            let message = format!("more than {MOST_ADDRESSES} addresses of one server");
            reader.at_key("addresses", |reader| reader.error(node.spot_of("addresses"), message));
        }
        if let Some(source) = draft.source
            && !draft.addresses.is_empty()
            && draft.addresses.iter().all(|address| address.ip.is_ipv4() != source.is_ipv4())
        {
            let message = format!("no address of the server is of the family of {source}");
            reader.at_key("source", |reader| reader.error(node.spot_of("source"), message));
        }
        let place = reader.place(node.spot);
        let RemoteDraft { name, addresses, key, source, tls } = draft;
        Some(NamedRemote { name: name?, addresses, key, source, tls, place })
    }

    fn values(&self) -> RemoteDraft {
        RemoteDraft {
            name: Some(self.name.clone()),
            addresses: self.addresses.clone(),
            key: self.key.clone(),
            source: self.source,
            tls: self.tls.clone(),
        }
    }
}
