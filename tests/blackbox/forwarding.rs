//! Which upstream is asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::message::{QR, RA};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::{every_name, no_data, script};
use rhumb_tests::rig::{Act, Asked, Client, Config, Edns, Host, Message, Script, Server, Upstream};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("forwarding::in_order", in_order),
    Test::beside("forwarding::round_robin_and_random_use_all", all_used),
    Test::alone("forwarding::fastest_prefers_the_fast_one", fastest),
    Test::beside("forwarding::longest_domain_wins", longest_domain),
    Test::beside("forwarding::list_and_resolv_conf", lists),
    Test::beside("forwarding::cname_chain_is_passed_on", cname),
    Test::beside("forwarding::no_type_says_anything_of_another", no_type),
    Test::beside("forwarding::codes_between_servers_are_not_passed_on", hop_codes),
    Test::beside("forwarding::several_look_ups_take_no_longer_than_one", slow_courses),
];

/// A server with its client, and a host with four upstream addresses 10.53.0.1 to .4.
pub(crate) struct Lab {
    pub(crate) host: Host,
    pub(crate) client: Client,
    pub(crate) to: SocketAddr,
    pub(crate) behind: Host,
}

pub(crate) const UP: [&str; 4] = ["10.53.0.1", "10.53.0.2", "10.53.0.3", "10.53.0.4"];

impl Lab {
    pub(crate) fn new() -> Result<Self, Failure> {
        let (host, client) = Host::pair()?;
        let behind = Host::new()?;
        host.wire("eth1", &behind, "eth0")?;
        host.address("eth1", "10.53.0.100/24")?;
        for address in UP {
            behind.address("eth0", &format!("{address}/24"))?;
        }
        Ok(Self { host, client: Client::new(&client), to: "192.0.2.1:53".parse()?, behind })
    }

    pub(crate) fn upstream(&self, number: usize, script: Script) -> Result<Upstream, Failure> {
        Upstream::start(&self.behind, UP[number], script)
    }

    pub(crate) fn start(&self, config: &Config) -> Result<Server, Failure> {
        Server::start(&self.host, config)
    }

    /// The addresses that an A question over UDP gets.
    pub(crate) fn addresses(&self, name: &str) -> Result<Vec<String>, Failure> {
        Ok(self.client.ask(self.to, name, "A")?.data("A"))
    }
}

/// Listens everywhere and answers everyone.
pub(crate) fn config() -> Config {
    Config::new().listen("::").allow_all()
}

fn quoted(count: usize) -> String {
    UP[..count].iter().map(|address| format!("\"{address}\"")).collect::<Vec<_>>().join(", ")
}

fn in_order() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, every_name("198.18.0.1"))?;
    let second = lab.upstream(1, every_name("198.18.0.2"))?;
    let _server = lab.start(&config().forward(".", &UP[..2]))?;
    for number in 0..20 {
        ensure_eq!(lab.addresses(&format!("n{number}.up.example."))?, ["198.18.0.1"], "answer {number}");
    }
    ensure!(first.seen().len() >= 20, "the first upstream saw {} queries", first.seen().len());
    ensure_eq!(second.seen().len(), 0, "queries to the second upstream");
    Ok(Outcome::Passed)
}

fn all_used() -> Verdict {
    for policy in ["round-robin", "random"] {
        let lab = Lab::new()?;
        let upstreams = [
            lab.upstream(0, every_name("198.18.0.1"))?,
            lab.upstream(1, every_name("198.18.0.2"))?,
            lab.upstream(2, every_name("198.18.0.3"))?,
        ];
        let _server = lab.start(&config().forward_raw(".", &quoted(3), policy))?;
        let mut answers: HashMap<String, usize> = HashMap::new();
        for number in 0..90 {
            let found = lab.addresses(&format!("n{number}.up.example."))?;
            *answers.entry(found.join(" ")).or_default() += 1;
        }
        let least = if policy == "random" { 12 } else { 25 };
        for upstream in &upstreams {
            let seen = upstream.seen().len();
            ensure!(seen >= least, "{policy}: {} saw {seen} of 90 queries", upstream.address());
        }
        ensure_eq!(answers.len(), 3, "different answers under {policy}");
    }
    Ok(Outcome::Passed)
}

fn fastest() -> Verdict {
    let lab = Lab::new()?;
    let slow = Duration::from_millis(40);
    let delayed = |asked: &Asked, address: &str| -> Act {
        asked.answer(&[&format!("{} 300 IN A {address}", asked.message.name())])
    };
    let slow_one = lab.upstream(0, script(move |asked| delayed(asked, "198.18.0.1").after(slow)))?;
    let fast_one = lab.upstream(1, every_name("198.18.0.2"))?;
    let _server = lab.start(&config().forward_raw(".", &quoted(2), "fastest"))?;
    for number in 0..100 {
        lab.addresses(&format!("n{number}.up.example."))?;
    }
    let (slow_seen, fast_seen) = (slow_one.seen().len(), fast_one.seen().len());
    ensure!(fast_seen >= 80, "of 100 questions the fast upstream saw {fast_seen}, the slow one {slow_seen}");
    // It turns round when the other becomes the faster one.
    slow_one.follow(every_name("198.18.0.1"));
    fast_one.follow(script(move |asked| delayed(asked, "198.18.0.2").after(Duration::from_millis(200))));
    for number in 0..200 {
        lab.addresses(&format!("m{number}.up.example."))?;
    }
    slow_one.forget();
    for number in 0..50 {
        lab.addresses(&format!("l{number}.up.example."))?;
    }
    let seen = slow_one.seen().len();
    ensure!(seen >= 35, "after the change the now faster upstream saw {seen} of 50");
    Ok(Outcome::Passed)
}

