//! The way of a query from bytes to bytes.

use std::hint::black_box;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{self, write_opt};
use rhumb_wire::{MessageSection, MessageWriter, NameRef, QueryMessage, header};
use rhumb_zones::{AnswerRequest, FoundZone, NameTable, ZoneContents, ZoneFinder, answer};

/// The largest answer given (RFC 9715).
const LARGEST: usize = 1232;
/// The largest answer to a request without EDNS.
const PLAIN: usize = 512;

/// The zones that are served.
#[derive(Debug)]
pub(crate) struct Served(pub(crate) NameTable<ZoneContents>);

impl ZoneFinder for Served {
    fn find(&self, name: NameRef<'_>) -> Option<FoundZone<'_>> {
        self.0.find(name).map(FoundZone::Contents)
    }
}

/// Answers as many requests, one after the other and again from the first; the bytes of the last answer.
#[inline(never)]
pub(crate) fn answers(served: &Served, requests: &[Vec<u8>], count: usize) -> usize {
    let mut out = [0; LARGEST];
    let mut compression = NameCompression::default();
    let mut length = 0;
    for request in requests.iter().cycle().take(count) {
        length = black_box(respond(served, request, &mut compression, &mut out)).unwrap_or(0);
    }
    length
}

#[inline]
fn respond(
    served: &Served,
    request: &[u8],
    compression: &mut NameCompression,
    out: &mut [u8; LARGEST],
) -> Option<usize> {
    let query = QueryMessage::parse(request).ok()?;
    let zone = served.0.find(query.name)?;
    let (limit, opt) = query.edns.map_or((PLAIN, 0), |edns| (edns.payload().min(LARGEST), edns::FIXED));
    let mut w = MessageWriter::new(out, limit - opt, compression);
    w.bytes(query.question_bytes()).ok()?;
    w.count(MessageSection::Question);
    let asked = AnswerRequest {
        name: query.name,
        qtype: query.qtype,
        dnssec_ok: query.dnssec_ok(),
        minimal_any: true,
    };
    let reply = answer(zone, &asked, served, &mut w);
    if let Some(asked) = query.edns {
        w.set_limit(limit);
        write_opt(&mut w, LARGEST as u16, 0, asked.flags & edns::DO, |_| Ok(())).ok()?;
        w.count(MessageSection::Additional);
    }
    let authoritative = if reply.authoritative { header::AA } else { 0 };
    Some(w.finish(query.header.id, header::QR | authoritative | reply.rcode.0))
}
