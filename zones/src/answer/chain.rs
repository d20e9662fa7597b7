//! Chains of aliases: CNAME, and DNAME with the CNAME made from it (RFC 6672), within the zone and across zones.

use rhumb_wire::compress::same_name;
use rhumb_wire::{MessageSection, NameBuf, NameError, NameRef, Rcode, Type, name};

use super::additional::record_at;
use super::assembly::{AnswerAssembly, MessageFull, NextStep};
use super::position::{ChainName, QUESTION_AT};
use super::request::{AnswerKind, FoundZone, MAX_LINKS, ZoneFinder};
use crate::contents::set::FIXED;
use crate::lookup::NameMatch;

impl<'z> AnswerAssembly<'z, '_, '_, '_, '_> {
    /// Goes on from name to name until one is no alias.
    pub(super) fn follow<'s: 'z>(
        &mut self,
        target: usize,
        zones: &'s impl ZoneFinder,
    ) -> Result<(), MessageFull> {
        let mut places = [QUESTION_AT; MAX_LINKS as usize + 1];
        let mut target = target;
        let mut name = NameBuf::new();
        loop {
            self.reply.links += 1;
            let links = usize::from(self.reply.links);
            self.reply.kind = AnswerKind::Chain;
            if name::expand(self.w.written(), target, &mut name).is_err()
                || self.was_visited(places.get(..links).unwrap_or(&[]), name.as_ref())
            {
                return Ok(());
            }
            if let Some(place) = places.get_mut(links) {
                *place = target;
            }
            let current = ChainName { name: name.as_ref(), at: target, is_question: false };
            let Some(found) = self.enter(current.name, zones) else { return Ok(()) };
            match self.matched(&current, &found)? {
                NextStep::Done => return Ok(()),
                NextStep::Follow(next) => target = next,
            }
        }
    }

    /// What `name` is in the zone that is responsible for it, which may lie in this one without a delegation (RFC 1034
    /// section 4.3.2 step 2); none if that is not loaded.
    fn enter<'s: 'z>(&mut self, name: NameRef<'_>, zones: &'s impl ZoneFinder) -> Option<NameMatch<'z>> {
        let mut found = zones.find(name);
        // DS belongs to the zone above (RFC 4035 section 3.1.4.1).
        if self.asked.qtype == Type::DS
            && let Some(FoundZone::Contents(zone)) = found
            && zone.apex() == name
            && let Some(above) = name.parent().and_then(|parent| zones.find(parent))
        {
            found = Some(above);
        }
        match found {
            Some(FoundZone::Contents(zone)) if zone.apex() != self.zone.apex() => {
                self.zone = zone;
                self.local = self.asked.name.is_at_or_below(zone.apex());
            }
            Some(FoundZone::NotReady) => return None,
            _ => {}
        }
        self.zone.lookup(name)
    }

    fn was_visited(&self, places: &[usize], name: NameRef<'_>) -> bool {
        places.iter().any(|&at| same_name(self.w.written(), at, name.as_bytes()))
    }

    /// Where a DNAME of the owner that stands at `owner` begins in the answer: a chain may come by the same one several
    /// times, and a response holds each record once (RFC 2181 section 5).
    #[cold]
    pub(super) fn dname_at(&self, owner: usize) -> Option<usize> {
        let message = self.w.written();
        let (mut wanted, mut other) = (NameBuf::new(), NameBuf::new());
        name::expand(message, owner, &mut wanted).ok()?;
        let mut at = QUESTION_AT + self.asked.name.len() + 4;
        for _ in 0..self.w.counted(MessageSection::Answer) {
            let (rdata, after) = record_at(message, at)?;
            let rtype = message.get(rdata + 2 - FIXED..)?.first_chunk()?;
            if u16::from_be_bytes(*rtype) == Type::DNAME.0
                && name::expand(message, at, &mut other).is_ok()
                && other.as_ref() == wanted.as_ref()
            {
                return Some(at);
            }
            at = after;
        }
        None
    }

    /// The name lies below a DNAME: the DNAME, and a CNAME from the name to what it stands for (RFC 6672 section 3.1).
    pub(super) fn below_dname(
        &mut self,
        current: &ChainName<'_>,
        found: &NameMatch<'z>,
    ) -> Result<NextStep, MessageFull> {
        let node = found.node;
        let Some(set) = node.set(Type::DNAME) else { return Ok(NextStep::Done) };
        if self.reply.links == MAX_LINKS {
            self.reply.kind = AnswerKind::Chain;
            return Ok(NextStep::Done);
        }
        let owner = self.owner_at(current, found.shared);
        self.write_rrset(MessageSection::Answer, node, &set, owner)?;
        let target = set.image().get(FIXED..).map(NameRef::parse);
        let Some(Ok(target)) = target else { return Ok(NextStep::Done) };
        let mut name = NameBuf::new();
        if substitute(current.name, found.shared, target, &mut name).is_err() {
            self.reply.kind = AnswerKind::Overflow;
            self.reply.rcode = Rcode::YXDOMAIN;
            return Ok(NextStep::Done);
        }
        let at = self.write_cname(current.at, set.ttl(), name.as_ref())?;
        if self.asked.qtype == Type::CNAME {
            self.reply.kind = AnswerKind::Answer;
            return Ok(NextStep::Done);
        }
        Ok(NextStep::Follow(self.rdata_at(at)))
    }
}

/// `name` with its last `length` bytes replaced by `target`. Errors: `TooLong`.
fn substitute(
    name: NameRef<'_>,
    length: usize,
    target: NameRef<'_>,
    into: &mut NameBuf,
) -> Result<(), NameError> {
    into.clear();
    let kept = name.len() - length;
    let mut taken = 0;
    for label in name.labels() {
        if taken >= kept {
            break;
        }
        into.push_label(label)?;
        taken += 1 + label.len();
    }
    into.finish(target)
}
