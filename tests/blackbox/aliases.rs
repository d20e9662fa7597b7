//! Aliases and delegations that lead from one rule to another: a zone served here, a forwarded domain, a built-in name.

use std::fmt::Write as _;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use rhumb_tests::rig::message::{AA, AD, TC};
use rhumb_tests::rig::script::{records, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{
    Act, Asked, Client, Config, Folder, Message, Script, Server, Upstream, program, rcode,
};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("aliases::every_link_by_its_own_rule_as_bind", beside_bind),
    Test::beside("aliases::eleven_links_and_loops", links),
    Test::beside("aliases::clients_that_may_not_recurse_get_what_the_zone_holds", not_recursive),
    Test::beside("aliases::signatures_travel_with_each_link", signatures),
    Test::beside("aliases::what_the_cache_holds_is_given_at_once", cached),
    Test::beside("aliases::explain_shows_each_link", explained),
    Test::beside("aliases::a_reload_changes_the_rule_of_a_cached_link", reloaded),
    Test::beside("aliases::too_large_for_a_datagram", truncated),
];

const ZONE: &str = "$TTL 60
@ SOA ns host 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 198.18.9.1
ext CNAME target.other.lab.
none CNAME none.other.lab.
nodata CNAME v4only.other.lab.
*.wild CNAME target.other.lab.
d DNAME other.lab.
in CNAME www
*.inwild CNAME ext
dd DNAME d
second CNAME www.second.example.
third CNAME ext.second.example.
deep CNAME www.fwd
tocut CNAME www.cut
cut NS ns.other.lab.
loop CNAME loop.other.lab.
local CNAME localhost.
nowhere CNAME dead.gone.lab.
sub TXT \"above\"
www.fwd TXT \"hidden\"
";
const SECOND: &str = "$TTL 60
@ SOA ns host 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 198.18.9.2
ext CNAME target.other.lab.
";

