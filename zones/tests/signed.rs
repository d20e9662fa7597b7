//! Answers with proofs: the zones and the examples of RFC 4035 appendix B and RFC 5155 appendix B. Signatures are made up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod kit;

use std::fmt::Write;

use kit::{Answered, ask, ask_signed, build};
use rhumb_wire::{Rcode, Type};
use rhumb_zones::{AnswerKind, ZoneContents};

/// Builds a zone from lines, a signature beside every RRset but those of lines that begin with `-`.
fn signed(text: &str) -> ZoneContents {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((owner, rest)) = line.trim_start_matches('-').split_once(' ') else { panic!("{line}") };
        let mut owner = owner.to_owned();
        if !owner.ends_with('.') {
            owner += if owner.is_empty() { "example." } else { ".example." };
        }
        lines.push(format!("{owner} 3600 IN {rest}"));
        let covered = rest.split(' ').next().unwrap();
        let signature = format!("{owner} 3600 IN RRSIG {covered} example.");
        if !line.starts_with('-') && !lines.contains(&signature) {
            lines.push(signature);
        }
    }
    build("example.", lines.iter().map(String::as_str)).unwrap().0
}

fn plain_denial() -> ZoneContents {
    signed(
        "example. SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
        example. NS ns1.example.
        example. NS ns2.example.
        example. MX 1 xx.example.
        example. NSEC a.example. NS SOA MX RRSIG NSEC
        -a NS ns1.a.example.
        -a NS ns2.a.example.
        a DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
        a NSEC ai.example. NS DS RRSIG NSEC
        -ns1.a A 192.0.2.5
        -ns2.a A 192.0.2.6
        ai A 192.0.2.9
        ai AAAA 2001:db8::f00:baa9
        ai NSEC b.example. A AAAA RRSIG NSEC
        -b NS ns1.b.example.
        -b NS ns2.b.example.
        b NSEC ns1.example. NS RRSIG NSEC
        -ns1.b A 192.0.2.7
        -ns2.b A 192.0.2.8
        ns1 A 192.0.2.1
        ns1 NSEC ns2.example. A RRSIG NSEC
        ns2 A 192.0.2.2
        ns2 NSEC *.w.example. A RRSIG NSEC
        *.w MX 1 ai.example.
        *.w NSEC x.w.example. MX RRSIG NSEC
        x.w MX 1 xx.example.
        x.w NSEC x.y.w.example. MX RRSIG NSEC
        x.y.w MX 1 xx.example.
        x.y.w NSEC xx.example. MX RRSIG NSEC
        xx A 192.0.2.10
        xx AAAA 2001:db8::f00:baaa
        xx NSEC example. A AAAA RRSIG NSEC",
    )
}

