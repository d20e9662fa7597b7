//! The answer section.

use super::super::super::tests::build::{a, cname, name, question, rr, rrsig, soa};
use super::*;

fn www() -> OutboundQuestion {
    question("www.example.com", Type::A)
}

fn good(question: &OutboundQuestion, answer: &[Rr]) -> Vec<String> {
    let scrubbed = scrubbed(question, 0, answer, &[]).unwrap();
    assert!(!scrubbed.negative && scrubbed.substantial);
    assert_scrubbed(&scrubbed, question);
    listed(&scrubbed)
}

#[test]
fn only_what_was_asked_for_stays() {
    let mut chaos = a("www.example.com", 60, 3);
    chaos.class = Class::CH;
    let answer = [
        a("evil.example.com", 60, 66),
        a("www.example.com", 300, 1),
        rr("www.example.com", 60, Type::TXT, b"\x01x".to_vec()),
        chaos,
        a("WWW.example.COM", 200, 2),
        a("www.example.com", 100, 1),
        rrsig("www.example.com", 50, Type::A, 3, "example.com"),
        cname("www.example.com", 60, "evil.example.com"),
    ];
    let authority =
        [rr("com", 60, Type::NS, name("ns.evil")), soa("com", 60, 60), a("ns.example.com", 60, 66)];
    let additional = [a("ns.evil", 60, 66)];
    let reply = message(77, 0x8580, &asked(&www()), [&answer, &authority, &additional]);
    let scrubbed = scrub(&reply, &www()).unwrap();
    assert_eq!(listed(&scrubbed), ["www.example.com. 100 A", "www.example.com. 100 A"]);
    assert_eq!((scrubbed.ttl, scrubbed.rcode), (100, Rcode::NOERROR));
    assert_scrubbed(&scrubbed, &www());
}

#[test]
fn the_case_of_the_upstream_is_not_kept_at_the_question() {
    let q = OutboundQuestion { name: "WwW.eXample.com".parse().unwrap(), ..www() };
    let scrubbed = scrubbed(&q, 0, &[a("wWw.exaMPLE.com", 9, 1)], &[]).unwrap();
    assert_scrubbed(&scrubbed, &q);
    assert!(!scrubbed.message.iter().any(u8::is_ascii_uppercase));
}

#[test]
fn chains_are_put_in_order() {
    let answer = [
        a("c.example.net", 30, 1),
        cname("b.example.org", 60, "C.example.net"),
        cname("www.example.com", 90, "b.example.org"),
    ];
    let scrubbed = scrubbed(&www(), 0, &answer, &[]).unwrap();
    assert_eq!(
        listed(&scrubbed),
        ["www.example.com. 90 CNAME", "b.example.org. 60 CNAME", "C.example.net. 30 A"]
    );
    assert_eq!(scrubbed.ttl, 30);
    assert_scrubbed(&scrubbed, &www());
}

#[test]
fn a_fork_has_its_first_branch_only() {
    let answer: Vec<_> = (0..40)
        .map(|n| cname("www.example.com", 60, &format!("t{n}.example.com")))
        .chain((0..40).map(|n| a(&format!("t{n}.example.com"), 60, n)))
        .collect();
    assert_eq!(good(&www(), &answer), ["www.example.com. 60 CNAME", "t0.example.com. 60 A"]);
}

fn chain(links: usize) -> Vec<Rr> {
    let owner = |n: usize| if n == 0 { "www.example.com".to_owned() } else { format!("c{n}.example.com") };
    let mut answer: Vec<_> = (0..links).map(|n| cname(&owner(n), 60, &owner(n + 1))).collect();
    answer.push(a(&owner(links), 60, 1));
    answer
}

#[test]
fn loops_and_long_chains_are_refused() {
    assert_eq!(good(&www(), &chain(11)).len(), 12);
    for links in [12, 13, 100] {
        assert_eq!(scrubbed(&www(), 0, &chain(links), &[]), Err(UnusableReply::TooManyLinks));
    }
    for answer in [
        vec![cname("www.example.com", 60, "www.Example.com")],
        vec![cname("www.example.com", 60, "b.example"), cname("b.example", 60, "www.example.com")],
        vec![cname("www.example.com", 60, "b.example"), cname("b.example", 60, "b.example")],
    ] {
        assert_eq!(scrubbed(&www(), 0, &answer, &[]), Err(UnusableReply::Loop));
    }
}

#[test]
fn a_question_for_the_link_itself_does_not_follow_it() {
    let q = question("www.example.com", Type::CNAME);
    assert_eq!(good(&q, &chain(3)), ["www.example.com. 60 CNAME"]);
    let q = question("www.example.com", Type::ANY);
    let answer = [
        cname("www.example.com", 60, "x"),
        rrsig("www.example.com", 60, Type::CNAME, 3, "example.com"),
        a("x", 60, 1),
    ];
    assert_eq!(good(&q, &answer), ["www.example.com. 60 CNAME", "www.example.com. 60 RRSIG"]);
}

