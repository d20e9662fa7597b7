//! An answer in the form of a message.

use std::sync::Arc;

use rhumb_cache::{LearntRecords, RecordContent, RecordSet, STALE_TTL, SecurityStatus};
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{BufferFull, Class, MessageSection, MessageWriter, Rcode, Type, header, rdata};

use super::failure::IterationFailure;
use super::question_cost::QuestionCost;
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
    /// Whether it goes to the end of its aliases; one that does not ends in a name that is resolved elsewhere.
    pub whole: bool,
    /// Whether all of it is kept as records, so that it can be made again.
    pub kept: bool,
    /// Everything that was sent for it.
    pub attempts: Vec<AttemptReport>,
    /// What it took.
    pub cost: QuestionCost,
    /// The iterations of NSEC3 because of which a zone counts as unsigned, where there is one (RFC 9276 section 3.2).
    pub refused_iterations: Option<u16>,
}

/// Nearly every answer fits into so many bytes.
const USUAL_SIZE: usize = 2048;

/// What a message is written from.
pub(super) struct AnswerParts<'a> {
    pub(super) question: &'a OutboundQuestion,
    /// The records along the chain from the name asked.
    pub(super) chain: &'a [Arc<LearntRecords>],
    /// Servers that are named beside them, with their addresses.
    pub(super) servers: Option<Arc<LearntRecords>>,
    /// Seconds of the cache's clock. What has run out by then is given as stale (RFC 8767).
    pub(super) now: u32,
}

impl AnswerParts<'_> {
    /// The answer. Errors: `TooLong`.
    pub(super) fn resolution(
        &self,
        attempts: Vec<AttemptReport>,
        cost: QuestionCost,
    ) -> Result<IteratedAnswer, IterationFailure> {
        let denied = self.chain.iter().any(|learnt| learnt.content == RecordContent::NameError);
        let rcode = if denied { Rcode::NXDOMAIN } else { Rcode::NOERROR };
        let fresh = |learnt: &Arc<LearntRecords>| learnt.left(self.now) > 0 || learnt.ttl == 0;
        let secure = |learnt: &Arc<LearntRecords>| learnt.security == SecurityStatus::Secure && fresh(learnt);
        let secure = !self.chain.is_empty() && self.chain.iter().all(secure);
        let authentic = if secure && !self.question.checking_disabled { header::AD } else { 0 };
        let message = self.message(rcode, authentic)?;
        let ttl = self.chain.iter().map(|learnt| learnt.left(self.now)).min().unwrap_or(0);
        let whole = self.chain.last().is_some_and(|last| last.target(self.question.qtype).is_none());
        let (kept, refused_iterations) = (false, None);
        Ok(IteratedAnswer { message, rcode, ttl, whole, kept, attempts, cost, refused_iterations })
    }

    /// A message of this code. Errors: `TooLong`.
    pub(super) fn message(&self, rcode: Rcode, flags: u16) -> Result<Vec<u8>, IterationFailure> {
        let checking = if self.question.checking_disabled { header::CD } else { 0 };
        let flags = header::QR | header::RD | header::RA | flags | checking | rcode.0;
        let mut small = [0; USUAL_SIZE];
        if let Ok(length) = self.write_message(&mut small, flags) {
            return Ok(small.get(..length).unwrap_or_default().to_vec());
        }
        let mut large = vec![0; usize::from(u16::MAX)];
        let length = self.write_message(&mut large, flags).map_err(|BufferFull| IterationFailure::TooLong)?;
        Ok(large.get(..length).unwrap_or_default().to_vec())
    }

    /// Writes the message into `buffer`; its length in bytes. Errors: it does not fit.
    fn write_message(&self, buffer: &mut [u8], flags: u16) -> Result<usize, BufferFull> {
        let mut compression = NameCompression::default();
        let limit = buffer.len();
        let mut w = MessageWriter::new(buffer, limit, &mut compression);
        self.write(&mut w)?;
        Ok(w.finish(0, flags))
    }

    fn ttl(&self, learnt: &LearntRecords) -> u32 {
        if learnt.ttl == 0 {
            0
        } else {
            Some(learnt.left(self.now)).filter(|left| *left > 0).unwrap_or(STALE_TTL)
        }
    }

    fn write(&self, w: &mut MessageWriter<'_, '_>) -> Result<(), BufferFull> {
        let OutboundQuestion { name, qtype, class, dnssec_ok: signed, .. } = self.question;
        w.question(name.as_ref(), *qtype, *class)?;
        for learnt in self.chain {
            let Some(set) = learnt.records() else { continue };
            let ttl = self.ttl(learnt);
            for dname in learnt.attached.iter().filter(|set| set.rtype == Type::DNAME) {
                write_set(w, MessageSection::Answer, dname, ttl, *signed)?;
            }
            write_set(w, MessageSection::Answer, set, ttl, *signed)?;
        }
        self.write_proofs(w)?;
        self.write_servers(w)
    }

    fn write_proofs(&self, w: &mut MessageWriter<'_, '_>) -> Result<(), BufferFull> {
        let signed = self.question.dnssec_ok;
        let mut written: Vec<&RecordSet> = Vec::new();
        for learnt in self.chain {
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
                    write_set(w, MessageSection::Authority, set, self.ttl(learnt), signed)?;
                }
            }
        }
        Ok(())
    }

    fn write_servers(&self, w: &mut MessageWriter<'_, '_>) -> Result<(), BufferFull> {
        let Some(servers) = &self.servers else { return Ok(()) };
        let (Some(set), ttl) = (servers.records(), self.ttl(servers)) else { return Ok(()) };
        let answered =
            |learnt: &Arc<LearntRecords>| learnt.rtype == Type::NS && learnt.owner == servers.owner;
        if !self.chain.iter().any(answered) {
            write_set(w, MessageSection::Authority, set, ttl, false)?;
        }
        for glue in &servers.attached {
            write_set(w, MessageSection::Additional, glue, ttl, false)?;
        }
        Ok(())
    }
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
