//! Upstreams that name other servers in place of an answer.

use std::time::Duration;

use rhumb_tests::rig::message::{AA, rcode};
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Message};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

use super::reasons;
use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("passing::referrals_alone_are_an_empty_answer", empty),
    Test::beside("passing::referrals_do_not_hide_what_is_known", known),
];

/// A referral, but for the names whose first label is `alias`.
fn referral(asked: &Asked) -> Act {
    let name = asked.message.name();
    if asked.name().starts_with("alias") {
        return asked.answer(&[&format!("{name} 300 IN CNAME www.other.example.")]);
    }
    // A server that does not have the zone says where a zone above it is.
    let cut = if asked.name().ends_with("lame.example") { "example." } else { name };
    let ns = format!("{cut} 300 IN NS ns.elsewhere.example.");
    let reply = Message::reply_to(&asked.message).authorities(&[&ns]);
    Act::Reply(Message { flags: reply.flags & !AA, ..reply })
}

fn empty() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, script(referral))?;
    let second = lab.upstream(1, script(referral))?;
    let _third = lab.upstream(2, every_name("198.18.0.3"))?;
    let _fourth = lab.upstream(3, script(|asked| asked.code(rcode::REFUSED)))?;
    let refused = [UP[0], UP[3]];
    let config = config()
        .forward("two.example", &UP[..2])
        .forward("three.example", &UP[..3])
        .forward("refused.example", &refused)
        .forward("other.example", &UP[1..2])
        .forward("lame.example", &UP[..1]);
    let server = lab.start(&config)?;
    let ask = |name: &str| lab.client.udp(lab.to, &Message::query(name, "A").edns(1232));
    for round in 0..3 {
        let reply = ask("www.two.example.")?.message;
        ensure_eq!(reply.rcode(), rcode::NOERROR, "referrals of both, round {round}");
        ensure!(reply.answer.is_empty() && reply.authority.is_empty(), "records, round {round}: {reply:?}");
        let why = (24, "the upstreams only refer to other servers".to_owned());
        ensure!(reasons(&reply).contains(&why), "reasons, round {round}: {:?}", reasons(&reply));
    }
    ensure_eq!(
        (first.count("www.two.example."), second.count("www.two.example.")),
        (1, 1),
        "each is asked once, and what they said is kept for a while"
    );
    ensure_eq!(ask("www.lame.example.")?.message.rcode(), rcode::SERVFAIL, "a referral upwards");
    ensure_eq!(ask("www.three.example.")?.message.data("A"), ["198.18.0.3"], "the next upstream knows");
    ensure_eq!(ask("www.refused.example.")?.message.rcode(), rcode::REFUSED, "a code beside a referral");
    for round in 0..3 {
        let reply = ask("alias.two.example.")?.message;
        ensure_eq!(reply.rcode(), rcode::NOERROR, "an alias to a referral, round {round}");
        ensure_eq!(reply.data("CNAME"), ["www.other.example."], "the alias, round {round}");
    }
    ensure!(
        server.logs("an empty answer for www.two.example. A", Duration::from_secs(2)),
        "nothing in the log: {}",
        server.log()
    );
    Ok(Outcome::Passed)
}

/// What was learnt before is told as stale; and the name is asked for again soon.
fn known() -> Verdict {
    let lab = Lab::new()?;
    let upstream = lab.upstream(
        0,
        script(|asked| asked.answer(&[&format!("{} 1 IN A 198.18.0.1", asked.message.name())])),
    )?;
    let _server = lab.start(&config().forward("up.example", &UP[..1]))?;
    ensure_eq!(lab.addresses("www.up.example.")?, ["198.18.0.1"], "the answer");
    upstream.follow(script(referral));
    let asked = || upstream.count("www.up.example.");
    let before = asked();
    ensure!(
        until(Duration::from_secs(5), || lab.addresses("www.up.example.").is_ok() && asked() > before),
        "it was not asked for again"
    );
    ensure_eq!(lab.addresses("www.up.example.")?, ["198.18.0.1"], "what is stale");
    Ok(Outcome::Passed)
}