#[test]
fn dname_gives_its_cname() {
    let dname = |owner: &str, to: &str| rr(owner, 80, Type::DNAME, name(to));
    let expected = ["example.com. 80 DNAME", "www.example.com. 60 CNAME", "www.Example.net. 60 A"];
    let with = [
        dname("example.com", "example.net"),
        cname("www.example.com", 60, "www.Example.net"),
        a("www.example.net", 60, 1),
    ];
    assert_eq!(good(&www(), &with), expected);
    let without = [with[0].clone(), with[2].clone()];
    assert_eq!(good(&www(), &without)[1], "www.example.com. 80 CNAME");
    // The CNAME is the answer itself, with what it comes from.
    assert_eq!(good(&question("www.example.com", Type::CNAME), &with), expected[..2]);
    let nested = [dname("example.com", "example.net"), dname("com", "net")];
    let topmost = good(&question("www.example.com", Type::CNAME), &nested);
    assert_eq!(topmost, ["com. 80 DNAME", "www.example.com. 80 CNAME"]);
    // Of a name itself a DNAME says nothing.
    let own = [dname("www.example.com", "example.net"), a("www.example.com", 60, 1)];
    assert_eq!(good(&www(), &own), ["www.example.com. 60 A"]);
    assert_eq!(good(&question("www.example.com", Type::DNAME), &own), ["www.example.com. 80 DNAME"]);
}

#[test]
fn a_dname_that_serves_twice_stands_there_once() {
    let answer = [
        rr("example.com", 80, Type::DNAME, name("example.net")),
        cname("www.example.net", 60, "y.example.com"),
        a("y.example.net", 60, 1),
    ];
    let expected = [
        "example.com. 80 DNAME",
        "www.example.com. 80 CNAME",
        "www.example.net. 60 CNAME",
        "y.example.com. 80 CNAME",
        "y.example.net. 60 A",
    ];
    assert_eq!(good(&www(), &answer), expected);
}

#[test]
fn a_dname_that_leads_to_itself_stands_there_once() {
    let answer = [
        rr("example.com", 80, Type::DNAME, name("www.example.net")),
        rr("www.example.net", 80, Type::DNAME, name("example.net")),
    ];
    let expected = [
        "example.com. 80 DNAME",
        "www.example.com. 80 CNAME",
        "www.example.net. 80 DNAME",
        "www.www.example.net. 80 CNAME",
    ];
    assert_eq!(good(&question("www.example.com", Type::DNAME), &answer), expected);
}

#[test]
fn dname_that_does_not_fit_is_refused() {
    let dname = |owner: &str, to: &str| rr(owner, 80, Type::DNAME, name(to));
    let other = [
        dname("example.com", "example.net"),
        cname("www.example.com", 60, "www.evil.net"),
        a("www.evil.net", 60, 1),
    ];
    assert_eq!(scrubbed(&www(), 0, &other, &[]), Err(UnusableReply::Dname));
    let long = [dname("example.com", &format!("{}exampleexamp", "abcdefg.".repeat(30)))];
    assert_eq!(scrubbed(&www(), 0, &long, &[]), Err(UnusableReply::Dname));
    let to_itself = [dname("com", "com")];
    assert_eq!(scrubbed(&www(), 0, &to_itself, &[]), Err(UnusableReply::Loop));
    // Each step makes the name longer; it ends all the same.
    let growing = [dname("example.com", "a.example.com")];
    assert_eq!(scrubbed(&www(), 0, &growing, &[]), Err(UnusableReply::TooManyLinks));
}

#[test]
fn signatures_stay_with_what_they_cover_if_asked_for() {
    let q = OutboundQuestion { dnssec_ok: true, ..www() };
    let answer = [
        rrsig("www.example.com", 20, Type::A, 3, "example.com"),
        rrsig("www.example.com", 60, Type::AAAA, 3, "example.com"),
        a("www.example.com", 60, 1),
        rrsig("x.example.com", 60, Type::A, 3, "example.com"),
    ];
    assert_eq!(good(&q, &answer), ["www.example.com. 20 A", "www.example.com. 20 RRSIG"]);
    assert_eq!(good(&www(), &answer), ["www.example.com. 60 A"]);
    let many: Vec<_> = (0..20)
        .map(|n| {
            let mut signature = rrsig("www.example.com", 60, Type::A, 3, "example.com");
            signature.rdata.push(n);
            signature
        })
        .chain([a("www.example.com", 60, 1)])
        .collect();
    assert_eq!(good(&q, &many).len(), 1 + 8);
    let q = question("www.example.com", Type::RRSIG);
    assert_eq!(good(&q, &answer), ["www.example.com. 20 RRSIG", "www.example.com. 20 RRSIG"]);
}

#[test]
fn ttls_are_made_sane() {
    for (given, kept) in [
        (0, 0),
        (604_800, 604_800),
        (604_801, 604_800),
        (0x7fff_ffff, 604_800),
        (0x8000_0000, 0),
        (u32::MAX, 0),
    ] {
        let scrubbed = scrubbed(&www(), 0, &[a("www.example.com", given, 1)], &[]).unwrap();
        assert_eq!(
            (scrubbed.ttl, listed(&scrubbed)[0].clone()),
            (kept, format!("www.example.com. {kept} A"))
        );
    }
}

