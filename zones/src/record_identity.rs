//! Records by what makes them the same, and the record of a zone that one of an answer was made from.

use rhumb_wire::{DomainName, NameRef, Type};

use crate::builder::covered_type;
use crate::builder::denial::canonical;
use crate::contents::ZoneContents;
use crate::lookup::MatchKind;

/// A record by what makes it the same as another, whatever its TTL (RFC 2181 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordIdentity {
    /// The owner, in lower case.
    pub owner: DomainName,
    /// The type.
    pub rtype: Type,
    /// RDATA in canonical form (RFC 4034 section 6.2).
    rdata: Vec<u8>,
}

impl RecordIdentity {
    /// That of a record whose `rdata` is in uncompressed wire form.
    pub fn new(owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> Self {
        Self { owner: owner.to_lowercase(), rtype, rdata: canonical(rtype, rdata) }
    }

    /// Whether this record is meant; `rdata` is in uncompressed wire form.
    pub(crate) fn is(&self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> bool {
        self.rtype == rtype && owner == self.owner.as_ref() && self.has_rdata(rdata)
    }

    /// Whether the RDATA is that of this record.
    pub(crate) fn has_rdata(&self, rdata: &[u8]) -> bool {
        rdata.len() == self.rdata.len() && canonical(self.rtype, rdata) == self.rdata
    }

    /// The type itself, or that which a signature covers.
    pub(crate) fn covered_type(&self) -> Type {
        covered_type(self.rtype, &self.rdata)
    }
}

impl ZoneContents {
    /// The record of the zone that a record of an answer was made from: the same one, that of the wildcard that stands for its
    /// owner (RFC 4592), or the DNAME that a CNAME was made from (RFC 6672). None where the answer has it from elsewhere.
    pub fn source_of(&self, answered: &RecordIdentity) -> Option<RecordIdentity> {
        if self.has_record(answered) {
            return Some(answered.clone());
        }
        let found = self.lookup(answered.owner.as_ref())?;
        let owner = found.owner();
        match found.kind() {
            MatchKind::Wildcard => {
                let source = RecordIdentity { owner: owner.as_ref().to_lowercase(), ..answered.clone() };
                self.has_record(&source).then_some(source)
            }
            MatchKind::BelowDname if answered.rtype == Type::CNAME => {
                let (set, mut rdata) = (self.find(owner.as_ref(), Type::DNAME)?, Vec::new());
                set.records().next()?.rdata(&mut rdata);
                Some(RecordIdentity::new(owner.as_ref(), Type::DNAME, &rdata))
            }
            _ => None,
        }
    }

    fn has_record(&self, wanted: &RecordIdentity) -> bool {
        let (owner, covered) = (wanted.owner.as_ref(), wanted.covered_type());
        let mut data = Vec::new();
        let mut is_it = |record: crate::contents::ZoneRecord<'_>| {
            data.clear();
            record.rdata(&mut data);
            wanted.has_rdata(&data)
        };
        // The owners of NSEC3 are no names of the zone, and found by going through all of it.
        let set = match covered {
            Type::NSEC3 => self.iter().find(|set| set.rtype() == covered && set.owner().as_ref() == owner),
            _ => self.find(owner, covered),
        };
        set.is_some_and(|set| match wanted.rtype {
            Type::RRSIG => set.signatures().any(&mut is_it),
            _ => set.records().any(&mut is_it),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::file::read_zone_bytes;

    const ZONE: &str = "$TTL 60\n@ SOA ns.Zone.test. admin 1 2 2 60 60\n@ NS ns\nns A 192.0.2.1\n*.w MX 10 Ns\nd DNAME Else.test.\n\
                        sub NS ns.sub\nns.sub A 192.0.2.2\n";

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn records_of_answers_are_traced_to_those_of_the_zone() {
        let contents = read_zone_bytes(name("zone.test.").as_ref(), Path::new("zone"), ZONE.as_bytes())
            .unwrap()
            .contents;
        let record =
            |owner: &str, rtype, rdata: &[u8]| RecordIdentity::new(name(owner).as_ref(), rtype, rdata);
        let mx = b"\x00\x0a\x02nS\x04zone\x04test\x00";
        for (answered, source) in [
            (record("NS.zone.test.", Type::A, &[192, 0, 2, 1]), Some("ns.zone.test.")),
            (record("ns.sub.zone.test.", Type::A, &[192, 0, 2, 2]), Some("ns.sub.zone.test.")),
            (record("ns.zone.test.", Type::A, &[192, 0, 2, 9]), None),
            (record("ns.zone.test.", Type::AAAA, &[0; 16]), None),
            (record("a.b.w.zone.test.", Type::MX, mx), Some("*.w.zone.test.")),
            (record("a.b.w.zone.test.", Type::MX, b"\x00\x14\x00"), None),
            (record("a.d.zone.test.", Type::CNAME, b"\x01a\x04else\x04test\x00"), Some("d.zone.test.")),
            (record("other.test.", Type::A, &[192, 0, 2, 1]), None),
        ] {
            let found = contents.source_of(&answered);
            assert_eq!(
                found.as_ref().map(|found| found.owner.to_string()).as_deref(),
                source,
                "{answered:?}"
            );
            let is_dname = answered.rtype == Type::CNAME;
            assert!(
                found.is_none_or(|found| found.rtype == if is_dname { Type::DNAME } else { answered.rtype })
            );
        }
    }
}
