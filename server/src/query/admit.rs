//! Which messages are answered at all, and which only by a refusal.

use rhumb_wire::{Class, Opcode, Query, QueryError, Rcode, Type, header};

use super::client::Client;
use crate::metrics::DropReason;

/// A query that goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// No answer.
    Drop(DropReason),
    /// An answer of nothing but the header.
    Header(Rcode),
    /// An answer with the question.
    Question(Rcode),
}

/// Reads a request and turns away what is none.
///
/// Never answered: fewer than twelve bytes and responses (CVE-2024-2169), and what no answer can go to. FORMERR for what
/// cannot be read; NOTIMP for opcodes that are not in use here, REFUSED for NOTIFY and UPDATE, since no zone takes them.
#[inline]
pub(super) fn admit<'a>(message: &'a [u8], client: &Client<'_>) -> Result<Query<'a>, Denied> {
    if client.port() == 0 {
        return Err(Denied::Drop(DropReason::BadSource));
    }
    let query = match Query::parse(message) {
        Ok(query) => query,
        Err(QueryError::Short) => return Err(Denied::Drop(DropReason::ShortMessage)),
        Err(QueryError::Response) => return Err(Denied::Drop(DropReason::Response)),
        Err(QueryError::Malformed(_)) => return Err(Denied::Header(unreadable(message))),
    };
    if query.header.opcode() != Opcode::QUERY {
        return Err(Denied::Question(unserved(query.header.opcode())));
    }
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Err(Denied::Question(Rcode::BADVERS));
    }
    if query.tsig.is_some() {
        // No key is configured, so that none can be the right one (RFC 8945 section 5.2.1).
        return Err(Denied::Question(Rcode::NOTAUTH));
    }
    match (query.class, query.qtype) {
        (_, Type::OPT) => Err(Denied::Question(Rcode::FORMERR)),
        (_, Type::TKEY | Type::TSIG | Type::MAILA | Type::MAILB) => Err(Denied::Question(Rcode::NOTIMP)),
        (Class::IN, Type::AXFR | Type::IXFR) => Err(Denied::Question(Rcode::REFUSED)),
        (Class::IN, _) => Ok(query),
        _ => Err(Denied::Question(Rcode::REFUSED)),
    }
}

fn unserved(opcode: Opcode) -> Rcode {
    match opcode {
        Opcode::NOTIFY | Opcode::UPDATE => Rcode::REFUSED,
        _ => Rcode::NOTIMP,
    }
}

/// A message whose opcode is unknown may well have another form, so that FORMERR would be a guess.
fn unreadable(message: &[u8]) -> Rcode {
    match header::Header::parse(message).map(|header| header.opcode()) {
        Some(Opcode::QUERY | Opcode::NOTIFY | Opcode::UPDATE) | None => Rcode::FORMERR,
        Some(_) => Rcode::NOTIMP,
    }
}