#[test]
fn sets_are_bounded() {
    let set = |count: u16| -> Vec<Rr> {
        let record =
            |n: u16| rr("www.example.com", 60, Type::A, [vec![10, 0], n.to_be_bytes().to_vec()].concat());
        (0..count).map(record).collect()
    };
    // Of records that are 16 bytes long compressed, 4,092 fit a message beside a question of this length.
    for count in [256, 257, 1500, 4092] {
        assert_eq!(good(&www(), &set(count)).len(), usize::from(count));
    }
    assert_eq!(scrubbed(&www(), 0, &set(4096), &[]), Err(UnusableReply::TooLong));
    assert_eq!(scrubbed(&www(), 0, &set(4097), &[]), Err(UnusableReply::TooMany));
    // Duplicates do not count, up to the bound of all records.
    assert_eq!(good(&www(), &[set(1200), set(4000)].concat()).len(), 4000);
    assert_eq!(scrubbed(&www(), 0, &[set(2001), set(4000)].concat(), &[]), Err(UnusableReply::TooMany));
    let q = question("www.example.com", Type::ANY);
    let types = |count: u16| -> Vec<Rr> {
        (0..count).map(|n| rr("www.example.com", 60, Type(3000 + n), vec![1])).collect()
    };
    assert_eq!(good(&q, &types(100)).len(), 100);
    assert_eq!(scrubbed(&q, 0, &types(101), &[]), Err(UnusableReply::TooMany));
}

#[test]
fn an_answer_that_only_fits_compressed_is_kept_and_one_that_does_not_fit_is_refused() {
    let q = question("www.example.com", Type::TXT);
    let text = |n: u8, size: usize| {
        rr(
            "www.example.com",
            60,
            Type::TXT,
            [vec![255, n], vec![b'x'; 254], [vec![255], vec![n; 255]].concat().repeat(size)].concat(),
        )
    };
    let wide: Vec<_> = (0..83).map(|n| text(n, 2)).collect();
    let reply = replied(&q, 0, &wide, &[]);
    assert!(reply.len() > 65_535, "{}", reply.len());
    assert_eq!(scrub(&reply, &q).map(|c| c.message.len()), Ok(33 + 83 * (12 + 768)));
    let wider: Vec<_> = (0..250).map(|n| text(n, 2)).collect();
    assert_eq!(scrubbed(&q, 0, &wider, &[]), Err(UnusableReply::TooLong));
}

#[test]
fn odd_records_matter_only_where_they_belong_to_the_answer() {
    let odd = |owner: &str| rr(owner, 60, Type::A, vec![1, 2, 3]);
    assert_eq!(good(&www(), &[odd("x.example.com"), a("www.example.com", 60, 1)]).len(), 1);
    assert_eq!(
        scrubbed(&www(), 0, &[odd("www.example.com"), a("www.example.com", 60, 1)], &[]),
        Err(UnusableReply::Malformed)
    );
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let reply = replied(&www(), 0, &[a("www.example.com", 60, 1)], &[]);
    assert!(scrub(&reply, &www()).is_ok());
    for (byte, bits) in [(2, 0x80), (2, 0x02), (2, 0x08), (3, 0x02), (3, 0x05)] {
        let mut other = reply.clone();
        other[byte] ^= bits;
        assert_eq!(scrub(&other, &www()), Err(UnusableReply::NoAnswer), "{byte} {bits}");
    }
    assert_eq!(scrub(&reply[..reply.len() - 1], &www()), Err(UnusableReply::Malformed));
    assert_eq!(scrub(&reply[..11], &www()), Err(UnusableReply::Malformed));
    assert_eq!(scrubbed(&www(), 3, &[a("www.example.com", 60, 1)], &[]), Err(UnusableReply::Contradiction));
    assert_eq!(scrubbed(&www(), 0, &[a("x.example.com", 60, 1)], &[]), Err(UnusableReply::Unrelated));
    let ns = [rr("com", 60, Type::NS, name("ns.com"))];
    assert_eq!(scrubbed(&www(), 0, &[], &ns), Err(UnusableReply::Referral(1)));
    // From the authority itself that is no referral, and with a SOA it is a denial.
    let from_authority = message(77, 0x8400, &asked(&www()), [&[], &ns, &[]]);
    assert!(scrub(&from_authority, &www()).is_ok());
    assert!(scrubbed(&www(), 0, &[], &[ns[0].clone(), soa("com", 60, 60)]).is_ok());
}

#[test]
fn the_root_and_the_longest_name_can_be_asked_for() {
    let q = question(".", Type::NS);
    assert_eq!(good(&q, &[rr(".", 60, Type::NS, name("a.root"))]), [". 60 NS"]);
    let longest = format!("{}a", "a.".repeat(126));
    let q = question(&longest, Type::A);
    assert_eq!(good(&q, &[a(&longest, 60, 1)]).len(), 1);
}
