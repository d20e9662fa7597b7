//! Addresses of other servers.

use serde_json::{Value as Json, json};

use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode, shown};
use crate::reader::ConfigReader;
use crate::upstream_server::{PLAIN_FORMS, UpstreamServer};

/// The address of a server, with a port where it is not the usual one.
pub(crate) struct UpstreamAddress;

impl ValueKind for UpstreamAddress {
    type Out = UpstreamServer;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<UpstreamServer> {
        let YamlContent::Text(text) = &node.value else {
            reader.wrong(node, PLAIN_FORMS);
            return None;
        };
        let server = UpstreamServer::read_plain(text);
        server
            .map_err(|error| {
                reader.error(node.spot, format!("{} {error}; accepted: {PLAIN_FORMS}", shown(text)));
            })
            .ok()
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "description": format!("Accepted: {PLAIN_FORMS}.") })
    }

    fn show(&self, value: &UpstreamServer) -> Option<Json> {
        Some(json!(value.to_string()))
    }
}
