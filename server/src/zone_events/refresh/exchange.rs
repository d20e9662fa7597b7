//! One question to a primary, and the messages of its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb_wire::compress::NameCompression;
use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::tsig::{ResponseError, ResponseVerifier, TsigKey, sign_request};
use rhumb_wire::{
    BufferFull, Class, DomainName, MessageSection, MessageView, MessageWriter, NameRef, Opcode, Rcode, Type,
    edns,
};
use rhumb_zones::ZoneContents;
use tokio::time::timeout_at;

use super::connection::PrimaryConnection;
use super::failure::RefreshFailure;
use crate::zone_events::wall_clock::unix_time;

/// The longest request: header, question, SOA of three names, OPT, TSIG.
const LONGEST: usize = 2048;
/// How long the first message of an answer may take.
const FIRST: Duration = Duration::from_secs(30);
/// A transfer has to bring so many bytes in each such time.
const WINDOW: Duration = Duration::from_mins(5);
const LEAST_IN_WINDOW: u64 = 10 << 10;
/// How long a transfer may take in all.
const WHOLE: Duration = Duration::from_hours(2);

/// The messages that answer one question.
#[derive(Debug)]
pub(super) struct PrimaryAnswer<'c> {
    connection: &'c mut PrimaryConnection,
    id: u16,
    question: (DomainName, Type),
    verifier: Option<ResponseVerifier>,
    begun: Instant,
    /// Since when so many bytes have come.
    window: (Instant, u64),
    /// Bytes of all messages.
    pub(super) bytes: u64,
    is_first: bool,
}

/// Asks for `qtype` of a zone; `base` is what the difference is to be to, for IXFR. The answer has an OPT that says when the zone
/// expires (RFC 7314).
///
/// Errors: the request cannot be sent.
pub(super) async fn ask<'c>(
    connection: &'c mut PrimaryConnection,
    zone: NameRef<'_>,
    qtype: Type,
    base: Option<&ZoneContents>,
    key: Option<&Arc<TsigKey>>,
) -> Result<PrimaryAnswer<'c>, RefreshFailure> {
    let SignedRequest { id, message, verifier } = signed_request(zone, qtype, base, key)?;
    connection.send(&message).await?;
    let begun = Instant::now();
    let question = (zone.to_name(), qtype);
    Ok(PrimaryAnswer {
        connection,
        id,
        question,
        verifier,
        begun,
        window: (begun, 0),
        bytes: 0,
        is_first: true,
    })
}

/// A request, and what its answer is verified by.
pub(super) struct SignedRequest {
    pub(super) id: u16,
    pub(super) message: Vec<u8>,
    pub(super) verifier: Option<ResponseVerifier>,
}

/// Writes a request as [`ask`] sends it.
///
/// Errors: there are no random numbers.
pub(super) fn signed_request(
    zone: NameRef<'_>,
    qtype: Type,
    base: Option<&ZoneContents>,
    key: Option<&Arc<TsigKey>>,
) -> Result<SignedRequest, RefreshFailure> {
    let mut id = [0; 2];
    rhumb_net::random(&mut id).map_err(RefreshFailure::Connect)?;
    let id = u16::from_be_bytes(id);
    let mut buffer = [0; LONGEST];
    let length = request(zone, qtype, base, id, &mut buffer).map_err(|BufferFull| RefreshFailure::Answer)?;
    let (length, verifier) = match key {
        None => (length, None),
        Some(key) => {
            let signed = sign_request(key, &mut buffer, length, unix_time());
            let (length, verifier) = signed.map_err(|BufferFull| RefreshFailure::Answer)?;
            (length, Some(verifier))
        }
    };
    Ok(SignedRequest { id, message: buffer.get(..length).unwrap_or(&[]).to_vec(), verifier })
}

