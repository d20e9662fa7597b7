//! The names below `resolver.arpa`, by which clients look for encrypted listeners (RFC 9462 section 4).

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, NameRef, QueryMessage, Rcode, Type};

use super::client::QueryClient;
use super::response::ResponseHead;
use crate::snapshot::DesignatedResolver;

const ZONE: &[u8] = b"\x08resolver\x04arpa\0";
const SERVICE: &[u8] = b"\x04_dns\x08resolver\x04arpa\0";
/// Seconds: listeners come and go with a reload.
const TTL: u32 = 300;

/// Whether a built-in zone is that of these names.
pub(super) fn is_zone(apex: NameRef<'_>) -> bool {
    apex.as_bytes().eq_ignore_ascii_case(ZONE)
}

/// Every name there exists for those that look for it: a denial of one would be a denial of all below (RFC 8020).
pub(super) fn without_name_error(head: ResponseHead) -> ResponseHead {
    if head.rcode == Rcode::NXDOMAIN { ResponseHead { rcode: Rcode::NOERROR, ..head } } else { head }
}

/// Answers the question for encrypted listeners. Gives the length, and whether some did not fit; none if it is another question, or
/// there are none.
pub(super) fn answer(
    query: &QueryMessage<'_>,
    client: &QueryClient<'_>,
    designated: &[DesignatedResolver],
    limit: usize,
    compression: &mut NameCompression,
    out: &mut [u8],
) -> Option<(usize, bool)> {
    let asks = query.qtype == Type::SVCB && query.name.as_bytes().eq_ignore_ascii_case(SERVICE);
    if !asks || designated.is_empty() {
        return None;
    }
    let mut w = MessageWriter::new(out, limit, compression);
    w.question(query.name, query.qtype, query.class).ok()?;
    let asked = client.local().ip;
    let written: Result<(), BufferFull> = (1..).zip(designated).try_for_each(|(priority, one)| {
        let rdata = one.rdata(priority, asked);
        w.record(MessageSection::Answer, query.name, Type::SVCB, Class::IN, TTL, |w| w.bytes(&rdata))
    });
    Some((w.finish(0, 0), written.is_err()))
}
