//! Forwarded domains whose answers are validated here, beside Unbound on the same signed internet.

use std::process::{Child, Stdio};
use std::time::Duration;

use rhumb_tests::rig::internet::{Delegation, authoritative, denial, sized};
use rhumb_tests::rig::message::{AD, Message};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::signer::nsec;
use rhumb_tests::rig::{Act, Asked, Folder, Internet, Record, ZoneSigner, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("forwarded::validated_as_unbound_does", beside_unbound),
    Test::beside("forwarded::a_fallback_is_validated", fallback),
    Test::beside("forwarded::a_forwarder_that_lies", liar),
];

const CD: u16 = 0x0010;
/// An unbound that resolves and does not validate, and one that asks it and validates.
const FORWARDER: &str = "192.0.2.2:5353";
const VALIDATOR: &str = "192.0.2.2:5354";

const DELEGATIONS: &[Delegation] = &[
    Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer("signed.").digest()] },
    Delegation {
        domain: "broken.",
        address: "198.18.1.2",
        digests: || vec![ZoneSigner::new("broken.", 7).digest()],
    },
    Delegation { domain: "plain.", address: "198.18.1.3", digests: Vec::new },
];

fn signer(zone: &str) -> ZoneSigner {
    ZoneSigner::new(zone, 5)
}

