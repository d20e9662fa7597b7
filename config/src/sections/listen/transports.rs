//! What is spoken on an address.

use rhumb_wire::Transport;
use serde_json::{Value as Json, json};

use crate::kind::ValueKind;
use crate::kinds::{ValueList, WordKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;

/// What a listener speaks where the configuration does not say.
pub(super) const USUAL: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// What a listener may speak.
const WORDS: WordKind<Transport> = WordKind { words: &Transport::WORDS, later: &[] };

/// A list of transports, each at most once, in the order of [`Transport::ALL`].
pub(super) struct TransportList;

impl ValueKind for TransportList {
    type Out = Vec<Transport>;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Vec<Transport>> {
        let mut transports = ValueList { of: WORDS, filled: true }.read(node, reader)?;
        let given = transports.len();
        transports.sort();
        transports.dedup();
        if transports.len() < given {
            reader.error(node.spot, "a transport is named twice");
        }
        Some(transports)
    }

    fn schema(&self) -> Json {
        let list = json!({ "type": "array", "items": WORDS.schema(), "minItems": 1, "uniqueItems": true });
        json!({ "anyOf": [list, WORDS.schema()] })
    }

    fn show(&self, value: &Vec<Transport>) -> Option<Json> {
        Some(value.iter().map(|transport| transport.name()).collect())
    }
}
