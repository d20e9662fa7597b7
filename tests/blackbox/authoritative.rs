//! Answers from zones over the wire.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::message::{AA, RA, TC};
use rhumb_tests::rig::{Client, Config, Edns, Host, Message, Record, Server, Transport, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("authoritative::sections_and_codes", sections),
    Test::beside("authoritative::case_of_the_query_is_kept", case),
    Test::beside("authoritative::edns", edns),
    Test::beside("authoritative::nsid", nsid),
    Test::beside("authoritative::truncation_and_tcp", truncation),
    Test::beside("authoritative::any_is_small", any),
    Test::beside("authoritative::headers_of_odd_queries", odd),
    Test::beside("authoritative::a_zone_that_never_loaded_is_servfail_14", never_loaded),
    Test::beside("authoritative::strangers_get_refused_18", refused),
];

const ZONE: &str = "\
$ORIGIN zone.test.
$TTL 300
@ 3600 IN SOA ns hostmaster.zone.test. ( 7 3600 600
      86400 60 ) ; a comment
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME web
web A 192.0.2.80
web A 192.0.2.81
out CNAME elsewhere.invalid.
chain CNAME www
text TXT \"semi;colon\" \"two words\"
*.wild A 192.0.2.66
deep.empty.wild2 A 192.0.2.67
sub NS ns.sub
sub NS ns.other.test.
ns.sub A 192.0.2.153
old DNAME new.zone.test.
a.new A 192.0.2.99
unknown TYPE65400 \\# 4 0a000001
_dns._udp SRV 0 5 53 ns
";

fn zone() -> String {
    use std::fmt::Write as _;
    let mut text = ZONE.to_owned();
    for number in 0..200 {
        writeln!(text, "large A 198.18.{}.{}", number / 100, number % 100 + 1).unwrap();
    }
    text
}

pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) to: SocketAddr,
}

pub(crate) fn lab(config: &Config) -> Result<Lab, Failure> {
    let (host, client) = Host::pair()?;
    let server = Server::start(&host, config)?;
    Ok(Lab { server, client: Client::new(&client), to: "192.0.2.1:53".parse()? })
}

pub(crate) fn config() -> Config {
    Config::new().listen("::").zone("zone.test", &zone())
}

