//! Forwarding over TLS, HTTPS and QUIC (RFC 7858, 8484, 9250), to servers of others and to itself.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Folder, Host, Server, program, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::encrypted::TIME_LIMIT;
use crate::forwarding::{Lab, UP, config};

pub(crate) mod bootstrapped;
pub(crate) mod lab;
pub(crate) mod resumed;

use lab::{Pair, Running, ZONE, behind, failed, forwarder, issue, lost, run};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("upstreams::itself_over_every_transport", every_transport),
    Test::beside("upstreams::unbound_and_dnsdist", others),
    Test::beside("upstreams::wrong_certificates_are_named_and_passed_over", wrong_certificates),
    Test::beside("upstreams::closed_connections_and_restarts_lose_no_question", closing),
    Test::beside("upstreams::a_stalled_handshake_is_passed_over_and_named", stalled),
    Test::beside("upstreams::check_says_what_cannot_be_trusted", checked),
    Test::beside("upstreams::lists_and_commands_take_every_form", lists),
];

fn every_transport() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "own", false)?;
    let upstream = behind(&lab, &pair)?;
    let (ca, pin) = (pair.chain.display().to_string(), pair.pin()?);
    let forms = [
        ("tls", "tls://10.53.0.1#dns.test".to_owned(), format!("ca: {ca}")),
        ("tls-ip", "tls://10.53.0.1".to_owned(), format!("ca: {ca}")),
        ("tls-pin", "tls://10.53.0.1:853".to_owned(), format!("pins: [\"{pin}\"]")),
        ("tls-any", "tls://10.53.0.1#other.test".to_owned(), "verify: off".to_owned()),
        ("https", "https://dns.test/dns-query@10.53.0.1".to_owned(), format!("ca: {ca}, pins: [\"{pin}\"]")),
        ("https-ip", "https://10.53.0.1/dns-query".to_owned(), format!("ca: {ca}")),
        ("quic", "quic://10.53.0.1#dns.test".to_owned(), format!("ca: {ca}")),
        ("quic-ip", "quic://10.53.0.1".to_owned(), format!("ca: {ca}")),
        ("tcp", "tcp://10.53.0.1".to_owned(), "policy: fastest".to_owned()),
    ];
    let entries: Vec<String> = forms
        .iter()
        .map(|(label, upstream, keys)| {
            format!("domain: {label}.up.example, upstreams: [\"{upstream}\"], {keys}")
        })
        .collect();
    let server = forwarder(&lab, &entries)?;
    for (label, form, _) in &forms {
        for number in 0..5 {
            let found = lab.addresses(&format!("n{number}.{label}.up.example."))?;
            ensure_eq!(found, ["198.18.0.7"], "{form} of {label}: {}", server.log_tail());
        }
        let told = server.tell(&["explain", &format!("new.{label}.up.example"), "A"])?;
        let transport = form.split("://").next().unwrap();
        ensure!(
            told.code == Some(0) && told.out.contains(&format!("{transport}://10.53.0.1")),
            "{}",
            told.out
        );
    }
    for (transport, least) in [("tls", 24.0), ("https", 12.0), ("quic", 12.0), ("tcp", 6.0)] {
        let labels = [&*format!("proto=\"{transport}\"")];
        let asked = upstream.metric("rhumb_dns_requests_total", &labels)?;
        ensure!(asked >= least, "{asked} queries over {transport}");
        let open = server.metric("rhumb_upstream_connections", &labels)?;
        ensure!(open >= 1.0, "{open} connections over {transport}");
        if transport != "tcp" {
            let handshakes = upstream.metric("rhumb_tls_handshakes_total", &labels)?;
            ensure!(
                handshakes <= least / 2.0,
                "{handshakes} handshakes over {transport} for {asked} queries"
            );
        }
    }
    let status = server.tell(&["status"])?.out;
    for words in
        ["tls://10.53.0.1:853#dns.test", "https://10.53.0.1:443/dns-query#dns.test", "are not verified"]
    {
        ensure!(status.contains(words), "status lacks {words}: {status}");
    }
    ensure!(server.logs("are not verified", Duration::from_secs(5)), "the log: {}", server.log_tail());
    Ok(Outcome::Passed)
}

