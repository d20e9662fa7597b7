//! What the metrics say is what happened.
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "the metrics compared here are whole numbers"
)]

use std::time::Duration;

use rhumb_tests::rig::message::TC;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Config, Message, Server, Transport, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("counting::answers_by_source_and_their_sizes", sources),
    Test::beside("counting::refusals_by_access_list", refusals),
    Test::beside("counting::forwarded_domains_and_what_their_upstreams_did", domains),
];

const ZONE: &str = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n@ TXT \"a text\"\n";

fn has(server: &Server, name: &str, labels: &[&str], expected: f64) -> Result<(), Failure> {
    let seen = until(Duration::from_secs(3), || server.metric(name, labels).is_ok_and(|is| is == expected));
    ensure!(seen, "{name}{labels:?} is {}, not {expected}", server.metric(name, labels)?);
    Ok(())
}

/// Each answer is counted under where it came from, and its bytes and those of its query under their transport.
fn sources() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let _broken = lab.upstream(1, script(|asked| asked.code(rcode::SERVFAIL)))?;
    let config = Config::new().listen("::").allow(&["127.0.0.0/8", "192.0.2.2/32"]).zone("zone.test", ZONE);
    let server = lab.start(&config.forward("up.example", &UP[..1]).forward("broken.example", &UP[1..2]))?;
    let read = |name: &str, labels: &[&str]| server.metric(name, labels);
    for (transport, proto) in [(Transport::Udp, "udp"), (Transport::Tcp, "tcp")] {
        let label = format!("proto=\"{proto}\"");
        let totals = || -> Result<[f64; 4], Failure> {
            Ok([
                read("rhumb_dns_request_size_bytes_sum", &[&label])?,
                read("rhumb_dns_request_size_bytes_count", &[&label])?,
                read("rhumb_dns_response_size_bytes_sum", &[&label])?,
                read("rhumb_dns_response_size_bytes_count", &[&label])?,
            ])
        };
        let mut expected = totals()?;
        for (name, kind, source) in [
            ("ns.zone.test.", "A", "zone"),
            ("nothing.zone.test.", "A", "zone"),
            (&*format!("www.{proto}.up.example."), "A", "upstream"),
            (&format!("www.{proto}.up.example."), "A", "cache"),
            ("localhost.", "A", "built-in"),
            // What is cached is not shown to who does not ask for recursion.
            ("elsewhere.up.example.", "A", "refused"),
            (&format!("{proto}.broken.example."), "A", "server"),
        ] {
            let labels = [format!("source=\"{source}\"")];
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let before = read("rhumb_dns_answers_total", &labels)?;
            let query = Message::query(name, kind).edns(1232);
            let query = if source == "refused" { query.no_recursion() } else { query };
            let reply = lab.client.over(transport, lab.to, &query)?;
            has(&server, "rhumb_dns_answers_total", &labels, before + 1.0)?;
            for (total, more) in expected.iter_mut().zip([query.to_wire().len(), 1, reply.wire.len(), 1]) {
                *total += more as f64;
            }
        }
        ensure_eq!(totals()?, expected, "bytes and messages of queries and of responses by {proto}");
    }
    let sum = |name: &str| server.metric(name, &[]);
    let before = [sum("rhumb_dns_responses_total")?, sum("rhumb_dns_requests_total")?];
    for name in ["ns.zone.test.", "www.udp.up.example.", "tcp.broken.example.", "localhost."] {
        ensure_eq!(server.tell(&["explain", name, "A"])?.code, Some(0), "explain {name}");
    }
    let after = [sum("rhumb_dns_responses_total")?, sum("rhumb_dns_requests_total")?];
    ensure_eq!(after, before, "what an operator has explained counts as no client's");
    ensure_eq!(sum("rhumb_dns_answers_total")?, sum("rhumb_dns_responses_total")?, "answers and responses");
    Ok(Outcome::Passed)
}

