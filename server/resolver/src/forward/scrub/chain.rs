//! From the question along CNAME and DNAME to the records that answer it.

use rhumb_wire::{DomainName, MessageSection, NameBuf, NameRef, Type};

use super::super::limits;
use super::records::{ByteRange, ScrubbedRecord, ScrubbedRecords, ScrubbedSet};
use crate::exchange::UnusableReply;
use crate::question::OutboundQuestion;

/// The answer section in order.
#[derive(Debug)]
pub(super) struct AnswerChain {
    pub(super) sets: Vec<ScrubbedSet>,
    /// The name the chain ends at.
    pub(super) end: ByteRange,
    /// Whether the records asked for stand there.
    pub(super) found: bool,
}

impl AnswerChain {
    /// Follows the chain; a name with two CNAMEs has the first only.
    ///
    /// Errors: `Loop`, `TooManyLinks`, `Dname`, `TooMany`, `Malformed`.
    pub(super) fn new(
        records: &mut ScrubbedRecords,
        question: &OutboundQuestion,
    ) -> Result<Self, UnusableReply> {
        let mut name = records.push(question.name.as_ref().as_bytes());
        let mut walk = Self { sets: Vec::new(), end: name, found: false };
        let mut visited = vec![name];
        loop {
            walk.end = name;
            if walk.take_answer(records, question.qtype, name)? {
                walk.found = true;
                return Ok(walk);
            }
            let Some(target) = walk.take_link(records, name)? else { return Ok(walk) };
            if matches!(question.qtype, Type::CNAME | Type::ANY) {
                walk.found = true;
                return Ok(walk);
            }
            if visited.iter().any(|&before| records.same_name(before, target)) {
                return Err(UnusableReply::Loop);
            }
            if visited.len() > limits::LINKS {
                return Err(UnusableReply::TooManyLinks);
            }
            visited.push(target);
            name = target;
        }
    }

    /// Whether `name` has what was asked for.
    fn take_answer(
        &mut self,
        records: &ScrubbedRecords,
        qtype: Type,
        name: ByteRange,
    ) -> Result<bool, UnusableReply> {
        match qtype {
            // A link is the answer itself then, but one that a DNAME gives has to stand behind it.
            Type::CNAME => Ok(false),
            Type::ANY if dname_above(records, name).is_some() => Ok(false),
            Type::ANY => {
                let types = records.types(name)?;
                for &rtype in &types {
                    self.sets.extend(records.set(MessageSection::Answer, name, rtype)?);
                }
                Ok(!types.is_empty())
            }
            _ => {
                let set = records.set(MessageSection::Answer, name, qtype)?;
                let found = set.is_some();
                // A DNAME that is asked for may have led here.
                let new = set.filter(|set| !self.holds(records, set.rtype, set.owner));
                self.sets.extend(new);
                Ok(found)
            }
        }
    }

    /// Takes the CNAME of `name`, and before it the DNAME that gives it: where it leads to.
    fn take_link(
        &mut self,
        records: &mut ScrubbedRecords,
        name: ByteRange,
    ) -> Result<Option<ByteRange>, UnusableReply> {
        let cname = first_only(records.set(MessageSection::Answer, name, Type::CNAME)?);
        let Some(dname) = dname_above(records, name) else {
            let target = cname.as_ref().and_then(|set| set.members.first().copied());
            self.sets.extend(cname);
            return Ok(target);
        };
        let Some(dname) = first_only(records.set(MessageSection::Answer, dname, Type::DNAME)?) else {
            return Ok(None);
        };
        let Some(&to) = dname.members.first() else { return Ok(None) };
        let made = synthesize(records.name(name), records.name(dname.owner), records.name(to))?;
        let target = records.push(made.as_ref().as_bytes());
        let cname = match cname {
            Some(set) if set.members.first().is_some_and(|&given| records.same_name(given, target)) => set,
            Some(_) => return Err(UnusableReply::Dname),
            // RFC 6672 section 3.4: the one who asks for it may make it as well.
            None => ScrubbedSet {
                rtype: Type::CNAME,
                owner: name,
                members: vec![target],
                signatures: Vec::new(),
                ..dname
            },
        };
        let target = cname.members.first().copied();
        if !self.holds(records, Type::DNAME, dname.owner) {
            self.sets.push(dname);
        }
        self.sets.push(cname);
        Ok(target)
    }

    /// Whether the set of this type and owner was taken before.
    fn holds(&self, records: &ScrubbedRecords, rtype: Type, owner: ByteRange) -> bool {
        self.sets.iter().any(|set| set.rtype == rtype && records.same_name(set.owner, owner))
    }
}

/// Types of which a name has one record at the most: the first one counts.
fn first_only(set: Option<ScrubbedSet>) -> Option<ScrubbedSet> {
    set.map(|mut set| {
        set.members.truncate(1);
        set
    })
}

/// The owner of the topmost DNAME above `name`: there is nothing below it (RFC 6672 section 2.4).
fn dname_above(records: &ScrubbedRecords, name: ByteRange) -> Option<ByteRange> {
    let below = records.name(name);
    let above = |item: &&ScrubbedRecord| {
        let owner = records.name(item.owner);
        owner.len() < below.len() && below.is_at_or_below(owner)
    };
    let dnames = records.items(MessageSection::Answer).filter(|item| item.rtype == Type::DNAME).filter(above);
    dnames.map(|item| item.owner).min_by_key(|&owner| records.bytes(owner).len())
}

/// `name` with `owner` at its end replaced by `target` (RFC 6672 section 2.2). Errors: `Dname` where that is too long.
fn synthesize(
    name: NameRef<'_>,
    owner: NameRef<'_>,
    target: NameRef<'_>,
) -> Result<DomainName, UnusableReply> {
    let mut made = NameBuf::new();
    let prefix = name.label_count().saturating_sub(owner.label_count());
    for label in name.labels().take(prefix) {
        made.push_label(label).map_err(|_| UnusableReply::Dname)?;
    }
    made.finish(target).map_err(|_| UnusableReply::Dname)?;
    Ok(made.as_ref().to_name())
}