/// Debian's Unbound over TLS, and dnsdist over TLS and HTTPS.
fn others() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "others", false)?;
    let _plain = lab.upstream(3, every_name("198.18.0.7"))?;
    let (chain, key) = (pair.chain.display(), pair.key.display());
    let unbound = format!(
        "server:\n  interface: 10.53.0.1@853\n  access-control: 0.0.0.0/0 allow\n  chroot: \"\"\n  username: \"\"\n  directory: \"{}\"\n  \
         pidfile: \"\"\n  use-syslog: no\n  module-config: iterator\n  tls-service-key: {key}\n  tls-service-pem: {chain}\n\
         forward-zone:\n  name: .\n  forward-addr: 10.53.0.4\n",
        folder.path().display()
    );
    let dnsdist = format!(
        "setLocal('127.0.0.1:5302')\nsetSecurityPollSuffix('')\nsetACL('0.0.0.0/0')\nnewServer({{address='10.53.0.4', \
         healthCheckMode='up'}})\naddTLSLocal('10.53.0.2:853', '{chain}', '{key}', {{provider='openssl'}})\n\
         addDOHLocal('10.53.0.2:443', '{chain}', '{key}', '/dns-query')\nsetMaxTCPQueriesPerConnection(10)\n"
    );
    let unbound = folder.write("unbound.conf", unbound)?.display().to_string();
    let dnsdist = folder.write("dnsdist.conf", dnsdist)?.display().to_string();
    let mut running = Vec::new();
    let mut entries = Vec::new();
    for (name, arguments, forms) in [
        ("unbound", &["-d", "-c", &unbound][..], &[("a", "tls://10.53.0.1#dns.test")][..]),
        (
            "dnsdist",
            &["--supervised", "-C", &dnsdist],
            &[("b", "tls://10.53.0.2"), ("c", "https://dns.test/dns-query@10.53.0.2")],
        ),
    ] {
        let Some(program) = program::find(name) else { continue };
        running.push(run(&lab.behind, &program, arguments, &folder.at(name))?);
        entries.extend(forms.iter().map(|(label, form)| {
            let entry = format!("domain: {label}.up.example, upstreams: [\"{form}\"], ca: {chain}");
            ((*label, name), entry)
        }));
    }
    if entries.is_empty() {
        skip!("neither unbound nor dnsdist here");
    }
    let texts: Vec<String> = entries.iter().map(|(_, entry)| entry.clone()).collect();
    let server = forwarder(&lab, &texts)?;
    for ((label, name), _) in &entries {
        let mut number = 0;
        let ready = until(TIME_LIMIT, || {
            number += 1;
            lab.addresses(&format!("r{number}.{label}.up.example."))
                .is_ok_and(|found| found == ["198.18.0.7"])
        });
        let log = fs::read_to_string(folder.at(name)).unwrap_or_default();
        ensure!(ready, "{name} is not asked: {log}; {}", server.log_tail());
        // dnsdist closes each connection after ten.
        for round in 0..6 {
            let wrong = lost(&lab, &format!("r{round}.{label}"), 10);
            ensure!(wrong.is_empty(), "{name} {label}: {wrong:?}; {}", server.log_tail());
        }
    }
    Ok(Outcome::Passed)
}

/// An upstream that cannot be used: how it is written, the keys of its entry, the cause in words and as a label.
type Case = (String, String, &'static str, &'static str);

