//! The bytes of a stream of DNS over QUIC.

use rhumb_wire::doq::{self, DoqStreamError};

use super::query;

/// Reads `input` as all that a client sent on a stream.
pub fn run(input: &[u8]) {
    match doq::query(input) {
        Ok(message) => {
            assert_eq!(input.len(), message.len() + 2);
            assert!(message.starts_with(&[0, 0]));
            query::run(message);
        }
        Err(DoqStreamError::Long) => assert!(input.len() > 2),
        Err(error) => assert!(!error.reason().is_empty()),
    }
}
