//! A copy of the root zone on the server's host, looked at before the servers of the root (RFC 8806).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use rhumb_tests::rig::internet::{Delegation, ROOT, authoritative, denial, sized};
use rhumb_tests::rig::message::{AA, AD};
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::signer::nsec;
use rhumb_tests::rig::{Act, Asked, Config, Folder, Internet, Message, Record, ZoneSigner, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("local_root::it_is_asked_before_the_servers", asked),
    Test::beside("local_root::a_copy_that_cannot_be_used", unusable),
    Test::beside("local_root::it_is_transferred", transferred),
    Test::beside("local_root::it_is_kept_until_it_expires", expires),
];

const DELEGATIONS: &[Delegation] =
    &[Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer().digest()] }];
const TIME_LIMIT: Duration = Duration::from_secs(20);

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

/// The records of the root zone: its copy has a domain more than its servers know, `copied.`, which is unsigned and served where `signed.` is.
fn records(serial: u32, by: &ZoneSigner, expire: u32) -> Vec<Record> {
    let root = ZoneSigner::new(".", 0);
    let (refresh, retry) = ((expire / 4).clamp(1, 3600), (expire / 8).clamp(1, 600));
    let soa = format!(". 3600 IN SOA ns.root. host.root. {serial} {refresh} {retry} {expire} 60");
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
    records
}

fn zone(serial: u32, by: &ZoneSigner, expire: u32) -> String {
    records(serial, by, expire).iter().map(generic).collect()
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
    let lasting = net.client.clone().time_limit(Duration::from_secs(9));
    Ok(lasting.udp(net.to, &Message::query(name, "A").dnssec())?.message)
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
    ensure!(net.server.logs("serial 8 of the root is at hand", TIME_LIMIT), "{}", net.server.log_tail());
    // One that is no zone is not: the last good one stays.
    net.server.rewrite(&config("this is no zone"))?;
    ensure!(net.server.logs("local root: ", TIME_LIMIT), "{}", net.server.log_tail());
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
    ensure!(until(TIME_LIMIT, is_said), "{}", net.server.log_tail());
    ensure!(is_secure(&ask(&net, "second.signed.")?), "after that: {}", net.server.log_tail());
    ensure_eq!(net.server.metric("rhumb_local_root_ok", &[])?.to_string(), "0", "the metric");
    Ok(Outcome::Passed)
}

/// A server that resolves by a root from `198.18.1.1`.
fn transferring(state: &Folder) -> Config {
    Internet::config(true)
        .recursion("local-root: { primaries: [keeper] }")
        .more(&format!("state: \"{}\"", state.path().display()))
        .more("remotes:\n  - { name: keeper, addresses: [198.18.1.1] }")
}

/// What the server of `signed.` says, which has this version of the root too.
fn keeping(asked: &Asked, serial: u32, expire: u32) -> Act {
    if !asked.name().is_empty() {
        return serve(asked);
    }
    let mut zone = records(serial, &ZoneSigner::new(".", 0), expire);
    // The root signs no address.
    zone.retain(|record| record.owner != "ns.root.");
    let soa = zone[0].clone();
    let answer = match asked.message.kind() {
        kind if kind == type_number("SOA") => vec![soa],
        kind if kind == type_number("AXFR") => zone.into_iter().chain([soa]).collect(),
        _ => return asked.code(rcode::REFUSED),
    };
    Act::Reply(Message { answer, ..authoritative(asked) })
}

fn is_at_hand(net: &Internet) -> bool {
    net.server.metric("rhumb_local_root_ok", &[]).is_ok_and(|value| value.to_string() == "1")
}

/// Names resolve without the servers of the root; clients are not answered from it, and it is there after a restart without its primary.
fn transferred() -> Verdict {
    let (gone, state) = (Arc::new(AtomicBool::new(false)), Folder::new()?);
    let seen = Arc::clone(&gone);
    let mut net = Internet::start(&transferring(&state), DELEGATIONS, move |asked| {
        if asked.name().is_empty() && seen.load(Relaxed) { Act::Silent } else { keeping(asked, 9, 86_400) }
    })?;
    ensure!(until(TIME_LIMIT, || is_at_hand(&net)), "it is not transferred: {}", net.server.log_tail());
    for round in ["transferred", "kept"] {
        let (name, unsigned) = (format!("{round}.signed."), format!("{round}.copied."));
        let reply = ask(&net, &name)?;
        ensure!(is_secure(&reply), "{name}: {reply:?}; {}", net.server.log_tail());
        let reply = ask(&net, "nowhere.")?;
        ensure!(reply.rcode() == rcode::NXDOMAIN && reply.has(AD) && !reply.has(AA), "a denial: {reply:?}");
        let reply = ask(&net, &unsigned)?;
        ensure_eq!(
            reply.rcode(),
            rcode::NOERROR,
            "a domain that only the copy has: {}",
            net.server.log_tail()
        );
        ensure_eq!(net.seen_at(ROOT), 0, "questions to the servers of the root, {round}");
        gone.store(true, Relaxed);
        net.replace(&transferring(&state), &[])?;
        ensure!(until(TIME_LIMIT, || is_at_hand(&net)), "it is not kept: {}", net.server.log_tail());
    }
    let status = net.server.tell(&["zone", "status", "."])?.out;
    ensure!(status.contains("198.18.1.1"), "{status}");
    let refused = net.client.tcp(net.to)?.ask(&Message::query(".", "AXFR"), TIME_LIMIT)?;
    ensure_eq!(refused.rcode(), rcode::REFUSED, "response code of a transfer");
    Ok(Outcome::Passed)
}

/// Where it has expired, and before it is transferred, the servers of the root are asked.
fn expires() -> Verdict {
    let (gone, state) = (Arc::new(AtomicBool::new(false)), Folder::new()?);
    let seen = Arc::clone(&gone);
    let net = Internet::start(&transferring(&state), DELEGATIONS, move |asked| {
        if asked.name().is_empty() && seen.load(Relaxed) { Act::Silent } else { keeping(asked, 9, 5) }
    })?;
    ensure!(until(TIME_LIMIT, || is_at_hand(&net)), "it is not transferred: {}", net.server.log_tail());
    gone.store(true, Relaxed);
    ensure!(until(TIME_LIMIT, || !is_at_hand(&net)), "it does not expire: {}", net.server.log_tail());
    ensure!(is_secure(&ask(&net, "www.signed.")?), "{}", net.server.log_tail());
    ensure!(net.seen_at(ROOT) > 0, "the servers of the root were not asked");
    let warned = net.server.tell(&["status"])?.out;
    ensure!(warned.contains("local root: it has expired"), "{warned}");
    gone.store(false, Relaxed);
    Ok(Outcome::Passed)
}
