//! Primaries that sign: what is wrong with their signatures, in any message, is told, and nothing of the version is taken.

use std::sync::{Arc, Mutex, PoisonError};

use rhumb_tests::rig::message::{AA, rcode};
use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, ResponseSigner, Server, Upstream};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure};

use super::hostile::{message, soa};
use super::{SECRET, config};
use crate::peer::Key;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("refreshing::signing::what_is_wrong_with_a_signature", wrong),
    Test::beside("refreshing::signing::some_messages_may_be_unsigned", gaps),
];

const SOA: u16 = 6;
const IXFR: u16 = 251;
const NOTAUTH: u16 = 9;
const NAME: &str = "k.test.";
const RAW: &[u8] = b"0123456789abcdef0123456789abcdef";
const TO: &str = "192.0.2.1:53";

/// The messages of a zone: one for each host, and the SOA in the first and the last.
fn messages(asked: &Asked, serial: u32, hosts: usize) -> Vec<Message> {
    let host = |number: usize| format!("h{number}.zone.test. 60 IN A 192.0.2.7");
    let mut all = vec![message(
        asked,
        &[
            soa(serial),
            "zone.test. 60 IN NS ns.zone.test.".to_owned(),
            "ns.zone.test. 60 IN A 192.0.2.1".to_owned(),
            format!("v{serial}.zone.test. 60 IN A 192.0.2.9"),
        ],
    )];
    all.extend((0..hosts).map(|number| message(asked, &[host(number)])));
    all.push(message(asked, &[soa(serial)]));
    all
}

fn signer(asked: &Asked) -> ResponseSigner {
    ResponseSigner::new(&asked.message, NAME, RAW, 0).expect("the request is signed")
}

fn raw(messages: Vec<Vec<u8>>) -> Act {
    Act::Each(messages.into_iter().map(Act::Raw).collect())
}

/// A primary that signs the answer to the question for the SOA, refuses differences, and gives the zone so.
fn primary(serial: u32, zone: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
    script(move |asked| match asked.message.kind() {
        SOA => Act::Raw(signer(asked).sign(&message(asked, &[soa(serial)]))),
        IXFR => Act::Raw(signer(asked).sign(&message(asked, &[]).with_rcode(rcode::REFUSED))),
        _ => zone(asked),
    })
}

/// The zone with the signatures of those messages that `is_signed` says.
fn partly(serial: u32, hosts: usize, is_signed: impl Fn(usize) -> bool + Send + Sync + 'static) -> Script {
    primary(serial, move |asked| {
        let mut signer = signer(asked);
        let all = messages(asked, serial, hosts);
        let signed = all.iter().enumerate().map(|(number, message)| {
            if is_signed(number) { signer.sign(message) } else { signer.pass(message) }
        });
        raw(signed.collect())
    })
}

struct SignedRig {
    upstream: Upstream,
    server: Server,
    client: Client,
    _state: Folder,
}

impl SignedRig {
    /// A secondary that has version 10, from a primary with a key.
    fn start() -> Result<Self, Failure> {
        let (host, client) = Host::pair()?;
        let upstream = Upstream::start(&client, "192.0.2.2", partly(10, 3, |_| true))?;
        let (state, key): (_, Key) = (Folder::new()?, ("k.test".into(), "hmac-sha256".into(), SECRET.into()));
        let server = Server::start(&host, &config(&state, &[("192.0.2.2:53".parse()?, Some(&key))], ""))?;
        let client = Client::new(&client).time_limit(std::time::Duration::from_millis(500));
        let rig = Self { upstream, server, client, _state: state };
        let has = until(std::time::Duration::from_secs(20), || rig.serves(10));
        ensure!(has, "no version 10: {}", rig.server.log());
        Ok(rig)
    }

    fn serves(&self, serial: u32) -> bool {
        let asked = self.client.ask(TO.parse().expect("an address"), &format!("v{serial}.zone.test."), "A");
        asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
    }

    /// What is told of a refresh from this primary.
    fn refresh(&self, primary: Script) -> Result<String, Failure> {
        self.upstream.follow(primary);
        let told = self.server.tell(&["zone", "refresh", "zone.test"])?;
        Ok(told.out + &told.err)
    }