/// Every wrong certificate over every transport.
fn wrong_cases(good: &Pair, old: &Pair, other: &Pair) -> Result<Vec<Case>, Failure> {
    let authority = |pair: &Pair| format!("ca: {}", pair.chain.display());
    let pin = other.pin()?;
    let cases = ["tls", "https", "quic"].map(|transport| {
        let at = |rest: &str| format!("{transport}://{rest}");
        [
            (at("10.53.0.1#other.test"), authority(good), "for another name", "wrong-name"),
            (at("10.53.0.1#dns.test"), authority(other), "is not trusted", "unknown-issuer"),
            (at("10.54.0.1#dns.test"), authority(old), "has expired", "expired"),
            (at("10.53.0.1"), format!("pins: [\"{pin}\"]"), "none of the pinned", "pin-mismatch"),
        ]
    });
    Ok(cases.into_iter().flatten().collect())
}

fn wrong_certificates() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let (good, old, other) =
        (issue(&folder, "good", false)?, issue(&folder, "old", true)?, issue(&folder, "other", false)?);
    let _upstream = behind(&lab, &good)?;
    let host = Host::new()?;
    lab.host.wire("eth2", &host, "eth0")?;
    lab.host.address("eth2", "10.54.0.100/24")?;
    host.address("eth0", "10.54.0.1/24")?;
    let expired = Config::new().listen_with("10.54.0.1", &old.listener()).zone("up.example", ZONE);
    let _expired = Server::start(&host, &expired)?;
    let _plain = lab.upstream(1, every_name("198.18.0.7"))?;
    let cases = wrong_cases(&good, &old, &other)?;
    let mut entries = Vec::new();
    for (number, (upstream, keys, ..)) in cases.iter().enumerate() {
        entries.push(format!("domain: alone{number}.up.example, upstreams: [\"{upstream}\"], {keys}"));
        entries.push(format!(
            "domain: both{number}.up.example, upstreams: [\"{upstream}\", 10.53.0.2], policy: in-order, {keys}"
        ));
    }
    let server = forwarder(&lab, &entries)?;
    for (number, case) in cases.iter().enumerate() {
        is_passed_over_and_named(&lab, &server, number, case)?;
    }
    let status = server.tell(&["status"])?.out;
    ensure!(status.contains("down: its certificate has expired"), "status: {status}");
    Ok(Outcome::Passed)
}

fn is_passed_over_and_named(
    lab: &Lab,
    server: &Server,
    number: usize,
    (upstream, _, words, reason): &Case,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let found = lab.addresses(&format!("a.both{number}.up.example."))?;
    ensure_eq!(found, ["198.18.0.7"], "{upstream} {reason} before a good one");
    ensure!(begun.elapsed() < Duration::from_secs(4), "{reason} took {:?}", begun.elapsed());
    let (code, text) = failed(lab, &format!("a.alone{number}.up.example."))?;
    ensure!(code == rcode::SERVFAIL && text.contains(words), "{upstream} {reason}: {code} {text}");
    let told = server.tell(&["explain", &format!("b.alone{number}.up.example"), "A"])?.out;
    ensure!(told.contains(words), "explain lacks {words}: {told}");
    let counted = server.metric("rhumb_forward_failures_total", &[&format!("reason=\"{reason}\"")])?;
    ensure!(counted >= 1.0, "{counted} failures by {reason}");
    let scheme = upstream.split("://").next().unwrap();
    let is_told = |line: &str| line.contains(&format!("upstream {scheme}://")) && line.contains(words);
    let told = || server.log().lines().any(is_told);
    ensure!(until(TIME_LIMIT, told), "the log lacks {scheme} {words}: {}", server.log_tail());
    Ok(())
}

