//! What is a reply, and what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rhumb_wire::edns::OptRecord;
use rhumb_wire::{MessageHeader, MessageView, Opcode, Rcode, Transport, header};

use super::cookie::{ReplyCookie, SentCookie};
use super::limits;
use super::query::OutgoingQuery;
use super::reason::ExtendedReason;
use super::server::RemoteServer;
use super::unusable::UnusableReply;
use crate::network::{DatagramVerdict, SpoofSignal};
use crate::question::OutboundQuestion;

/// Makes an answer of a reply of NOERROR or NXDOMAIN whose id and question were checked.
///
/// Errors: it cannot be used. One that is `Malformed` is waited out over UDP, since the true reply may still come.
pub type AnswerReader<'r, A> =
    dyn Fn(&[u8], &OutboundQuestion) -> Result<ReadAnswer<A>, UnusableReply> + Sync + 'r;

/// An answer as the caller reads it.
#[derive(Debug)]
pub struct ReadAnswer<A> {
    /// What it says.
    pub answer: A,
    /// Whether there is anything in it: an empty message is what a broken forwarder gives for everything, and is no sign
    /// of health.
    pub substantial: bool,
}

/// A response code that is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReply {
    /// The code, all of its bits; neither NOERROR nor NXDOMAIN, and YXDOMAIN only with nothing that explains it.
    pub rcode: Rcode,
    /// Why, if the server says so.
    pub reason: Option<ExtendedReason>,
}

impl RefusedReply {
    fn new(rcode: Rcode, edns: Option<OptRecord<'_>>) -> Self {
        Self { rcode, reason: ExtendedReason::of(edns) }
    }
}

/// What a message is to the question that was sent.
#[derive(Debug)]
pub(super) enum ReadMessage<A> {
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
        /// Whether EDNS is in it.
        edns: bool,
        /// What it says of the cookie of the query; none if that has none.
        cookie: Option<ReplyCookie>,
        content: ReplyContent<A>,
    },
}

/// What a reply says.
#[derive(Debug)]
pub(super) enum ReplyContent<A> {
    /// It is longer than a datagram.
    Truncated,
    /// A response code other than NOERROR and NXDOMAIN.
    Refused(RefusedReply),
    /// NOERROR or NXDOMAIN, with nothing to be made of it.
    Unusable(UnusableReply),
    Answer(Rcode, ReadAnswer<A>),
}

/// Reads messages that may be the reply to `query`.
pub(super) struct ReplyReader<'a, A> {
    pub(super) query: OutgoingQuery,
    pub(super) question: &'a OutboundQuestion,
    pub(super) answers: &'a AnswerReader<'a, A>,
}

