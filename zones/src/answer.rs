//! Answers from zone contents (RFC 1034 section 4.3.2 and what has clarified it since).
//!
//! Choices where the RFCs leave one: responses are minimal, no NS records are added to an answer. ANY gets one RRset
//! (RFC 8482 section 4.1), the one of the lowest type that is not DNSSEC's, or the CNAME alone. Addresses of the
//! targets of NS, MX, SRV, SVCB and HTTPS that lie in the zone are added where there is room. A chain ends after
//! [`MAX_LINKS`] links, and at once where it comes back to a name it had. What does not fit is left out RRset by
//! RRset, with TC for all but additional addresses.

mod additional;
mod assembly;
mod chain;
mod denial;
mod position;
mod proofs;
mod request;
mod steps;
mod write;

use rhumb_wire::MessageWriter;

use crate::contents::ZoneContents;
use assembly::{AnswerAssembly, MessageFull, NextStep};
use position::ChainName;

pub use request::{AnswerKind, AnswerRequest, AnswerSummary, FoundZone, MAX_LINKS, OneZone, ZoneFinder};

/// Answers `asked` from `zone`. The question is written in `w` already and nothing else.
///
/// Nothing is allocated, and the work is bounded by the size of a message and by [`MAX_LINKS`].
pub fn answer(
    zone: &ZoneContents,
    asked: &AnswerRequest<'_>,
    zones: &impl ZoneFinder,
    w: &mut MessageWriter<'_, '_>,
) -> AnswerSummary {
    let mut assembly = AnswerAssembly::new(zone, asked, w);
    let done = match assembly.step(&ChainName::question(asked.name)) {
        Ok(NextStep::Done) => Ok(()),
        Ok(NextStep::Follow(target)) => assembly.follow(target, zones),
        Err(MessageFull) => Err(MessageFull),
    };
    if done.and_then(|()| assembly.prove_expansions()).is_err() {
        assembly.reply.truncated = true;
    }
    assembly.reply
}
