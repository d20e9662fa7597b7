//! An answer in the form of a message.

use std::sync::Arc;

use rhumb_cache::{LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, Rcode, Type, header, rdata};

use super::failure::IterationFailure;
use crate::exchange::AttemptReport;
use crate::question::OutboundQuestion;

/// An answer out of what authoritative servers said.
#[derive(Debug)]
pub struct IteratedAnswer {
    /// A message of our own making: the question in lower case, the answer, what proves it if DO was asked; AD where all of it was
    /// validated and is secure.
    pub message: Vec<u8>,
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// Everything that was sent for it.
    pub attempts: Vec<AttemptReport>,
}

/// Writes the message for a chain of records. Errors: `TooLong`.
pub(super) fn written(
    question: &OutboundQuestion,
    chain: &[Arc<LearntRecords>],
    now: u32,
    attempts: Vec<AttemptReport>,
) -> Result<IteratedAnswer, IterationFailure> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let mut compression = NameCompression::default();
    let limit = buffer.len();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    let denied = chain.iter().any(|learnt| learnt.content == RecordContent::NameError);
    let rcode = if denied { Rcode::NXDOMAIN } else { Rcode::NOERROR };
    write(&mut w, question, chain, now).map_err(|BufferFull| IterationFailure::TooLong)?;
    let secure = chain.iter().all(|learnt| learnt.security == SecurityStatus::Secure);
    let authentic = if secure && !question.checking_disabled { header::AD } else { 0 };
    let checking = if question.checking_disabled { header::CD } else { 0 };
    let length = w.finish(0, header::QR | header::RD | header::RA | authentic | checking | rcode.0);
    buffer.truncate(length);
    buffer.shrink_to_fit();
    let ttl = chain.iter().map(|learnt| learnt.left(now)).min().unwrap_or(0);
    Ok(IteratedAnswer { message: buffer, rcode, ttl, attempts })
}

fn write(
    w: &mut MessageWriter<'_, '_>,
    question: &OutboundQuestion,
    chain: &[Arc<LearntRecords>],
    now: u32,
) -> Result<(), BufferFull> {
    w.question(question.name.as_ref(), question.qtype, question.class)?;
    let signed = question.dnssec_ok;
    for learnt in chain {
        let Some(set) = learnt.records() else { continue };
        let ttl = learnt.left(now);
        for dname in learnt.attached.iter().filter(|set| set.rtype == Type::DNAME) {
            write_set(w, MessageSection::Answer, dname, ttl, signed)?;
        }
        write_set(w, MessageSection::Answer, set, ttl, signed)?;
    }
    let mut written: Vec<&RecordSet> = Vec::new();
    for learnt in chain {
        let ttl = learnt.left(now);
        for set in &learnt.attached {
            if written.iter().any(|other| other.rtype == set.rtype && other.owner == set.owner) {
                continue;
            }
            let wanted = match set.rtype {
                Type::SOA => learnt.is_denial(),
                Type::NSEC | Type::NSEC3 => signed,
                _ => false,
            };
            if wanted {
                written.push(set);
                write_set(w, MessageSection::Authority, set, ttl, signed)?;
            }
        }
    }
    Ok(())
}

fn write_set(
    w: &mut MessageWriter<'_, '_>,
    section: MessageSection,
    set: &RecordSet,
    ttl: u32,
    signed: bool,
) -> Result<(), BufferFull> {
    let records = set.records.iter().map(|rdata| (set.rtype, rdata));
    let signatures = set.signatures.iter().filter(|_| signed).map(|rdata| (Type::RRSIG, rdata));
    for (rtype, rdata) in records.chain(signatures) {
        w.record(section, set.owner.as_ref(), rtype, Class::IN, ttl, |w| rdata::write(w, rtype, rdata))?;
    }
    Ok(())
}
