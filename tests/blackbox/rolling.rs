//! Trust anchors that are followed while the root changes its keys (RFC 5011), over `kill -9` and restart.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rhumb_tests::rig::internet::{Delegation, RootKeys, authoritative, denial, sized};
use rhumb_tests::rig::message::AD;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Config, Folder, Internet, Message, Record, ZoneSigner, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("rolling::a_roll_of_the_root_key", roll),
    Test::beside("rolling::a_damaged_file_and_other_keys", damage),
    Test::beside("rolling::keys_that_are_not_followed", given),
];

const DELEGATIONS: &[Delegation] =
    &[Delegation { domain: "signed.", address: "198.18.1.1", digests: || vec![signer().digest()] }];
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// Seconds that new keys wait in these tests, and those between two questions for keys.
const HOLD: u64 = 6;
const WRAPPER: &[&str] = &["env", "RHUMB_TEST_ANCHORS=6,1"];
/// TTL of the root's keys: half of it is the time between two questions.
const TTL: u32 = 2;

fn signer() -> ZoneSigner {
    ZoneSigner::new("signed.", 5)
}

fn root(number: u8) -> ZoneSigner {
    ZoneSigner::new(".", number)
}

/// Every name of `signed.` has an address.
fn serve(asked: &Asked) -> Act {
    let name = format!("{}.", asked.name());
    let answer = match asked.message.kind() {
        kind if kind == type_number("DNSKEY") && name == "signed." => signer().sign(&[signer().key()]),
        kind if kind == type_number("A") && name != "signed." => {
            signer().sign(&[Record::from_text(&format!("{name} 300 IN A 198.18.9.80"))])
        }
        _ => return Act::Reply(denial(asked, "signed.", rcode::NOERROR)),
    };
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// A set of keys, signed by some; `number` signs the rest of the root.
fn keys(set: &[ZoneSigner], by: &[ZoneSigner], number: u8) -> RootKeys {
    let set: Vec<Record> = set.iter().map(|one| Record { ttl: TTL, ..one.key() }).collect();
    let signatures = by.iter().filter_map(|one| one.sign(&set).pop());
    RootKeys { answer: set.iter().cloned().chain(signatures).collect(), signer: number }
}

/// A configuration that follows the keys of a file with key `number`.
fn config(state: &Path, number: u8) -> Config {
    Internet::config_of("trust-anchors: { file: root.key }")
        .file("root.key", &format!("; ours\n{}\n", root(number).digest()))
        .more(&format!("state: \"{}\"\n", state.display()))
}

/// State and beginning of each key of the root, by its tag.
fn states(net: &Internet) -> Result<Vec<(u16, String, u64)>, Failure> {
    let said = net.server.tell(&["status", "--json"])?;
    let status: serde_json::Value = serde_json::from_str(&said.out)?;
    let anchors = status["trust_anchors"].as_array().context("no trust anchors in status")?;
    let keys = anchors.iter().flat_map(|anchor| anchor["keys"].as_array().into_iter().flatten());
    let key = |key: &serde_json::Value| {
        let tag = u16::try_from(key["tag"].as_u64()?).ok()?;
        Some((tag, key["state"].as_str()?.to_owned(), key["since"].as_u64()?))
    };
    keys.map(key).collect::<Option<Vec<_>>>().context("a key without tag, state or beginning")
}

/// Waits until a key is in this state; since when it is.
fn wait_for(net: &Internet, number: u8, wanted: Option<&str>) -> Result<u64, Failure> {
    let tag = root(number).tag();
    let mut since = 0;
    let is_there = until(TIME_LIMIT, || {
        let Ok(states) = states(net) else { return false };
        let found = states.iter().find(|(found, ..)| *found == tag);
        since = found.map_or(0, |(.., since)| *since);
        found.map(|(_, state, _)| state.as_str()) == wanted
    });
    ensure!(is_there, "key {number} is not {wanted:?}: {:?}; {}", states(net), net.server.log_tail());
    Ok(since)
}

/// The response code of a name below `signed.`, and whether the answer is authentic.
fn ask(net: &Internet, label: &str) -> Result<(u16, bool), Failure> {
    let lasting = net.client.clone().time_limit(Duration::from_secs(9));
    let reply = lasting.udp(net.to, &Message::query(&format!("{label}.signed."), "A").dnssec())?.message;
    Ok((reply.rcode(), reply.has(AD)))
}

const SECURE: (u16, bool) = (rcode::NOERROR, true);

/// What the root key sentinel says of a key (RFC 8509).
fn is_trusted(net: &Internet, number: u8) -> Result<bool, Failure> {
    Ok(ask(net, &format!("root-key-sentinel-is-ta-{:05}", root(number).tag()))? == SECURE)
}

fn roll() -> Verdict {
    let state = Folder::new()?;
    let config = config(&state.at("state"), 0);
    let first = keys(&[root(0)], &[root(0)], 0);
    let mut net = Internet::start_rolling(&config, WRAPPER, first, DELEGATIONS, serve)?;
    ensure_eq!(ask(&net, "first")?, SECURE, "before the roll: {}", net.server.log_tail());
    wait_for(&net, 0, Some("valid"))?;

    // A new key begins to wait, and goes on waiting over a restart that nobody announced.
    net.roll(keys(&[root(0), root(1)], &[root(0)], 0));
    let since = wait_for(&net, 1, Some("pending"))?;
    let begun = Instant::now();
    ensure!(!is_trusted(&net, 1)?, "a key that waits is trusted: {:?}", states(&net)?);
    net.replace(&config, WRAPPER)?;
    let again = states(&net)?;
    let kept = again.iter().any(|(tag, _, began)| *tag == root(1).tag() && *began == since);
    ensure!(kept || begun.elapsed().as_secs() >= HOLD, "after kill -9: {again:?}, not since {since}");
    let valid = wait_for(&net, 1, Some("valid"))?;
    ensure!(valid >= since + HOLD, "it waited {} s", valid - since);
    let said = format!("trust anchor {} of .: valid, trusted from now on", root(1).tag());
    ensure!(net.server.logs(&said, Duration::from_secs(5)), "the log does not have it: {}", net.server.log());
    ensure_eq!(net.server.log().matches(&said).count(), 1, "times that the log has it: {}", net.server.log());
    ensure!(is_trusted(&net, 1)? && is_trusted(&net, 0)?, "both keys are trusted: {}", net.server.log_tail());

    // The old key is revoked.
    net.roll(keys(&[root(0).revoked(), root(1)], &[root(0).revoked(), root(1)], 1));
    let revoked = wait_for(&net, 0, Some("revoked"))?;
    ensure!(
        is_trusted(&net, 1)? && !is_trusted(&net, 0)?,
        "the old key is trusted: {}",
        net.server.log_tail()
    );
    ensure_eq!(ask(&net, "second")?, SECURE, "after the roll: {}", net.server.log_tail());
    net.replace(&config, WRAPPER)?;
    ensure_eq!(wait_for(&net, 1, Some("valid"))?, valid, "since when, after kill -9");
    ensure_eq!(ask(&net, "third")?, SECURE, "after kill -9: {}", net.server.log_tail());
    let shown = net.server.tell(&["status"])?.out;
    ensure!(shown.contains("TRUST ANCHOR") && shown.contains("keys of .: refreshed 2"), "{shown}");
    for (state, expected) in [("valid", "1"), ("pending", "0")] {
        let labels = [&*format!("state=\"{state}\"")];
        let count = net.server.metric("rhumb_trust_anchor_keys", &labels)?.to_string();
        ensure_eq!(count, expected, "the metric of keys that are {state}");
    }

    // Whoever has the old key signs with it, and is not believed.
    net.roll(keys(&[root(0), root(2)], &[root(0)], 0));
    net.replace(&config, WRAPPER)?;
    ensure!(net.server.logs("its keys cannot be refreshed", TIME_LIMIT), "{}", net.server.log_tail());
    ensure_eq!(ask(&net, "fourth")?.0, rcode::SERVFAIL, "signed by a key that was revoked");
    let known = states(&net)?;
    let old = known.iter().find(|(tag, ..)| *tag == root(0).tag()).context("the old key is forgotten")?;
    ensure!(old.1 == "removed" || (old.1.as_str(), old.2) == ("revoked", revoked), "{known:?}");
    ensure!(
        known.iter().all(|(tag, ..)| *tag != root(2).tag()),
        "a stolen key brought in another: {known:?}"
    );
    ensure!(net.server.metric("rhumb_trust_anchor_failures_total", &[])? >= 1.0, "failures are not counted");
    Ok(Outcome::Passed)
}

/// A file that is damaged is set aside, and other keys in the configuration begin anew, without a restart.
fn damage() -> Verdict {
    let state = Folder::new()?;
    let (folder, file) = (state.at("state"), state.at("state/trust-anchors"));
    let both = keys(&[root(0), root(1)], &[root(0)], 0);
    let mut net = Internet::start_rolling(&config(&folder, 0), WRAPPER, both, DELEGATIONS, serve)?;
    wait_for(&net, 1, Some("valid"))?;
    ensure!(until(TIME_LIMIT, || file.is_file()), "nothing is kept");
    let mut bytes = fs::read(&file)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty file")? ^= 4;
    net.roll(keys(&[root(0)], &[root(0)], 0));
    // The server must not write a good one in between.
    net.kill()?;
    fs::write(&file, &bytes)?;
    net.replace(&config(&folder, 0), WRAPPER)?;
    ensure!(
        net.server.log().contains("trust-anchors: is damaged; trust anchors begin"),
        "{}",
        net.server.log()
    );
    ensure_eq!(fs::read(state.at("state/trust-anchors.damaged"))?, bytes, "what is set aside");
    ensure_eq!(
        net.server.metric("rhumb_trust_anchor_file_failures_total", &[])?.to_string(),
        "1",
        "the metric"
    );
    wait_for(&net, 1, None)?;
    ensure_eq!(ask(&net, "first")?, SECURE, "by the configured key: {}", net.server.log_tail());
    let given = net.server.folder().at("root.key");
    let before = fs::read(&given)?;
    wait_for(&net, 0, Some("valid"))?;
    ensure_eq!(fs::read(&given)?, before, "the file of the operator");

    net.roll(keys(&[root(3)], &[root(3)], 3));
    net.server.rewrite(&config(&folder, 3))?;
    wait_for(&net, 3, Some("valid"))?;
    wait_for(&net, 0, None)?;
    ensure!(
        net.server.logs("other keys are configured than before", TIME_LIMIT),
        "{}",
        net.server.log_tail()
    );
    ensure_eq!(ask(&net, "second")?, SECURE, "by the new key: {}", net.server.log_tail());
    Ok(Outcome::Passed)
}

/// Keys that stand in the configuration itself are neither asked for nor kept.
fn given() -> Verdict {
    let state = Folder::new()?;
    let config = Internet::config(true).more(&format!("state: \"{}\"\n", state.at("state").display()));
    let net = Internet::start_by(&config, WRAPPER, DELEGATIONS, serve)?;
    std::thread::sleep(Duration::from_secs(3));
    ensure_eq!(net.seen().len(), 0, "questions before the first one of a client");
    ensure_eq!(ask(&net, "first")?, SECURE, "the answer");
    ensure_eq!(states(&net)?.len(), 0, "anchors that are followed");
    ensure!(!state.at("state/trust-anchors").exists(), "something is kept");
    Ok(Outcome::Passed)
}
