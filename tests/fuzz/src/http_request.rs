//! A request of DNS over HTTPS: its method, path, variables and content type a line each, then its body.

use rhumb_wire::doh::{DohRequest, DohTarget, freshness};
use rhumb_wire::{MessageSection, MessageView};

use super::query;

/// Finds the query of a request, reads it, and says how long the body as a response may be kept.
pub fn run(input: &[u8]) {
    let mut lines = input.splitn(5, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, variables, content_type, body) = (line(), line(), line(), line(), line());
    let target = DohTarget { method, path, variables: Some(variables), content_type: Some(content_type) };
    let mut query = Vec::new();
    match target.request(&["/dns-query".to_owned()], &mut query) {
        Ok(found) => {
            assert_eq!(path, b"/dns-query");
            assert_eq!(found == DohRequest::Body, method == b"POST");
            let message = match found {
                DohRequest::Target => query.as_slice(),
                DohRequest::Body => body,
            };
            assert!(message.len() <= input.len(), "more than was sent");
            query::run(message);
        }
        Err(why) => assert!((400..500).contains(&why.status()), "{why}"),
    }
    let kept = freshness(body);
    let view = MessageView::parse(body).ok();
    for record in view.iter().flat_map(MessageView::records).map_while(Result::ok) {
        assert!(
            record.section != MessageSection::Answer || kept <= record.ttl,
            "kept for longer than its TTL"
        );
    }
}