fn closing() -> Verdict {
    let Some(python) = program::find("python3") else { skip!("no python3 here") };
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "closing", false)?;
    let script = folder.write("server.py", include_str!("upstreams/server.py"))?.display().to_string();
    let (chain, key) = (pair.chain.display().to_string(), pair.key.display().to_string());
    let log = folder.at("log");
    let start = || -> Result<Running, Failure> {
        let started = run(&lab.behind, &python, &[&script, UP[0], "853", &chain, &key, "10"], &log)?;
        let ready = || fs::read_to_string(&log).is_ok_and(|text| text.contains("ready"));
        ensure!(until(TIME_LIMIT, ready), "the upstream: {}", fs::read_to_string(&log).unwrap_or_default());
        Ok(started)
    };
    let upstream = start()?;
    let entry = format!("domain: ., upstreams: [\"tls://10.53.0.1#dns.test\"], ca: {chain}");
    let server = forwarder(&lab, &[entry])?;
    for round in 0..5 {
        let wrong = lost(&lab, &format!("at{round}-once"), 30);
        ensure!(wrong.is_empty(), "{wrong:?}; {}", server.log_tail());
    }
    for number in 0..30 {
        let found = lab.addresses(&format!("one{number}.up.example."))?;
        ensure_eq!(found, ["198.18.0.7"], "question {number}: {}", server.log_tail());
    }
    let connections = fs::read_to_string(&log)?.matches("connection").count();
    ensure!(connections >= 18, "{connections} connections for 180 questions");
    ensure!(connections <= 60, "{connections} connections for 180 questions, ten on each");
    let status = server.tell(&["status"])?.out;
    ensure!(status.contains("answers") && !status.contains("down"), "status: {status}");
    drop(server);
    // One that restarts beside a good one.
    let _plain = lab.upstream(1, every_name("198.18.0.7"))?;
    let entry = format!(
        "domain: ., upstreams: [\"tls://10.53.0.1#dns.test\", 10.53.0.2], policy: in-order, ca: {chain}"
    );
    let server = forwarder(&lab, &[entry])?;
    let mut upstream = Some(upstream);
    for round in 0..3 {
        let wrong = thread::scope(|scope| {
            let asking = scope
                .spawn(|| (0..4).map(|part| lost(&lab, &format!("r{round}-{part}"), 15)).collect::<Vec<_>>());
            thread::sleep(Duration::from_millis(30));
            drop(upstream.take());
            thread::sleep(Duration::from_millis(30));
            upstream = start().ok();
            asking.join()
        });
        for wrong in wrong.map_err(|_| Failure::new("the questions"))? {
            ensure!(wrong.is_empty(), "{wrong:?}; {}", server.log_tail());
        }
        ensure!(upstream.is_some(), "the upstream does not start again");
    }
    Ok(Outcome::Passed)
}

fn stalled() -> Verdict {
    let lab = Lab::new()?;
    // What nobody accepts the kernel does, and nothing answers the handshake.
    let _silent = lab.behind.within(|| TcpListener::bind((UP[0], 853)))??;
    let _web = lab.behind.within(|| TcpListener::bind((UP[0], 443)))??;
    let _plain = lab.upstream(1, every_name("198.18.0.7"))?;
    let mut entries = Vec::new();
    for transport in ["tls", "https"] {
        let upstream = format!("{transport}://10.53.0.1#dns.test");
        entries
            .push(format!("domain: {transport}-alone.up.example, upstreams: [\"{upstream}\"], verify: off"));
        entries.push(format!(
            "domain: {transport}-both.up.example, upstreams: [\"{upstream}\", 10.53.0.2], policy: in-order, verify: off"
        ));
    }
    let server = forwarder(&lab, &entries)?;
    for transport in ["tls", "https"] {
        let begun = Instant::now();
        let found = lab.addresses(&format!("a.{transport}-both.up.example."))?;
        ensure_eq!(found, ["198.18.0.7"], "beside a stalled handshake");
        ensure!(begun.elapsed() < Duration::from_secs(3), "the first answer took {:?}", begun.elapsed());
        let told = server.tell(&["explain", &format!("b.{transport}-alone.up.example"), "A"])?.out;
        ensure!(told.contains("handshake was not done in time"), "explain: {told}");
    }
    let (code, text) = failed(&lab, "c.tls-alone.up.example.")?;
    ensure!(code == rcode::SERVFAIL && text.contains("handshake was not done in time"), "{code} {text}");
    let counted = server.metric("rhumb_forward_failures_total", &["reason=\"stalled-handshake\""])?;
    ensure!(counted >= 2.0, "{counted} stalled handshakes");
    Ok(Outcome::Passed)
}

