//! Cookies, as clients of others and several servers of one set see them (RFC 7873, RFC 9018).

use std::time::Duration;

use rhumb_tests::rig::{Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("cookies::dig_finds_them_good", || tool("dig", &["+norec", "+qr", "+cookie"], "(good)")),
    Test::beside("cookies::kdig_gets_one", || {
        tool("kdig", &["+norec", "+cookie=0102030405060708"], "COOKIE: 0102")
    }),
    Test::beside("cookies::made_once_good_until_the_end", reloads),
    Test::beside("cookies::secrets_change_without_a_lost_cookie", rollover),
    Test::beside("cookies::secrets_are_shown_nowhere", secrecy),
    Test::beside("cookies::of_a_wrong_length", lengths),
];

const COOKIE: u16 = 10;
const CLIENT: [u8; 8] = *b"\x01\x02\x03\x04\x05\x06\x07\x08";
const OLD: &str = "0ddba11c0ffee0ddba11c0ffee0ddba1";
const NEW: &str = "5eed5eed5eed5eed5eed5eed5eed5eed";

/// A client of others gets a cookie over each transport, and shows what is expected of it.
fn tool(name: &str, options: &[&str], expected: &str) -> Verdict {
    let Some(program) = program::find(name) else { skip!("no {name} here") };
    let lab = lab(&config())?;
    for server in ["@192.0.2.1", "@2001:db8::1"] {
        for transport in ["+notcp", "+tcp"] {
            let mut command = lab.client.host().command(&program);
            command.args(options).args([transport, server, "web.zone.test", "A"]);
            let output = program::run(&mut command, Duration::from_secs(20))?;
            ensure_eq!(output.code, Some(0), "exit status of {name}: {}{}", output.out, output.err);
            let good = output.out.contains(expected) && output.out.contains("192.0.2.81");
            ensure!(good, "{name} {transport} {server} printed: {}", output.out);
        }
    }
    Ok(Outcome::Passed)
}

/// Sends a cookie and gives what comes back.
fn exchange(lab: &Lab, transport: Transport, cookie: &[u8]) -> Result<Vec<u8>, Failure> {
    let query = Message::query("web.zone.test.", "A").no_recursion().option(COOKIE, cookie);
    let answer = lab.client.over(transport, lab.to, &query)?.message;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "response code to a cookie of {} bytes", cookie.len());
    cookie_of(&answer)
}

fn cookie_of(answer: &Message) -> Result<Vec<u8>, Failure> {
    let options = &answer.edns.as_ref().context("no OPT")?.options;
    let found: Vec<_> = options.iter().filter(|(code, _)| *code == COOKIE).map(|(_, value)| value).collect();
    ensure_eq!(found.len(), 1, "cookies in {options:?}");
    ensure!(found[0].len() == 24 && found[0].starts_with(&CLIENT), "cookie {:02x?}", found[0]);
    Ok(found[0].clone())
}

fn reloads() -> Verdict {
    let mut lab = lab(&config())?;
    let first = exchange(&lab, Transport::Udp, &CLIENT)?;
    lab.server.rewrite(&config().more("server: { tcp-clients: 77 }"))?;
    lab.server.reload()?;
    for transport in [Transport::Udp, Transport::Tcp] {
        ensure_eq!(exchange(&lab, transport, &first)?, first, "the cookie after a reload");
    }
    let host = lab.server.host().clone();
    drop(lab.server);
    lab.server = Server::start(&host, &config())?;
    ensure!(exchange(&lab, Transport::Udp, &first)? != first, "a secret outlived its process");
    Ok(Outcome::Passed)
}

fn with_secrets(secrets: &[&str]) -> rhumb_tests::rig::Config {
    let quoted: Vec<String> = secrets.iter().map(|secret| format!("\"{secret}\"")).collect();
    config().more(&format!("server: {{ cookie-secrets: [{}] }}", quoted.join(", ")))
}

/// As an operator changes the secrets of an anycast set: each server comes to know the new one, then makes cookies with it,
/// then forgets the old one.
fn rollover() -> Verdict {
    let lab = lab(&with_secrets(&[OLD]))?;
    let mut cookie = exchange(&lab, Transport::Udp, &CLIENT)?;
    for (secrets, kept) in [(&[OLD, NEW][..], true), (&[NEW, OLD], false), (&[NEW], true)] {
        lab.server.rewrite(&with_secrets(secrets))?;
        let told = lab.server.reload()?;
        ensure!(told.contains("server.cookie-secrets: changed"), "the reload told: {told}");
        let answer = exchange(&lab, Transport::Udp, &cookie)?;
        ensure_eq!(answer == cookie, kept, "whether the cookie stays with {} secrets", secrets.len());
        cookie = answer;
    }
    Ok(Outcome::Passed)
}

fn secrecy() -> Verdict {
    let lab = lab(&with_secrets(&[OLD]).more("log: { level: trace, queries: true }"))?;
    exchange(&lab, Transport::Udp, &CLIENT)?;
    lab.server.rewrite(&with_secrets(&[NEW, OLD]).more("log: { level: trace, queries: true }"))?;
    let mut told = String::new();
    for words in [&["diff"][..], &["reload"], &["status"], &["status", "--json"], &["stats"], &["check"]] {
        let output = lab.server.tell(words)?;
        told.push_str(&output.out);
        told.push_str(&output.err);
    }
    lab.server.rewrite(&with_secrets(&[NEW, NEW]))?;
    let refused = lab.server.tell(&["reload"])?;
    ensure!(refused.code == Some(1), "two equal secrets were accepted: {}", refused.out);
    lab.server.rewrite(&with_secrets(&[&OLD[1..]]))?;
    let checked = lab.server.tell(&["check"])?;
    ensure_eq!(checked.code, Some(2), "exit status of check with half a secret");
    told = told + &refused.out + &refused.err + &checked.out + &checked.err + &lab.server.log();
    told.push_str(&lab.server.page("/")?.body);
    told.push_str(&lab.server.page("/metrics")?.body);
    for secret in [OLD, NEW, &OLD[1..]] {
        ensure!(!told.contains(secret), "a secret is shown in: {told}");
    }
    Ok(Outcome::Passed)
}

fn lengths() -> Verdict {
    let lab = lab(&config())?;
    for length in [0_usize, 7, 9, 15, 41] {
        let query = Message::query("web.zone.test.", "A").option(COOKIE, &vec![1; length]);
        let answer = lab.client.udp(lab.to, &query)?.message;
        ensure_eq!(answer.rcode(), rcode::FORMERR, "response code to a cookie of {length} bytes");
        ensure!(answer.edns.is_some_and(|edns| edns.options.is_empty()), "options in the answer to it");
    }
    let off = config().more("server: { cookies: false }");
    lab.server.rewrite(&off)?;
    lab.server.reload()?;
    let query = Message::query("web.zone.test.", "A").option(COOKIE, &CLIENT);
    let answer = lab.client.udp(lab.to, &query)?.message;
    ensure!(answer.edns.is_some_and(|edns| edns.options.is_empty()), "a cookie although they are off");
    Ok(Outcome::Passed)
}
