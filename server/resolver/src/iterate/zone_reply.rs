//! What the reply of a zone's server means (RFC 1034 section 5.3.3, RFC 2308 section 2).

use std::sync::Arc;

use rhumb_cache::{CachedRecords, CredibilityRank, LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{DomainName, MessageSection, MessageView, NameBuf, NameRef, Rcode, Type, header};

use super::limits;
use super::reply_records::{ElsewhereCheck, ReplyRecords};
use super::trace::ReplyMeaning;
use crate::exchange::{ReadAnswer, UnusableReply};
use crate::question::OutboundQuestion;

/// A reply that was understood.
#[derive(Debug, Clone)]
pub(super) struct ZoneReply {
    /// The records along the chain from the name asked, aliases first; of all types where all were asked for.
    pub(super) links: Vec<Arc<LearntRecords>>,
    pub(super) end: ReplyEnd,
    /// Addresses of the servers that NS records in the answer name.
    pub(super) glue: Vec<RecordSet>,
    /// NS records of the zone that an answer stands in, and the addresses of those servers that lie in it.
    pub(super) apex: Option<Arc<(RecordSet, Vec<RecordSet>)>>,
    /// That the end of the chain has nothing, by the proofs that a recursive server gave without SOA: good where nothing better is found.
    pub(super) spare: Option<Arc<LearntRecords>>,
}

/// How a reply ends.
#[derive(Debug, Clone)]
pub(super) enum ReplyEnd {
    /// The last link answers the question.
    Records,
    /// The last link leads to a name that has to be asked for.
    Alias,
    /// The last link is a DNAME that makes a name too long (RFC 6672 section 2.2).
    NameTooLong,
    /// The name at the end of the chain does not exist or has no such records.
    Denial(Arc<LearntRecords>),
    /// The servers of a zone further down know more.
    Referral(Arc<ReferralReply>),
}

/// A delegation as the parent's server gives it.
#[derive(Debug, Clone)]
pub(super) struct ReferralReply {
    /// NS records.
    pub(super) servers: RecordSet,
    /// Addresses of these servers.
    pub(super) glue: Vec<RecordSet>,
    /// Addresses of those whose names lie outside of the parent, where it has no others: nothing to build on, see
    /// [`OUTSIDE_GLUE`](super::zone_cut::OUTSIDE_GLUE).
    pub(super) outside_glue: Vec<RecordSet>,
    /// What the parent says of DS: the records, or what proves that there are none.
    pub(super) signer: Option<Arc<LearntRecords>>,
}

impl ZoneReply {
    /// What it says of the name that was asked for.
    pub(super) fn meaning(&self) -> ReplyMeaning {
        match &self.end {
            ReplyEnd::Records | ReplyEnd::NameTooLong => ReplyMeaning::Records(self.links.len()),
            ReplyEnd::Denial(denial) if denial.content == RecordContent::NameError => ReplyMeaning::NameError,
            ReplyEnd::Denial(_) => ReplyMeaning::NoData,
            ReplyEnd::Alias => {
                let target = self.links.last().and_then(|link| link.target(Type::ANY));
                target.map_or(ReplyMeaning::Records(self.links.len()), ReplyMeaning::Alias)
            }
            ReplyEnd::Referral(referral) => ReplyMeaning::Referral(
                referral.servers.owner.clone(),
                referral.servers.records.len(),
                referral.signer.is_some(),
            ),
        }
    }

    /// Whether it says that there are no such records, and neither an SOA nor a proof stands beside it: a server that does not have the
    /// zone may say so too.
    pub(super) fn is_bare_denial(&self) -> bool {
        let is_bare =
            |denial: &LearntRecords| denial.content == RecordContent::NoData && denial.attached.is_empty();
        self.links.is_empty() && matches!(&self.end, ReplyEnd::Denial(denial) if is_bare(denial))
    }
}

/// What a reply is read against.
#[derive(Clone, Copy)]
pub(super) struct ReplyReadingContext<'c> {
    /// The zone whose server was asked.
    pub(super) zone: NameRef<'c>,
    /// Whether records of this owner and type are those of other servers, as the configuration says.
    pub(super) elsewhere: &'c ElsewhereCheck<'c>,
    /// Whether it is recursive, and its replies are whole.
    pub(super) forwarded: bool,
    /// Whether the servers of the zone are kept that stand beside an answer.
    pub(super) with_servers: bool,
    /// When, in seconds of the cache's clock.
    pub(super) now: u32,
}

