//! A copy of the root zone on the server's host, looked at before the servers of the root (RFC 8806).

use std::time::{Duration, SystemTime};

use rhumb_tests::rig::internet::{Delegation, ROOT, authoritative, denial, sized};
use rhumb_tests::rig::message::{AA, AD};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::signer::nsec;
use rhumb_tests::rig::{Act, Asked, Config, Internet, Message, Record, ZoneSigner, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("local_root::it_is_asked_before_the_servers", asked),
    Test::beside("local_root::a_copy_that_cannot_be_used", unusable),
];

const DELEGATIONS: &[Delegation] =
    &[Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer().digest()] }];
const PATIENCE: Duration = Duration::from_secs(20);

fn signer() -> ZoneSigner {
    ZoneSigner::new("signed.", 5)
}

/// Every name of `signed.` has an address.
fn serve(asked: &Asked) -> Act {
    let name = format!("{}.", asked.name());
    let answer = match asked.message.kind() {
        kind if kind == type_number("DNSKEY") && name == "signed." => signer().sign(&[signer().key()]),
        kind if kind == type_number("A") && name != "signed." => {
            signer().sign(&[Record::from_text(&format!("{name} 300 IN A 198.18.9.80"))])
        }
        _ => return Act::Reply(denial(asked, "signed.", rcode::NOERROR)),
    };
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// The root zone: its copy has a domain more than its servers know, `copied.`, which is unsigned and served where `signed.` is.
fn zone(serial: u32, by: &ZoneSigner, expire: u32) -> String {
    let root = ZoneSigner::new(".", 0);
    let soa = format!(". 3600 IN SOA ns.root. host.root. {serial} 3600 600 {expire} 60");
    let mut records = root.sign_lines(&[&soa]);
    records.extend(root.sign_lines(&[". 3600 IN NS ns.root."]));
    records.extend(root.sign(&[root.key()]));
    records.extend(by.sign(&[signer().digest()]));
    records.extend(root.sign(&[nsec(".", "copied.", &["NS", "SOA", "RRSIG", "NSEC", "DNSKEY"])]));
    records.extend(root.sign(&[nsec("copied.", "signed.", &["NS", "RRSIG", "NSEC"])]));
    records.extend(root.sign(&[nsec("signed.", ".", &["NS", "DS", "RRSIG", "NSEC"])]));
    for domain in ["copied.", "signed."] {
        records.push(Record::from_text(&format!("{domain} 3600 IN NS ns.{domain}")));
        records.push(Record::from_text(&format!("ns.{domain} 3600 IN A 198.18.1.1")));
    }
    records.push(Record::from_text(&format!("ns.root. 3600 IN A {ROOT}")));
    records.iter().map(generic).collect()
}

/// A record as any zone file may have it (RFC 3597 section 5).
fn generic(record: &Record) -> String {
    let Record { owner, kind, ttl, rdata, .. } = record;
    let data = rdata.iter().fold(String::new(), |data, byte| format!("{data}{byte:02x}"));
    format!("{owner} {ttl} IN TYPE{kind} \\# {} {data}\n", rdata.len())
}

fn config(zone: &str) -> Config {
    Internet::config(true).recursion("local-root: { file: root.zone }").file("root.zone", zone)
}

fn ask(net: &Internet, name: &str) -> Result<Message, Failure> {
    let patient = net.client.clone().patience(Duration::from_secs(9));
    Ok(patient.udp(net.to, &Message::query(name, "A").dnssec())?.message)
}

fn is_secure(reply: &Message) -> bool {
    reply.rcode() == rcode::NOERROR && reply.has(AD) && !reply.has(AA)
}

/// Names below signed and unsigned domains, and one that does not exist: the servers of the root see nothing of them.
fn asked() -> Verdict {
    let root = ZoneSigner::new(".", 0);
    let net = Internet::start(&config(&zone(7, &root, 86_400)), DELEGATIONS, serve)?;
    ensure!(net.server.log().contains("serial 7 of the root is at hand"), "{}", net.server.log_tail());
    let reply = ask(&net, "www.signed.")?;
    ensure!(is_secure(&reply), "a signed name: {reply:?}; {}", net.server.log_tail());
    let reply = ask(&net, "nowhere.")?;
    ensure!(reply.rcode() == rcode::NXDOMAIN && reply.has(AD) && !reply.has(AA), "a denial: {reply:?}");
    let reply = ask(&net, "www.copied.")?;
    ensure_eq!(reply.rcode(), rcode::NOERROR, "a domain that only the copy has: {}", net.server.log_tail());
    ensure_eq!(net.seen_at(ROOT), 0, "questions to the servers of the root");
    ensure_eq!(net.server.metric("rhumb_local_root_ok", &[])?.to_string(), "1", "the metric");
    let told = net.server.tell(&["explain", "new.copied.", "A", "--from", "192.0.2.2"])?.out;
    let flushed = net.server.tell(&["flush"])?;
    ensure_eq!(flushed.code, Some(0), "flush");
    let again = net.server.tell(&["explain", "other.copied.", "A", "--from", "192.0.2.2"])?.out;
    ensure!(again.contains("the local copy of the root was asked for"), "{told} {again}");
    // A new version is followed.
    net.server.rewrite(&config(&zone(8, &root, 86_400)))?;
    ensure!(net.server.logs("serial 8 of the root is at hand", PATIENCE), "{}", net.server.log_tail());
    // One that is no zone is not: the last good one stays.
    net.server.rewrite(&config("this is no zone\n"))?;
    ensure!(net.server.logs("local root: ", PATIENCE), "{}", net.server.log_tail());
    ensure_eq!(net.server.tell(&["flush"])?.code, Some(0), "flush");
    ensure!(is_secure(&ask(&net, "second.signed.")?), "with a broken file: {}", net.server.log_tail());
    ensure_eq!(net.seen_at(ROOT), 0, "questions to the servers of the root");
    let warned = net.server.tell(&["status"])?.out;
    ensure!(warned.contains("local root: "), "{warned}");
    ensure_eq!(net.server.metric("rhumb_local_root_ok", &[])?.to_string(), "0", "the metric");
    Ok(Outcome::Passed)
}

/// One that is too old, and one whose signatures are wrong: the servers of the root are asked, and names resolve.
fn unusable() -> Verdict {
    let root = ZoneSigner::new(".", 0);
    let net = Internet::start(&config(&zone(7, &root, 0)), DELEGATIONS, serve)?;
    ensure!(is_secure(&ask(&net, "www.signed.")?), "an old copy: {}", net.server.log_tail());
    ensure!(net.seen_at(ROOT) > 0, "the servers of the root were not asked");
    let warned = net.server.tell(&["status"])?.out;
    ensure!(warned.contains("is older than its SOA allows"), "{warned}");
    // The signature of DS is by another key.
    let forged = zone(8, &ZoneSigner::new(".", 9), 86_400);
    let net = Internet::start(&config(&forged), DELEGATIONS, serve)?;
    let begun = SystemTime::now();
    ensure!(is_secure(&ask(&net, "www.signed.")?), "a forged copy: {}", net.server.log_tail());
    ensure!(begun.elapsed().is_ok_and(|took| took < Duration::from_secs(8)), "it took {:?}", begun.elapsed());
    ensure!(net.seen_at(ROOT) > 0, "the servers of the root were not asked");
    let is_said = || net.server.log().matches("signatures in it are wrong").count() == 1;
    ensure!(until(PATIENCE, is_said), "{}", net.server.log_tail());
    ensure!(is_secure(&ask(&net, "second.signed.")?), "after that: {}", net.server.log_tail());
    ensure_eq!(net.server.metric("rhumb_local_root_ok", &[])?.to_string(), "0", "the metric");
    Ok(Outcome::Passed)
}
