//! A datagram from a client.

use rhumb_wire::{QueryError, QueryMessage, header};

use super::walk;

/// Reads `input` as a request, and as a message.
pub fn run(input: &[u8]) {
    match QueryMessage::parse(input) {
        Ok(query) => {
            assert!(input.len() >= query.question_end(), "a question beyond the end");
            assert!(!query.header.is_response(), "a response is never a request");
            assert_eq!(query.question_bytes().get(..query.name.len()), Some(query.name.as_bytes()));
            walk::check_name(query.name);
            if let Some(edns) = query.edns {
                walk::check_options(edns.options);
                assert!(edns.payload() >= 512);
            }
            assert!(query.tsig.is_none_or(|at| at >= query.question_end() && at < input.len()));
        }
        Err(QueryError::Short) => assert!(input.len() < header::LENGTH),
        Err(QueryError::Response | QueryError::Malformed(_)) => assert!(input.len() >= header::LENGTH),
    }
    walk::message(input);
}