impl ReplyReadingContext<'_> {
    /// Reads a reply of NOERROR, NXDOMAIN or YXDOMAIN to `question`.
    ///
    /// Errors: `Malformed`; `Referral` from a server that does not serve the zone; `Dname`, `TooMany`, `TooManyLinks`.
    pub(super) fn read(
        self,
        bytes: &[u8],
        question: &OutboundQuestion,
    ) -> Result<ReadAnswer<ZoneReply>, UnusableReply> {
        let message = MessageView::parse(bytes).map_err(|_| UnusableReply::Malformed)?;
        let records = ReplyRecords::read(&message, question, self.zone, self.elsewhere, self.with_servers)?;
        let authoritative = message.header().flags & header::AA != 0;
        let reading = ReplyReading { context: self, records: &records, question, authoritative };
        let answer = reading.answer(Rcode(message.header().rcode_low()))?;
        Ok(ReadAnswer { answer, substantial: true })
    }
}

/// The most bytes of a name (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

struct ReplyReading<'r> {
    context: ReplyReadingContext<'r>,
    records: &'r ReplyRecords,
    question: &'r OutboundQuestion,
    authoritative: bool,
}

impl ReplyReading<'_> {
    fn answer(&self, rcode: Rcode) -> Result<ZoneReply, UnusableReply> {
        let mut links: Vec<Arc<LearntRecords>> = Vec::new();
        let mut name = self.question.name.clone();
        loop {
            if let Some(dname) =
                self.dname_above(name.as_ref()).filter(|dname| is_too_long(name.as_ref(), dname))
            {
                links.push(Arc::new(self.learnt(dname.clone(), self.expansion(dname))));
                return Ok(ZoneReply {
                    links,
                    end: ReplyEnd::NameTooLong,
                    glue: Vec::new(),
                    apex: None,
                    spare: None,
                });
            }
            if rcode == Rcode::YXDOMAIN && links.is_empty() && self.dname_above(name.as_ref()).is_none() {
                return Err(UnusableReply::NoAnswer);
            }
            let found = self.at(name.as_ref())?;
            if !found.is_empty() {
                links.extend(found.into_iter().map(Arc::new));
                let servers =
                    links.last().and_then(|last| last.records()).filter(|set| set.rtype == Type::NS);
                let glue = servers.map(|servers| self.glue(servers)).unwrap_or_default();
                let apex =
                    self.context.with_servers.then(|| self.apex(name.as_ref())).flatten().map(Arc::new);
                return Ok(ZoneReply { links, end: ReplyEnd::Records, glue, apex, spare: None });
            }
            let Some((link, target)) = self.alias(name.as_ref())? else { break };
            links.push(Arc::new(link));
            if links.len() > limits::LINKS {
                return Err(UnusableReply::TooManyLinks);
            }
            let known = links.iter().any(|link| link.owner == target);
            let elsewhere = (self.context.elsewhere)(target.as_ref(), self.question.qtype);
            if known || elsewhere || !target.as_ref().is_at_or_below(self.context.zone) {
                return Ok(ZoneReply {
                    links,
                    end: ReplyEnd::Alias,
                    glue: Vec::new(),
                    apex: None,
                    spare: None,
                });
            }
            name = target;
        }
        let denies = rcode == Rcode::NXDOMAIN;
        if !links.is_empty() {
            // What is said of the end of a chain counts if the zone says it.
            let soa = self.soa(name.as_ref());
            let denial = || Arc::new(self.denial(&name, denies, soa));
            let end = if soa.is_some() { ReplyEnd::Denial(denial()) } else { ReplyEnd::Alias };
            let proves = soa.is_none() && self.context.forwarded && !self.records.proofs().is_empty();
            let spare = proves.then(denial);
            return Ok(ZoneReply { links, end, glue: Vec::new(), apex: None, spare });
        }
        let end = self.nothing(&name, denies)?;
        Ok(ZoneReply { links, end, glue: Vec::new(), apex: None, spare: None })
    }

    /// The NS records of the zone that holds `name`, in the authority section or the answer.
    fn apex(&self, name: NameRef<'_>) -> Option<(RecordSet, Vec<RecordSet>)> {
        let holds = |set: &&RecordSet| set.rtype == Type::NS && name.is_at_or_below(set.owner.as_ref());
        let authority = self.records.section(MessageSection::Authority).find(holds);
        let servers = authority.or_else(|| self.records.set(MessageSection::Answer, name, Type::NS))?;
        let mut glue = self.glue(servers);
        glue.retain(|set| set.owner.as_ref().is_at_or_below(servers.owner.as_ref()));
        Some((servers.clone(), glue))
    }

    /// What a reply without records of the name says.
    fn nothing(&self, name: &DomainName, denies: bool) -> Result<ReplyEnd, UnusableReply> {
        let soa = self.soa(name.as_ref());
        if denies || soa.is_some() {
            return Ok(ReplyEnd::Denial(Arc::new(self.denial(name, denies, soa))));
        }
        let forwarded = self.context.forwarded;
        if let Some(referral) = self.referral(name.as_ref()).filter(|_| !forwarded) {
            return Ok(ReplyEnd::Referral(Arc::new(referral)));
        }
        let of_child = |set: &RecordSet| set.rtype == Type::NS && set.owner == *name;
        let ds_elsewhere =
            self.question.qtype == Type::DS && self.records.section(MessageSection::Authority).any(of_child);
        // Records of other types at the name: it has none of this one.
        let others = self.records.section(MessageSection::Answer).any(|set| set.owner == *name);
        // With AA too, servers of a zone further up are what a server says that does not have the zone.
        let lame = self.records.leads_upwards() && !forwarded;
        if !lame && (self.authoritative || ds_elsewhere || forwarded || others) {
            return Ok(ReplyEnd::Denial(Arc::new(self.denial(name, false, None))));
        }
        Err(UnusableReply::Lame)
    }

    /// The records asked for at `name`.
    fn at(&self, name: NameRef<'_>) -> Result<Vec<LearntRecords>, UnusableReply> {
        // What a DNAME makes is nothing without it: it has no signature of its own (RFC 6672 section 5.3.1).
        if matches!(self.question.qtype, Type::CNAME | Type::ANY)
            && let Some((made, _)) = self.made_by_dname(name)?
        {
            return Ok(vec![made]);
        }
        let all = self.question.qtype == Type::ANY;
        let wanted =
            |set: &&RecordSet| set.owner.as_ref() == name && (all || set.rtype == self.question.qtype);
        let sets = self.records.section(MessageSection::Answer).filter(wanted);
        let found: Vec<_> = sets.map(|set| self.learnt(set.clone(), self.expansion(set))).collect();
        if found.len() > limits::TYPES { Err(UnusableReply::TooMany) } else { Ok(found) }
    }

    /// The alias at `name`, and where it leads: by a DNAME above it, or a CNAME. Errors: `Dname`, `Malformed`.
    fn alias(&self, name: NameRef<'_>) -> Result<Option<(LearntRecords, DomainName)>, UnusableReply> {
        if matches!(self.question.qtype, Type::CNAME | Type::ANY) {
            return Ok(None);
        }
        if let Some(made) = self.made_by_dname(name)? {
            return Ok(Some(made));
        }
        let Some(cname) = self.records.set(MessageSection::Answer, name, Type::CNAME) else {
            return Ok(None);
        };
        // More than one is a mistake; the first counts.
        let mut first = cname.clone();
        first.records = cname.records.iter().take(1).collect();
        let rdata = first.records.iter().next().unwrap_or_default();
        let target = NameRef::parse(rdata).map_err(|_| UnusableReply::Malformed)?.to_lowercase();
        let expansion = self.expansion(&first);
        Ok(Some((self.learnt(first, expansion), target)))
    }

    /// The CNAME that a DNAME above `name` makes, and where it leads. Errors: `Dname`.
    fn made_by_dname(&self, name: NameRef<'_>) -> Result<Option<(LearntRecords, DomainName)>, UnusableReply> {
        let Some(dname) = self.dname_above(name) else { return Ok(None) };
        let target = substituted(name, dname)?;
        let synthesised = RecordSet {
            owner: name.to_name(),
            rtype: Type::CNAME,
            ttl: dname.ttl,
            records: [target.as_ref().as_bytes()].into_iter().collect(),
            signatures: CachedRecords::default(),
        };
        let attached = [vec![dname.clone()], self.expansion(dname)].concat();
        let target = target.as_ref().to_lowercase();
        Ok(Some((self.learnt(synthesised, attached), target)))
    }

    /// The DNAME above `name` that the answer holds.
    fn dname_above(&self, name: NameRef<'_>) -> Option<&RecordSet> {
        let ancestors = std::iter::successors(name.parent(), |above| above.parent());
        let mut sets = ancestors.map(|above| self.records.set(MessageSection::Answer, above, Type::DNAME));
        sets.find_map(|set| set)
    }

    /// What proves the expansion of a wildcard, where `set` is one by its signatures.
    fn expansion(&self, set: &RecordSet) -> Vec<RecordSet> {
        let labels = set.owner.as_ref().label_count() - usize::from(set.owner.as_ref().is_wildcard());
        let mut signed = set.signatures.iter().filter_map(|rdata| rdata.get(3));
        if signed.any(|&signed| usize::from(signed) < labels) { self.records.proofs() } else { Vec::new() }
    }

    fn learnt(&self, set: RecordSet, attached: Vec<RecordSet>) -> LearntRecords {
        // What was made from a wildcard is as good as the proofs beside it.
        let ttl = least_ttl(&attached).min(set.ttl).min(limits::TTL);
        LearntRecords {
            owner: set.owner.to_lowercase(),
            rtype: set.rtype,
            content: RecordContent::Records(set),
            attached: attached.into(),
            credibility: self.credibility(),
            security: SecurityStatus::Unchecked,
            ttl,
            stored: self.context.now,
        }
    }

    const fn credibility(&self) -> CredibilityRank {
        if self.authoritative { CredibilityRank::Authoritative } else { CredibilityRank::Answer }
    }

    /// The SOA of a denial: that of a zone which holds `name`.
    fn soa(&self, name: NameRef<'_>) -> Option<&RecordSet> {
        let authority = self.records.section(MessageSection::Authority);
        authority.filter(|set| set.rtype == Type::SOA).find(|set| name.is_at_or_below(set.owner.as_ref()))
    }

    fn denial(&self, name: &DomainName, denies: bool, soa: Option<&RecordSet>) -> LearntRecords {
        let minimum = |set: &RecordSet| {
            let minimum = set.records.iter().next().and_then(|rdata| rdata.last_chunk::<4>().copied());
            minimum.map_or(0, u32::from_be_bytes)
        };
        let ttl = soa.map_or(limits::BARE_DENIAL_TTL, minimum);
        let mut attached: Vec<RecordSet> = soa.cloned().into_iter().collect();
        attached.extend(self.records.proofs());
        // A cache on the way may have had its proofs for longer than its SOA.
        let ttl = least_ttl(&attached).min(ttl);
        LearntRecords {
            owner: name.to_lowercase(),
            rtype: if denies { rhumb_cache::ANY_TYPE } else { self.question.qtype },
            content: if denies { RecordContent::NameError } else { RecordContent::NoData },
            attached: attached.into(),
            credibility: self.credibility(),
            security: SecurityStatus::Unchecked,
            ttl: ttl.min(limits::DENIAL_TTL),
            stored: self.context.now,
        }
    }

    /// The delegation that leads towards `name`; the parent's own side of it for DS.
    fn referral(&self, name: NameRef<'_>) -> Option<ReferralReply> {
        let leads = |set: &&RecordSet| {
            let cut = set.owner.as_ref();
            set.rtype == Type::NS
                && cut.len() > self.context.zone.len()
                && name.is_at_or_below(cut)
                && !(self.question.qtype == Type::DS && cut == name)
        };
        let servers = self.records.section(MessageSection::Authority).find(leads)?.clone();
        let glue = self.glue(&servers);
        let outside = if glue.is_empty() { self.records.outside_addresses() } else { &[] };
        let outside_glue = outside.iter().filter(|set| names_server(&servers, set)).cloned().collect();
        let signer = self.signer(&servers).map(Arc::new);
        Some(ReferralReply { servers, glue, outside_glue, signer })
    }

    /// The addresses in the additional section of the servers that NS records name.
    fn glue(&self, servers: &RecordSet) -> Vec<RecordSet> {
        let additional = self.records.section(MessageSection::Additional);
        additional.filter(|set| names_server(servers, set)).cloned().collect()
    }

    /// What the reply says of DS at a delegation.
    fn signer(&self, servers: &RecordSet) -> Option<LearntRecords> {
        let cut = servers.owner.as_ref();
        if let Some(ds) = self.records.set(MessageSection::Authority, cut, Type::DS) {
            return Some(LearntRecords {
                credibility: CredibilityRank::Authoritative,
                ..self.learnt(ds.clone(), Vec::new())
            });
        }
        let proofs = self.records.proofs();
        (!proofs.is_empty()).then(|| LearntRecords {
            owner: cut.to_lowercase(),
            rtype: Type::DS,
            content: RecordContent::NoData,
            ttl: least_ttl(&proofs).min(limits::DENIAL_TTL),
            attached: proofs.into(),
            credibility: CredibilityRank::Authoritative,
            security: SecurityStatus::Unchecked,
            stored: self.context.now,
        })
    }
}

