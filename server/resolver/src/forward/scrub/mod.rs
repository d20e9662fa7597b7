//! From an upstream's reply to a message of our own: only what belongs to the question, in order, within bounds.
//!
//! What an upstream says beside the question is neither believed nor passed on (the poisoning cases of RFC 5452 section
//! 6 and RFC 2181 section 5.4.1 have nothing to hold on to).

mod chain;
mod proof;
mod records;
mod write;

use rhumb_wire::{MessageSection, MessageView, Rcode, Type, header};

use super::limits;
use crate::exchange::{ExtendedReason, ReadAnswer, UnusableReply, whole_rcode};
use crate::question::OutboundQuestion;
use chain::AnswerChain;
use records::{ScrubbedRecords, ScrubbedSet};

/// An answer without anything that was not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubbedAnswer {
    /// A whole message: id 0; QR, RD, RA set, AA, TC, AD cleared, CD as asked; the question with its name in lower case
    /// and uncompressed at offset 12; the answer section as the chain of CNAME and DNAME from the question in order and
    /// the records it ends in; the SOA of a denial in the authority section; nothing else, and no OPT. Signatures and
    /// denial records are there if DO was asked, also those that prove the expansion of a wildcard (RFC 4035 section
    /// 3.1.3.3). Each owner equal to the question's name is a pointer to offset 12. Records of one `RRset` have one TTL.
    pub message: Vec<u8>,
    /// NOERROR or NXDOMAIN.
    pub rcode: Rcode,
    /// How long it may be kept, in seconds: the least TTL in it; with a denial also no longer than the SOA allows (RFC
    /// 2308 section 5), 0 without a SOA unless an alias stands there.
    pub ttl: u32,
    /// Whether it denies the name or the type at the end of its chain.
    pub negative: bool,
    /// Whether AD was set.
    pub authentic: bool,
    /// An extended error that came with it.
    pub reason: Option<ExtendedReason>,
    /// Whether anything but an empty message stood there.
    pub substantial: bool,
}

/// Makes a message of our own of a reply to `question`, of which id and question were checked already.
///
/// Errors: see [`UnusableReply`].
pub fn scrub(reply: &[u8], question: &OutboundQuestion) -> Result<ScrubbedAnswer, UnusableReply> {
    let message = MessageView::parse(reply).map_err(|_| UnusableReply::Malformed)?;
    let edns = message.edns().map_err(|_| UnusableReply::Malformed)?;
    let rcode = whole_rcode(&message.header(), edns);
    let head = message.header();
    let flags = head.flags & (header::QR | header::TC | header::OPCODE);
    if flags != header::QR || !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        return Err(UnusableReply::NoAnswer);
    }
    let mut records = ScrubbedRecords::read(&message, question)?;
    let walk = AnswerChain::new(&mut records, question)?;
    if walk.found && rcode == Rcode::NXDOMAIN {
        return Err(UnusableReply::Contradiction);
    }
    let mut sets = walk.sets;
    let mut ttl = least_ttl(&sets);
    let proof = proof::find(&records, &sets, walk.end, !walk.found)?;
    if !walk.found {
        let soa = proof.denied_for;
        if sets.is_empty() && soa.is_none() {
            refuse_emptiness(&records, head.flags & header::AA != 0, rcode)?;
        }
        // An alias without its target is good as it stands: the target is asked for.
        let alias = !sets.is_empty() && rcode == Rcode::NOERROR;
        ttl = soa.map_or(if alias { ttl } else { 0 }, |seconds| seconds.min(ttl));
    }
    let substantial = !sets.is_empty() || !proof.sets.is_empty();
    ttl = ttl.min(least_ttl(&proof.sets));
    sets.extend(proof.sets);
    let message = write::message(&records, &sets, question, rcode)?;
    let authentic = head.flags & header::AD != 0;
    let reason = ExtendedReason::of(edns);
    Ok(ScrubbedAnswer { message, rcode, ttl, negative: !walk.found, authentic, reason, substantial })
}

/// The same as an exchange wants it. Errors: as [`scrub`].
pub(super) fn read_scrubbed(
    reply: &[u8],
    question: &OutboundQuestion,
) -> Result<ReadAnswer<ScrubbedAnswer>, UnusableReply> {
    let answer = scrub(reply, question)?;
    let substantial = answer.substantial;
    Ok(ReadAnswer { answer, substantial })
}

fn least_ttl(sets: &[ScrubbedSet]) -> u32 {
    sets.iter().map(|set| set.ttl).min().unwrap_or(limits::TTL)
}

/// Tells an empty answer, which sloppy forwarders give in place of a proper denial, from a reply that answers nothing.
fn refuse_emptiness(
    records: &ScrubbedRecords,
    authoritative: bool,
    rcode: Rcode,
) -> Result<(), UnusableReply> {
    if records.answers > 0 {
        return Err(UnusableReply::Unrelated);
    }
    // RFC 2308 section 2.2: NS and no SOA is a referral, unless the one who says so is the authority itself.
    let mut authority = records.items(MessageSection::Authority);
    match authority.find(|record| record.rtype == Type::NS) {
        Some(cut) if rcode == Rcode::NOERROR && !authoritative => {
            let labels = records.name(cut.owner).label_count();
            Err(UnusableReply::Referral(labels.try_into().unwrap_or(u8::MAX)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
