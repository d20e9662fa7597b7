//! `transfer-to:` of a zone: who may transfer it.

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use super::keys::KEY_NAME;
use super::remotes::is_remote_name;
use crate::in_force::InForce;
use crate::key_list::KeyList;
use crate::kind::ValueKind;
use crate::kinds::{OptionalKind, ParsedKind, SectionKind, WordKind};
use crate::network::IpNetwork;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// Clients that may transfer a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferRule {
    /// A server of `remotes`, by its name: from one of its addresses, and signed with its key if it has one.
    Remote(String),
    /// Those that fit all that is said here; something is.
    Clients {
        /// Where they are.
        network: Option<IpNetwork>,
        /// What their requests are signed with.
        key: Option<DomainName>,
        /// Whether their requests have to come over an encrypted transport.
        encrypted: bool,
    },
}

/// The name of a server as text, or a section.
pub(crate) struct TransferRuleKind;

impl ValueKind for TransferRuleKind {
    type Out = TransferRule;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<TransferRule> {
        match &node.value {
            YamlContent::Section(_) => SectionKind::new().read(node, reader),
            YamlContent::Text(text) if is_remote_name(text) => Some(TransferRule::Remote(text.clone())),
            _ => {
                reader.wrong(
                    node,
                    "the name of a server in `remotes`, or a section with `network`, `key` or both",
                );
                None
            }
        }
    }

    fn schema(&self) -> Json {
        let name = json!({ "type": "string", "description": "The name of a server in `remotes`." });
        json!({ "anyOf": [name, SectionKind::<TransferRule>::new().schema()] })
    }

    fn show(&self, value: &TransferRule) -> Option<Json> {
        match value {
            TransferRule::Remote(name) => Some(json!(name)),
            clients @ TransferRule::Clients { .. } => SectionKind::new().show(clients),
        }
    }

    fn list_keys(&self, keys: &mut KeyList<'_>) {
        SectionKind::<TransferRule>::new().list_keys(keys);
    }
}

#[derive(Default)]
pub(crate) struct TransferRuleDraft {
    network: Option<IpNetwork>,
    key: Option<DomainName>,
    encrypted: bool,
}

const TRANSPORT: WordKind<bool> = WordKind { words: &[("any", false), ("tls", true)], later: &[] };

impl ConfigSection for TransferRule {
    type Draft = TransferRuleDraft;

    const ABOUT: &'static str = "Clients that may transfer the zone.";

    fn draft() -> TransferRuleDraft {
        TransferRuleDraft::default()
    }

    fn keys<K: KeyVisitor<TransferRuleDraft>>(keys: &mut K) {
        keys.key(
            "network",
            InForce::AtReload,
            "The network of the clients. Without it, any.",
            OptionalKind(ParsedKind::new(
                "a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address",
            )),
            |draft| &mut draft.network,
        );
        keys.key(
            "key",
            InForce::AtReload,
            "The key of `keys` that requests have to be signed with. Without it they need not be signed.",
            OptionalKind(KEY_NAME),
            |draft| &mut draft.key,
        );
        keys.key(
            "transport",
            InForce::AtReload,
            "What requests have to come over: any transport, or TLS (RFC 9103), which DNS over QUIC has too.",
            TRANSPORT,
            |draft| &mut draft.encrypted,
        );
    }

    fn finish(draft: TransferRuleDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if node.entry("network").is_none() && node.entry("key").is_none() {
            reader.error(node.spot, "`network` or `key` is missing");
        }
        let TransferRuleDraft { network, key, encrypted } = draft;
        (network.is_some() || key.is_some()).then_some(TransferRule::Clients { network, key, encrypted })
    }

    fn values(&self) -> TransferRuleDraft {
        match self {
            TransferRule::Remote(_) => TransferRuleDraft::default(),
            TransferRule::Clients { network, key, encrypted } => {
                TransferRuleDraft { network: *network, key: key.clone(), encrypted: *encrypted }
            }
        }
    }
}