/// The least TTL of these sets, in seconds; of none there is no limit.
fn least_ttl(sets: &[RecordSet]) -> u32 {
    sets.iter().map(|set| set.ttl).min().unwrap_or(u32::MAX)
}

/// Whether `set` holds addresses of a server that the NS records name.
fn names_server(servers: &RecordSet, set: &RecordSet) -> bool {
    matches!(set.rtype, Type::A | Type::AAAA)
        && servers.records.iter().any(|rdata| NameRef::parse(rdata) == Ok(set.owner.as_ref()))
}

/// Whether what a DNAME makes of `name` is longer than a name may be.
fn is_too_long(name: NameRef<'_>, dname: &RecordSet) -> bool {
    let target = dname.records.iter().next().and_then(|rdata| NameRef::parse(rdata).ok());
    let kept = name.len() - dname.owner.as_ref().len();
    target.is_some_and(|target| kept + target.len() > LONGEST_NAME)
}

/// `name` with the owner of the DNAME at its end replaced by its target (RFC 6672 section 2.2). Errors: `Dname`.
fn substituted(name: NameRef<'_>, dname: &RecordSet) -> Result<DomainName, UnusableReply> {
    let rdata = dname.records.iter().next().ok_or(UnusableReply::Dname)?;
    let target = NameRef::parse(rdata).map_err(|_| UnusableReply::Dname)?;
    let mut buffer = NameBuf::new();
    let above = name.label_count() - dname.owner.as_ref().label_count();
    for label in name.labels().take(above) {
        buffer.push_label(label).map_err(|_| UnusableReply::Dname)?;
    }
    buffer.finish(target).map_err(|_| UnusableReply::Dname)?;
    Ok(buffer.as_ref().to_name())
}

#[cfg(test)]
mod tests;
