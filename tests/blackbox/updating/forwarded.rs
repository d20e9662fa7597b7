//! Updates that a secondary passes on to the primary of a zone (RFC 2136 section 6), as they are.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Server, Transport, program};
use rhumb_tests::{Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::messages::message;
use super::{ANY, FILE, KEY, SECRET, TO, data, run};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("updating::forwarded::to_the_primary", to_the_primary)];

const NOTAUTH: u16 = 9;
const NETWORK_ERROR: u16 = 23;

/// The primary, which listens on the client's host.
fn primary(state: &Folder) -> Config {
    let text = format!(
        "state: \"{}\"\nkeys:\n  - {{ name: acme.test, secret: \"{SECRET}\" }}\nzones:\n  - {{ name: zone.test, file: zone.test.zone, update: [{ANY}], \
         transfer-to: [{{ network: 192.0.2.1 }}] }}\n",
        state.at("primary").display()
    );
    Config::new().listen("192.0.2.2").file("zone.test.zone", FILE).more(&text)
}

/// The secondary, which does not know the key.
fn secondary(state: &Folder, forwards: bool) -> Config {
    let text = format!(
        "state: \"{}\"\nremotes:\n  - {{ name: p, addresses: [\"192.0.2.1:5399\", 192.0.2.2] }}\nzones:\n  - {{ name: zone.test, primaries: [p], forward-updates: {forwards} }}\n",
        state.at("secondary").display()
    );
    Config::new().listen("::").more(&text)
}

/// Signed with a key that the secondary does not have, over UDP and TCP; the answers of the primary come back, and none where there is
/// no primary.
fn to_the_primary() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let primary = Server::start(&client, &primary(&state))?;
    let server = Server::start(&host, &secondary(&state, true))?;
    let asking = Client::new(&client).time_limit(Duration::from_secs(12));
    let has = |name: &str| data(&asking, name, "A").is_ok_and(|found| found == ["192.0.2.9"]);
    let soa = || data(&asking, "zone.test.", "SOA").is_ok_and(|found| !found.is_empty());
    ensure!(until(Duration::from_secs(30), soa), "not transferred: {}", server.log_tail());
    for (number, arguments) in [&["-y", KEY][..], &["-v", "-y", KEY]].into_iter().enumerate() {
        let name = format!("h{number}.zone.test.");
        let add = format!("update add {name} 60 A 192.0.2.9");
        let done = run(&client, "nsupdate", arguments, &[&add])?;
        ensure_eq!(done.code, Some(0), "{arguments:?}: {}{}{}", done.out, done.err, server.log_tail());
        ensure!(
            until(Duration::from_secs(10), || has(&name)),
            "{name} has not come back: {}",
            server.log_tail()
        );
    }
    let wrong = KEY.replace("MDEy", "MDEx");
    let refused = run(&client, "nsupdate", &["-y", &wrong], &["update add a.zone.test. 60 A 192.0.2.9"])?;
    ensure!(refused.code != Some(0), "a wrong secret: {}{}", refused.out, refused.err);
    let to: SocketAddr = TO.parse()?;
    let answer = asking.udp(to, &message(&["a.zone.test. 60 IN A 192.0.2.9"]))?.message;
    ensure_eq!(answer.rcode(), rcode::REFUSED, "no rule of the primary is for it");
    let count = |result| server.metric("rhumb_updates_total", &[result]).map(|count| format!("{count:.0}"));
    ensure_eq!(count("forwarded")?, "4", "updates that were passed on");
    drop(primary);
    let asked = message(&["b.zone.test. 60 IN A 192.0.2.9"]).edns(1232);
    let answer = asking.over(Transport::Tcp, to, &asked)?.message;
    ensure_eq!(
        (answer.rcode(), answer.extended_error()),
        (rcode::SERVFAIL, Some(NETWORK_ERROR)),
        "no primary"
    );
    ensure_eq!(count("unanswered")?, "1", "updates that no primary has answered");
    ensure!(server.logs("update not answered by a primary", Duration::from_secs(2)), "{}", server.log_tail());
    server.rewrite(&secondary(&state, false))?;
    server.reload()?;
    let answer = asking.udp(to, &message(&["c.zone.test. 60 IN A 192.0.2.9"]))?.message;
    ensure_eq!(answer.rcode(), NOTAUTH, "without forward-updates");
    Ok(Outcome::Passed)
}