fn hashed_denial() -> ZoneContents {
    const CHAIN: &[(&str, &str)] = &[
        ("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "MX NS SOA NSEC3PARAM RRSIG"),
        ("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "A RRSIG"),
        ("2vptu5timamqttgl4luu9kg21e0aor3s", "MX RRSIG"),
        ("35mthgpgcu1qg68fab165klnsnk3dpvl", "NS DS RRSIG"),
        ("b4um86eghhds6nea196smvmlo4ors995", "MX RRSIG"),
        ("gjeqe526plbf1g8mklp59enfd789njgi", "A AAAA RRSIG"),
        ("ji6neoaepv8b5o6k4ev33abha8ht9fgc", ""),
        ("k8udemvp1j2f7eg6jebps17vp3n8i58h", ""),
        ("kohar7mbb8dc2ce8a9qvl8hon4k53uhi", "A RRSIG"),
        ("q04jkcevqvmu85r014c7dkba38o0ji5r", "A RRSIG"),
        ("r53bq7cc2uvmubfu5ocmm6pers9tk9en", "MX RRSIG"),
        ("t644ebqk9bibcna874givr6joj62mlhv", "A AAAA RRSIG"),
    ];
    let mut text = String::from(
        "example. SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
        example. NS ns1.example.
        example. NS ns2.example.
        example. MX 1 xx.example.
        example. NSEC3PARAM 1 0 12 aabbccdd
        2t7b4g4vsa5smi47k61mv5bv1a22bojr A 192.0.2.127
        -a NS ns1.a.example.
        -a NS ns2.a.example.
        a DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C
        -ns1.a A 192.0.2.5
        -ns2.a A 192.0.2.6
        ai A 192.0.2.9
        ai AAAA 2001:db8::f00:baa9
        -c NS ns1.c.example.
        -c NS ns2.c.example.
        -ns1.c A 192.0.2.7
        -ns2.c A 192.0.2.8
        ns1 A 192.0.2.1
        ns2 A 192.0.2.2
        *.w MX 1 ai.example.
        x.w MX 1 xx.example.
        x.y.w MX 1 xx.example.
        xx A 192.0.2.10
        xx AAAA 2001:db8::f00:baaa\n",
    );
    for (i, (owner, types)) in CHAIN.iter().enumerate() {
        let next = CHAIN[(i + 1) % CHAIN.len()].0;
        // Owners in upper case, as some signers write them.
        writeln!(text, "{} NSEC3 1 1 12 aabbccdd {next} {types}", owner.to_uppercase()).unwrap();
    }
    signed(&text)
}

/// The owners of the NSEC or NSEC3 records of the authority section, each with its signature.
fn proofs(answered: &Answered) -> Vec<String> {
    let authority = &answered.sections[1];
    let proofs = authority.iter().filter_map(|line| {
        let mut words = line.split(' ');
        let (owner, rtype) = (words.next()?, words.next()?);
        rtype.starts_with("NSEC").then(|| {
            let signature = format!("{owner} RRSIG {rtype}");
            assert!(authority.contains(&signature), "{signature} is missing: {authority:?}");
            owner.split('.').next().unwrap().to_owned() + if owner == "example." { "." } else { "" }
        })
    });
    proofs.collect()
}

fn check(answered: &Answered, rcode: Rcode, kind: AnswerKind, wanted: &[&str]) {
    assert_eq!((answered.reply.rcode, answered.reply.kind), (rcode, kind), "{answered:?}");
    assert_eq!(answered.reply.authoritative, kind != AnswerKind::Referral);
    assert_eq!(proofs(answered), wanted, "{answered:?}");
}

#[test]
fn rfc_4035_appendix_b() {
    let zone = plain_denial();
    assert!(zone.is_signed());
    let answer = ask_signed(&zone, "x.w.example.", Type::MX);
    check(&answer, Rcode::NOERROR, AnswerKind::Answer, &[]);
    assert_eq!(
        answer.sections[0],
        ["x.w.example. MX \\x00\\x01\\x02xx\\x07example\\x00", "x.w.example. RRSIG MX"]
    );
    assert_eq!(answer.sections[2].len(), 4, "addresses of xx and their signatures");

    check(
        &ask_signed(&zone, "ml.example.", Type::A),
        Rcode::NXDOMAIN,
        AnswerKind::NxDomain,
        &["b", "example."],
    );
    check(&ask_signed(&zone, "ns1.example.", Type::MX), Rcode::NOERROR, AnswerKind::NoData, &["ns1"]);
    let referral = ask_signed(&zone, "mc.a.example.", Type::MX);
    check(&referral, Rcode::NOERROR, AnswerKind::Referral, &[]);
    assert!(referral.sections[1].contains(&"a.example. RRSIG DS".to_owned()));
    assert_eq!(referral.sections[2], ["ns1.a.example. A 192.0.2.5", "ns2.a.example. A 192.0.2.6"]);
    check(&ask_signed(&zone, "mc.b.example.", Type::MX), Rcode::NOERROR, AnswerKind::Referral, &["b"]);
    check(&ask_signed(&zone, "b.example.", Type::DS), Rcode::NOERROR, AnswerKind::NoData, &["b"]);
    let expanded = ask_signed(&zone, "a.z.w.example.", Type::MX);
    check(&expanded, Rcode::NOERROR, AnswerKind::Answer, &["x"]);
    assert!(expanded.sections[1].contains(&"x.y.w.example. NSEC xx.example.".to_owned()));
    check(&ask_signed(&zone, "a.z.w.example.", Type::AAAA), Rcode::NOERROR, AnswerKind::NoData, &["*", "x"]);
    check(&ask_signed(&zone, "example.", Type::DS), Rcode::NOERROR, AnswerKind::NoData, &["example."]);
    // The empty non-terminals between: denied by the NSEC before them.
    check(&ask_signed(&zone, "w.example.", Type::A), Rcode::NOERROR, AnswerKind::NoData, &["ns2"]);
    check(&ask_signed(&zone, "y.w.example.", Type::A), Rcode::NOERROR, AnswerKind::NoData, &["x"]);
    // Beyond the last name.
    check(
        &ask_signed(&zone, "zz.example.", Type::A),
        Rcode::NXDOMAIN,
        AnswerKind::NxDomain,
        &["example.", "xx"],
    );
    // One record proves both that the name and that the wildcard is not there.
    check(&ask_signed(&zone, "!.example.", Type::A), Rcode::NXDOMAIN, AnswerKind::NxDomain, &["example."]);
}

#[test]
fn rfc_5155_appendix_b() {
    let zone = hashed_denial();
    check(
        &ask_signed(&zone, "a.c.x.w.example.", Type::A),
        Rcode::NXDOMAIN,
        AnswerKind::NxDomain,
        &[
            "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
            "35mthgpgcu1qg68fab165klnsnk3dpvl",
            "b4um86eghhds6nea196smvmlo4ors995",
        ],
    );
    for (name, owner) in [
        ("ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"),
        ("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"),
    ] {
        check(&ask_signed(&zone, name, Type::MX), Rcode::NOERROR, AnswerKind::NoData, &[owner]);
    }
    let opt_out = ["0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "35mthgpgcu1qg68fab165klnsnk3dpvl"];
    check(&ask_signed(&zone, "mc.c.example.", Type::MX), Rcode::NOERROR, AnswerKind::Referral, &opt_out);
    check(&ask_signed(&zone, "c.example.", Type::DS), Rcode::NOERROR, AnswerKind::NoData, &opt_out);
    check(
        &ask_signed(&zone, "a.z.w.example.", Type::MX),
        Rcode::NOERROR,
        AnswerKind::Answer,
        &["q04jkcevqvmu85r014c7dkba38o0ji5r"],
    );
    check(
        &ask_signed(&zone, "a.z.w.example.", Type::AAAA),
        Rcode::NOERROR,
        AnswerKind::NoData,
        &[
            "k8udemvp1j2f7eg6jebps17vp3n8i58h",
            "q04jkcevqvmu85r014c7dkba38o0ji5r",
            "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
        ],
    );
    check(&ask_signed(&zone, "example.", Type::DS), Rcode::NOERROR, AnswerKind::NoData, &[opt_out[0]]);
}

/// RFC 5155 section 7.2.8: the owner of an NSEC3 record is no name of the zone.
#[test]
fn owners_of_nsec3_are_not_there() {
    let zone = hashed_denial();
    let name = "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example.";
    assert_eq!(ask(&zone, name, Type::NSEC3).reply.rcode, Rcode::NXDOMAIN);
    let owner = "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.";
    assert_eq!(ask(&zone, owner, Type::A).sections[0], [format!("{owner} A 192.0.2.127")]);
    assert_eq!(ask(&zone, owner, Type::NSEC3).reply.kind, AnswerKind::NoData);
    let listed = zone.iter().filter(|rrset| rrset.rtype() == Type::NSEC3).count();
    assert_eq!(listed, 12, "they are there to be transferred");
}

/// A wildcard that is an empty non-terminal: that it is one is shown, and that no closer name is there.
#[test]
fn a_wildcard_that_owns_nothing() {
    let zone = signed(
        "example. SOA ns1.example. x. 1 3600 300 3600000 3600
        example. NS ns.other.
        example. NSEC a.example. NS SOA RRSIG NSEC
        a A 192.0.2.1
        a NSEC c.*.b.example. A RRSIG NSEC
        c.*.b A 192.0.2.2
        c.*.b NSEC example. A RRSIG NSEC",
    );
    check(&ask_signed(&zone, "q.b.example.", Type::A), Rcode::NOERROR, AnswerKind::NoData, &["a", "c"]);
}

/// The proofs of a chain stand in the authority section, behind all answers and before the additional section.
#[test]
fn wildcards_in_a_chain() {
    let zone = signed(
        "example. SOA ns1.example. x. 1 3600 300 3600000 3600
        example. NS ns.other.
        example. NSEC *.a.example. NS SOA RRSIG NSEC
        *.a CNAME q.b.example.
        *.a NSEC *.b.example. CNAME RRSIG NSEC
        *.b CNAME r.c.example.
        *.b NSEC *.c.example. CNAME RRSIG NSEC
        *.c MX 1 m.example.
        *.c NSEC m.example. CNAME RRSIG NSEC
        m A 192.0.2.1
        m NSEC example. A RRSIG NSEC",
    );
    let chain = ask_signed(&zone, "x.a.example.", Type::MX);
    check(&chain, Rcode::NOERROR, AnswerKind::Answer, &["*", "*", "*"]);
    let owners = |section: usize| -> Vec<&str> {
        chain.sections[section].iter().map(|line| line.split(' ').next().unwrap()).collect()
    };
    let answers = ["q.b.example.", "r.c.example.", "x.a.example."];
    assert_eq!(owners(0), answers.map(|owner| [owner; 2]).concat());
    assert_eq!(owners(1), ["*.a.example.", "*.b.example.", "*.c.example."].map(|owner| [owner; 2]).concat());
    assert_eq!(owners(2), ["m.example."; 2]);
    check(&ask_signed(&zone, "x.a.example.", Type::A), Rcode::NOERROR, AnswerKind::NoData, &["*", "*", "*"]);
}

#[test]
fn without_do_nothing_of_dnssec_is_added() {
    for zone in [plain_denial(), hashed_denial()] {
        for (name, qtype) in [("ml.example.", Type::A), ("mc.a.example.", Type::MX), ("xx.example.", Type::A)]
        {
            let answered = ask(&zone, name, qtype);
            let all = answered.sections.concat();
            assert!(all.iter().all(|line| !line.contains("RRSIG") && !line.contains("NSEC")), "{all:?}");
        }
        let signatures = ask(&zone, "xx.example.", Type::RRSIG).sections;
        assert!(signatures[0].len() >= 2 && signatures[0].iter().all(|line| line.contains("RRSIG")));
    }
}

/// RFC 2181 section 5: signatures that came with a DNAME of the chain are not put once more for RRSIG.
#[test]
fn signatures_of_a_dname_are_put_once() {
    let zone = signed(
        "example. SOA ns.other. x. 1 1 1 1 60
        example. NS ns.other.
        example. NSEC f.example. NS SOA RRSIG NSEC
        f DNAME example.
        f NSEC example. DNAME RRSIG NSEC",
    );
    // The DNAME with its signature, the CNAME made from it, and the signature of NSEC.
    let sections = ask_signed(&zone, "f.f.example.", Type::RRSIG).sections;
    assert_eq!(sections[0].len(), 4, "{sections:?}");
}
