//! What a server that resolves knows of the root, and how that changes while it runs.

use std::time::Duration;

use rhumb_tests::rig::internet::{Delegation, ROOT, authoritative, denial, referral};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Config, Internet, Message, Record, rcode};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("roots::hints_that_change_are_followed", hints)];

const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Another server of the root.
const OTHER: &str = "198.18.0.2";
const DOMAINS: &[Delegation] = &[Delegation { domain: "plain.", address: "198.18.1.1", digests: Vec::new }];

/// An address for every name below `plain.`; the other server of the root does not say which servers the root has.
fn reply(asked: &Asked) -> Act {
    let name = asked.name();
    if asked.to.to_string() == OTHER {
        return Act::Reply(match name.as_str() {
            "" => denial(asked, "root.", rcode::NOERROR),
            _ => referral(asked, "more.", &[("ns.more.", "198.18.1.2")]),
        });
    }
    let answer = vec![Record::from_text(&format!("{name}. 300 IN A 198.18.0.80"))];
    Act::Reply(Message { answer, ..authoritative(asked) })
}

fn hints_of(config: Config, server: &str) -> Config {
    config.file("root.hints", &format!(". 3600000 NS ns.root.\nns.root. 3600000 A {server}\n"))
}

fn hints() -> Verdict {
    let config = Internet::config(false);
    let internet = Internet::start(&config, DOMAINS, reply)?;
    let address = |name: &str| internet.client.ask(internet.to, name, "A").map(|answer| answer.data("A"));
    ensure_eq!(address("www.plain.")?, ["198.18.0.80"], "{}", internet.server.log_tail());
    // A file without a server changes nothing.
    internet.server.rewrite(&config.clone().file("root.hints", "; nothing\n"))?;
    ensure!(
        internet.server.logs("names no server of the root", TIME_LIMIT),
        "{}",
        internet.server.log_tail()
    );
    ensure_eq!(address("other.plain.")?, ["198.18.0.80"], "{}", internet.server.log_tail());
    internet.server.rewrite(&hints_of(config, OTHER))?;
    ensure!(
        internet.server.logs("the root is asked of ns.root.", TIME_LIMIT),
        "{}",
        internet.server.log_tail()
    );
    internet.forget();
    let found = until(TIME_LIMIT, || address("new.more.").is_ok_and(|found| found == ["198.18.0.80"]));
    ensure!(found, "{}", internet.server.log_tail());
    ensure_eq!(internet.seen_at(ROOT), 0, "the servers of before are asked no more");
    internet.forget();
    ensure_eq!(address("www.plain.")?, ["198.18.0.80"], "what is known");
    ensure!(internet.seen().iter().all(|asked| asked.name() != "www.plain"), "what was learnt is forgotten");
    Ok(Outcome::Passed)
}
