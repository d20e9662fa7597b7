//! DNS over QUIC, asked by clients of others (RFC 9250).

use std::fs;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};
use crate::encrypted::{Issued, TIME_LIMIT, is};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("quic::kdig_verifies_and_transfers", kdig),
    Test::beside("quic::row52_broken_rules_end_the_connection", rules),
    Test::beside("quic::row52_cancelled_queries_leave_the_list", cancelled),
    Test::beside("quic::listeners_come_and_go_with_the_configuration", reload),
];

/// A client that also breaks the rules; needs the library aioquic.
const CLIENT: &str = include_str!("quic/client.py");
const AIOQUIC: &str = "aioquic";

fn quic_lab(more: impl Fn(Config) -> Config) -> Result<(Lab, Issued), Failure> {
    let issued = Issued::new()?;
    let base = Config::new().listen_with("::", &issued.keys("udp, tcp, quic"));
    let zone = config().files()[0].1.clone();
    Ok((lab(&more(base.zone("zone.test", &zone)))?, issued))
}

/// What came of these cases of the client, a line each.
fn cases(lab: &Lab, issued: &Issued, server: &str, only: &[&str]) -> Result<String, Failure> {
    let script = issued.folder.write("client.py", CLIENT)?;
    let mut command = lab.client.host().command(program::python_with(AIOQUIC).context("no python")?);
    let output = program::run(command.arg(script).args([server, "853"]).args(only), Duration::from_mins(1))?;
    ensure_eq!(output.code, Some(0), "the client: {}{}", output.out, output.err);
    Ok(output.out)
}

fn kdig() -> Verdict {
    let Some(kdig) = program::find("kdig") else { skip!("no kdig here") };
    let (lab, issued) = quic_lab(|config| config)?;
    let authority = format!("+tls-ca={}", issued.folder.at("chain.pem").display());
    let ask = |server: &str, name: &str, words: &[&str]| {
        let mut command = lab.client.host().command(&kdig);
        command.args([server, &authority, "+tls-hostname=dns.test", "+quic", "+padding=128", "+retry=0"]);
        program::run(command.args(words).arg(name), TIME_LIMIT)
    };
    for server in ["@192.0.2.1", "@2001:db8::1"] {
        let output = ask(server, "web.zone.test", &[])?;
        if output.err.contains("QUIC") || output.err.contains("Invalid option") {
            skip!("this kdig has no QUIC");
        }
        ensure_eq!(output.code, Some(0), "kdig {server}: {}{}", output.out, output.err);
        for words in ["192.0.2.81", "QUIC session", "TLS1.3", "Received 468 B"] {
            ensure!(output.out.contains(words), "kdig {server} lacks {words}: {}", output.out);
        }
        let large = ask(server, "large.zone.test", &[])?;
        ensure!(large.out.contains("198.18.1.100"), "kdig {server}: {}{}", large.out, large.err);
    }
    let wrong = {
        let mut command = lab.client.host().command(&kdig);
        command.args([
            "@192.0.2.1",
            &authority,
            "+tls-hostname=other.test",
            "+quic",
            "+retry=0",
            "web.zone.test",
        ]);
        program::run(&mut command, TIME_LIMIT)?
    };
    ensure!(wrong.code != Some(0), "kdig takes a wrong name: {}", wrong.out);
    let count = |name: &str, labels: &[&str]| lab.server.metric(name, labels);
    ensure!(is(count("rhumb_dns_requests_total", &["proto=\"quic\""])?, 4), "queries over QUIC");
    let full = count("rhumb_tls_handshakes_total", &["proto=\"quic\"", "result=\"full\""])?;
    ensure!(full >= 4.0, "{full} handshakes");
    let told = lab.server.tell(&["explain", "web.zone.test", "A", "--via", "quic"])?;
    ensure!(told.code == Some(0) && told.out.contains("192.0.2.80"), "explain: {}{}", told.out, told.err);
    Ok(Outcome::Passed)
}

