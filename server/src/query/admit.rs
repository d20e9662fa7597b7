//! Which messages are answered at all, and which by an error alone.

use std::fmt;

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::{Class, Opcode, QueryError, QueryMessage, Rcode, Type, header};

use super::client::QueryClient;
use crate::metrics::DropReason;

/// Why a message goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageRejection {
    /// No answer.
    Drop(DropReason),
    /// An answer of nothing but the header.
    Header(Rcode),
    /// No question: an answer with nothing but OPT, if the query asks for a cookie.
    NoQuestion,
    /// An answer with the question.
    Question(Rcode, Option<ExtendedError>),
    /// It is signed, and its signature comes first.
    Signed,
    /// It is no question but says that there is a new version of a zone.
    Notify,
    /// It is no question but is to change a zone.
    Update,
}

impl fmt::Display for MessageRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop(reason) => write!(f, "dropped: {}", reason.as_str()),
            Self::Header(rcode) => write!(f, "{rcode}, the question cannot be repeated"),
            Self::NoQuestion => f.write_str("no question"),
            Self::Question(rcode, None) => rcode.fmt(f),
            Self::Question(rcode, Some(error)) => {
                write!(f, "{rcode} ({})", ExtendedError::name(error.code()).unwrap_or("no reason"))
            }
            Self::Signed => f.write_str("signed twice"),
            Self::Notify => f.write_str("NOTIFY"),
            Self::Update => f.write_str("UPDATE"),
        }
    }
}

/// The meta-type that stands for a name that does not exist, and is never asked for (RFC 9824).
const NXNAME: Type = Type(128);

/// Reads a request.
///
/// Never answered: fewer than twelve bytes and responses (CVE-2024-2169), and what no answer can go to. FORMERR for what
/// cannot be read; NOTIMP for opcodes that are not in use here.
#[inline]
pub(super) fn admit<'a>(
    message: &'a [u8],
    client: &QueryClient<'_>,
) -> Result<QueryMessage<'a>, MessageRejection> {
    if client.port() == 0 {
        return Err(MessageRejection::Drop(DropReason::BadSource));
    }
    let query = match QueryMessage::parse(message) {
        Ok(query) => query,
        Err(error) => return Err(unreadable(message, error)),
    };
    if query.tsig.is_some() {
        return Err(MessageRejection::Signed);
    }
    let is_other_version = query.edns.is_some_and(|edns| edns.version != 0);
    match query.header.opcode() {
        // Whatever is asked for (RFC 6891 section 6.1.3).
        Opcode::QUERY | Opcode::NOTIFY | Opcode::UPDATE if is_other_version => {
            return Err(MessageRejection::Question(Rcode::BADVERS, None));
        }
        Opcode::QUERY => {}
        Opcode::NOTIFY => return Err(MessageRejection::Notify),
        Opcode::UPDATE => return Err(MessageRejection::Update),
        _ => return Err(MessageRejection::Question(Rcode::NOTIMP, None)),
    }
    if usual(&query) {
        return Ok(query);
    }
    match (query.class, query.qtype) {
        (Class::IN | Class::CH | Class::ANY, NXNAME) => {
            Err(MessageRejection::Question(Rcode::FORMERR, Some(ExtendedError::InvalidQueryType)))
        }
        (Class::IN, Type::AXFR) if !client.transport().has_many_responses() => {
            Err(MessageRejection::Question(Rcode::NOTIMP, Some(ExtendedError::NotSupported)))
        }
        (Class::IN | Class::CH | Class::ANY, _) => Ok(query),
        _ => Err(MessageRejection::Question(Rcode::REFUSED, Some(ExtendedError::NotSupported))),
    }
}

/// Whether a query is of the usual kind: class IN, and a type that zones may hold. No record has type 0 (RFC 6895 section 3.1), which
/// stands for all types of a name where answers are kept.
#[inline]
pub(super) fn usual(query: &QueryMessage<'_>) -> bool {
    query.class == Class::IN && !query.qtype.is_meta() && query.qtype.0 != 0
}

/// A message whose opcode is unknown may well have another form, so that FORMERR would be a guess.
#[cold]
fn unreadable(message: &[u8], error: QueryError) -> MessageRejection {
    let header = match error {
        QueryError::Short => return MessageRejection::Drop(DropReason::ShortMessage),
        QueryError::Response => return MessageRejection::Drop(DropReason::Response),
        QueryError::Malformed(_) => header::MessageHeader::parse(message),
    };
    match header.map(|header| (header.opcode(), header.questions)) {
        Some((Opcode::QUERY, 0)) => MessageRejection::NoQuestion,
        Some((Opcode::QUERY | Opcode::NOTIFY | Opcode::UPDATE, _)) | None => {
            MessageRejection::Header(Rcode::FORMERR)
        }
        Some(_) => MessageRejection::Header(Rcode::NOTIMP),
    }
}
