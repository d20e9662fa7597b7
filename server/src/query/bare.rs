//! Messages without a question, which ask for a cookie alone (RFC 7873 section 5.4).

use rhumb_wire::{Class, Message, NameRef, Opcode, Query, Type};

/// Reads a message without question and without records but OPT. None if it is anything else.
pub(super) fn read(message: &[u8]) -> Option<Query<'_>> {
    let parsed = Message::parse(message).ok()?;
    let header = parsed.header();
    if header.opcode() != Opcode::QUERY || header.is_response() || header.questions != 0 {
        return None;
    }
    let edns = parsed.edns().ok()?.filter(|edns| edns.options.well_formed());
    let only = header.answers == 0 && header.authorities == 0 && header.additionals == 1;
    let (name, qtype, class) = (NameRef::ROOT, Type(0), Class(0));
    (only && edns.is_some()).then_some(Query { message, header, name, qtype, class, edns, tsig: None })
}
