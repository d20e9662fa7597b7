use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// A record of NSEC: its owner, the next name, its types (all below 256).
fn nsec(owner: &str, next: &str, types: &[Type]) -> RecordSet {
    let mut bits = [0u8; 32];
    for rtype in types {
        bits[usize::from(rtype.0 / 8)] |= 0x80 >> (rtype.0 % 8);
    }
    let rdata = [name(next).as_ref().as_bytes(), &[0, 32], &bits].concat();
    let records = [rdata.as_slice()].into_iter().collect();
    RecordSet {
        owner: name(owner),
        rtype: Type::NSEC,
        ttl: 60,
        records,
        signatures: std::iter::empty().collect(),
    }
}

/// The chain of a zone with a delegation, an alias, a DNAME, a wildcard, and names without records.
fn chain() -> Vec<RecordSet> {
    vec![
        nsec("test", "alias.test", &[Type::SOA, Type::NS, Type::NSEC]),
        nsec("alias.test", "child.test", &[Type::CNAME, Type::NSEC]),
        nsec("child.test", "dname.test", &[Type::NS, Type::NSEC]),
        nsec("dname.test", "a.empty.test", &[Type::DNAME, Type::NSEC]),
        nsec("a.empty.test", "host.test", &[Type::A, Type::NSEC]),
        nsec("host.test", "*.wild.test", &[Type::A, Type::NSEC]),
        nsec("*.wild.test", "test", &[Type::TXT, Type::NSEC]),
    ]
}

/// What the chain says of a question: verdicts of no data, of a name error and of the expansion of a wildcard with so many labels; the
/// wildcard above it; and its roles.
fn judge(
    asked: &str,
    rtype: Type,
    labels: usize,
) -> ([DenialVerdict; 3], Option<DomainName>, Vec<ProofRole>) {
    let (sets, zone, asked) = (chain(), name("test"), name(asked));
    let proofs = NsecProofs::new(&sets.iter().collect::<Vec<_>>(), zone.as_ref(), 10);
    let claim = DenialClaim { name: asked.as_ref(), rtype, zone: zone.as_ref() };
    let verdicts = [proofs.no_data(claim), proofs.name_error(claim), proofs.expanded(claim, labels)];
    (verdicts, proofs.wildcard_above(claim.name), proofs.roles(claim))
}

const PROVEN: DenialVerdict = DenialVerdict::Proven { delegation: false };
const DELEGATION: DenialVerdict = DenialVerdict::Proven { delegation: true };
const NOTHING: DenialVerdict = DenialVerdict::Unproven;

#[test]
fn no_data_is_proven_by_the_name_or_its_wildcard() {
    for (case, asked, rtype, verdict) in [
        ("another type", "host.test", Type::AAAA, PROVEN),
        ("in another case", "HOST.Test", Type::AAAA, PROVEN),
        ("its own type", "host.test", Type::A, NOTHING),
        ("an alias", "alias.test", Type::A, NOTHING),
        ("DS of a delegation", "child.test", Type::DS, DELEGATION),
        ("another type of a delegation", "child.test", Type::A, NOTHING),
        ("below a delegation", "www.child.test", Type::A, NOTHING),
        ("below a DNAME", "www.dname.test", Type::A, NOTHING),
        ("DS by the apex", "test", Type::DS, NOTHING),
        ("another type of the apex", "test", Type::A, PROVEN),
        ("a name without records", "empty.test", Type::A, PROVEN),
        ("above a wildcard", "wild.test", Type::A, PROVEN),
        ("by a wildcard", "x.wild.test", Type::A, PROVEN),
        ("far below it", "y.x.wild.test", Type::A, PROVEN),
        ("the type of a wildcard", "x.wild.test", Type::TXT, NOTHING),
        ("a name that does not exist", "none.test", Type::A, NOTHING),
        ("outside of the zone", "other", Type::A, NOTHING),
    ] {
        assert_eq!(judge(asked, rtype, 0).0[0], verdict, "{case}");
    }
}

