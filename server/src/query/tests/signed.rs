//! Queries with a TSIG (RFC 8945): what is verified, what is signed, and that there is room for it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_wire::edns::ExtendedError;
use rhumb_wire::tsig::{ResponseError, ResponseVerifier, TsigAlgorithm, TsigError, TsigKey, sign_request};
use rhumb_wire::{DomainName, Rcode, Transport, Type};

use super::lab::{QueryLab, options, query, render};
use crate::query::outcome::IncompleteResponse;
use crate::query::tsig::sign_outcome;
use crate::query::{MessageSource, QueryOutcome, QueryScratch, fail_waiting, truncate_waiting};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn key(secret: &[u8]) -> Arc<TsigKey> {
    let name: DomainName = "transfer.example.".parse().unwrap();
    let secret = secret.to_vec().into_boxed_slice().into();
    Arc::new(TsigKey::new(name.as_ref(), TsigAlgorithm::HmacSha256, secret).unwrap())
}

fn lab() -> QueryLab {
    QueryLab::new().with(|settings| settings.keys = Arc::new([key(b"secret")].into_iter().collect()))
}

/// `message`, signed by `key` at `time`, and what verifies the response.
fn signed(key: &Arc<TsigKey>, message: &[u8], time: u64) -> (Vec<u8>, ResponseVerifier) {
    let mut buffer = message.to_vec();
    buffer.resize(message.len() + 400, 0);
    let (length, verifier) = sign_request(key, &mut buffer, message.len(), time).unwrap();
    buffer.truncate(length);
    (buffer, verifier)
}

#[test]
fn responses_are_signed_and_keep_within_their_limits() {
    let lab = lab();
    for (what, message, expected, limit) in [
        ("a name", query("www.example.com.", Type::A), "NOERROR aa 1/0/1", 512),
        ("EDNS", options(query("www.example.com.", Type::A), &[]), "NOERROR aa 1/0/1 []", 1232),
        ("no such name", query("no.example.com.", Type::A), "NXDOMAIN aa 0/1/1", 512),
        ("not ours", query("www.example.net.", Type::A), "REFUSED 0/0/1", 512),
        (
            "a type that nobody asks for",
            options(query("example.com.", Type(128)), &[]),
            "FORMERR 0/0/1 [15=30]",
            1232,
        ),
    ] {
        let (message, mut verifier) = signed(&key(b"secret"), &message, now());
        let answer = lab.ask(Transport::Udp, &message).expect(what);
        assert_eq!(render(&answer), expected, "{what}");
        assert!(answer.len() <= limit, "{what}: {}", answer.len());
        verifier.verify(&answer, now()).expect(what);
        assert!(verifier.is_complete(), "{what}");
    }
}

#[test]
fn room_for_the_signature_is_kept() {
    let lab = lab();
    let (message, mut verifier) = signed(&key(b"secret"), &query("www.example.com.", Type::A), now());
    let least = lab.ask(Transport::Udp, &message).unwrap().len();
    // Sixteen bytes less have no room for the record.
    for size in least - 16..=least {
        let mut out = vec![0; size];
        let outcome = lab.respond(Transport::Tcp, &message, &mut QueryScratch::new(), &mut out);
        let QueryOutcome::Reply(length) = outcome else { panic!("{size}: {outcome:?}") };
        assert!(length <= size);
        assert_eq!(render(&out[..length]).contains("tc"), size < least, "{size}");
    }
    let answer = lab.truncated(Transport::Udp, &message, &mut QueryScratch::new()).unwrap();
    assert_eq!(render(&answer), "NOERROR tc 0/0/1");
    verifier.verify(&answer, now()).unwrap();
}

#[test]
fn wrong_signatures_are_refused() {
    let lab = lab();
    let message = query("www.example.com.", Type::A);
    let ask = |secret: &[u8], time: u64| {
        let (message, mut verifier) = signed(&key(secret), &message, time);
        let answer = lab.ask(Transport::Udp, &message).unwrap();
        assert_eq!(render(&answer), "NOTAUTH 0/0/1");
        verifier.verify(&answer, now()).unwrap_err()
    };
    let refused = ask(b"another", now());
    assert!(matches!(refused, ResponseError::Rejected(TsigError::BadSignature)), "{refused:?}");
    for time in [now() - 310, now() + 310] {
        let refused = ask(b"secret", time);
        assert!(
            matches!(refused, ResponseError::RejectedSigned { error: TsigError::BadTime, .. }),
            "{refused:?}"
        );
    }
    let refused = signed(&key(b"secret"), &message, now());
    let answer = QueryLab::new().ask(Transport::Udp, &refused.0).unwrap();
    assert_eq!(render(&answer), "NOTAUTH 0/0/1", "no key is configured");
    let (mut tampered, _) = signed(&key(b"secret"), &message, now());
    tampered[13] ^= 1;
    assert_eq!(render(&lab.ask(Transport::Udp, &tampered).unwrap()), "NOTAUTH 0/0/1", "another name");
}