/// What the three domains have: `www` with an address, and nothing else. The keys of `broken.` are not those that its DS names.
fn serve(asked: &Asked) -> Act {
    let name = asked.name();
    let domain = name.rsplit('.').next().unwrap_or_default();
    let zone = format!("{domain}.");
    let plain = domain == "plain";
    let signed = |lines: &[&str]| {
        if plain {
            lines.iter().map(|line| Record::from_text(line)).collect()
        } else {
            signer(&zone).sign_lines(lines)
        }
    };
    let www = format!("www.{zone}");
    let answer = match asked.message.kind() {
        kind if name == domain && kind == type_number("DNSKEY") && !plain => {
            signer(&zone).sign(&[signer(&zone).key()])
        }
        kind if name == domain && kind == type_number("NS") => {
            signed(&[&format!("{zone} 300 IN NS ns.{zone}")])
        }
        kind if name == format!("ns.{domain}") && kind == type_number("A") => {
            signed(&[&format!("ns.{zone} 300 IN A {}", asked.to)])
        }
        kind if name == format!("www.{domain}") && kind == type_number("A") => {
            signed(&[&format!("{www} 300 IN A 198.18.9.80")])
        }
        _ => {
            let exists = name == domain || name == format!("www.{domain}") || name == format!("ns.{domain}");
            let code = if exists { rcode::NOERROR } else { rcode::NXDOMAIN };
            let mut reply = denial(asked, &zone, code);
            if !plain {
                let soa = reply.authority.clone();
                reply.authority = signer(&zone).sign(&soa);
                for proof in [
                    nsec(&zone, &format!("ns.{zone}"), &["NS", "SOA", "RRSIG", "NSEC", "DNSKEY"]),
                    nsec(&format!("ns.{zone}"), &www, &["A", "RRSIG", "NSEC"]),
                    nsec(&www, &zone, &["A", "RRSIG", "NSEC"]),
                ] {
                    reply.authority.extend(signer(&zone).sign(&[proof]));
                }
            }
            return sized(asked, reply);
        }
    };
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// An unbound, ended when this is dropped.
struct Unbound(Child);

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Unbound {
    fn start(net: &Internet, folder: &Folder, name: &str, config: &str) -> Result<Self, Failure> {
        let home = folder.at(name);
        std::fs::create_dir_all(&home)?;
        let shown = home.display();
        let text = format!(
            "server:\n  chroot: \"\"\n  username: \"\"\n  directory: \"{shown}\"\n  pidfile: \"\"\n  use-syslog: no\n  \
             do-ip6: no\n  access-control: 0.0.0.0/0 allow\n  do-not-query-localhost: no\n{config}\n\
             remote-control:\n  control-enable: no\n"
        );
        std::fs::write(home.join("hints"), ". 3600000 NS ns.root.\nns.root. 3600000 A 198.18.0.1\n")?;
        std::fs::write(home.join("config"), text)?;
        let log = std::fs::File::create(home.join("log"))?;
        let file = program::find("unbound").context("unbound")?;
        let child = net
            .client
            .host()
            .command(file)
            .args(["-d", "-c"])
            .arg(home.join("config"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("unbound")?;
        Ok(Self(child))
    }
}

/// What is compared: response code, addresses, AD.
fn told(net: &Internet, to: &str, query: &Message) -> Result<(u16, Vec<String>, bool), Failure> {
    let lasting = net.client.clone().time_limit(Duration::from_secs(8));
    let reply = lasting.udp(to.parse()?, query)?.message;
    Ok((reply.rcode(), reply.data("A"), reply.has(AD)))
}

/// A bogus answer: its cause, the first time, and what is given to those who check for themselves.
fn bogus(net: &Internet) -> Result<(), Failure> {
    let refused = net.client.udp(net.to, &Message::query("www.broken.", "A").dnssec())?.message;
    let cause = refused.extended_error();
    ensure!(
        cause.is_some_and(|code| (6..=10).contains(&code)),
        "the cause of SERVFAIL: {cause:?} in {refused:?}"
    );
    let query = Message::query("www.broken.", "A").dnssec();
    let unchecked = Message { flags: query.flags | CD, ..query };
    let found = told(net, &net.to.to_string(), &unchecked)?;
    ensure_eq!(found, (rcode::NOERROR, vec!["198.18.9.80".to_owned()], false), "with CD");
    Ok(())
}

fn beside_unbound() -> Verdict {
    if program::find("unbound").is_none() {
        skip!("no unbound here");
    }
    let config =
        Internet::config(true).forward_raw(".", &format!("\"{FORWARDER}\""), "in-order, dnssec: validate");
    let net = Internet::start(&config, DELEGATIONS, serve)?;
    let folder = Folder::new()?;
    let hints = "  root-hints: hints\n";
    let _forwarder = Unbound::start(
        &net,
        &folder,
        "forwarder",
        &format!("  interface: {}\n  module-config: \"iterator\"\n{hints}", FORWARDER.replace(':', "@")),
    )?;
    let anchor = ZoneSigner::new(".", 0).digest().to_string();
    let _validator = Unbound::start(
        &net,
        &folder,
        "validator",
        &format!(
            "  interface: {}\n  module-config: \"validator iterator\"\n  trust-anchor: \"{anchor}\"\nforward-zone:\n  name: \".\"\n  forward-addr: {}\n",
            VALIDATOR.replace(':', "@"),
            FORWARDER.replace(':', "@")
        ),
    )?;
    let www = Message::query("www.signed.", "A").dnssec();
    for to in [FORWARDER, VALIDATOR] {
        let answers = || told(&net, to, &www).is_ok_and(|(code, ..)| code == rcode::NOERROR);
        ensure!(until(Duration::from_secs(20), answers), "unbound at {to} does not answer");
    }
    bogus(&net)?;
    for (name, kind, expected) in [
        ("www.signed.", "A", (rcode::NOERROR, vec!["198.18.9.80"], true)),
        ("www.signed.", "MX", (rcode::NOERROR, vec![], true)),
        ("none.signed.", "A", (rcode::NXDOMAIN, vec![], true)),
        ("www.plain.", "A", (rcode::NOERROR, vec!["198.18.9.80"], false)),
        ("none.plain.", "A", (rcode::NXDOMAIN, vec![], false)),
        ("www.broken.", "A", (rcode::SERVFAIL, vec![], false)),
        ("none.broken.", "A", (rcode::SERVFAIL, vec![], false)),
        ("none.", "A", (rcode::NXDOMAIN, vec![], true)),
    ] {
        let query = Message::query(name, kind).dnssec();
        let ours = told(&net, &net.to.to_string(), &query)?;
        let (code, addresses, authentic) = expected;
        let addresses: Vec<String> = addresses.into_iter().map(str::to_owned).collect();
        ensure_eq!(ours, (code, addresses, authentic), "{name} {kind}: {}", net.server.log_tail());
        ensure_eq!(told(&net, VALIDATOR, &query)?, ours, "{name} {kind} by unbound");
    }
    let own = net.seen().into_iter().find(|asked| asked.from.ip().to_string() == "192.0.2.1");
    ensure!(own.is_none(), "the server asked the internet itself: {own:?}");
    let secure = net.server.metric("rhumb_resolver_answers_total", &["security=\"secure\""])?;
    ensure!(secure >= 4.0, "{secure} secure answers are counted");
    Ok(Outcome::Passed)
}

/// Nothing listens at the upstream; what is resolved from the root in its place is validated as the entry says, and counted.
fn fallback() -> Verdict {
    for (dnssec, broken) in
        [("", rcode::SERVFAIL), (", dnssec: validate", rcode::SERVFAIL), (", dnssec: off", rcode::NOERROR)]
    {
        let keys = format!("in-order, fallback: iterate{dnssec}");
        let config = Internet::config(true).forward_raw(".", "\"192.0.2.2:5399\"", &keys);
        let net = Internet::start(&config, DELEGATIONS, serve)?;
        let to = net.to.to_string();
        let ask = |name: &str| told(&net, &to, &Message::query(name, "A").dnssec());
        let secure = ask("www.signed.")?;
        ensure_eq!((secure.0, secure.2), (rcode::NOERROR, broken == rcode::SERVFAIL), "signed, `{keys}`");
        ensure_eq!(ask("www.broken.")?.0, broken, "bogus, `{keys}`");
        let counted = |source: &str| {
            let labels = ["domain=\".\"", source];
            net.server.metric("rhumb_forward_domain_answers_total", &labels)
        };
        ensure!(counted("source=\"iteration\"")? >= 1.0, "no answer by iteration is counted, `{keys}`");
        ensure_eq!(counted("source=\"upstream\"")?.to_string(), "0", "answers of the upstream, `{keys}`");
    }
    Ok(Outcome::Passed)
}

/// An upstream that has another address for a signed name: bogus, and no reason to ask elsewhere; where nothing is said of validation
/// its word counts, as it always did.
fn liar() -> Verdict {
    for (dnssec, expected) in
        [(", dnssec: validate, fallback: iterate", rcode::SERVFAIL), ("", rcode::NOERROR)]
    {
        let config =
            Internet::config(true).forward_raw("signed", "\"192.0.2.2\"", &format!("in-order{dnssec}"));
        let net = Internet::start(&config, DELEGATIONS, |asked| {
            if asked.to.to_string() == "192.0.2.2" && asked.message.kind() == type_number("A") {
                return asked.answer(&["www.signed. 300 IN A 203.0.113.66"]);
            }
            serve(asked)
        })?;
        let reply = net.client.clone().time_limit(Duration::from_secs(8));
        let reply = reply.udp(net.to, &Message::query("www.signed.", "A").edns(1232))?.message;
        ensure_eq!(reply.rcode(), expected, "response code with `{dnssec}`");
        let bogus = net.server.metric("rhumb_resolver_answers_total", &["security=\"bogus\""])?;
        ensure_eq!(bogus >= 1.0, expected == rcode::SERVFAIL, "a bogus answer is counted");
    }
    Ok(Outcome::Passed)
}
