use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, MessageWriter};

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// One record of a reply: its section, owner, type, and the name that begins its RDATA.
type Line = (MessageSection, &'static str, Type, &'static str);

/// A reply to `question` with these records of TTL 300; SOA has a minimum of 60.
fn reply(question: &OutboundQuestion, flags: u16, lines: &[Line]) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 4096, &mut compression);
    w.question(question.name.as_ref(), question.qtype, Class::IN).unwrap();
    for (section, owner, rtype, target) in lines {
        let target = name(target);
        let target = target.as_ref().as_bytes();
        let rdata = match *rtype {
            Type::A => vec![192, 0, 2, 1],
            Type::SOA => [target, target, &[0; 19], &[60]].concat(),
            Type::MX => [&[0, 10], target].concat(),
            _ => target.to_vec(),
        };
        w.record(*section, name(owner).as_ref(), *rtype, Class::IN, 300, |w| w.bytes(&rdata)).unwrap();
    }
    let length = w.finish(1, header::QR | flags);
    buffer.truncate(length);
    buffer
}

/// What a server of `test` says of `qtype` at `asked`, in a word or two.
fn meaning(asked: &str, qtype: Type, forwarded: bool, flags: u16, lines: &[Line]) -> String {
    let question = OutboundQuestion::new(name(asked).as_ref(), qtype);
    let bytes = reply(&question, flags, lines);
    let zone = name("test");
    let elsewhere = |owner: NameRef<'_>, _: Type| owner == name("elsewhere.test").as_ref();
    let context = ReplyReadingContext {
        zone: zone.as_ref(),
        elsewhere: &elsewhere,
        forwarded,
        with_servers: true,
        now: 1000,
    };
    match context.read(&bytes, &question) {
        Ok(ReadAnswer { answer, .. }) => match answer.end {
            ReplyEnd::Records => format!("{} records", answer.links.len()),
            ReplyEnd::NameTooLong => "a name too long".to_owned(),
            ReplyEnd::Alias => {
                let spare = answer.spare.map(|spare| format!(", no {} for {}", spare.rtype, spare.ttl));
                format!("{} aliases{}", answer.links.len(), spare.unwrap_or_default())
            }
            ReplyEnd::Denial(denial) if denial.content == RecordContent::NameError => {
                format!("no name for {}", denial.ttl)
            }
            ReplyEnd::Denial(denial) => format!("no {} for {}", denial.rtype, denial.ttl),
            ReplyEnd::Referral(referral) => format!("to {}", referral.servers.owner),
        },
        Err(why) => why.to_string(),
    }
}

const ANSWER: MessageSection = MessageSection::Answer;
const AUTHORITY: MessageSection = MessageSection::Authority;
const LAME: &str = "neither an answer nor a referral downwards";

#[test]
fn what_a_reply_without_records_of_the_name_means() {
    let (aa, nxdomain) = (header::AA, header::AA | Rcode::NXDOMAIN.0);
    let soa: Line = (AUTHORITY, "test", Type::SOA, "ns.test");
    let down: Line = (AUTHORITY, "a.test", Type::NS, "ns.a.test");
    let own: Line = (AUTHORITY, "test", Type::NS, "ns.test");
    let up: Line = (AUTHORITY, ".", Type::NS, "ns.root");
    let at: Line = (AUTHORITY, "www.a.test", Type::NS, "ns.a.test");
    let other: Line = (ANSWER, "www.a.test", Type::MX, "mail.test");
    let a = Type::A;
    // The same from a server of the zone, and from one that it is forwarded to.
    for (case, qtype, flags, lines, of_zone, of_forwarder) in [
        ("nothing", a, 0, &[][..], LAME, "no A for 5"),
        ("nothing, with authority", a, aa, &[], "no A for 5", "no A for 5"),
        ("a name error", a, nxdomain, &[], "no name for 5", "no name for 5"),
        ("a name error without authority", a, Rcode::NXDOMAIN.0, &[], "no name for 5", "no name for 5"),
        ("a SOA", a, 0, &[soa], "no A for 60", "no A for 60"),
        ("a name error with SOA", a, nxdomain, &[soa], "no name for 60", "no name for 60"),
        ("a SOA and a delegation", a, 0, &[soa, down], "no A for 60", "no A for 60"),
        ("a delegation", a, 0, &[down], "to a.test.", "no A for 5"),
        ("a delegation of the name", a, 0, &[at], "to www.a.test.", "no A for 5"),
        ("a delegation with authority", a, aa, &[down], "to a.test.", "no A for 5"),
        ("DS at the child's side", Type::DS, 0, &[at], "no DS for 5", "no DS for 5"),
        ("nothing for DS", Type::DS, 0, &[], LAME, "no DS for 5"),
        ("DS, and servers of the zone itself", Type::DS, 0, &[own], LAME, "no DS for 5"),
        ("DS, and a delegation above", Type::DS, 0, &[down], "to a.test.", "no DS for 5"),
        ("servers of the zone itself", a, 0, &[own], LAME, "no A for 5"),
        ("servers of the root", a, 0, &[up], LAME, "no A for 5"),
        ("servers of the root, with authority", a, aa, &[up], LAME, "no A for 5"),
        ("another type at the name", a, 0, &[other], "no A for 5", "no A for 5"),
        ("another type, and servers of the root", a, 0, &[other, up], LAME, "no A for 5"),
    ] {
        let found = [false, true].map(|forwarded| meaning("www.a.test", qtype, forwarded, flags, lines));
        assert_eq!(found, [of_zone, of_forwarder], "{case}");
    }
}