impl<A> ReplyReader<'_, A> {
    /// Reads one message.
    pub(super) fn read(&self, bytes: &[u8]) -> ReadMessage<A> {
        match bytes.first_chunk::<2>() {
            None => return ReadMessage::Stray,
            Some(id) if u16::from_be_bytes(*id) != self.query.id => return ReadMessage::WrongId,
            Some(_) => {}
        }
        let Some(head) =
            MessageHeader::parse(bytes).filter(|h| h.is_response() && h.opcode() == Opcode::QUERY)
        else {
            return ReadMessage::Stray;
        };
        if bytes.len() == header::LENGTH {
            return self.without_question(&head, None);
        }
        let Ok(message) = MessageView::parse(bytes) else { return ReadMessage::Malformed };
        let Ok(question) = message.question() else { return ReadMessage::Malformed };
        let case_kept = match question {
            None => return self.without_question(&head, message.edns().ok().flatten()),
            Some(asked)
                if asked.name == self.question.name.as_ref()
                    && asked.qtype == self.question.qtype
                    && asked.class == self.question.class =>
            {
                asked.name.as_bytes() == self.query.name()
            }
            _ => return ReadMessage::Stray,
        };
        let content =
            if head.flags & header::TC == 0 { self.content(&message) } else { Some(ReplyContent::Truncated) };
        let edns = message.edns().ok().flatten();
        content.map_or(ReadMessage::Malformed, |content| self.reply(edns, case_kept, content))
    }

    fn reply(
        &self,
        edns: Option<OptRecord<'_>>,
        case_kept: bool,
        content: ReplyContent<A>,
    ) -> ReadMessage<A> {
        let cookie = self.query.cookie.as_ref().map(|sent| sent.found_in(edns));
        ReadMessage::Reply { case_kept, edns: edns.is_some(), cookie, content }
    }

    /// What a reply says that does not repeat the question. Some servers leave it out of an error, down to the header alone, whatever
    /// the counts in it say. An error ends nothing but the wait for one server, so it is believed; an answer is not.
    fn without_question(&self, head: &MessageHeader, edns: Option<OptRecord<'_>>) -> ReadMessage<A> {
        let rcode = whole_rcode(head, edns);
        let content = if head.flags & header::TC != 0 {
            ReplyContent::Truncated
        } else if rcode == Rcode::NOERROR || rcode == Rcode::NXDOMAIN {
            ReplyContent::Unusable(UnusableReply::NoQuestion)
        } else {
            ReplyContent::Refused(RefusedReply::new(rcode, edns))
        };
        self.reply(edns, true, content)
    }

    /// Whether a reply lacks the cookie that it should have.
    fn lacks_cookie(&self, cookie: Option<&ReplyCookie>) -> bool {
        match cookie {
            Some(ReplyCookie::Wrong) => true,
            Some(ReplyCookie::Absent) => self.query.cookie.as_ref().is_some_and(SentCookie::is_expected),
            Some(ReplyCookie::Right(_)) | None => false,
        }
    }

    /// None where the message is malformed.
    fn content(&self, message: &MessageView<'_>) -> Option<ReplyContent<A>> {
        let edns = message.edns().ok()?;
        let rcode = whole_rcode(&message.header(), edns);
        // A DNAME that makes a name too long comes with YXDOMAIN (RFC 6672 section 2.2).
        if !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::YXDOMAIN) {
            return Some(ReplyContent::Refused(RefusedReply::new(rcode, edns)));
        }
        match (self.answers)(message.bytes(), self.question) {
            Err(_) if rcode == Rcode::YXDOMAIN => Some(ReplyContent::Refused(RefusedReply::new(rcode, edns))),
            Ok(answer) => Some(ReplyContent::Answer(rcode, answer)),
            Err(UnusableReply::Malformed) => None,
            Err(unusable) => Some(ReplyContent::Unusable(unusable)),
        }
    }
}

/// The response code with the bits that stand in OPT (RFC 6891 section 6.1.3).
pub(crate) fn whole_rcode(head: &MessageHeader, edns: Option<OptRecord<'_>>) -> Rcode {
    let high = edns.map_or(0, |edns| u16::from(edns.rcode_high));
    Rcode(high << 4 | head.rcode_low())
}

/// What a socket has received besides its reply; the one who waits for that looks at this too.
#[derive(Debug, Default)]
pub(super) struct SeenDatagrams {
    malformed: AtomicBool,
}

impl SeenDatagrams {
    /// Whether something came that has the right id and question and cannot be read.
    pub(super) fn malformed(&self) -> bool {
        self.malformed.load(Relaxed)
    }
}

/// Reads the datagrams of one socket and keeps what it read of the reply.
pub(super) struct DatagramReader<'a, A> {
    pub(super) reader: ReplyReader<'a, A>,
    pub(super) server: Arc<RemoteServer>,
    pub(super) seen: Arc<SeenDatagrams>,
    pub(super) strays: u32,
    pub(super) reply: Option<ReadMessage<A>>,
}

impl<A> DatagramReader<'_, A> {
    /// Decides whether one datagram is the reply.
    pub(super) fn accept(&mut self, datagram: &[u8]) -> DatagramVerdict {
        let counters = &self.server.path(Transport::Udp).counters;
        match self.reader.read(datagram) {
            ReadMessage::WrongId => {
                counters.wrong_ids.add();
                return DatagramVerdict::GiveUp(SpoofSignal::WrongId);
            }
            ReadMessage::Reply { case_kept: false, .. } if self.reader.query.cased => {
                counters.wrong_cases.add();
                return DatagramVerdict::GiveUp(SpoofSignal::WrongCase);
            }
            ReadMessage::Reply { cookie, .. } if self.reader.lacks_cookie(cookie.as_ref()) => {
                counters.wrong_cookies.add();
                return DatagramVerdict::GiveUp(SpoofSignal::WrongCookie);
            }
            reply @ ReadMessage::Reply { .. } => {
                self.reply = Some(reply);
                return DatagramVerdict::Accept;
            }
            ReadMessage::Stray => counters.strays.add(),
            ReadMessage::Malformed => {
                counters.unusable.add();
                self.seen.malformed.store(true, Relaxed);
            }
        }
        self.strays += 1;
        if self.strays < limits::STRAYS {
            DatagramVerdict::Ignore
        } else {
            DatagramVerdict::GiveUp(SpoofSignal::Strays)
        }
    }
}
