//! What a resolution did, step by step, for those who ask how an answer came about. Nothing is kept for anybody else.

use std::sync::Arc;

use rhumb_cache::{LearntRecords, SecurityStatus};
use rhumb_wire::{DomainName, Type};

use super::failure::IterationFailure;
use super::zone_trust::ZoneTrust;
use crate::exchange::AttemptReport;
use crate::validate::{DigestOutcome, ProofRole, SignatureOutcome, ValidationFailure};

/// The most steps that are kept: more than the queries and signatures of one question make.
const MOST: usize = 4096;

/// One step of a resolution.
#[derive(Clone, Debug)]
pub struct ResolutionStep {
    /// Within how many other steps it was taken; the one around it is the last one before of a lower depth.
    pub depth: usize,
    /// What was done.
    pub event: ResolutionEvent,
}

/// What a step of a resolution did or found. Times are seconds; algorithms and digests are numbers of the IANA registries.
#[derive(Clone, Debug)]
pub enum ResolutionEvent {
    /// Records are looked for.
    Find {
        /// Their owner.
        name: DomainName,
        /// Their type.
        rtype: Type,
    },
    /// They were known already.
    Known {
        /// What was known.
        learnt: Arc<LearntRecords>,
        /// Since it was learnt.
        age: u32,
        /// Until it runs out.
        left: u32,
    },
    /// Proofs that came with other answers deny them (RFC 8198).
    KnownDenial {
        /// What they deny.
        denial: Arc<LearntRecords>,
        /// Until the first of them runs out.
        left: u32,
    },
    /// The servers that are asked next.
    Servers {
        /// Of this zone.
        zone: DomainName,
        /// How they are known.
        origin: ServersOrigin,
        /// How many there are.
        count: usize,
    },
    /// A message was sent.
    Query {
        /// The name that was asked for, which may be shorter than the one looked for.
        name: DomainName,
        /// The type that was asked for.
        rtype: Type,
        /// To whom, and what came of it.
        attempt: AttemptReport,
    },
    /// A copy of the root at hand had the reply, so that none of its servers was asked.
    RootCopy {
        /// The name that was asked for, which may be shorter than the one looked for.
        name: DomainName,
        /// The type that was asked for.
        rtype: Type,
    },
    /// Another look-up asked the same at this moment, and its reply was used.
    Shared {
        /// The name that it asked for.
        name: DomainName,
        /// The type that it asked for.
        rtype: Type,
    },
    /// What the reply says of the name that was asked for.
    Reply(ReplyMeaning),
    /// What was begun failed.
    Failed(IterationFailure),
    /// Records or a denial are validated.
    Validate {
        /// The owner.
        name: DomainName,
        /// The type; 0 for a name that does not exist.
        rtype: Type,
    },
    /// Whether records should be signed is found out, from the trust anchor down.
    Expect {
        /// The owner.
        name: DomainName,
    },
    /// The keys of a zone are looked for.
    Keys {
        /// The zone.
        zone: DomainName,
    },
    /// What the keys of a zone are trusted by, or why they need not be.
    Anchor(AnchorKind),
    /// A DS record, or a trust anchor.
    Digest {
        /// The zone.
        zone: DomainName,
        /// The tag of the key.
        tag: u16,
        /// The key's algorithm.
        algorithm: u8,
        /// How the digest is made.
        kind: u8,
        /// What became of it.
        outcome: DigestOutcome,
    },
    /// A signature.
    Signature {
        /// The owner of what is signed.
        owner: DomainName,
        /// Its type.
        rtype: Type,
        /// The zone that signed.
        signer: DomainName,
        /// The tag of the key.
        tag: u16,
        /// The algorithm.
        algorithm: u8,
        /// When it expires, in seconds since 1970.
        expires: u32,
        /// What became of it.
        outcome: SignatureOutcome,
    },
    /// A record that proves something of a denial.
    Proof(ProofRole),
    /// What was found out of the keys of a zone.
    Trust {
        /// The zone.
        zone: DomainName,
        /// The result.
        found: TrustFound,
        /// Whether it was known before.
        known: bool,
    },
    /// What validation found.
    Verdict(SecurityStatus),
}

