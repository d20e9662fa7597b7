//! Answers from zone contents (RFC 1034 section 4.3.2 and what has clarified it since).
//!
//! Choices where the RFCs leave one: responses are minimal, no NS records are added to an answer. ANY gets one RRset
//! (RFC 8482 section 4.1), the one of the lowest type that is not DNSSEC's, or the CNAME alone. Addresses of the
//! targets of NS, MX, SRV, SVCB and HTTPS that lie in the zone are added where there is room. A chain ends after
//! [`MAX_LINKS`] links, and at once where it comes back to a name it had. What does not fit is left out RRset by
//! RRset, with TC for all but additional addresses.

mod additional;
mod chain;
mod denial;
mod write;

use rhumb_wire::{MessageSection, MessageWriter, NameRef, Rcode, Type};

use crate::contents::ZoneContents;
use crate::contents::node::{NodeFlags, ZoneNode};
use crate::contents::set::FIXED;
use crate::lookup::{MatchKind, NameMatch};
use denial::DenialProofs;
use write::{ChainName, OwnerPosition};

/// CNAME and DNAME records followed for one question.
pub const MAX_LINKS: u8 = 8;
/// Where the question's name stands.
const QUESTION_AT: usize = rhumb_wire::header::LENGTH;

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

/// Answers `asked` from `zone`. The question is written in `w` already and nothing else.
///
/// Nothing is allocated, and the work is bounded by the size of a message and by [`MAX_LINKS`].
pub fn answer(
    zone: &ZoneContents,
    asked: &AnswerRequest<'_>,
    zones: &impl ZoneFinder,
    w: &mut MessageWriter<'_, '_>,
) -> AnswerSummary {
    let mut assembly = Assembly::new(zone, asked, w);
    let done = match assembly.step(&ChainName::question(asked.name)) {
        Ok(Step::Done) => Ok(()),
        Ok(Step::Follow(target)) => assembly.follow(target, zones),
        Err(Stop) => Err(Stop),
    };
    if done.and_then(|()| assembly.prove_expansions()).is_err() {
        assembly.reply.truncated = true;
    }
    assembly.reply
}

/// Something that belongs to the answer does not fit.
struct Stop;

/// What to do next.
enum Step {
    Done,
    /// Go on with the name at this offset of the message.
    Follow(usize),
}

/// An answer being assembled.
struct Assembly<'z, 'a, 'w, 'b, 'c> {
    zone: &'z ZoneContents,
    asked: &'a AnswerRequest<'a>,
    w: &'w mut MessageWriter<'b, 'c>,
    reply: AnswerSummary,
    /// Whether the question's name lies in `zone`.
    local: bool,
    /// There to be filled for those alone who want proof: most do not, and empty arrays cost time too.
    proofs: Option<DenialProofs<'z>>,
}

