//! The message.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{BufferFull, MessageWriter, NameBuf, Rcode, Type, header, rdata};

use super::records::{ByteRange, ScrubbedRecords, ScrubbedSet};
use crate::exchange::UnusableReply;
use crate::question::OutboundQuestion;

/// A pointer to the question's name.
const TO_QUESTION: [u8; 2] = [0xc0, header::LENGTH as u8];

/// Errors: `TooLong`.
pub(super) fn message(
    records: &ScrubbedRecords,
    sets: &[ScrubbedSet],
    question: &OutboundQuestion,
    rcode: Rcode,
) -> Result<Vec<u8>, UnusableReply> {
    let mut name = NameBuf::new();
    name.set_lowercase(question.name.as_ref());
    let size =
        header::LENGTH + name.as_ref().len() + 4 + sets.iter().map(|set| size(records, set)).sum::<usize>();
    let mut buffer = vec![0; size.min(usize::from(u16::MAX))];
    let mut compression = NameCompression::default();
    let limit = buffer.len();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    let written = w.question(name.as_ref(), question.qtype, question.class).and_then(|()| {
        sets.iter().try_for_each(|set| {
            let at_question = records.bytes(set.owner).eq_ignore_ascii_case(name.as_ref().as_bytes());
            write_set(&mut w, records, question, set, at_question)
        })
    });
    written.map_err(|BufferFull| UnusableReply::TooLong)?;
    let checking = if question.checking_disabled { header::CD } else { 0 };
    let length = w.finish(0, header::QR | header::RD | header::RA | checking | rcode.0 & header::RCODE);
    buffer.truncate(length);
    buffer.shrink_to_fit();
    Ok(buffer)
}

/// The bytes of a set if no name in it were compressed, or more.
fn size(records: &ScrubbedRecords, set: &ScrubbedSet) -> usize {
    let owner = records.bytes(set.owner).len().max(TO_QUESTION.len());
    let spans = set.members.iter().chain(&set.signatures);
    spans.map(|&rdata| owner + 10 + records.bytes(rdata).len()).sum()
}

fn write_set(
    w: &mut MessageWriter<'_, '_>,
    records: &ScrubbedRecords,
    question: &OutboundQuestion,
    set: &ScrubbedSet,
    at_question: bool,
) -> Result<(), BufferFull> {
    let members = set.members.iter().map(|&rdata| (set.rtype, rdata));
    let signatures = set.signatures.iter().map(|&rdata| (Type::RRSIG, rdata));
    for (rtype, span) in members.chain(signatures) {
        write_owner(w, records, set.owner, at_question)?;
        w.u16(rtype.0)?;
        w.u16(question.class.0)?;
        w.u32(set.ttl)?;
        w.with_length(|w| rdata::write(w, rtype, records.bytes(span)))?;
        w.count(set.section);
    }
    Ok(())
}

/// The table of the compression may be full of a long name's suffixes; the pointer to the question is always to be had.
fn write_owner(
    w: &mut MessageWriter<'_, '_>,
    records: &ScrubbedRecords,
    owner: ByteRange,
    at_question: bool,
) -> Result<(), BufferFull> {
    if at_question { w.bytes(&TO_QUESTION) } else { w.name(records.name(owner)) }
}