fn longest_domain() -> Verdict {
    let lab = Lab::new()?;
    let _general = lab.upstream(0, every_name("198.18.0.1"))?;
    let _domain = lab.upstream(1, every_name("198.18.0.2"))?;
    let _below = lab.upstream(2, every_name("198.18.0.3"))?;
    let config = config()
        .forward("corp.example", &[UP[1]])
        .forward(".", &[UP[0]])
        .forward("lab.corp.example", &[UP[2]]);
    let _server = lab.start(&config)?;
    for (name, expected) in [
        ("www.other.example.", "198.18.0.1"),
        ("corp.example.", "198.18.0.2"),
        ("www.CORP.example.", "198.18.0.2"),
        ("notcorp.example.", "198.18.0.1"),
        ("lab.corp.example.", "198.18.0.3"),
        ("a.b.lab.corp.example.", "198.18.0.3"),
        ("alab.corp.example.", "198.18.0.2"),
    ] {
        ensure_eq!(lab.addresses(name)?, [expected], "answer to {name}");
    }
    Ok(Outcome::Passed)
}

fn lists() -> Verdict {
    let lab = Lab::new()?;
    let _first = lab.upstream(0, every_name("198.18.0.1"))?;
    let _second = lab.upstream(1, every_name("198.18.0.2"))?;
    let config = config()
        .file("upstreams.list", "# ours\n10.53.0.1   # the only one\n\n")
        .file("resolv.conf", "search example\nnameserver 10.53.0.2\noptions edns0\n")
        .forward_raw("list.example", "{ list: upstreams.list }", "in-order")
        .forward_raw("resolv.example", "{ resolv-conf: resolv.conf }", "in-order");
    let _server = lab.start(&config)?;
    ensure_eq!(lab.addresses("www.list.example.")?, ["198.18.0.1"], "by the list file");
    ensure_eq!(lab.addresses("www.resolv.example.")?, ["198.18.0.2"], "by resolv.conf");
    Ok(Outcome::Passed)
}

fn cname() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked| {
            if asked.message.kind() != type_number("A") {
                return no_data(asked);
            }
            if asked.name() == "web.other.example" {
                return asked.answer(&["web.other.example. 300 IN A 198.18.0.7"]);
            }
            asked.answer(&[
                &format!("{} 300 IN CNAME web.other.example.", asked.message.name()),
                "web.other.example. 300 IN A 198.18.0.7",
            ])
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    for round in ["upstream", "cache"] {
        let answer = lab.client.ask(lab.to, "www.up.example.", "A")?;
        ensure_eq!(answer.data("CNAME"), ["web.other.example."], "CNAME from {round}");
        ensure_eq!(answer.data("A"), ["198.18.0.7"], "address from {round}");
        ensure!(answer.has(QR) && answer.has(RA), "flags from {round}: {:#06x}", answer.flags);
    }
    Ok(Outcome::Passed)
}

/// A question for type 0, which no record has, goes to no upstream and says nothing of the types that there are.
fn no_type() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| match asked.message.kind() {
            0 => asked.code(5),
            _ => asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())]),
        }),
    )?;
    let _server = lab.start(&config().forward(".", &UP[..1]))?;
    ensure_eq!(lab.client.ask(lab.to, "www.up.example.", "TYPE0")?.rcode(), 5, "response code for type 0");
    ensure_eq!(upstream.count("www.up.example."), 0, "queries of type 0");
    ensure_eq!(lab.addresses("www.up.example.")?, ["198.18.0.1"], "the address after it");
    Ok(Outcome::Passed)
}

/// BADVERS and BADCOOKIE are of the messages between this server and its upstream; cut to four bits they would be something else.
fn hop_codes() -> Verdict {
    for (code, extended) in [(0, 1), (7, 1)] {
        let lab = Lab::new()?;
        let _upstream = lab.upstream(
            0,
            script(move |asked| {
                let edns = Edns {
                    extended_rcode: extended,
                    size: 1232,
                    version: 0,
                    dnssec_ok: false,
                    options: Vec::new(),
                };
                let reply = Message::reply_to(&asked.message).with_rcode(code);
                Act::Reply(Message { edns: Some(edns), ..reply })
            }),
        )?;
        let _server = lab.start(&config().forward(".", &UP[..1]))?;
        for from in ["upstream", "cache"] {
            let answer = lab.client.ask(lab.to, "www.up.example.", "A")?;
            ensure_eq!(answer.rcode(), 2, "response code, {code} and {extended} << 4, from {from}");
        }
    }
    Ok(Outcome::Passed)
}

/// A client is answered before it gives up where upstreams that are silent are asked for one thing after the other: for keys, for the
/// other kind of address, or before the question is resolved from the root.
fn slow_courses() -> Verdict {
    for (what, kind, config) in [
        (
            "addresses of the other kind",
            "AAAA",
            config().forward(".", &UP[..1]).recursion("dns64: \"64:ff9b::/96\""),
        ),
        ("keys", "A", config().forward_raw(".", &quoted(1), "in-order, dnssec: validate")),
    ] {
        let lab = Lab::new()?;
        let _upstream = lab.upstream(0, script(|_| Act::Silent))?;
        let _server = lab.start(&config)?;
        let lasting = lab.client.clone().time_limit(Duration::from_secs(12));
        let reply = lasting.udp(lab.to, &Message::query("www.up.example.", kind))?;
        ensure_eq!(reply.message.rcode(), 2, "response code for {what}");
        ensure!(reply.took < Duration::from_millis(4900), "{what}: {:?}", reply.took);
    }
    Ok(Outcome::Passed)
}