impl<'z, 'a, 'w, 'b, 'c> Assembly<'z, 'a, 'w, 'b, 'c> {
    fn new(zone: &'z ZoneContents, asked: &'a AnswerRequest<'a>, w: &'w mut MessageWriter<'b, 'c>) -> Self {
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
    fn proves(&self) -> bool {
        self.asked.dnssec_ok && self.zone.is_signed()
    }

    /// One name of the chain.
    fn step(&mut self, current: &ChainName<'_>) -> Result<Step, Stop> {
        let Some(found) = self.zone.lookup(current.name) else {
            self.reply.kind = AnswerKind::OutOfZone;
            self.reply.rcode = Rcode::REFUSED;
            self.reply.authoritative = false;
            return Ok(Step::Done);
        };
        self.matched(current, &found)
    }

    fn matched(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<Step, Stop> {
        match found.kind() {
            MatchKind::AtCut if self.asked.qtype != Type::DS => {
                self.referral(current, found).map(|()| Step::Done)
            }
            MatchKind::Exact | MatchKind::Wildcard | MatchKind::AtCut => self.at_node(current, found),
            MatchKind::BelowCut => self.referral(current, found).map(|()| Step::Done),
            MatchKind::BelowDname => self.below_dname(current, found),
            MatchKind::NoName => self.no_name(current, found).map(|()| Step::Done),
        }
    }

    /// The name exists, or a wildcard stands for it.
    fn at_node(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<Step, Stop> {
        let owner = self.owner_of(current, found);
        let node = found.node;
        let qtype = self.asked.qtype;
        if let Some(set) = node.set(qtype).filter(|set| set.records > 0) {
            let at = self.write_rrset(MessageSection::Answer, node, &set, owner)?;
            self.note_expansion(current, found);
            self.reply.kind = AnswerKind::Answer;
            self.prove_expansions()?;
            self.additional(found.kind(), node, &set, at, owner);
            return Ok(Step::Done);
        }
        match qtype {
            Type::ANY => return self.any(current, found, owner).map(|()| Step::Done),
            Type::RRSIG => return self.signatures(current, found, owner).map(|()| Step::Done),
            // As RRSIG it may stand beside a CNAME (RFC 4035 section 2.5): asked for, it is that of the name itself.
            Type::NSEC => return self.no_data(current, found).map(|()| Step::Done),
            _ => {}
        }
        if node.flags().has(NodeFlags::CNAME)
            && found.kind() != MatchKind::AtCut
            && let Some(set) = node.set(Type::CNAME)
        {
            if self.reply.links == MAX_LINKS {
                self.reply.kind = AnswerKind::Chain;
                return Ok(Step::Done);
            }
            let at = self.write_rrset(MessageSection::Answer, node, &set, owner)?;
            self.note_expansion(current, found);
            return Ok(Step::Follow(self.rdata_at(at)));
        }
        self.no_data(current, found).map(|()| Step::Done)
    }

    /// ANY: one RRset, or all.
    fn any(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        owner: OwnerPosition,
    ) -> Result<(), Stop> {
        let node = found.node;
        let wanted = if self.asked.minimal_any { lowest(node) } else { None };
        let mut some = false;
        for set in node.sets().filter(|set| set.records > 0) {
            if wanted.is_none_or(|wanted| wanted == set.rtype) {
                self.write_rrset(MessageSection::Answer, node, &set, owner)?;
                some = true;
            }
        }
        self.answered(current, found, some)
    }

    /// RRSIG itself: all signatures of the name.
    fn signatures(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        owner: OwnerPosition,
    ) -> Result<(), Stop> {
        let mut some = false;
        for set in found.node.sets().filter(|set| set.signatures > 0) {
            some = true;
            // With a DNAME that the chain came by its signatures are there.
            if set.rtype != Type::DNAME || !self.proves() || self.dname_at(owner.at).is_none() {
                self.write_signatures(&set, owner)?;
            }
        }
        self.answered(current, found, some)
    }

    fn answered(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>, some: bool) -> Result<(), Stop> {
        if !some {
            return self.no_data(current, found);
        }
        self.reply.kind = AnswerKind::Answer;
        self.note_expansion(current, found);
        Ok(())
    }

    /// A delegation (RFC 1034 section 4.3.2 step 3b; RFC 4035 section 3.1.4 for DS and its denial).
    fn referral(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), Stop> {
        self.reply.kind = AnswerKind::Referral;
        self.reply.authoritative = self.reply.links > 0;
        let node = found.node;
        self.prove_expansions()?;
        let owner = self.owner_at(current, found.shared);
        let Some(set) = node.set(Type::NS) else { return Ok(()) };
        let at = self.write_unsigned(MessageSection::Authority, node, &set, owner)?;
        if self.proves() {
            match node.set(Type::DS).filter(|set| set.records > 0) {
                Some(ds) => self.write_rrset(MessageSection::Authority, node, &ds, owner).map(|_| ())?,
                None => self.prove_no_ds(current, found)?,
            }
        }
        self.glue(node, &set, at)
    }

    fn no_data(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), Stop> {
        self.reply.kind = AnswerKind::NoData;
        self.soa(current)?;
        self.prove_no_data(current, found)
    }

    fn no_name(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), Stop> {
        self.reply.kind = AnswerKind::NxDomain;
        self.reply.rcode = Rcode::NXDOMAIN;
        self.soa(current)?;
        self.prove_no_name(current, found)
    }

    /// The SOA that makes a denial one (RFC 2308 section 3), its TTL cut to the minimum.
    fn soa(&mut self, current: &ChainName<'_>) -> Result<(), Stop> {
        let node = self.zone.node(self.zone.root);
        let Some(set) = node.set_at(self.zone.ready.soa) else { return Ok(()) };
        let owner = self.owner_at(current, self.zone.apex().len());
        let at = self.write_rrset(MessageSection::Authority, node, &set, owner)?;
        if set.ttl() != self.zone.negative_ttl {
            self.set_ttls(at, self.zone.negative_ttl);
        }
        Ok(())
    }
}

/// The type that stands for all of a name: its CNAME, or the lowest that is not DNSSEC's.
fn lowest(node: ZoneNode<'_>) -> Option<Type> {
    if node.flags().has(NodeFlags::CNAME) {
        return Some(Type::CNAME);
    }
    let types = || node.sets().filter(|set| set.records > 0).map(|set| set.rtype);
    types()
        .find(|rtype| !matches!(*rtype, Type::NSEC | Type::DNSKEY | Type::NSEC3PARAM))
        .or_else(|| types().next())
}
