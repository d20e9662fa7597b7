//! An answer being assembled.

use rhumb_wire::{MessageWriter, Rcode};

use super::proofs::DenialProofs;
use super::request::{AnswerKind, AnswerRequest, AnswerSummary};
use crate::contents::ZoneContents;

/// Something that belongs to the answer does not fit.
pub(super) struct MessageFull;

/// What to do next.
pub(super) enum NextStep {
    Done,
    /// Go on with the name at this offset of the message.
    Follow(usize),
}

/// An answer being assembled.
pub(super) struct AnswerAssembly<'z, 'a, 'w, 'b, 'c> {
    pub(super) zone: &'z ZoneContents,
    pub(super) asked: &'a AnswerRequest<'a>,
    pub(super) w: &'w mut MessageWriter<'b, 'c>,
    pub(super) reply: AnswerSummary,
    /// Whether the question's name lies in `zone`.
    pub(super) local: bool,
    /// There to be filled for those alone who want proof: most do not, and empty arrays cost time too.
    pub(super) proofs: Option<DenialProofs<'z>>,
}

impl<'z, 'a, 'w, 'b, 'c> AnswerAssembly<'z, 'a, 'w, 'b, 'c> {
    pub(super) fn new(
        zone: &'z ZoneContents,
        asked: &'a AnswerRequest<'a>,
        w: &'w mut MessageWriter<'b, 'c>,
    ) -> Self {
        let reply = AnswerSummary {
            rcode: Rcode::NOERROR,
            authoritative: true,
            truncated: false,
            links: 0,
            kind: AnswerKind::Answer,
        };
        let proofs = asked.dnssec_ok.then(DenialProofs::default);
        Self { zone, asked, w, reply, local: true, proofs }
    }

    /// Whether signatures and proofs are to be added.
    pub(super) fn proves(&self) -> bool {
        self.asked.dnssec_ok && self.zone.is_signed()
    }
}