impl ResolutionEvent {
    /// What is known at `now`, in seconds of the cache's clock.
    pub(super) fn known(learnt: &Arc<LearntRecords>, now: u32) -> Self {
        let age = now.saturating_sub(learnt.stored);
        Self::Known { learnt: Arc::clone(learnt), age, left: learnt.left(now) }
    }
}

/// How the servers of a zone are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServersOrigin {
    /// The configuration names them: root hints, a stub.
    Configured,
    /// They are the upstreams of a forwarded domain.
    Forward,
    /// By a delegation that is good for so many seconds more.
    Delegation(u32),
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyMeaning {
    /// Records, or an alias, of so many names.
    Records(usize),
    /// The name leads on to this one.
    Alias(DomainName),
    /// The name has no such records.
    NoData,
    /// The name does not exist.
    NameError,
    /// The servers of this zone know more: how many there are, and whether the parent says how it is signed.
    Referral(DomainName, usize, bool),
}

/// What validation begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorKind {
    /// The trust anchor of this zone.
    Trusted(DomainName),
    /// A domain that the configuration takes as insecure, until a moment in seconds since 1970 (RFC 7646).
    Negative(DomainName, Option<u32>),
    /// None lies at or above the name.
    Absent,
}

/// What was found out of the keys of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustFound {
    /// Its answers are signed by these keys: tag and algorithm of each.
    Secure(Vec<(u16, u8)>),
    /// They need not be signed, and why.
    Insecure(InsecureReason),
    /// They should be, and cannot be checked.
    Bogus(ValidationFailure),
}

impl TrustFound {
    pub(super) fn of(trust: &ZoneTrust) -> Self {
        match trust {
            ZoneTrust::Secure(keys) => {
                Self::Secure(keys.iter().map(|key| (key.tag(), key.algorithm())).collect())
            }
            ZoneTrust::Insecure => Self::Insecure(InsecureReason::Remembered),
            ZoneTrust::Bogus(why) => Self::Bogus(why.clone()),
        }
    }
}

/// Why a zone needs no signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsecureReason {
    /// Answers are not validated, no trust anchor covers it, or a negative one does.
    NotAnchored,
    /// What its parent says of it is insecure.
    ParentInsecure,
    /// Its parent proves that it has no DS.
    NoDs,
    /// None of its DS records has an algorithm and a digest that are known here (RFC 4035 section 5.2).
    UnknownAlgorithms,
    /// It was found out before.
    Remembered,
}

/// The steps of a resolution, where they are wanted.
#[derive(Debug, Default)]
pub(super) struct ResolutionTrace {
    steps: Option<Vec<ResolutionStep>>,
    depth: usize,
}

impl ResolutionTrace {
    /// One that keeps what is noted.
    pub(super) fn kept() -> Self {
        Self { steps: Some(Vec::new()), depth: 0 }
    }

    /// Whether somebody wants it.
    pub(super) const fn is_kept(&self) -> bool {
        self.steps.is_some()
    }

    /// Notes a step, where somebody wants to know.
    #[inline]
    pub(super) fn note(&mut self, event: impl FnOnce() -> ResolutionEvent) {
        if let Some(steps) = &mut self.steps
            && steps.len() < MOST
        {
            steps.push(ResolutionStep { depth: self.depth, event: event() });
        }
    }

    /// Notes a step that others are part of, until [`leave`](Self::leave) is given what this gives.
    #[inline]
    pub(super) fn enter(&mut self, event: impl FnOnce() -> ResolutionEvent) -> usize {
        self.note(event);
        self.depth += 1;
        self.depth - 1
    }

    /// Ends a step, and those within that were broken off.
    pub(super) const fn leave(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// What was noted.
    pub(super) fn take(&mut self) -> Vec<ResolutionStep> {
        self.steps.take().unwrap_or_default()
    }
}