fn request(
    zone: NameRef<'_>,
    qtype: Type,
    base: Option<&ZoneContents>,
    id: u16,
    buffer: &mut [u8],
) -> Result<usize, BufferFull> {
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(buffer, LONGEST, &mut compression);
    w.question(zone, qtype, Class::IN)?;
    let soa = base.filter(|_| qtype == Type::IXFR).and_then(ZoneContents::soa);
    if let Some(record) = soa.and_then(|soa| soa.records().next()) {
        let mut rdata = Vec::new();
        record.rdata(&mut rdata);
        w.record(MessageSection::Authority, zone, Type::SOA, Class::IN, 0, |w| w.bytes(&rdata))?;
    }
    // The size of what comes by UDP, and an empty EXPIRE.
    w.record(MessageSection::Additional, NameRef::ROOT, Type::OPT, Class(1232), 0, |w| {
        w.bytes(&edns::EXPIRE.to_be_bytes())?;
        w.bytes(&[0, 0])
    })?;
    Ok(w.finish(id, u16::from(Opcode::QUERY.0) << 11))
}

impl PrimaryAnswer<'_> {
    /// The next message without its TSIG, whose signature is good.
    ///
    /// Errors: see [`RefreshFailure`].
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, RefreshFailure> {
        let (since, bytes) = self.window;
        let deadline = if self.is_first { self.begun + FIRST } else { since + WINDOW };
        let received = timeout_at(deadline.min(self.begun + WHOLE).into(), self.connection.recv()).await;
        let received = received.map_err(|_| RefreshFailure::Timeout)?;
        let mut message = received
            .map_err(|error| RefreshFailure::Connection(error.to_string()))?
            .ok_or(RefreshFailure::Closed)?;
        let is_first = std::mem::replace(&mut self.is_first, false);
        self.bytes += message.len() as u64;
        let now = Instant::now();
        if self.bytes - bytes >= LEAST_IN_WINDOW {
            self.window = (now, self.bytes);
        }
        let head = MessageHeader::parse(&message).ok_or(RefreshFailure::Answer)?;
        let is_answer = head.id == self.id && head.is_response() && head.opcode() == Opcode::QUERY;
        if !is_answer || is_first && !self.is_question(&message) {
            return Err(RefreshFailure::Answer);
        }
        if let Some(verifier) = &mut self.verifier {
            let end = verify(verifier, &message, head)?;
            cut_signature(&mut message, end, head);
        }
        Ok(message)
    }

    /// Whether a message has the question that was asked, or none.
    fn is_question(&self, message: &[u8]) -> bool {
        let (zone, qtype) = &self.question;
        let question = MessageView::parse(message).ok().and_then(|view| view.question().ok());
        question.is_some_and(|question| {
            question.is_none_or(|asked| {
                asked.name == zone.as_ref() && asked.qtype == *qtype && asked.class == Class::IN
            })
        })
    }

    /// Whether the answer may end here, as far as its signatures go.
    ///
    /// Errors: the last message is not signed.
    pub(super) fn end(&self) -> Result<(), RefreshFailure> {
        match &self.verifier {
            Some(verifier) if !verifier.is_complete() => Err(ResponseError::NotSigned.into()),
            _ => Ok(()),
        }
    }
}

/// Verifies a message that came; gives where its TSIG begins, or its end.
///
/// Errors: the signature is not good. A server that does not know the key or has nothing for us says so without one.
pub(super) fn verify(
    verifier: &mut ResponseVerifier,
    message: &[u8],
    head: MessageHeader,
) -> Result<usize, RefreshFailure> {
    verifier.verify(message, unix_time()).map_err(|error| match (error, Rcode(head.rcode_low())) {
        (ResponseError::NotSigned, rcode) if rcode != Rcode::NOERROR => RefreshFailure::UnsignedRcode(rcode),
        (error, _) => error.into(),
    })
}

/// Takes the TSIG away that stands at `end`, if one does.
pub(super) fn cut_signature(message: &mut Vec<u8>, end: usize, head: MessageHeader) {
    if end < message.len() {
        message.truncate(end);
        let additionals = head.additionals.saturating_sub(1);
        if let Some(count) = message.get_mut(header::LENGTH - 2..header::LENGTH) {
            count.copy_from_slice(&additionals.to_be_bytes());
        }
    }
}

/// Seconds until the zone expires at the server that sent the message (RFC 7314 section 3.3).
pub(super) fn expire_option(message: &[u8]) -> Option<u32> {
    let opt = MessageView::parse(message).ok()?.edns().ok()??;
    opt.options.find(edns::EXPIRE)?.try_into().ok().map(u32::from_be_bytes)
}
