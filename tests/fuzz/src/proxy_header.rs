//! What comes first of a datagram or a connection of a proxy.

use rhumb_wire::proxy_header::{PROXY_FIXED, read_proxy_header, rest_of_proxy_header};

use super::query;

/// Reads `input` as a datagram of a proxy.
pub fn run(input: &[u8]) {
    let Ok((_, message)) = read_proxy_header(input) else { return };
    assert!(input.ends_with(message));
    // A connection is read in two steps, which have to come to the same.
    let rest = input.first_chunk::<PROXY_FIXED>().map(rest_of_proxy_header);
    assert_eq!(rest, Some(Ok(input.len() - PROXY_FIXED - message.len())));
    query::run(message);
}