fn refusals() -> Verdict {
    let lab = Lab::new()?;
    let config = Config::new().listen("::").allow(&["127.0.0.0/8"]).zone("zone.test", ZONE);
    let server = lab.start(&config.forward(".", &UP[..1]))?;
    let list = |list: &str| format!("list=\"{list}\"");
    // The rig asks too, until the server answers.
    let before = server.metric("rhumb_dns_refused_total", &[])?;
    for count in 1..4 {
        let reply = lab.client.ask(lab.to, "www.up.example.", "A")?;
        ensure_eq!(reply.rcode(), rcode::REFUSED, "response code for a client that may not ask");
        has(&server, "rhumb_dns_refused_total", &[&list("recursion.allow")], before + f64::from(count))?;
    }
    let reply = lab.client.stream(lab.to, &Message::query("zone.test.", "AXFR"))?;
    ensure_eq!(reply.message.rcode(), rcode::REFUSED, "response code of a transfer that is not allowed");
    has(&server, "rhumb_dns_refused_total", &[&list("zones.transfer-to")], 1.0)?;
    has(&server, "rhumb_dns_refused_total", &[&list("recursion.allow")], before + 3.0)?;
    // Refused for want of a zone or a route, which is no access list.
    let _ = lab.client.ask(lab.to, "zone.test.", "A")?;
    has(&server, "rhumb_dns_refused_total", &[], before + 4.0)?;
    Ok(Outcome::Passed)
}

/// One upstream answers, by UDP and by TCP; where the second should be nothing listens; the third answers under a wrong id.
fn domains() -> Verdict {
    let lab = Lab::new()?;
    let _good = lab.upstream(
        0,
        script(|asked| {
            if asked.name().starts_with("long") && asked.transport == Transport::Udp {
                let reply = Message::reply_to(&asked.message);
                return Act::Reply(Message { flags: reply.flags | TC, ..reply });
            }
            asked.answer(&[&format!("{} 300 IN A 198.18.0.1", asked.message.name())])
        }),
    )?;
    let _forger = lab.upstream(
        2,
        script(|asked| {
            let reply = Message::reply_to(&asked.message)
                .answers(&[&format!("{} 300 IN A 198.18.0.3", asked.message.name())]);
            let id = if asked.transport == Transport::Udp { reply.id ^ 1 } else { reply.id };
            Act::Reply(Message { id, ..reply })
        }),
    )?;
    let config = Config::new().listen("::").allow_all();
    let config = config.forward("good.example", &UP[..1]).forward("forged.example", &UP[2..3]);
    let server = lab.start(&config.forward("dead.example", &UP[1..2]))?;
    for number in 0..5 {
        lab.addresses(&format!("n{number}.good.example."))?;
    }
    lab.addresses("long.good.example.")?;
    lab.addresses("n1.good.example.")?;
    for number in 0..3 {
        lab.addresses(&format!("n{number}.dead.example."))?;
        ensure_eq!(lab.addresses(&format!("n{number}.forged.example."))?, ["198.18.0.3"], "by TCP");
    }
    let lookups = "rhumb_forward_domain_lookups_total";
    for (domain, result, expected) in [
        ("good", "answered", 6.0),
        ("good", "failed", 0.0),
        ("dead", "failed", 3.0),
        ("dead", "answered", 0.0),
        ("forged", "answered", 3.0),
    ] {
        let domain = format!("domain=\"{domain}.example.\"");
        has(&server, lookups, &[&domain, &format!("result=\"{result}\"")], expected)?;
    }
    let good = "domain=\"good.example.\"";
    has(&server, "rhumb_forward_domain_lookup_duration_seconds_count", &[good], 6.0)?;
    for (domain, healthy) in [("good", 1.0), ("dead", 0.0), ("forged", 1.0)] {
        let domain = format!("domain=\"{domain}.example.\"");
        has(&server, "rhumb_forward_domain_upstreams", &[&domain], 1.0)?;
        has(&server, "rhumb_forward_domain_healthy_upstreams", &[&domain], healthy)?;
    }
    let of = |upstream: usize| format!("upstream=\"{}", UP[upstream]);
    let failures = |upstream: usize, reason: &str| {
        server.metric("rhumb_forward_failures_total", &[&of(upstream), &format!("reason=\"{reason}\"")])
    };
    has(&server, "rhumb_forward_tcp_requests_total", &[&of(0)], 1.0)?;
    ensure!(failures(1, "connection-refused")? >= 3.0, "refused: {}", failures(1, "connection-refused")?);
    ensure!(failures(2, "mismatched")? >= 3.0, "mismatched: {}", failures(2, "mismatched")?);
    ensure_eq!(server.metric("rhumb_forward_failures_total", &[&of(0)])?, 0.0, "failures of a good upstream");
    Ok(Outcome::Passed)
}