#[test]
fn what_a_chain_of_aliases_means() {
    let alias = |from, to| (ANSWER, from, Type::CNAME, to);
    let address = |at| (ANSWER, at, Type::A, ".");
    let soa: Line = (AUTHORITY, "test", Type::SOA, "ns.test");
    for (case, lines, means) in [
        ("to an address", &[alias("www.test", "a.test"), address("a.test")][..], "2 records"),
        ("to a name that is not there", &[alias("www.test", "a.test")], "1 aliases"),
        ("to a denial", &[alias("www.test", "a.test"), soa], "no A for 60"),
        ("out of the zone", &[alias("www.test", "a.other"), address("a.other")], "1 aliases"),
        (
            "to what others serve",
            &[alias("www.test", "elsewhere.test"), address("elsewhere.test")],
            "1 aliases",
        ),
        ("in a circle", &[alias("www.test", "a.test"), alias("a.test", "www.test")], "2 aliases"),
        ("in another order", &[address("a.test"), alias("www.test", "a.test")], "2 records"),
        ("at another name", &[alias("b.test", "a.test"), address("a.test")], LAME),
    ] {
        let flags = if case == "at another name" { 0 } else { header::AA };
        assert_eq!(meaning("www.test", Type::A, false, flags, lines), means, "{case}");
    }
}

/// A recursive server may leave out the SOA beside proofs: these are of use where nothing better is found.
#[test]
fn what_the_proofs_beside_aliases_mean() {
    let alias: Line = (ANSWER, "www.test", Type::CNAME, "a.test");
    let proof: Line = (AUTHORITY, "z.test", Type::NSEC, "a.test");
    for (forwarded, lines, means) in [
        (true, &[alias][..], "1 aliases"),
        (true, &[alias, proof], "1 aliases, no A for 5"),
        (false, &[alias, proof], "1 aliases"),
    ] {
        assert_eq!(
            meaning("www.test", Type::A, forwarded, header::AA, lines),
            means,
            "{forwarded} {lines:?}"
        );
    }
}

/// The substitution makes a name of more than 255 bytes, whatever the response code says of it.
#[test]
fn what_a_dname_means_that_makes_a_name_too_long() {
    // 253 bytes: three labels of 63, one of 59.
    const TARGET: &str = concat!(
        "x23456789012345678901234567890123456789012345678901234567890123.",
        "x23456789012345678901234567890123456789012345678901234567890123.",
        "x23456789012345678901234567890123456789012345678901234567890123.",
        "x2345678901234567890123456789012345678901234567890123456789"
    );
    let dname: Line = (ANSWER, "test", Type::DNAME, TARGET);
    let (aa, yxdomain) = (header::AA, header::AA | Rcode::YXDOMAIN.0);
    for (asked, flags, lines, means) in [
        ("abc.test", aa, &[dname][..], "a name too long"),
        ("abc.test", yxdomain, &[dname], "a name too long"),
        ("a.test", aa, &[dname], "1 aliases"),
        ("abc.test", yxdomain, &[], "no answer"),
    ] {
        assert_eq!(meaning(asked, Type::A, false, flags, lines), means, "{asked} {flags} {}", lines.len());
    }
}
