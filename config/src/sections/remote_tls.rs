//! `tls:` of a server of `remotes`: how it is asked over TLS, and what its certificate is judged by.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::upstream_trust::PIN_FORM;
use crate::in_force::InForce;
use crate::key_pin::KeyPin;
use crate::kind::ValueKind;
use crate::kinds::{FilePath, NumberKind, OptionalKind, ParsedKind, ValueList};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::upstream_server::is_host_name;

/// How a server is asked over TLS, and what its certificate is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTls {
    /// The name of its certificate; without one its address stands there.
    pub name: Option<String>,
    /// A file of certificates that are trusted in place of the system's.
    pub authorities: Option<PathBuf>,
    /// The keys that it may have; any where there are none.
    pub pins: Vec<KeyPin>,
    /// The port at each of its addresses.
    pub port: u16,
}

/// The port of DNS over TLS (RFC 7858 section 3.1).
const PORT: u16 = 853;

impl Default for RemoteTls {
    fn default() -> Self {
        Self { name: None, authorities: None, pins: Vec::new(), port: PORT }
    }
}

/// A name as certificates have it.
struct CertificateName;

impl ValueKind for CertificateName {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        match &node.value {
            YamlContent::Text(text) if is_host_name(text) => Some(text.clone()),
            _ => {
                reader.wrong_text(node, "a name as its certificate has it, such as ns2.example.net");
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": 253 })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }
}

impl ConfigSection for RemoteTls {
    type Draft = Self;

    const ABOUT: &'static str = "How a server is asked over TLS, and what its certificate is judged by.";

    fn draft() -> Self {
        Self::default()
    }

    fn keys<K: KeyVisitor<Self>>(keys: &mut K) {
        keys.key(
            "name",
            InForce::AtReload,
            "The name that its certificate is for. Default: its address.",
            OptionalKind(CertificateName),
            |tls| &mut tls.name,
        );
        keys.key(
            "ca",
            InForce::AtReload,
            "A file with certificates in PEM that its own has to lead to. Default: those that the system trusts.",
            OptionalKind(FilePath),
            |tls| &mut tls.authorities,
        );
        keys.key(
            "pins",
            InForce::AtReload,
            "Keys that it may have: the SHA-256 digests of public keys. Without a name, no more than one of them is needed; with a name, a \
             good certificate too.",
            ValueList { of: ParsedKind::new(PIN_FORM), filled: false },
            |tls| &mut tls.pins,
        );
        keys.key(
            "port",
            InForce::AtReload,
            "The port of TLS at each of its addresses; the ports of `addresses` are for what is not encrypted.",
            NumberKind::new(1, 65_535),
            |tls| &mut tls.port,
        );
    }

    fn finish(draft: Self, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> Self {
        self.clone()
    }
}
