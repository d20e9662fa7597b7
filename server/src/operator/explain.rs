//! `rhumb explain`: a question of our own making, and its answer in words.

use std::time::Duration;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{self, write_opt};
use rhumb_wire::{Class, MessageSection, MessageView, MessageWriter, NameBuf, NameRef, Type, header, rdata};
use rhumb_zones::RecordIdentity;
use rhumb_zones::file::rdata_text;

use super::explanation::{AnswerExplanation, ExplanationStep, UpstreamAttempt};
use super::record_sources::AnsweredRecord;
use crate::recursion::TriedServer;

/// Flags of a header by the words of dig.
const FLAGS: [(u16, &str); 7] = [
    (header::QR, "qr"),
    (header::AA, "aa"),
    (header::TC, "tc"),
    (header::RD, "rd"),
    (header::RA, "ra"),
    (header::AD, "ad"),
    (header::CD, "cd"),
];

/// A query as a stub resolver sends it, with EDNS.
pub(super) fn query(name: NameRef<'_>, rtype: Type) -> Vec<u8> {
    let mut buffer = vec![0; 512];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 512, &mut compression);
    // A question and an OPT fit 512 bytes whatever the name.
    let _ = w.question(name, rtype, Class::IN);
    if write_opt(&mut w, 1232, 0, 0, |_| Ok(())).is_ok() {
        w.count(MessageSection::Additional);
    }
    let length = w.finish(1, header::RD);
    buffer.truncate(length);
    buffer
}

/// Tells `message`, and how it came about. Errors: the message cannot be read.
pub(super) fn explanation(
    message: &[u8],
    steps: Vec<ExplanationStep>,
    tried: &[TriedServer],
    took: Duration,
) -> Result<AnswerExplanation, String> {
    let unreadable = |error| format!("the answer cannot be read: {error}");
    let parsed = MessageView::parse(message).map_err(unreadable)?;
    let flags = FLAGS.iter().filter(|(bit, _)| parsed.header().flags & bit != 0);
    let mut told = AnswerExplanation {
        steps,
        rcode: parsed.rcode().map_err(unreadable)?.to_string(),
        flags: flags.map(|(_, word)| (*word).to_owned()).collect(),
        tried: tried.iter().map(attempt).collect(),
        ede: errors(&parsed),
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        ..AnswerExplanation::default()
    };
    for record in parsed.records() {
        let record = record.map_err(unreadable)?;
        let section = match record.section {
            MessageSection::Answer => &mut told.answer,
            MessageSection::Authority => &mut told.authority,
            _ if record.rtype == Type::OPT => continue,
            _ => &mut told.additional,
        };
        section.push(record_text(&record)?);
    }
    Ok(told)
}

/// The records of `message` that can come from a zone.
///
/// Errors: it cannot be read, in words.
pub(super) fn answered(message: &[u8]) -> Result<Vec<AnsweredRecord>, String> {
    let unreadable = |error| format!("the answer cannot be read: {error}");
    let parsed = MessageView::parse(message).map_err(unreadable)?;
    let mut all = Vec::new();
    for record in parsed.records() {
        let record = record.map_err(unreadable)?;
        if record.rtype == Type::OPT {
            continue;
        }
        let (mut owner, mut data) = (NameBuf::new(), Vec::new());
        record.owner(&mut owner).map_err(|error| error.to_string())?;
        rdata::expand(&record, &mut data).map_err(|error| error.to_string())?;
        let covered = data.first_chunk::<2>().filter(|_| record.rtype == Type::RRSIG);
        all.push(AnsweredRecord {
            text: record_text(&record)?,
            identity: RecordIdentity::new(owner.as_ref(), record.rtype, &data),
            covered: covered.map_or(record.rtype, |covered| Type(u16::from_be_bytes(*covered))),
        });
    }
    Ok(all)
}

/// A record in presentation form. Errors: it cannot be read, in words.
pub(super) fn record_text(record: &rhumb_wire::MessageRecord<'_>) -> Result<String, String> {
    let mut owner = NameBuf::new();
    record.owner(&mut owner).map_err(|error| error.to_string())?;
    let mut data = Vec::new();
    rdata::expand(record, &mut data).map_err(|error| error.to_string())?;
    let (owner, rtype) = (owner.as_ref(), record.rtype);
    Ok(format!("{owner} {} {} {rtype} {}", record.ttl, record.class, rdata_text(rtype, &data)))
}

fn attempt(tried: &TriedServer) -> UpstreamAttempt {
    UpstreamAttempt {
        upstream: tried.upstream.clone(),
        transport: tried.transport.to_owned(),
        outcome: tried.outcome.clone(),
        ms: tried.ms,
    }
}

/// The extended errors of an answer: number and text.
fn errors(message: &MessageView<'_>) -> Vec<String> {
    let Ok(Some(opt)) = message.edns() else { return Vec::new() };
    opt.options
        .into_iter()
        .filter(|(code, _)| *code == edns::EXTENDED_ERROR)
        .filter_map(|(_, value)| value.split_first_chunk::<2>())
        .map(|(code, text)| {
            let code = u16::from_be_bytes(*code);
            let name = edns::ExtendedError::name(code).unwrap_or("unassigned");
            format!("{code} ({name}) {}", String::from_utf8_lossy(text)).trim_end().to_owned()
        })
        .collect()
}
