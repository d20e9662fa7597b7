//! Names of domains and zones.

use rhumb_wire::DomainName;
use serde_json::{Value as Json, json};

use crate::domain::{read_domain, show_domain};
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;

/// The name of a domain; everything below it belongs to it.
pub(crate) struct DomainKind {
    /// The accepted form in words.
    pub(crate) accepted: &'static str,
}

impl ValueKind for DomainKind {
    type Out = DomainName;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<DomainName> {
        let YamlContent::Text(text) = &node.value else {
            reader.wrong_text(node, self.accepted);
            return None;
        };
        read_domain(text)
            .map_err(|error| {
                reader.error(node.spot, format!("{} {error}; accepted: {}", shown(text), self.accepted));
            })
            .ok()
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "description": format!("Accepted: {}.", self.accepted) })
    }

    fn show(&self, value: &DomainName) -> Option<Json> {
        Some(json!(show_domain(value)))
    }
}
