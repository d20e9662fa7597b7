//! What is counted of a query and of its answer, and the query log.

use rhumb_wire::{Type, header};

use super::client::Client;
use crate::metrics::Block;
use crate::snapshot::Snapshot;

/// Counts a query by what its message says.
pub fn count_request(block: &Block, client: &Client<'_>, message: &[u8], qtype: Type, snapshot: &Snapshot) {
    block.request(client.proto(), client.family(), qtype.0);
    if snapshot.settings.log_queries {
        let query = rhumb_wire::Query::parse(message);
        let name = query.map_or_else(|_| "?".to_owned(), |query| query.name.to_string());
        let (peer, local) = (client.peer(), client.local());
        tracing::info!(target: "query", %peer, %local, proto = client.proto().as_str(), %name, r#type = %qtype);
    }
}

/// Counts an answer by its header.
pub fn count_response(block: &Block, answer: &[u8]) {
    if let Some([high, low]) = answer.get(2..4) {
        block.response(u16::from(*low) & header::RCODE);
        if u16::from(*high) << 8 & header::TC != 0 {
            block.truncated();
        }
    }
}
