//! What is asked of a zone, and what was answered.

use rhumb_wire::{NameRef, Rcode, Type};

use crate::contents::ZoneContents;

/// The zones served here, where a chain of aliases may go on.
pub trait ZoneFinder {
    /// The zone with the longest name at or above `name`.
    fn find(&self, name: NameRef<'_>) -> Option<FoundZone<'_>>;
}

/// A zone that was found.
#[derive(Debug, Clone, Copy)]
pub enum FoundZone<'a> {
    /// It is loaded.
    Contents(&'a ZoneContents),
    /// It is served here and not loaded.
    NotReady,
}

/// No zone but the one asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneZone;

impl ZoneFinder for OneZone {
    fn find(&self, _: NameRef<'_>) -> Option<FoundZone<'_>> {
        None
    }
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct AnswerRequest<'q> {
    /// QNAME, as it was asked.
    pub name: NameRef<'q>,
    /// QTYPE.
    pub qtype: Type,
    /// Whether signatures and proofs are wanted (the DO bit).
    pub dnssec_ok: bool,
    /// Whether ANY gets one RRset instead of all (RFC 8482).
    pub minimal_any: bool,
}

/// What was answered. The sections are in the writer; the header is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerSummary {
    /// The response code.
    pub rcode: Rcode,
    /// AA: everything but a referral.
    pub authoritative: bool,
    /// TC: something that belongs to the answer did not fit.
    pub truncated: bool,
    /// CNAME and DNAME records followed.
    pub links: u8,
    /// What kind of answer it is.
    pub kind: AnswerKind,
}

/// Kinds of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// The RRset that was asked for, perhaps at the end of a chain.
    Answer,
    /// A delegation to other servers.
    Referral,
    /// The name exists and the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// A chain of aliases that leaves what is served here, or that is too long, or that goes round.
    Chain,
    /// The name that a DNAME leads to is too long (RFC 6672 section 2.2).
    Overflow,
    /// The name does not lie in the zone: nothing was written, the response code is REFUSED.
    OutOfZone,
}

/// CNAME and DNAME records followed for one question.
pub const MAX_LINKS: u8 = 8;