#[test]
fn one_that_waits_is_signed_for_once_it_is_answered() {
    let lab = lab().forwarding();
    let mut message = query("www.example.net.", Type::A);
    message[2] |= 1;
    let (message, mut verifier) = signed(&key(b"secret"), &message, now());
    let mut out = vec![0; 1232];
    let outcome = lab.respond(Transport::Udp, &message, &mut QueryScratch::new(), &mut out);
    let QueryOutcome::Wait(waiting) = outcome else { panic!("{outcome:?}") };
    let error = (ExtendedError::NoReachableAuthority, "");
    let client = &waiting.client;
    let response = fail_waiting(client, lab.live(), Rcode::SERVFAIL, Some(error), None, &mut out).unwrap();
    assert_eq!(render(&out[..response.length]), "SERVFAIL 0/0/1");
    verifier.verify(&out[..response.length], now()).unwrap();
}

/// One that the path does not take in one piece has its OPT and its signature all the same.
#[test]
fn one_that_waited_is_signed_when_it_is_truncated() {
    let lab = lab().forwarding();
    for (sent, expected) in [(None, "NOERROR tc 0/0/1"), (Some(()), "NOERROR tc 0/0/1 []")] {
        let mut message = query("www.example.net.", Type::A);
        message[2] |= 1;
        let message = if sent.is_some() { options(message, &[]) } else { message };
        let (message, mut verifier) = signed(&key(b"secret"), &message, now());
        let client = lab.waiting(Transport::Udp, &message, &mut QueryScratch::new());
        let mut out = vec![0; 1232];
        let length = truncate_waiting(&client, &mut out).unwrap();
        assert_eq!(render(&out[..length]), expected);
        verifier.verify(&out[..length], now()).unwrap();
        assert!(truncate_waiting(&client, &mut [0; 64]).is_none(), "no room for the signature");
    }
}

/// Three messages of a response.
#[derive(Debug)]
struct Three(u8);

impl MessageSource for Three {
    fn next_message(&mut self, out: &mut [u8]) -> Result<Option<usize>, IncompleteResponse> {
        self.0 += 1;
        let message = query(&format!("m{}.example.com.", self.0), Type::A);
        out[..message.len()].copy_from_slice(&message);
        Ok((self.0 <= 3).then_some(message.len()))
    }
}

#[test]
fn each_of_several_messages_is_signed() {
    let keys = [key(b"secret")].into_iter().collect();
    let (message, mut verifier) = signed(&key(b"secret"), &query("example.com.", Type::AXFR), now());
    let verified = crate::query::tsig::verify(&message, &keys).unwrap();
    let mut out = vec![0; 65_535];
    let outcome = sign_outcome(QueryOutcome::Messages(Box::new(Three(0))), verified.signer, &mut out);
    let QueryOutcome::Messages(mut source) = outcome else { panic!("{outcome:?}") };
    let mut count = 0;
    while let Some(length) = source.next_message(&mut out).unwrap() {
        verifier.verify(&out[..length], now()).unwrap();
        count += 1;
    }
    assert_eq!((count, verifier.is_complete()), (3, true));
}

/// What is denied after its signature was verified keeps room for it, and so does what is signed at a wrong time.
#[test]
fn denials_keep_room_for_the_signature() {
    let lab = lab();
    let mut update = query("example.com.", Type::SOA);
    update[2] = 0x28;
    let long = format!("{}.example.com.", ["a"; 90].join("."));
    for (what, message, time, expected) in [
        ("an opcode that nothing takes", update, now(), "REFUSED 0/0/1"),
        ("a type that nobody asks for", query("example.com.", Type(128)), now(), "FORMERR 0/0/1"),
        ("a long name", query(&long, Type(128)), now(), "FORMERR 0/0/1"),
        ("by another clock", query("example.com.", Type::SOA), now() - 400, "NOTAUTH 0/0/1"),
    ] {
        let (message, mut verifier) = signed(&key(b"secret"), &message, time);
        let full = lab.ask(Transport::Tcp, &message).expect(what);
        assert_eq!(render(&full), expected, "{what}");
        for size in [full.len(), full.len() + 7, 65_535] {
            let mut out = vec![0; size];
            let outcome = lab.respond(Transport::Tcp, &message, &mut QueryScratch::new(), &mut out);
            let QueryOutcome::Reply(length) = outcome else { panic!("{what} {size}: {outcome:?}") };
            assert_eq!(out[..length].len(), full.len(), "{what} {size}");
        }
        let verified = verifier.verify(&full, now());
        let bad_time =
            matches!(verified, Err(ResponseError::RejectedSigned { error: TsigError::BadTime, .. }));
        assert!(bad_time || verified.is_ok(), "{what}: {verified:?}");
        assert_eq!(bad_time, what == "by another clock");
    }
}
