//! The class CH: who answers, and by which program (RFC 4892).

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, MessageSection, MessageWriter, NameRef, QueryMessage, Type};

use crate::snapshot::QuerySettings;

/// What is asked for `names` is answered by a text of `settings`; none where that is not configured, or nothing is known.
fn text<'s>(name: NameRef<'_>, settings: &'s QuerySettings) -> Option<&'s str> {
    let is = |known: &[u8]| name.as_bytes().eq_ignore_ascii_case(known);
    if is(b"\x02id\x06server\0") || is(b"\x08hostname\x04bind\0") {
        settings.identity.as_deref()
    } else if is(b"\x07version\x06server\0") || is(b"\x07version\x04bind\0") {
        settings.version.as_deref()
    } else {
        None
    }
}

/// Answers a question of the class CH with one TXT record of TTL 0, at most `limit` bytes. Gives its length; none if it is to
/// be refused.
pub(super) fn answer(
    query: &QueryMessage<'_>,
    settings: &QuerySettings,
    limit: usize,
    compression: &mut NameCompression,
    out: &mut [u8],
) -> Option<usize> {
    if !matches!(query.qtype, Type::TXT | Type::ANY) {
        return None;
    }
    let text = text(query.name, settings)?;
    let length = u8::try_from(text.len()).ok()?;
    let mut w = MessageWriter::new(out, limit, compression);
    w.question(query.name, query.qtype, query.class).ok()?;
    w.record(MessageSection::Answer, query.name, Type::TXT, Class::CH, 0, |w| {
        w.u8(length)?;
        w.bytes(text.as_bytes())
    })
    .ok()?;
    Some(w.finish(0, 0))
}