/// What all upstreams know; the one of `gone.lab` says nothing.
fn upstream_records() -> Script {
    let mut lines: Vec<String> = [
        "target.other.lab. 300 IN A 198.18.0.1",
        "v4only.other.lab. 300 IN A 198.18.0.2",
        "back.other.lab. 300 IN CNAME www.loc.example.",
        "backnone.other.lab. 300 IN CNAME none.loc.example.",
        "round.other.lab. 300 IN CNAME ext.loc.example.",
        "bare.other.lab. 300 IN CNAME target.third.lab.",
        "same.other.lab. 300 IN CNAME target.other.lab.",
        "loop.other.lab. 300 IN CNAME loop.loc.example.",
        "target.third.lab. 300 IN A 198.18.0.3",
        "www.fwd.loc.example. 300 IN A 198.18.0.4",
        "www.cut.loc.example. 300 IN A 198.18.0.5",
        "zero.other.lab. 0 IN CNAME zero.loc.example.",
    ]
    .map(str::to_owned)
    .to_vec();
    lines
        .extend((1..=12).step_by(2).map(|n| format!("l{n}.other.lab. 300 IN CNAME l{}.loc.example.", n + 1)));
    lines.push("end.other.lab. 300 IN A 198.18.0.6".into());
    records(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Denies by the SOA of the zone right above the name, as BIND wants it; and one name is forged: its answer says more of
/// our own zone than the alias that was asked for.
fn talkative(inner: Script) -> Script {
    script(move |asked: &Asked| {
        if asked.name() != "forged.other.lab" {
            return match inner(asked) {
                Act::Reply(reply) if reply.answer.is_empty() => {
                    let name = asked.name();
                    let zone = name.split_once('.').map_or("", |(_, zone)| zone);
                    let soa = format!("{zone}. 60 IN SOA ns.{zone}. host.{zone}. 1 3600 600 86400 60");
                    Act::Reply(Message { authority: Vec::new(), ..reply }.authorities(&[&soa]))
                }
                other => other,
            };
        }
        let alias = format!("{} 300 IN CNAME www.loc.example.", asked.message.name());
        asked.answer(&[&alias, "www.loc.example. 300 IN A 203.0.113.66"])
    })
}

const DOMAINS: [(&str, usize); 4] = [(".", 0), ("other.lab", 1), ("fwd.loc.example", 2), ("gone.lab", 3)];

fn config() -> Config {
    let mut config = Config::new()
        .listen("127.0.0.1")
        .listen("192.0.2.1")
        .zone("loc.example", &zone())
        .zone("second.example", SECOND)
        .allow(&["127.0.0.0/8"]);
    for (domain, upstream) in DOMAINS {
        config = config.forward(domain, &[UP[upstream]]);
    }
    config
}

/// With links to and fro: `from5` leads over five names, `from6` over six, and so on.
fn zone() -> String {
    let mut text = ZONE.to_owned();
    for n in (0..=12).step_by(2) {
        let next = if n == 10 { "end.other.lab.".to_owned() } else { format!("l{}.other.lab.", n + 1) };
        writeln!(text, "l{n} CNAME {next}").unwrap();
    }
    writeln!(text, "start CNAME l0\nearly CNAME start\nzero A 198.18.9.3").unwrap();
    text
}

struct Links {
    lab: Lab,
    upstreams: Vec<Upstream>,
    server: Server,
    client: Client,
}

impl Links {
    fn new() -> Result<Self, Failure> {
        let lab = Lab::new()?;
        let mut upstreams = Vec::new();
        for number in 0..3 {
            upstreams.push(lab.upstream(number, talkative(upstream_records()))?);
        }
        upstreams.push(lab.upstream(3, script(|_| Act::Silent))?);
        let server = lab.start(&config())?;
        let client = Client::new(&lab.host).time_limit(Duration::from_secs(10));
        Ok(Self { lab, upstreams, server, client })
    }

    fn ask(&self, query: &Message) -> Result<Message, Failure> {
        Ok(self.client.udp("127.0.0.1:53".parse()?, query)?.message)
    }

    fn asked(&self) -> usize {
        self.upstreams.iter().map(|upstream| upstream.seen().len()).sum()
    }
}

/// A message as it is compared: response code, AA, the answer in order of its text.
fn shown(message: &Message) -> String {
    let mut answer: Vec<String> = message
        .answer
        .iter()
        .map(|record| format!("{} {} {}", record.owner.to_ascii_lowercase(), record.kind, record.data()))
        .collect();
    answer.sort();
    format!("rcode {} aa {} {answer:?}", message.rcode(), message.has(AA))
}

struct Named(Child);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn named(lab: &Lab, folder: &Folder) -> Result<Named, Failure> {
    lab.host.address("lo", "127.0.0.4/32")?;
    folder.write("loc.zone", zone())?;
    folder.write("second.zone", SECOND)?;
    let home = folder.path().display().to_string();
    let mut text = format!(
        "options {{ directory \"{home}\"; listen-on {{ 127.0.0.4; }}; listen-on-v6 {{ none; }}; pid-file none;
 session-keyfile none; recursion yes; allow-recursion {{ any; }}; minimal-responses yes; notify no;
 dnssec-validation no; empty-zones-enable no; check-names primary ignore;
 forwarders {{ {}; }}; forward only; }};
controls {{ }};
zone \"loc.example\" {{ type primary; file \"loc.zone\"; }};
zone \"second.example\" {{ type primary; file \"second.zone\"; }};\n",
        UP[0]
    );
    for (domain, upstream) in &DOMAINS[1..] {
        let upstream = UP[*upstream];
        writeln!(text, "zone \"{domain}\" {{ type forward; forward only; forwarders {{ {upstream}; }}; }};")
            .unwrap();
    }
    folder.write("named.conf", &text)?;
    let log = File::create(folder.at("named.log"))?;
    let child = lab
        .host
        .command(program::find("named").context("named")?)
        .args(["-g", "-n", "1", "-c"])
        .arg(folder.at("named.conf"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(Named(child))
}

/// What both are asked. A forwarded domain that lies below a zone is left out: BIND answers from the zone unless that
/// delegates it, and here the longest match wins.
const NAMES: [&str; 24] = [
    "www.loc.example.",
    "ext.loc.example.",
    "none.loc.example.",
    "nodata.loc.example.",
    "a.wild.loc.example.",
    "target.d.loc.example.",
    "none.d.loc.example.",
    "in.loc.example.",
    "x.inwild.loc.example.",
    "target.dd.loc.example.",
    "second.loc.example.",
    "third.loc.example.",
    "tocut.loc.example.",
    "www.cut.loc.example.",
    "missing.loc.example.",
    "target.other.lab.",
    "back.other.lab.",
    "backnone.other.lab.",
    "round.other.lab.",
    "bare.other.lab.",
    "same.other.lab.",
    "forged.other.lab.",
    "zero.other.lab.",
    "none.other.lab.",
];

fn beside_bind() -> Verdict {
    if program::find("named").is_none() {
        skip!("named is missing");
    }
    let links = Links::new()?;
    let folder = Folder::new()?;
    let _named = named(&links.lab, &folder)?;
    let bind = "127.0.0.4:53".parse()?;
    let query = |name: &str, kind: &str| Message::query(name, kind).edns(1232);
    let quick = links.client.clone().time_limit(Duration::from_millis(200));
    let probe = query("www.loc.example.", "A");
    let up = until(Duration::from_secs(10), || quick.udp(bind, &probe).is_ok());
    ensure!(up, "BIND does not answer: {}", std::fs::read_to_string(folder.at("named.log"))?);
    let mut wrong = Vec::new();
    for round in ["uncached", "cached"] {
        for name in NAMES {
            for kind in ["A", "AAAA", "CNAME"] {
                for recursion in [true, false] {
                    // Without recursion our caches are nobody's business, BIND's are.
                    if !recursion
                        && (name.ends_with("other.lab.") || name.contains("fwd") || name.contains("deep"))
                    {
                        continue;
                    }
                    let query = query(name, kind);
                    let query = if recursion { query } else { query.no_recursion() };
                    let ours = shown(&links.ask(&query)?);
                    let theirs = shown(&links.client.udp(bind, &query)?.message);
                    if ours != theirs && recursion {
                        wrong.push(format!("{round} {name} {kind}\n  ours   {ours}\n  BIND's {theirs}"));
                    }
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(Outcome::Passed)
}

fn links() -> Verdict {
    let links = Links::new()?;
    for (name, expected) in [("l0.loc.example.", 12), ("start.loc.example.", 0), ("early.loc.example.", 0)] {
        for round in ["uncached", "cached"] {
            let answer = links.ask(&Message::query(name, "A").edns(4096))?;
            let code = if expected == 0 { rcode::SERVFAIL } else { rcode::NOERROR };
            ensure_eq!(answer.rcode(), code, "{name}, {round}");
            ensure_eq!(answer.answer.len(), expected, "records for {name}, {round}");
        }
    }
    for name in ["loop.loc.example.", "loop.other.lab."] {
        let before = links.asked();
        for _ in 0..3 {
            let answer = links.ask(&Message::query(name, "A").edns(1232))?;
            ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::SERVFAIL, 0), "{name}");
            ensure!(answer.extended_error().is_some(), "no extended error for {name}");
        }
        let sent = links.asked() - before;
        ensure!(sent <= 12, "{sent} queries for {name}");
    }
    let answer = links.ask(&Message::query("nowhere.loc.example.", "A").edns(1232))?;
    ensure_eq!(answer.rcode(), rcode::SERVFAIL, "an alias to a domain whose upstream is silent");
    Ok(Outcome::Passed)
}

fn not_recursive() -> Verdict {
    let links = Links::new()?;
    let outside = |query: &Message| -> Result<Message, Failure> {
        Ok(links.lab.client.udp(links.lab.to, query)?.message)
    };
    let before = links.asked();
    for (name, records) in [("ext.loc.example.", 1), ("a.wild.loc.example.", 1), ("second.loc.example.", 2)] {
        let query = Message::query(name, "A").edns(1232);
        for answer in [outside(&query)?, links.ask(&query.clone().no_recursion())?] {
            ensure_eq!((answer.rcode(), answer.answer.len()), (rcode::NOERROR, records), "{name}");
            ensure!(answer.has(AA), "{name}: no AA");
        }
    }
    let answer = outside(&Message::query("www.fwd.loc.example.", "TXT"))?;
    ensure_eq!(answer.answer.len(), 1, "a name of the zone below a forwarded domain");
    let answer = outside(&Message::query("www.cut.loc.example.", "A"))?;
    ensure_eq!((answer.answer.len(), answer.authority.len()), (0, 1), "a referral");
    ensure_eq!(links.asked(), before, "queries to upstreams for clients that may not recurse");
    for name in ["www.fwd.loc.example.", "deep.loc.example."] {
        let answer = links.ask(&Message::query(name, "A"))?;
        ensure_eq!(answer.data("A"), ["198.18.0.4"], "{name}, for one that may recurse");
    }
    let answer = links.ask(&Message::query("local.loc.example.", "A"))?;
    ensure_eq!(answer.data("A"), ["127.0.0.1"], "an alias to a built-in name");
    Ok(Outcome::Passed)
}

fn signatures() -> Verdict {
    let links = Links::new()?;
    let rrsig = "00010802000000e1 7fffffff 00000000 0001 056f74686572036c616200 aabbccdd".replace(' ', "");
    let (length, hex) = (rrsig.len() / 2, rrsig);
    for upstream in &links.upstreams[..3] {
        let hex = hex.clone();
        upstream.follow(script(move |asked| {
            let name = asked.message.name();
            asked.answer(&[
                &format!("{name} 300 IN A 198.18.0.1"),
                &format!("{name} 300 IN RRSIG \\# {length} {hex}"),
            ])
        }));
    }
    for round in ["uncached", "cached"] {
        for (wanted, count) in [(true, 1), (false, 0)] {
            let query = Message::query("ext.loc.example.", "A").edns(1232);
            let query = if wanted { query.dnssec() } else { query };
            let answer = links.ask(&query)?;
            ensure_eq!(answer.data("A"), ["198.18.0.1"], "{round}");
            ensure_eq!(answer.data("RRSIG").len(), count, "signatures with DO {wanted}, {round}");
            ensure!(!answer.has(AD), "AD is set, {round}");
        }
    }
    Ok(Outcome::Passed)
}

fn cached() -> Verdict {
    let links = Links::new()?;
    let names = [
        "ext.loc.example.",
        "x.wild.loc.example.",
        "target.d.loc.example.",
        "round.other.lab.",
        "bare.other.lab.",
    ];
    for name in names {
        links.ask(&Message::query(name, "A"))?;
    }
    let before = links.asked();
    for name in names {
        let answer = links.ask(&Message::query(name, "A"))?;
        ensure!(!answer.data("A").is_empty(), "no address for {name}");
    }
    ensure_eq!(links.asked(), before, "queries for what the cache holds");
    // A link of TTL 0 is asked for each time, and is good for one answer.
    for _ in 0..3 {
        let answer = links.ask(&Message::query("zero.other.lab.", "A"))?;
        ensure_eq!(answer.data("A"), ["198.18.9.3"], "an alias of TTL 0");
    }
    ensure_eq!(links.upstreams[1].count("zero.other.lab"), 3, "queries for an alias of TTL 0");
    Ok(Outcome::Passed)
}

fn explained() -> Verdict {
    let links = Links::new()?;
    for round in ["uncached", "cached"] {
        for (name, words) in [
            ("ext.loc.example", &["zone loc.example.", "forward other.lab."][..]),
            ("third.loc.example", &["zone loc.example.", "forward other.lab."]),
            ("back.other.lab", &["forward other.lab.", "zone loc.example."]),
            ("bare.other.lab", &["forward other.lab.", "forward . "]),
            ("www.cut.loc.example", &["zone loc.example.", "delegated", "forward . "]),
        ] {
            let output = links.server.tell(&["explain", name, "A"])?;
            ensure_eq!(output.code, Some(0), "explain {name}: {}", output.err);
            for word in words {
                ensure!(output.out.contains(word), "{round}: {word} is missing for {name}:\n{}", output.out);
            }
        }
    }
    Ok(Outcome::Passed)
}

/// A zone that comes takes over what an upstream's aliases lead to, at once.
fn reloaded() -> Verdict {
    let links = Links::new()?;
    ensure_eq!(links.ask(&Message::query("bare.other.lab.", "A"))?.data("A"), ["198.18.0.3"], "before");
    let third = SECOND.replace("www A 198.18.9.2", "target A 198.18.9.7");
    links.server.rewrite(&config().zone("third.lab", &third))?;
    links.server.reload()?;
    ensure_eq!(links.ask(&Message::query("bare.other.lab.", "A"))?.data("A"), ["198.18.9.7"], "after");
    links.server.rewrite(&config())?;
    links.server.reload()?;
    ensure_eq!(links.ask(&Message::query("bare.other.lab.", "A"))?.data("A"), ["198.18.0.3"], "in the end");
    Ok(Outcome::Passed)
}

fn truncated() -> Verdict {
    let links = Links::new()?;
    links.upstreams[1].follow(script(|asked| {
        let lines: Vec<String> =
            (1..=100).map(|last| format!("{} 300 IN A 198.18.1.{last}", asked.message.name())).collect();
        asked.answer(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    }));
    for round in ["uncached", "cached"] {
        let answer = links.ask(&Message::query("ext.loc.example.", "A").edns(1232))?;
        ensure!(answer.has(TC) && answer.answer.is_empty(), "{round}: 101 records in a datagram");
        let answer =
            links.client.stream("127.0.0.1:53".parse()?, &Message::query("ext.loc.example.", "A"))?;
        ensure_eq!(answer.message.answer.len(), 101, "records over TCP, {round}");
    }
    Ok(Outcome::Passed)
}