fn checked() -> Verdict {
    let folder = Folder::new()?;
    let check = |keys: &str, roots: &str| {
        let upstream = "\"tls://192.0.2.1#dns.test\"";
        let text = format!(
            "recursion: {{ allow: [] }}\nforward:\n  - {{ domain: ., upstreams: [{upstream}], {keys} }}\n"
        );
        let file = folder.write("rhumb.yaml", text)?;
        let mut command = Command::new(rhumb_tests::rig::server::binary());
        program::run(command.env("SSL_CERT_FILE", roots).args(["check", "-c"]).arg(file), TIME_LIMIT)
    };
    let nothing = folder.write("nothing.pem", "no certificate\n")?.display().to_string();
    for (keys, roots, code, words) in [
        ("ca: missing.pem", "", 2, "missing.pem` cannot be read"),
        ("ca: nothing.pem", "", 2, "holds no certificate in PEM"),
        ("policy: fastest", &*nothing, 0, "holds no certificate in PEM"),
        ("verify: off", &*nothing, 0, "are not verified"),
        ("pins: [sha1/abc]", "", 2, "is no pin of a key"),
    ] {
        let output = check(keys, roots)?;
        let said = format!("{}{}", output.out, output.err);
        ensure!(output.code == Some(code) && said.contains(words), "{keys}: {:?} {said}", output.code);
    }
    Ok(Outcome::Passed)
}

fn lists() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, folder) = (Lab::new()?, Folder::new()?);
    let pair = issue(&folder, "lists", false)?;
    let upstream = behind(&lab, &pair)?;
    let entry = format!("domain: ., upstreams: [{{ list: upstreams.list }}], ca: {}", pair.chain.display());
    let config = config().more(&format!("forward:\n  - {{ {entry} }}\n"));
    let server = lab.start(&config.file("upstreams.list", "tls://10.53.0.1#dns.test   # by TLS\n"))?;
    let list = server.folder().at("upstreams.list");
    let mut number = 0;
    let mut asked_by = |transport: &str| {
        until(Duration::from_secs(5), || {
            number += 1;
            let asked = || {
                upstream
                    .metric("rhumb_dns_requests_total", &[&format!("proto=\"{transport}\"")])
                    .unwrap_or(0.0)
            };
            let before = asked();
            let found = lab.addresses(&format!("n{number}.up.example.")).unwrap_or_default();
            found == ["198.18.0.7"] && asked() > before
        })
    };
    ensure!(asked_by("tls"), "not asked over TLS: {}", server.log_tail());
    for (line, transport) in [
        ("quic://10.53.0.1", "quic"),
        ("https://dns.test/dns-query@10.53.0.1", "https"),
        ("tcp://10.53.0.1", "tcp"),
    ] {
        fs::write(&list, format!("{line}\n"))?;
        ensure!(asked_by(transport), "not asked over {transport}: {}", server.log_tail());
    }
    let form = "https://dns.test/dns-query@10.53.0.1";
    fs::write(&list, format!("{form}\n"))?;
    ensure!(asked_by("https"), "not asked over HTTPS again: {}", server.log_tail());
    let told = server.tell(&["upstream", "down", form])?;
    ensure_eq!(told.code, Some(0), "upstream down: {}{}", told.out, told.err);
    ensure_eq!(failed(&lab, "taken.up.example.")?.0, rcode::SERVFAIL, "with the upstream taken out");
    ensure!(server.tell(&["status"])?.out.contains("taken out"), "status does not show it");
    let told = server.tell(&["upstream", "up", form])?;
    ensure_eq!(told.code, Some(0), "upstream up: {}{}", told.out, told.err);
    ensure_eq!(lab.addresses("back.up.example.")?, ["198.18.0.7"], "with the upstream back");
    let told = server.tell(&["upstream", "down", "tls://10.53.0.1"])?;
    ensure!(
        told.code == Some(1) && told.err.contains("no domain has the upstream"),
        "{}{}",
        told.out,
        told.err
    );
    Ok(Outcome::Passed)
}