fn rules() -> Verdict {
    if program::python_with(AIOQUIC).is_none() {
        skip!("no Python with aioquic here");
    }
    let (lab, issued) = quic_lab(|config| config)?;
    let expected = "\
        good id 0 rcode 0 answers 2\n\
        signed-off-later reset 0x4\n\
        id closed 0x2 the id of a message is not 0\n\
        two closed 0x2 a stream has more than one message\n\
        half closed 0x2 a stream ended before its message\n\
        empty closed 0x2 a stream ended before its message\n\
        long closed 0x2 a stream has more than one message\n\
        keepalive closed 0x2 a message has the option edns-tcp-keepalive\n\
        response closed 0x2 a message is no query\n";
    for server in ["192.0.2.1", "2001:db8::1"] {
        let found = cases(&lab, &issued, server, &[])?;
        let (streams, last) = found.split_at(found.find("unidirectional").unwrap_or(found.len()));
        ensure_eq!(streams, expected, "cases on {server}");
        // Its own library keeps the client from such streams, or the server ends the connection.
        ensure!(last.contains("nothing") || last.contains("closed 0x4"), "a stream of one direction: {last}");
        let found = cases(&lab, &issued, server, &["many", "moved"])?;
        ensure_eq!(found, "many 200\nmoved id 0 rcode 0 answers 2\n", "cases on {server}");
    }
    Ok(Outcome::Passed)
}

/// Queries that a client gives up no longer wait.
fn cancelled() -> Verdict {
    if program::python_with(AIOQUIC).is_none() {
        skip!("no Python with aioquic here");
    }
    // Nobody answers there.
    let (lab, issued) = quic_lab(|config| config.forward("slow.test", &["192.0.2.2"]).allow_all())?;
    let found = cases(&lab, &issued, "192.0.2.1", &["cancelled"])?;
    ensure_eq!(found, "cancelled id 0 rcode 0 answers 2\n", "a good query after cancelled ones");
    let waiting = || lab.server.metric("rhumb_forward_waiting", &[]);
    let ended = until(Duration::from_secs(2), || waiting().is_ok_and(|count| is(count, 0)));
    ensure!(ended, "{} queries still wait", waiting()?);
    let gone = lab.server.metric("rhumb_stream_errors_total", &["proto=\"quic\"", "kind=\"gone\""])?;
    let streams = lab.server.metric("rhumb_streams_total", &["proto=\"quic\""])?;
    ensure!(gone >= 1.0 && streams > gone, "{gone} of {streams} streams given up");
    Ok(Outcome::Passed)
}

fn reload() -> Verdict {
    let Some(kdig) = program::find("kdig") else { skip!("no kdig here") };
    let (lab, issued) = quic_lab(|config| config)?;
    let asked = |port: &str| {
        let mut command = lab.client.host().command(&kdig);
        command.args(["@192.0.2.1", "-p", port, "+quic", "+retry=0", "+timeout=1", "web.zone.test"]);
        program::run(&mut command, TIME_LIMIT).is_ok_and(|output| output.out.contains("192.0.2.81"))
    };
    if !asked("853") {
        skip!("this kdig has no QUIC");
    }
    let zone = config().files()[0].1.clone();
    let keys = issued.keys("quic");
    let other = Config::new().listen_with("::", "transports: [udp, tcp]");
    let other = other.listen_with("192.0.2.1", &format!("port: 8853, {keys}")).zone("zone.test", &zone);
    fs::write(lab.server.folder().at("rhumb.yaml"), other.text())?;
    let told = lab.server.reload()?;
    for words in ["quic 192.0.2.1:8853: opened", "quic [::]:853: closed"] {
        ensure!(told.contains(words), "{words}: {told}");
    }
    ensure!(asked("8853") && !asked("853"), "the listener did not move");
    Ok(Outcome::Passed)
}
