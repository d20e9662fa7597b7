//! A message from an upstream.

use rhumb_resolver::OutboundQuestion;
use rhumb_resolver::forward::limits;
use rhumb_resolver::forward::scrub::scrub;
use rhumb_wire::{Class, MessageView, NameRef, Type, header};

use super::walk;

/// In the first byte of the input: the question has DO set.
const DNSSEC_OK: u8 = 1;
/// The question has CD set.
const CHECKING_DISABLED: u8 = 2;
/// The question is `a.example. IN A`, whatever the message says.
const FIXED: u8 = 4;

/// Reads the input but its first byte as the reply to a question: the one in it, or a fixed one.
pub fn run(input: &[u8]) {
    let Some((&flags, reply)) = input.split_first() else { return };
    walk::message(reply);
    let Some(question) = question(flags, reply) else { return };
    let Ok(scrubbed) = scrub(reply, &question) else { return };
    assert!(u16::try_from(scrubbed.message.len()).is_ok());
    assert!(scrubbed.ttl <= limits::TTL);
    let message = MessageView::parse(&scrubbed.message).ok();
    let entries = message.as_ref().and_then(walk::entries);
    let (Some(message), Some(entries)) = (message, entries) else {
        panic!("not to be read: {scrubbed:02x?}");
    };
    let head = message.header();
    let unwanted = header::AA | header::TC | header::AD;
    assert_eq!((head.id, head.flags & unwanted, head.additionals), (0, 0, 0));
    assert!(head.flags & header::QR != 0 && entries.len() <= limits::RECORDS);
    let echoed = message.question().ok().flatten();
    assert!(echoed.is_some_and(|echoed| echoed.name.as_bytes() == question.name.as_ref().as_bytes()
        && echoed.qtype == question.qtype
        && echoed.class == question.class));
    // What is clean stays as it is.
    let again = scrub(&scrubbed.message, &question);
    assert_eq!(again.map(|again| (again.message, again.rcode)), Ok((scrubbed.message, scrubbed.rcode)));
}

fn question(flags: u8, reply: &[u8]) -> Option<OutboundQuestion> {
    let mut question = if flags & FIXED != 0 {
        OutboundQuestion::new(NameRef::parse(b"\x01a\x07example\0").ok()?, Type::A)
    } else {
        let asked = MessageView::parse(reply).ok()?.question().ok()??;
        OutboundQuestion { class: asked.class, ..OutboundQuestion::new(asked.name, asked.qtype) }
    };
    question.dnssec_ok = flags & DNSSEC_OK != 0;
    question.checking_disabled = flags & CHECKING_DISABLED != 0;
    (question.class == Class::IN).then_some(question)
}