#[test]
fn a_name_is_denied_together_with_its_wildcard() {
    for (case, asked, verdict) in [
        ("between two names", "none.test", PROVEN),
        ("far below", "x.y.none.test", PROVEN),
        ("below a host", "x.host.test", PROVEN),
        ("before the first", "aaa.test", PROVEN),
        ("behind the last", "zzz.test", PROVEN),
        ("a name that exists", "host.test", NOTHING),
        ("a name without records", "empty.test", NOTHING),
        ("below a wildcard's parent", "x.wild.test", NOTHING),
        ("below a delegation", "www.child.test", NOTHING),
        ("below a DNAME", "www.dname.test", NOTHING),
    ] {
        assert_eq!(judge(asked, Type::A, 0).0[1], verdict, "{case}");
    }
}

/// It has no records and names below it, so that names are made from it that have no records.
#[test]
fn a_wildcard_without_records_is_there() {
    let sets = [nsec("test", "a.*.b.test", &[Type::SOA, Type::NS]), nsec("a.*.b.test", "test", &[Type::A])];
    let zone = name("test");
    let proofs = NsecProofs::new(&[&sets[0], &sets[1]], zone.as_ref(), 10);
    for (asked, no_data, name_error) in [
        ("c.b.test", PROVEN, NOTHING),
        ("d.c.b.test", PROVEN, NOTHING),
        ("*.b.test", PROVEN, NOTHING),
        ("b.test", PROVEN, NOTHING),
        ("c.*.b.test", NOTHING, PROVEN),
        ("c.test", NOTHING, PROVEN),
    ] {
        let asked_name = name(asked);
        let claim = DenialClaim { name: asked_name.as_ref(), rtype: Type::A, zone: zone.as_ref() };
        assert_eq!([proofs.no_data(claim), proofs.name_error(claim)], [no_data, name_error], "{asked}");
    }
}

#[test]
fn a_wildcard_answers_where_it_is_the_closest() {
    for (case, asked, labels, verdict) in [
        ("the wildcard of the closest name", "x.wild.test", 2, PROVEN),
        ("one further up", "x.wild.test", 1, NOTHING),
        ("of the apex", "none.test", 1, PROVEN),
        ("a name that exists", "host.test", 1, NOTHING),
        ("below a host", "x.host.test", 1, NOTHING),
    ] {
        assert_eq!(judge(asked, Type::A, labels).0[2], verdict, "{case}");
    }
    for (asked, wildcard) in [
        ("none.test", Some("*.test.")),
        ("x.host.test", Some("*.host.test.")),
        ("b.empty.test", Some("*.empty.test.")),
        ("host.test", None),
    ] {
        let found = judge(asked, Type::A, 0).1.map(|name| name.to_string());
        assert_eq!(found.as_deref(), wildcard, "{asked}");
    }
}

#[test]
fn what_lies_outside_of_the_zone_proves_nothing() {
    let count = |zone: &str, most| {
        let sets = chain();
        NsecProofs::new(&sets.iter().collect::<Vec<_>>(), name(zone).as_ref(), most).0.len()
    };
    assert_eq!([10, 7, 3, 0].map(|most| count("test", most)), [7, 7, 3, 0]);
    assert_eq!([count("other", 10), count("empty.test", 10), count(".", 10)], [0, 0, 7]);
    let others = [RecordSet { rtype: Type::NSEC3, ..nsec("test", "test", &[]) }];
    assert!(NsecProofs::new(&[&others[0]], name("test").as_ref(), 10).is_empty());
}

#[test]
fn each_record_has_its_role() {
    let roles = judge("none.test", Type::A, 0).2;
    let shown: Vec<_> = roles
        .iter()
        .map(|role| (role.owner.to_string(), role.name.to_string(), role.stands, role.rtype))
        .collect();
    let row = |owner: &str, name: &str| (owner.to_owned(), name.to_owned(), false, Type::NSEC);
    assert_eq!(shown, [row("host.test.", "none.test."), row("test.", "*.test.")]);
    let roles = judge("host.test", Type::AAAA, 0).2;
    assert_eq!(roles.iter().map(|role| role.stands).collect::<Vec<_>>(), [true]);
}
