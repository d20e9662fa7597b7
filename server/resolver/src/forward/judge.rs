//! What is a reply, and what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rhumb_wire::edns::EXTENDED_ERROR;
use rhumb_wire::{Header, Message, Opcode, Rcode, header};

use super::clean::{Cleaned, Unusable, clean};
use super::limits;
use super::query::Query;
use super::upstream::{Transport, Upstream};
use crate::network::{Verdict, Why};
use crate::question::Question;

/// What a message is to the question that was sent.
#[derive(Debug)]
pub(super) enum Reading {
    /// Of another id.
    WrongId,
    /// No reply to this question.
    Stray,
    /// Of the right id and question, and not to be read.
    Malformed,
    /// The reply.
    Reply {
        /// Whether the question stands there byte for byte as it was sent.
        case_kept: bool,
        content: Content,
    },
}

/// What a reply says.
#[derive(Debug)]
pub(super) enum Content {
    /// It is longer than a datagram.
    Truncated,
    /// A response code other than NOERROR and NXDOMAIN.
    Refusal(Refusal),
    /// NOERROR or NXDOMAIN, with nothing to be made of it.
    Unusable(Unusable),
    Answer(Cleaned),
}

/// A response code that is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) rcode: Rcode,
    /// The info code of an extended error (RFC 8914).
    pub(super) extended: Option<u16>,
}

/// Reads messages that may be the reply to `query`.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) query: Query,
    pub(super) question: &'a Question,
}

impl Reader<'_> {
    /// Judges one message.
    pub(super) fn read(&self, bytes: &[u8]) -> Reading {
        match bytes.first_chunk::<2>() {
            None => return Reading::Stray,
            Some(id) if u16::from_be_bytes(*id) != self.query.id => return Reading::WrongId,
            Some(_) => {}
        }
        let Some(head) = Header::parse(bytes).filter(|h| h.is_response() && h.opcode() == Opcode::QUERY)
        else {
            return Reading::Stray;
        };
        let Ok(message) = Message::parse(bytes) else { return Reading::Malformed };
        let Ok(question) = message.question() else { return Reading::Malformed };
        let case_kept = match question {
            // A server that cannot read a query need not repeat its question.
            None if matches!(Rcode(head.rcode_low()), Rcode::FORMERR | Rcode::NOTIMP) => true,
            Some(asked)
                if asked.name == self.question.name.as_ref()
                    && asked.qtype == self.question.qtype
                    && asked.class == self.question.class =>
            {
                asked.name.as_bytes() == self.query.name()
            }
            _ => return Reading::Stray,
        };
        let content =
            if head.flags & header::TC == 0 { self.content(&message) } else { Some(Content::Truncated) };
        content.map_or(Reading::Malformed, |content| Reading::Reply { case_kept, content })
    }

    /// None where the message is malformed.
    fn content(&self, message: &Message<'_>) -> Option<Content> {
        let edns = message.edns().ok()?;
        let high = edns.map_or(0, |edns| u16::from(edns.rcode_high));
        let rcode = Rcode(high << 4 | message.header().rcode_low());
        if rcode != Rcode::NOERROR && rcode != Rcode::NXDOMAIN {
            let extended = edns
                .and_then(|edns| edns.options.find(EXTENDED_ERROR))
                .and_then(|value| value.first_chunk::<2>())
                .map(|code| u16::from_be_bytes(*code));
            return Some(Content::Refusal(Refusal { rcode, extended }));
        }
        match clean(message.bytes(), self.question) {
            Ok(answer) => Some(Content::Answer(answer)),
            Err(Unusable::Malformed) => None,
            Err(unusable) => Some(Content::Unusable(unusable)),
        }
    }
}

/// What a socket has seen besides its reply; the one who waits for it looks at this too.
#[derive(Debug, Default)]
pub(super) struct Sighted {
    malformed: AtomicBool,
}

impl Sighted {
    /// Whether something came that has the right id and question and cannot be read.
    pub(super) fn malformed(&self) -> bool {
        self.malformed.load(Relaxed)
    }
}

/// Judges the datagrams of one socket and keeps what it read of the reply.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) sighted: Arc<Sighted>,
    pub(super) strays: u32,
    pub(super) reply: Option<Reading>,
}

impl Judge<'_> {
    /// The verdict on one datagram.
    pub(super) fn hear(&mut self, datagram: &[u8]) -> Verdict {
        let counters = &self.upstream.path(Transport::Udp).counters;
        match self.reader.read(datagram) {
            Reading::WrongId => {
                counters.wrong_ids.add();
                return Verdict::GiveUp(Why::WrongId);
            }
            Reading::Reply { case_kept: false, .. } if self.reader.query.cased => {
                counters.wrong_cases.add();
                return Verdict::GiveUp(Why::WrongCase);
            }
            reply @ Reading::Reply { .. } => {
                self.reply = Some(reply);
                return Verdict::Accept;
            }
            Reading::Stray => counters.strays.add(),
            Reading::Malformed => {
                counters.unusable.add();
                self.sighted.malformed.store(true, Relaxed);
            }
        }
        self.strays += 1;
        if self.strays < limits::STRAYS { Verdict::Ignore } else { Verdict::GiveUp(Why::Strays) }
    }
}
