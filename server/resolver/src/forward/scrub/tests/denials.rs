//! The authority section.

use super::super::super::tests::build::{a, cname, name, nsec, question, rr, rrsig, soa};
use super::*;

fn www() -> OutboundQuestion {
    question("www.example.com", Type::A)
}

fn signed() -> OutboundQuestion {
    OutboundQuestion { dnssec_ok: true, checking_disabled: true, ..www() }
}

#[test]
fn a_denial_lives_as_long_as_its_soa_allows() {
    for (ttl, minimum, kept) in
        [(3600, 60, 60), (30, 60, 30), (604_900, 604_900, 604_800), (u32::MAX, 60, 0), (60, 0, 0)]
    {
        for rcode in [0, 3] {
            let scrubbed = scrubbed(&www(), rcode, &[], &[soa("example.com", ttl, minimum)]).unwrap();
            assert_eq!((scrubbed.ttl, scrubbed.negative, scrubbed.rcode), (kept, true, Rcode(rcode)));
            assert_eq!(listed(&scrubbed), [format!("*example.com. {kept} SOA")]);
            assert_scrubbed(&scrubbed, &www());
        }
    }
}

#[test]
fn without_a_soa_nothing_is_kept() {
    for rcode in [0, 3] {
        let scrubbed = scrubbed(&www(), rcode, &[], &[]).unwrap();
        assert_eq!((scrubbed.ttl, scrubbed.negative, scrubbed.substantial), (0, true, false));
        assert_eq!(scrubbed.message.len(), 33);
        assert_scrubbed(&scrubbed, &www());
    }
}

#[test]
fn the_soa_is_of_a_zone_the_name_is_in() {
    let given = [soa("example.net", 60, 60), soa("w.example.com", 60, 60), soa("x.www.example.com", 60, 60)];
    assert_eq!(scrubbed(&www(), 3, &[], &given).map(|c| (c.ttl, c.substantial)), Ok((0, false)));
    let given =
        [soa("example.net", 60, 60), soa("com", 50, 60), soa("example.com", 40, 60), soa("com", 10, 60)];
    let scrubbed = scrubbed(&www(), 3, &[], &given).unwrap();
    assert_eq!(listed(&scrubbed), ["*com. 10 SOA"]);
}

#[test]
fn a_chain_may_end_in_a_denial() {
    for rcode in [0, 3] {
        let chain = [cname("www.example.com", 20, "gone.example.net")];
        let denied = scrubbed(&www(), rcode, &chain, &[soa("example.net", 60, 60)]).unwrap();
        assert_eq!(listed(&denied), ["www.example.com. 20 CNAME", "*example.net. 60 SOA"]);
        assert_eq!((denied.ttl, denied.negative, denied.rcode), (20, true, Rcode(rcode)));
        assert_scrubbed(&denied, &www());
        // The SOA of where the chain began says nothing of its end.
        let scrubbed = scrubbed(&www(), rcode, &chain, &[soa("example.com", 60, 60)]).unwrap();
        // Without a denial the alias alone is kept, and its target asked for; a name that does not exist needs one.
        let ttl = if rcode == 0 { 20 } else { 0 };
        assert_eq!((listed(&scrubbed).len(), scrubbed.ttl), (1, ttl));
    }
}

#[test]
fn proofs_come_with_a_denial_if_asked_for() {
    let authority = [
        soa("example.com", 60, 30),
        rrsig("example.com", 60, Type::SOA, 2, "example.com"),
        nsec("a.example.com", 50, "z.example.com"),
        rrsig("a.example.com", 50, Type::NSEC, 3, "example.com"),
        nsec("a.example.net", 50, "z.example.net"),
        nsec("com", 50, "example.net"),
        rr("example.com", 50, Type::NS, name("ns.example.com")),
        a("b.example.com", 50, 66),
    ];
    let scrubbed = scrubbed(&signed(), 3, &[], &authority).unwrap();
    assert_eq!(
        listed(&scrubbed),
        [
            "*example.com. 30 SOA",
            "*example.com. 30 RRSIG",
            "*a.example.com. 30 NSEC",
            "*a.example.com. 30 RRSIG"
        ]
    );
    assert_eq!(scrubbed.ttl, 30);
    assert_scrubbed(&scrubbed, &signed());
    let plain = super::scrubbed(&www(), 3, &[], &authority).unwrap();
    assert_eq!(listed(&plain), ["*example.com. 30 SOA"]);
}

#[test]
fn an_expanded_wildcard_keeps_its_proof() {
    let authority = [
        nsec("a.example.com", 40, "z.example.com"),
        rrsig("a.example.com", 40, Type::NSEC, 3, "example.com"),
    ];
    let wild = [a("www.example.com", 60, 1), rrsig("www.example.com", 60, Type::A, 2, "example.com")];
    let kept = scrubbed(&signed(), 0, &wild, &authority).unwrap();
    assert_eq!(listed(&kept)[2..], ["*a.example.com. 40 NSEC", "*a.example.com. 40 RRSIG"]);
    assert_eq!((kept.ttl, kept.negative), (40, false));
    assert_scrubbed(&kept, &signed());
    let plain = [wild[0].clone(), rrsig("www.example.com", 60, Type::A, 3, "example.com")];
    assert_eq!(listed(&scrubbed(&signed(), 0, &plain, &authority).unwrap()).len(), 2);
    // A signer that is not above the name cannot bring in proofs of its own zone.
    let foreign = [wild[0].clone(), rrsig("www.example.com", 60, Type::A, 2, "example.net")];
    let authority = [nsec("a.example.net", 40, "z.example.net")];
    assert_eq!(listed(&scrubbed(&signed(), 0, &foreign, &authority).unwrap()).len(), 2);
}

#[test]
fn proofs_are_bounded() {
    let padded = |count: usize| -> Vec<Rr> {
        std::iter::once(soa("example.com", 60, 60))
            .chain((0..count).map(|n| nsec(&format!("n{n}.example.com"), 60, "z.example.com")))
            .collect()
    };
    assert_eq!(listed(&scrubbed(&signed(), 3, &[], &padded(32)).unwrap()).len(), 33);
    assert_eq!(scrubbed(&signed(), 3, &[], &padded(33)), Err(UnusableReply::TooMany));
}
