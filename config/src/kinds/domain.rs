//! Names of domains and zones.

use rhumb_wire::Name;
use serde_json::{Value as Json, json};

use crate::domain::{read_domain, show_domain};
use crate::kind::Kind;
use crate::node::{Node, Value, shown};
use crate::reader::Reader;

/// The name of a domain; everything below it belongs to it.
pub(crate) struct Domain {
    /// The accepted form in words.
    pub(crate) accepted: &'static str,
}

impl Kind for Domain {
    type Out = Name;

    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Name> {
        let Value::Text(text) = &node.value else {
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

    fn show(&self, value: &Name) -> Option<Json> {
        Some(json!(show_domain(value)))
    }
}
