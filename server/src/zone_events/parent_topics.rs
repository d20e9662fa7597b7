//! What the parent of a zone is to be told of it (RFC 9859 section 4.2).

use rhumb_wire::Type;
use rhumb_zones::ZoneContents;

use crate::snapshot::NotifyTopics;

/// The records that a version has and the one before had not. Records that are gone ask nothing of a parent.
pub(super) fn changed_topics(old: &ZoneContents, new: &ZoneContents) -> NotifyTopics {
    let differs = |types: &[Type]| {
        let set = |contents| types.iter().map(|rtype| at_apex(contents, *rtype)).collect::<Vec<_>>();
        let (old, new) = (set(old), set(new));
        new != old && new.iter().any(|records| !records.is_empty())
    };
    NotifyTopics { version: false, cds: differs(&[Type::CDS, Type::CDNSKEY]), csync: differs(&[Type::CSYNC]) }
}

/// The records that a zone has for its parent.
pub fn parent_topics(contents: &ZoneContents) -> NotifyTopics {
    let has = |rtype| contents.find(contents.apex(), rtype).is_some();
    NotifyTopics { version: false, cds: has(Type::CDS) || has(Type::CDNSKEY), csync: has(Type::CSYNC) }
}

/// The data of the records of a type, in order.
fn at_apex(contents: &ZoneContents, rtype: Type) -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = Vec::new();
    let Some(set) = contents.find(contents.apex(), rtype) else { return records };
    for record in set.records() {
        let mut rdata = Vec::new();
        record.rdata(&mut rdata);
        records.push(rdata);
    }
    records.sort();
    records
}

#[cfg(test)]
mod tests {
    use rhumb_wire::DomainName;
    use rhumb_zones::ZoneBuilder;

    use super::*;

    /// Each word: `s` CDS, `k` CDNSKEY, `y` CSYNC, each with a number; in capitals below the apex.
    fn contents(words: &str) -> ZoneContents {
        let apex: DomainName = "zone.test.".parse().unwrap();
        let below: DomainName = "sub.zone.test.".parse().unwrap();
        let mut builder = ZoneBuilder::new(apex.as_ref());
        let mut soa = b"\x02ns\0".repeat(2);
        soa.extend([0, 0, 0, 1].repeat(5));
        builder.add(apex.as_ref(), Type::SOA, 300, &soa, 0).unwrap();
        builder.add(apex.as_ref(), Type::NS, 300, b"\x02ns\0", 0).unwrap();
        for word in words.split_whitespace() {
            let (kind, number) = word.split_at(1);
            let number: u8 = number.parse().unwrap();
            let owner = if kind == kind.to_lowercase() { &apex } else { &below };
            let (rtype, rdata) = match kind.to_lowercase().as_str() {
                "s" => (Type::CDS, [vec![0, number, 13, 2], vec![7; 32]].concat()),
                "k" => (Type::CDNSKEY, [vec![1, 1, 3, 13], vec![number; 64]].concat()),
                _ => (Type::CSYNC, vec![0, 0, 0, number, 0, 1]),
            };
            builder.add(owner.as_ref(), rtype, 300, &rdata, 0).unwrap();
        }
        builder.finish().unwrap().0
    }

    #[test]
    fn what_is_new_is_told() {
        for (old, new, expected) in [
            ("", "", (false, false)),
            ("", "s1", (true, false)),
            ("", "k1", (true, false)),
            ("", "y1", (false, true)),
            ("", "s1 k1 y1", (true, true)),
            ("s1", "s1", (false, false)),
            ("s1 s2", "s2 s1", (false, false)),
            ("s1", "s2", (true, false)),
            ("s1", "s1 s2", (true, false)),
            ("s1 k1", "s1", (true, false)),
            ("s1", "s1 k1", (true, false)),
            ("y1", "y2", (false, true)),
            ("s1 y1", "s1 y2", (false, true)),
            // Nothing is left that the parent could go by.
            ("s1", "", (false, false)),
            ("s1 k1 y1", "", (false, false)),
            ("", "S1 K1 Y1", (false, false)),
        ] {
            let found = changed_topics(&contents(old), &contents(new));
            assert_eq!((found.cds, found.csync), expected, "{old:?} to {new:?}");
            let all = parent_topics(&contents(new));
            let is_told = |kinds: &[char]| new.contains(kinds);
            assert_eq!((all.cds, all.csync), (is_told(&['s', 'k']), is_told(&['y'])), "{new:?}");
        }
    }
}
