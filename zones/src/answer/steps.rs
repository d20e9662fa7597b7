//! The steps of the algorithm of RFC 1034 section 4.3.2: what is written for a name, by what the zone has for it.

use rhumb_wire::{MessageSection, Rcode, Type};

use super::assembly::{AnswerAssembly, MessageFull, NextStep};
use super::position::{ChainName, OwnerPosition};
use super::request::{AnswerKind, MAX_LINKS};
use crate::contents::node::{NodeFlags, ZoneNode};
use crate::lookup::{MatchKind, NameMatch};

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    /// One name of the chain.
    pub(super) fn step(&mut self, current: &ChainName<'_>) -> Result<NextStep, MessageFull> {
        let Some(found) = self.zone.lookup(current.name) else {
            self.reply.kind = AnswerKind::OutOfZone;
            self.reply.rcode = Rcode::REFUSED;
            self.reply.authoritative = false;
            return Ok(NextStep::Done);
        };
        self.matched(current, &found)
    }

    pub(super) fn matched(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
    ) -> Result<NextStep, MessageFull> {
        match found.kind() {
            MatchKind::AtCut if self.asked.qtype != Type::DS => {
                self.referral(current, found).map(|()| NextStep::Done)
            }
            MatchKind::Exact | MatchKind::Wildcard | MatchKind::AtCut => self.at_node(current, found),
            MatchKind::BelowCut => self.referral(current, found).map(|()| NextStep::Done),
            MatchKind::BelowDname => self.below_dname(current, found),
            MatchKind::NoName => self.no_name(current, found).map(|()| NextStep::Done),
        }
    }

    /// The name exists, or a wildcard stands for it.
    fn at_node(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<NextStep, MessageFull> {
        let owner = self.owner_of(current, found);
        let node = found.node;
        let qtype = self.asked.qtype;
        if let Some(set) = node.set(qtype).filter(|set| set.records > 0) {
            let at = self.write_rrset(MessageSection::Answer, node, &set, owner)?;
            self.note_expansion(current, found);
            self.reply.kind = AnswerKind::Answer;
            self.prove_expansions()?;
            self.additional(found.kind(), node, &set, at, owner);
            return Ok(NextStep::Done);
        }
        match qtype {
            Type::ANY => return self.any(current, found, owner).map(|()| NextStep::Done),
            Type::RRSIG => return self.signatures(current, found, owner).map(|()| NextStep::Done),
            // As RRSIG it may stand beside a CNAME (RFC 4035 section 2.5): asked for, it is that of the name itself.
            Type::NSEC => return self.no_data(current, found).map(|()| NextStep::Done),
            _ => {}
        }
        if node.flags().has(NodeFlags::CNAME)
            && found.kind() != MatchKind::AtCut
            && let Some(set) = node.set(Type::CNAME)
        {
            if self.reply.links == MAX_LINKS {
                self.reply.kind = AnswerKind::Chain;
                return Ok(NextStep::Done);
            }
            let at = self.write_rrset(MessageSection::Answer, node, &set, owner)?;
            self.note_expansion(current, found);
            return Ok(NextStep::Follow(self.rdata_at(at)));
        }
        self.no_data(current, found).map(|()| NextStep::Done)
    }

    /// ANY: one RRset, or all.
    fn any(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        owner: OwnerPosition,
    ) -> Result<(), MessageFull> {
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
    ) -> Result<(), MessageFull> {
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

    fn answered(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
        some: bool,
    ) -> Result<(), MessageFull> {
        if !some {
            return self.no_data(current, found);
        }
        self.reply.kind = AnswerKind::Answer;
        self.note_expansion(current, found);
        Ok(())
    }

    /// A delegation (RFC 1034 section 4.3.2 step 3b; RFC 4035 section 3.1.4 for DS and its denial).
    fn referral(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), MessageFull> {
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

    fn no_data(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), MessageFull> {
        self.reply.kind = AnswerKind::NoData;
        self.soa(current)?;
        self.prove_no_data(current, found)
    }

    fn no_name(&mut self, current: &ChainName<'_>, found: &NameMatch<'z>) -> Result<(), MessageFull> {
        self.reply.kind = AnswerKind::NxDomain;
        self.reply.rcode = Rcode::NXDOMAIN;
        self.soa(current)?;
        self.prove_no_name(current, found)
    }

    /// The SOA that makes a denial one (RFC 2308 section 3), its TTL cut to the minimum.
    fn soa(&mut self, current: &ChainName<'_>) -> Result<(), MessageFull> {
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
