//! `server.discovery`: what clients are told of the encrypted listeners.

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use crate::kind::ValueKind;
use crate::kinds::DomainKind;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// Whether clients that ask for it are told of the encrypted listeners, and by which name (RFC 9462).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResolverDiscovery {
    /// By the first name of the certificate that they show.
    #[default]
    OfCertificate,
    /// By this name, which the certificate has to be for.
    Named(DomainName),
    /// They are told that there are none.
    Off,
}

const AUTO: &str = "auto";
const OFF: &str = "off";
const NAMES: DomainKind = DomainKind { accepted: "auto, off, or a domain name such as dns.example" };

/// One of two words, or a name.
pub(crate) struct DiscoveryKind;

impl ValueKind for DiscoveryKind {
    type Out = ResolverDiscovery;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<ResolverDiscovery> {
        match &node.value {
            YamlContent::Text(text) if text == AUTO => Some(ResolverDiscovery::OfCertificate),
            YamlContent::Text(text) if text == OFF => Some(ResolverDiscovery::Off),
            _ => NAMES.read(node, reader).map(ResolverDiscovery::Named),
        }
    }

    fn schema(&self) -> Json {
        NAMES.schema()
    }

    fn show(&self, value: &ResolverDiscovery) -> Option<Json> {
        match value {
            ResolverDiscovery::OfCertificate => Some(json!(AUTO)),
            ResolverDiscovery::Named(name) => NAMES.show(name),
            ResolverDiscovery::Off => Some(json!(OFF)),
        }
    }
}
