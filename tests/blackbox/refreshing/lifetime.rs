//! For how long a zone of other servers may be served, as they say (RFC 7314), and as those are told who have it from here.

use std::net::SocketAddr;

use rhumb_tests::rig::script::{Act, Asked, Script, script};
use rhumb_tests::rig::{Message, Transport};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure};

use super::hostile::{Rig, message, primary, refuse, reply, soa, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("refreshing::lifetime::as_the_primary_says", said)];

const TO: &str = "192.0.2.1:53";
const SOA: u16 = 6;
const EXPIRE: u16 = 9;
/// That of the SOA.
const LONGEST: u32 = 86_400;

/// A primary of version 11 where the zone expires in so many seconds.
fn expiring(seconds: u32) -> Script {
    script(move |asked: &Asked| {
        let lines = if asked.message.kind() == SOA { vec![soa(11)] } else { whole(11) };
        let answer = message(asked, &lines).option(EXPIRE, &seconds.to_be_bytes());
        Act::Reply(answer)
    })
}

/// What a secondary of this server is told.
fn told(rig: &Rig, kind: &str, transport: Transport) -> Result<u32, Failure> {
    let query = Message::query("zone.test.", kind).no_recursion().option(EXPIRE, b"");
    let answer = rig.client().over(transport, TO.parse::<SocketAddr>()?, &query)?.message;
    let options = answer.edns.context("no EDNS")?.options;
    let found = options.iter().find(|(code, _)| *code == EXPIRE);
    let seconds = found.and_then(|(_, data)| Some(u32::from_be_bytes(*data.first_chunk()?)));
    seconds.context("no EXPIRE")
}

/// The time that is left is told on; the same version may be served for longer by another word, and never for less.
fn said() -> Verdict {
    let rig = Rig::start(", transfer-to: [{ network: 192.0.2.0/24 }]")?;
    for (what, seconds, expected) in [
        ("a new version", 20_000, 20_000),
        ("more", 50_000, 50_000),
        ("less", 100, 50_000),
        ("more than the SOA says", 1_000_000, LONGEST),
    ] {
        rig.upstream().follow(expiring(seconds));
        let done = rig.refresh()?;
        ensure!(done.contains("serial 11"), "{what}: {done}");
        for (kind, transport) in [("SOA", Transport::Udp), ("TYPE252", Transport::Tcp)] {
            let left = told(&rig, kind, transport)?;
            ensure!(
                left <= expected && left + 60 > expected,
                "{what}: {kind} says {left} and not {expected}"
            );
        }
    }
    // One that says nothing has what its SOA says.
    rig.upstream().follow(primary(12, refuse, |asked| reply(asked, &whole(12))));
    rig.refresh()?;
    let left = told(&rig, "SOA", Transport::Udp)?;
    ensure!(rig.serves(12) && left <= LONGEST && left + 60 > LONGEST, "{left}");
    Ok(Outcome::Passed)
}