    /// Nothing of version 11 is taken, and `words` are told, in `zone status` too.
    fn refuses(&self, what: &str, primary: Script, words: &str) -> Result<(), Failure> {
        let told = self.refresh(primary)?;
        ensure!(told.contains(words), "{what}: {told}");
        ensure!(self.serves(10) && !self.serves(11), "{what}: the version before is not served");
        let status = self.server.tell(&["zone", "status", "zone.test"])?.out;
        ensure!(status.contains(words), "{what}: {status}");
        Ok(())
    }
}

/// A primary that does not know the key.
fn without_key() -> Script {
    script(|asked: &Asked| {
        let mut answer = message(asked, &[]).with_rcode(NOTAUTH);
        let name = rhumb_tests::rig::name::to_wire("hmac-sha256.");
        // No time, no MAC, no id; BADKEY.
        let rdata = [&name[..], &[0; 6], &[1, 44], &[0; 4], &[0, 17, 0, 0][..]].concat();
        let tsig = rhumb_tests::rig::Record { owner: NAME.to_owned(), kind: 250, class: 255, ttl: 0, rdata };
        answer.edns = None;
        answer.additional.push(tsig);
        Act::Reply(Message { flags: answer.flags | AA, ..answer })
    })
}

/// Signed by another secret, key or clock, or not at all, from the first message to the last of hundreds; and an answer of before.
fn wrong() -> Verdict {
    let rig = SignedRig::start()?;
    let by = |name: &'static str, secret: &'static [u8], ahead: i64| {
        script(move |asked: &Asked| {
            let mut signer = ResponseSigner::new(&asked.message, name, secret, ahead).expect("a TSIG");
            Act::Raw(signer.sign(&message(asked, &[soa(11)])))
        })
    };
    let unsigned = script(|asked: &Asked| Act::Reply(message(asked, &[soa(11)])));
    // Of 800 messages the MAC of number 700 is wrong.
    let late = primary(11, |asked| {
        let mut signer = signer(asked);
        let all = messages(asked, 11, 800);
        let signed = all.iter().enumerate().map(|(number, message)| {
            let mut wire = signer.sign(message);
            if number == 700 {
                // The MAC ends before the id, the error and the length of what follows.
                let at = wire.len() - 7;
                wire[at] ^= 1;
            }
            wire
        });
        raw(signed.collect())
    });
    // What was signed for another request.
    let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let replayed = script(move |asked: &Asked| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wire = kept.get_or_insert_with(|| signer(asked).sign(&message(asked, &[soa(10)]))).clone();
        wire[..2].copy_from_slice(&asked.message.id.to_be_bytes());
        Act::Raw(wire)
    });
    for (what, primary, words) in [
        ("another secret", by(NAME, b"other", 0), "TSIG: the MAC of the response is wrong"),
        ("another key", by("j.test.", RAW, 0), "TSIG: the response is signed with another key"),
        ("a clock behind", by(NAME, RAW, -1000), "TSIG: the response was signed at another time"),
        ("a clock ahead", by(NAME, RAW, 1000), "TSIG: the response was signed at another time"),
        ("no signature", unsigned, "TSIG: the response is not signed"),
        ("a key that it does not know", without_key(), "TSIG: the server answers BADKEY"),
        ("a MAC in message 700", late, "TSIG: the MAC of the response is wrong"),
        ("the last message unsigned", partly(11, 3, |number| number < 4), "TSIG: the response is not signed"),
        (
            "the first message unsigned",
            partly(11, 3, |number| number > 0),
            "TSIG: the response is not signed",
        ),
        (
            "a gap of 101",
            partly(11, 150, |number| number == 0 || number > 101),
            "TSIG: the response is not signed",
        ),
    ] {
        rig.refuses(what, primary, words)?;
    }
    // The first is the true one, for it is the first request that is signed so.
    let told = rig.refresh(Arc::clone(&replayed))?;
    ensure!(told.contains("up to date, serial 10"), "{told}");
    rig.refuses("an answer of before", replayed, "TSIG: the MAC of the response is wrong")?;
    let told = rig.refresh(partly(11, 3, |_| true))?;
    ensure!(told.contains("(axfr), serial 11") && rig.serves(11), "the right one: {told}");
    Ok(Outcome::Passed)
}

/// Up to 99 messages between two that are signed (RFC 8945 section 5.3.1).
fn gaps() -> Verdict {
    let rig = SignedRig::start()?;
    let told = rig.refresh(partly(11, 250, |number| number % 100 == 0 || number == 251))?;
    ensure!(told.contains("(axfr), serial 11") && rig.serves(11), "{told}");
    Ok(Outcome::Passed)
}