/// Question, response code, AA, answer, authority, additional; records as `owner TYPE data`, unordered.
type Row = (
    &'static str,
    &'static str,
    u16,
    bool,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const SOA: &[&str] = &["zone.test. soa ns.zone.test. hostmaster.zone.test. 7 3600 600 86400 60"];
const CUT: &[&str] = &["sub.zone.test. ns ns.sub.zone.test.", "sub.zone.test. ns ns.other.test."];
const CUT_GLUE: &[&str] = &["ns.sub.zone.test. a 192.0.2.153"];

const ROWS: &[Row] = &[
    ("ns.zone.test.", "A", rcode::NOERROR, true, &["ns.zone.test. a 192.0.2.1"], &[], &[]),
    (
        "web.zone.test.",
        "A",
        rcode::NOERROR,
        true,
        &["web.zone.test. a 192.0.2.80", "web.zone.test. a 192.0.2.81"],
        &[],
        &[],
    ),
    (
        "chain.zone.test.",
        "A",
        rcode::NOERROR,
        true,
        &[
            "chain.zone.test. cname www.zone.test.",
            "www.zone.test. cname web.zone.test.",
            "web.zone.test. a 192.0.2.80",
            "web.zone.test. a 192.0.2.81",
        ],
        &[],
        &[],
    ),
    ("www.zone.test.", "CNAME", rcode::NOERROR, true, &["www.zone.test. cname web.zone.test."], &[], &[]),
    ("out.zone.test.", "A", rcode::NOERROR, true, &["out.zone.test. cname elsewhere.invalid."], &[], &[]),
    ("web.zone.test.", "AAAA", rcode::NOERROR, true, &[], SOA, &[]),
    ("nothing.zone.test.", "A", rcode::NXDOMAIN, true, &[], SOA, &[]),
    ("x.wild.zone.test.", "A", rcode::NOERROR, true, &["x.wild.zone.test. a 192.0.2.66"], &[], &[]),
    ("y.x.wild.zone.test.", "A", rcode::NOERROR, true, &["y.x.wild.zone.test. a 192.0.2.66"], &[], &[]),
    ("x.wild.zone.test.", "TXT", rcode::NOERROR, true, &[], SOA, &[]),
    ("wild.zone.test.", "A", rcode::NOERROR, true, &[], SOA, &[]),
    ("empty.wild2.zone.test.", "A", rcode::NOERROR, true, &[], SOA, &[]),
    ("x.empty.wild2.zone.test.", "A", rcode::NXDOMAIN, true, &[], SOA, &[]),
    ("www.sub.zone.test.", "A", rcode::NOERROR, false, &[], CUT, CUT_GLUE),
    ("sub.zone.test.", "NS", rcode::NOERROR, false, &[], CUT, CUT_GLUE),
    ("sub.zone.test.", "DS", rcode::NOERROR, true, &[], SOA, &[]),
    (
        "a.old.zone.test.",
        "A",
        rcode::NOERROR,
        true,
        &[
            "old.zone.test. dname new.zone.test.",
            "a.old.zone.test. cname a.new.zone.test.",
            "a.new.zone.test. a 192.0.2.99",
        ],
        &[],
        &[],
    ),
    ("old.zone.test.", "A", rcode::NOERROR, true, &[], SOA, &[]),
    (
        "zone.test.",
        "MX",
        rcode::NOERROR,
        true,
        &["zone.test. mx 10 mail.zone.test."],
        &[],
        &["mail.zone.test. a 192.0.2.25", "mail.zone.test. aaaa 2001:db8::25"],
    ),
    (
        "_dns._udp.zone.test.",
        "SRV",
        rcode::NOERROR,
        true,
        &["_dns._udp.zone.test. srv 0 5 53 ns.zone.test."],
        &[],
        &["ns.zone.test. a 192.0.2.1"],
    ),
    (
        "text.zone.test.",
        "TXT",
        rcode::NOERROR,
        true,
        &["text.zone.test. txt \"semi;colon\" \"two words\""],
        &[],
        &[],
    ),
    (
        "unknown.zone.test.",
        "TYPE65400",
        rcode::NOERROR,
        true,
        &["unknown.zone.test. type65400 \\# 4 0a000001"],
        &[],
        &[],
    ),
    ("zone.test.", "SOA", rcode::NOERROR, true, SOA, &[], &[]),
    ("elsewhere.test.", "A", rcode::REFUSED, false, &[], &[], &[]),
];

fn keys(records: &[Record]) -> Vec<String> {
    let mut keys: Vec<String> = records.iter().map(Record::key).collect();
    keys.sort();
    keys
}

fn sorted(lines: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    lines.sort();
    lines
}

fn sections() -> Verdict {
    let lab = lab(&config())?;
    for &(name, kind, code, authoritative, answer, authority, additional) in ROWS {
        for transport in [Transport::Udp, Transport::Tcp] {
            let query = Message::query(name, kind).no_recursion();
            let found = lab.client.over(transport, lab.to, &query)?.message;
            let what = format!("{name} {kind} over {transport:?}: {found:?}");
            ensure_eq!(found.rcode(), code, "response code of {what}");
            ensure_eq!(found.has(AA), authoritative, "AA of {what}");
            ensure_eq!(keys(&found.answer), sorted(answer), "answer of {what}");
            // NS records beside a full answer are allowed (RFC 1034 section 4.3.2) and not wanted by anyone.
            if answer.is_empty() {
                ensure_eq!(keys(&found.authority), sorted(authority), "authority of {what}");
            }
            for record in sorted(additional) {
                ensure!(keys(&found.additional).contains(&record), "additional lacks {record}: {what}");
            }
        }
    }
    let negative = lab.client.ask(lab.to, "nothing.zone.test.", "A")?;
    ensure_eq!(negative.authority[0].ttl, 60, "negative TTL is the smaller of SOA TTL and MINIMUM");
    Ok(Outcome::Passed)
}

fn case() -> Verdict {
    let lab = lab(&config())?;
    for name in ["WeB.zOnE.TeSt.", "x.WILD.zone.TEST.", "NoThing.Zone.Test."] {
        // The rig itself insists that the question comes back as it was sent.
        let found = lab.client.ask(lab.to, name, "A")?;
        let code = if name.starts_with("No") { rcode::NXDOMAIN } else { rcode::NOERROR };
        ensure_eq!(
            (found.rcode(), found.answer.is_empty()),
            (code, code == rcode::NXDOMAIN),
            "answer to {name}"
        );
        for record in &found.answer {
            ensure_eq!(record.owner, name, "owner of the answer");
        }
    }
    Ok(Outcome::Passed)
}

fn edns() -> Verdict {
    let lab = lab(&config())?;
    let plain = Message::query("ns.zone.test.", "A").no_recursion();
    let without = lab.client.udp(lab.to, &plain)?.message;
    ensure!(without.edns.is_none(), "OPT in the answer to a query without it");
    let with = lab.client.udp(lab.to, &plain.clone().edns(4096))?.message;
    let opt = with.edns.context("no OPT in the answer to a query with it")?;
    ensure_eq!((opt.version, opt.size), (0, 1232), "version and size of our OPT");
    let unknown = lab.client.udp(lab.to, &plain.clone().option(65001, b"what"))?.message;
    ensure_eq!(unknown.rcode(), rcode::NOERROR, "response code with an unknown option");
    ensure!(
        unknown.edns.context("no OPT")?.options.iter().all(|(code, _)| *code != 65001),
        "an unknown option was sent back"
    );
    let mut newer = plain.clone().edns(1232);
    newer.edns = Some(Edns { version: 1, ..Edns::with_size(1232) });
    let newer = lab.client.udp(lab.to, &newer)?.message;
    ensure_eq!(newer.rcode(), rcode::BADVERS, "response code to EDNS version 1");
    ensure!(newer.answer.is_empty(), "BADVERS with an answer");
    let mut signed = plain.edns(1232);
    signed.edns = Some(Edns { dnssec_ok: true, ..Edns::with_size(1232) });
    let signed = lab.client.udp(lab.to, &signed)?.message;
    ensure!(signed.edns.context("no OPT")?.dnssec_ok, "the DO bit is not copied");
    Ok(Outcome::Passed)
}

fn nsid() -> Verdict {
    let named = lab(&config().more("server: { nsid: \"rig-7\" }"))?;
    let query = Message::query("ns.zone.test.", "A").no_recursion();
    let asked = named.client.udp(named.to, &query.clone().option(3, b""))?.message;
    let options = asked.edns.context("no OPT")?.options;
    ensure!(options.contains(&(3, b"rig-7".to_vec())), "NSID missing among {options:?}");
    let unasked = named.client.udp(named.to, &query.clone().edns(1232))?.message;
    ensure!(
        unasked.edns.context("no OPT")?.options.iter().all(|(code, _)| *code != 3),
        "NSID without being asked"
    );
    drop(named.server);
    Ok(Outcome::Passed)
}

fn truncation() -> Verdict {
    let lab = lab(&config())?;
    let query = Message::query("large.zone.test.", "A").no_recursion();
    for (size, limit) in
        [(None, 512), (Some(600), 600), (Some(1232), 1232), (Some(65000), 1232), (Some(100), 512)]
    {
        let query = size.map_or_else(|| query.clone(), |size| query.clone().edns(size));
        let reply = lab.client.udp(lab.to, &query)?;
        ensure!(reply.message.has(TC), "200 addresses fit in {size:?} bytes without TC");
        ensure!(reply.wire.len() <= limit, "{} bytes for an EDNS size of {size:?}", reply.wire.len());
        ensure_eq!(reply.message.edns.is_some(), size.is_some(), "OPT in a truncated answer");
        let whole = lab.client.stream(lab.to, &query)?.message;
        ensure!(!whole.has(TC), "TC over TCP");
        ensure_eq!(whole.answer.len(), 200, "addresses over TCP");
    }
    Ok(Outcome::Passed)
}

fn any() -> Verdict {
    let lab = lab(&config())?;
    for name in ["zone.test.", "mail.zone.test.", "web.zone.test."] {
        let reply = lab.client.udp(lab.to, &Message::query(name, "ANY").no_recursion())?;
        ensure_eq!(reply.message.rcode(), rcode::NOERROR, "response code of {name} ANY");
        ensure!(!reply.message.answer.is_empty(), "{name} ANY has an empty answer");
        let kinds: std::collections::HashSet<u16> =
            reply.message.answer.iter().map(|record| record.kind).collect();
        ensure_eq!(kinds.len(), 1, "types in the answer to {name} ANY (RFC 8482)");
    }
    let absent = lab.client.ask(lab.to, "nothing.zone.test.", "ANY")?;
    ensure_eq!(absent.rcode(), rcode::NXDOMAIN, "ANY of a name that is not there");
    Ok(Outcome::Passed)
}

fn odd() -> Verdict {
    let lab = lab(&config())?;
    let base = Message::query("ns.zone.test.", "A").no_recursion();
    let code_of = |message: &Message| -> Result<Option<u16>, Failure> {
        let client = lab.client.clone().time_limit(Duration::from_secs(1));
        let answer = client.exchange_raw(lab.to, &message.to_wire())?;
        Ok(answer.and_then(|(wire, _)| wire.get(3).map(|byte| u16::from(byte & 0xf))))
    };
    let opcode = |number: u16| Message { flags: number << 11, ..base.clone() };
    for number in [1, 2, 3, 6, 15] {
        ensure_eq!(code_of(&opcode(number))?, Some(rcode::NOTIMP), "response code to opcode {number}");
    }
    let none = Message { questions: Vec::new(), ..base.clone() };
    ensure_eq!(code_of(&none)?, Some(rcode::FORMERR), "response code to a query without question");
    let mut two = base.clone();
    two.questions.push(two.questions[0].clone());
    ensure_eq!(code_of(&two)?, Some(rcode::FORMERR), "response code to two questions (RFC 9619)");
    let mut chaos = base.clone();
    chaos.questions[0].2 = 3;
    ensure_eq!(code_of(&chaos)?, Some(rcode::REFUSED), "response code to class CH");
    let transfer = Message::query("zone.test.", "AXFR").no_recursion();
    let code = code_of(&transfer)?.context("no answer to AXFR over UDP")?;
    ensure!(
        [rcode::REFUSED, rcode::NOTIMP, rcode::FORMERR].contains(&code),
        "AXFR over UDP: response code {code}"
    );
    ensure_eq!(code_of(&base)?, Some(rcode::NOERROR), "response code afterwards");
    Ok(Outcome::Passed)
}

fn never_loaded() -> Verdict {
    let broken = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.300\n";
    let lab = lab(&config().zone("broken.test", broken))?;
    let query = Message::query("ns.broken.test.", "A").edns(1232);
    let answer = lab.client.udp(lab.to, &query)?.message;
    ensure_eq!(answer.rcode(), rcode::SERVFAIL, "response code of a zone that never loaded");
    ensure_eq!(answer.extended_error(), Some(14), "extended error of a zone that never loaded");
    let good = lab.client.ask(lab.to, "ns.zone.test.", "A")?;
    ensure_eq!(good.data("A"), ["192.0.2.1"], "the other zone");
    let log = lab.server.log();
    ensure!(log.contains("broken.test.zone:4"), "the log does not name file and line of the mistake: {log}");
    Ok(Outcome::Passed)
}

fn refused() -> Verdict {
    let lab = lab(&config().forward(".", &["192.0.2.99"]))?;
    let answer = lab.client.udp(lab.to, &Message::query("elsewhere.example.", "A").edns(1232))?.message;
    ensure_eq!(answer.rcode(), rcode::REFUSED, "response code for a stranger");
    ensure_eq!(answer.extended_error(), Some(18), "extended error for a stranger");
    ensure!(!answer.has(RA), "RA promised to a stranger");
    Ok(Outcome::Passed)
}
