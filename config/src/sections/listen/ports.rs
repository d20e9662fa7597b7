//! The ports of single transports.

use std::collections::BTreeMap;

use rhumb_wire::Transport;
use serde_json::{Map, Value as Json, json};

use crate::kind::ValueKind;
use crate::kinds::NumberKind;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// The ports that transports have other than their own, by transport.
pub(super) struct TransportPorts;

fn port() -> NumberKind<u16> {
    NumberKind::new(1, 65_535)
}

impl ValueKind for TransportPorts {
    type Out = BTreeMap<Transport, u16>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self::Out> {
        let YamlContent::Section(entries) = &node.value else {
            reader.wrong(node, "a port for each transport, as in {tls: 8853}");
            return None;
        };
        let mut ports = BTreeMap::new();
        for entry in entries {
            match entry.key.parse() {
                Ok(transport) => {
                    let read = reader.at_key(&entry.key, |reader| port().read(&entry.value, reader));
                    ports.extend(read.map(|port| (transport, port)));
                }
                Err(unknown) => {
                    let unknown: rhumb_wire::UnknownTransport = unknown;
                    reader.at_key(&entry.key, |reader| reader.error(entry.value.spot, unknown.to_string()));
                }
            }
        }
        Some(ports)
    }

    fn schema(&self) -> Json {
        let ports: Map<String, Json> =
            Transport::NAMES.iter().map(|name| ((*name).to_owned(), port().schema())).collect();
        json!({ "type": "object", "additionalProperties": false, "properties": ports })
    }

    fn show(&self, value: &Self::Out) -> Option<Json> {
        let shown: Map<String, Json> =
            value.iter().map(|(transport, port)| (transport.name().to_owned(), json!(port))).collect();
        Some(Json::Object(shown))
    }
}
