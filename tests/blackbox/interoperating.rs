//! BIND, Knot, NSD and `PowerDNS` between two of ours: each is the secondary of one and the primary of another, for the same zones.

mod changes;
mod relay;

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Record, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use self::changes::RandomChanges;
use self::relay::{Relay, RelayZone, Software};
use crate::peer::Key;
use crate::refreshing::SECRET;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("interoperating::every_key", every_key),
    Test::beside("interoperating::clocks_that_differ", clocks),
    Test::beside("interoperating::all_follow_random_changes", random_changes)
        .lasting(|| Duration::from_mins(3) + Duration::from_secs(20) * rounds()),
];

const FIRST: &str = "127.0.0.1:53";
/// How long a version may take through all of them, on a machine with other things to do.
const TIME_LIMIT: Duration = Duration::from_mins(1);
const OTHER: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const ALGORITHMS: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// How many versions there are.
fn rounds() -> u32 {
    std::env::var("RHUMB_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// A zone for the test, and what may be wrong with it.
struct TestZone {
    name: String,
    algorithm: &'static str,
    /// The secrets of the relay towards its primary and its secondary.
    secrets: [&'static str; 2],
    /// The relay has it of its own.
    is_own: bool,
}

impl TestZone {
    fn good(name: &str, algorithm: &'static str) -> Self {
        Self { name: name.to_owned(), algorithm, secrets: [SECRET; 2], is_own: false }
    }

    fn key(&self, side: &str, secret: &str) -> Key {
        (format!("{side}.{}", self.name), format!("hmac-{}", self.algorithm), secret.to_owned())
    }

    fn of_relay(&self) -> RelayZone {
        let own = self.is_own.then(|| text(&[]));
        let [inward, outward] = self.secrets;
        RelayZone {
            name: self.name.clone(),
            inward: self.key("in", inward),
            outward: self.key("out", outward),
            own,
        }
    }
}

/// A zone of these records that nobody looks at in the time of a test unless it is told to.
fn text(lines: &[String]) -> String {
    let start = "$TTL 300\n@ SOA ns admin 7 86400 2 864000 60\n@ NS ns\nns A 192.0.2.1\nmarker A 192.0.2.9\n";
    start.to_owned() + &lines.concat()
}

fn key_text(zones: &[TestZone], side: &str) -> String {
    let key = |zone: &TestZone| {
        let (name, algorithm, secret) = zone.key(side, SECRET);
        format!("  - {{ name: {name}, algorithm: {algorithm}, secret: \"{secret}\" }}\n")
    };
    format!("keys:\n{}", zones.iter().map(key).collect::<String>())
}

/// The primary of all relays.
fn first_config(state: &Folder, zones: &[TestZone], peers: &[Software], file: &str) -> Config {
    let mut text = format!("state: \"{}\"\n{}remotes:\n", state.at("first").display(), key_text(zones, "in"));
    let mut entries = "zones:\n".to_owned();
    for TestZone { name, .. } in zones {
        let remotes = peers.iter().map(|peer| (format!("{peer:?}-{name}").to_lowercase(), peer.address(2)));
        let remotes: Vec<_> = remotes.collect();
        for (remote, address) in &remotes {
            text.extend([format!("  - {{ name: {remote}, addresses: {address}, key: in.{name} }}\n")]);
        }
        let names: Vec<&str> = remotes.iter().map(|(remote, _)| remote.as_str()).collect();
        entries.extend([format!(
            "  - {{ name: {name}, file: all.zone, transfer-to: [{}, {{ network: 127.0.0.0/8 }}], update: [{{ network: 127.0.0.0/8 }}] }}\n",
            names.join(", ")
        )]);
    }
    Config::new().listen("0.0.0.0").file("all.zone", file).more(&(text + &entries))
}

/// The secondary of one relay.
fn last_config(state: &Folder, zones: &[TestZone], peer: Software) -> Config {
    let mut text = format!(
        "state: \"{}\"\n{}remotes:\n",
        state.at(&format!("{peer:?}")).display(),
        key_text(zones, "out")
    );
    let (relay, own, reader) = (peer.address(2), peer.address(3), peer.address(1));
    let mut entries = "zones:\n".to_owned();
    for TestZone { name, .. } in zones {
        text.extend([format!(
            "  - {{ name: r-{name}, addresses: {relay}, key: out.{name}, source: {own} }}\n"
        )]);
        entries.extend([format!(
            "  - {{ name: {name}, primaries: [r-{name}], transfer-to: [{{ network: {reader} }}], retry: {{ max: 2s }} }}\n"
        )]);
    }
    Config::new().listen(&own).more(&(text + &entries))
}

/// A relay and its secondary.
struct Branch {
    relay: Relay,
    last: Server,
}

impl Branch {
    fn last_address(&self) -> SocketAddr {
        SocketAddr::new(self.relay.software.address(3).parse().expect("an address"), 53)
    }

    fn last_status(&self, zone: &str) -> String {
        self.last.tell(&["zone", "status", zone]).map(|told| told.out).unwrap_or_default()
    }
}

/// What is told of a relay that refuses a signature. `PowerDNS` leaves out why, and does not sign that.
fn is_rejected(status: &str, error: &str) -> bool {
    status.contains(&format!("TSIG: the server answers {error}"))
        || status.contains("TSIG: it answers NOTAUTH, which is not signed")
}

/// All of them: one, the relays that are installed here, and a secondary of each.
struct Ring {
    state: Folder,
    first: Server,
    client: Client,
    branches: Vec<Branch>,
}

impl Ring {
    /// None where there is no relay.
    fn start(zones: &[TestZone], clock: Option<&str>) -> Result<Option<Self>, Failure> {
        let peers: Vec<Software> = Software::ALL.into_iter().filter(|peer| peer.is_here()).collect();
        if peers.is_empty() {
            return Ok(None);
        }
        let (host, state) = (Host::new()?, Folder::new()?);
        let mut places = Vec::new();
        for peer in &peers {
            let place = Host::new()?;
            let interface = peer.interface();
            host.wire(&interface, &place, "eth0")?;
            host.address(&interface, &format!("{}/24", peer.address(1)))?;
            place.address("eth0", &format!("{}/24", peer.address(2)))?;
            place.address("eth0", &format!("{}/24", peer.address(3)))?;
            places.push(place);
        }
        let first = Server::start(&host, &first_config(&state, zones, &peers, &text(&[])))?;
        let client = Client::new(&host).time_limit(Duration::from_secs(2));
        let mut branches = Vec::new();
        for (peer, host) in peers.into_iter().zip(places) {
            let of_relay: Vec<RelayZone> = zones.iter().map(TestZone::of_relay).collect();
            let relay = Relay::start(peer, &host, &of_relay, clock)?;
            let last = Server::start(&host, &last_config(&state, zones, peer))?;
            branches.push(Branch { relay, last });
        }
        Ok(Some(Self { state, first, client, branches }))
    }

    fn serial(&self, to: SocketAddr, zone: &str) -> Option<u32> {
        let soa = self.client.ask(to, &format!("{zone}."), "SOA").ok()?.data("SOA");
        soa.first()?.split(' ').nth(2)?.parse().ok()
    }

    /// The first refuses requests of each relay for this reason, and says so.
    fn first_refuses(&self, reason: &str, words: &str) -> Result<(), Failure> {
        let reason = format!("reason=\"{reason}\"");
        let all = self.branches.iter().map(|_| 1.0).sum();
        let count = || self.first.metric("rhumb_tsig_errors_total", &[&reason]);
        let has_refused = until(TIME_LIMIT, || count().is_ok_and(|count| count >= all));
        ensure!(has_refused, "{reason}: {} requests of {all} relays", count()?);
        ensure!(self.first.log().contains(words), "{words:?} is not told: {}", self.first.log_tail());
        Ok(())
    }

    fn serves(&self, to: SocketAddr, zone: &str) -> bool {
        let asked = self.client.ask(to, &format!("marker.{zone}."), "A");
        asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
    }

    /// Every server comes to have the version of the first, and then the same zone.
    fn agrees(&self, zone: &str) -> Result<(), Failure> {
        let first: SocketAddr = FIRST.parse()?;
        let serial = self.serial(first, zone).context("no serial")?;
        let expected = self.zone(first, zone)?;
        for branch in &self.branches {
            for to in [branch.relay.to(), branch.last_address()] {
                let has = until(TIME_LIMIT, || self.serial(to, zone) == Some(serial));
                let (found, status) = (self.serial(to, zone), branch.last_status(zone));
                ensure!(has, "{found:?} at {to}, not {serial}: {} {status}", branch.relay.log());
                let records = self.zone(to, zone)?;
                let missing: Vec<_> = expected.iter().filter(|line| !records.contains(line)).collect();
                let surplus: Vec<_> = records.iter().filter(|line| !expected.contains(line)).collect();
                let is_same = missing.is_empty() && surplus.is_empty() && records.len() == expected.len();
                ensure!(is_same, "{to} lacks {missing:?} and has {surplus:?} of serial {serial}");
            }
        }
        Ok(())
    }

    /// The records of a zone as a server transfers it, sorted.
    fn zone(&self, to: SocketAddr, zone: &str) -> Result<Vec<String>, Failure> {
        let mut stream = self.client.tcp(to)?;
        stream.send(&Message::query(&format!("{zone}."), "AXFR").no_recursion().to_wire())?;
        let mut records: Vec<Record> = Vec::new();
        while records.iter().filter(|record| record.kind == 6).count() < 2 {
            let wire = stream.receive(TIME_LIMIT)?.context(format!("{zone} of {to}: no end"))?;
            let message = Message::from_wire(&wire)?;
            ensure_eq!(message.rcode(), 0, "AXFR of {zone} from {to}");
            records.extend(message.answer);
        }
        let mut lines: Vec<String> =
            records.iter().map(|record| format!("{} {}", record.key(), record.ttl)).collect();
        lines.sort();
        Ok(lines)
    }
}

/// Each algorithm in both directions; a relay whose secret is wrong gets nothing, and gives nothing, and both sides are told why.
fn every_key() -> Verdict {
    let mut zones: Vec<TestZone> =
        ALGORITHMS.map(|algorithm| TestZone::good(&format!("{algorithm}.test"), algorithm)).into();
    zones.push(TestZone { secrets: [OTHER, SECRET], ..TestZone::good("in.test", "sha256") });
    zones.push(TestZone { secrets: [SECRET, OTHER], is_own: true, ..TestZone::good("out.test", "sha256") });
    let Some(ring) = Ring::start(&zones, None)? else { skip!("none of BIND, Knot, NSD and PowerDNS here") };
    for branch in &ring.branches {
        let (relay, last) = (branch.relay.to(), branch.last_address());
        for algorithm in ALGORITHMS {
            let zone = format!("{algorithm}.test");
            let has = until(TIME_LIMIT, || ring.serves(relay, &zone));
            ensure!(has, "{zone}: {} {}", branch.relay.log(), ring.first.log_tail());
            let has = until(TIME_LIMIT, || ring.serves(last, &zone));
            ensure!(has, "{zone}: {} {}", branch.last_status(&zone), branch.relay.log());
            ensure_eq!(ring.zone(last, &zone)?, ring.zone(FIRST.parse()?, &zone)?, "{zone} by {relay}");
        }
        let told = until(TIME_LIMIT, || is_rejected(&branch.last_status("out.test"), "BADSIG"));
        ensure!(told, "out.test: {} {}", branch.last_status("out.test"), branch.relay.log());
        ensure!(!ring.serves(relay, "in.test") && !ring.serves(last, "out.test"), "served with a wrong key");
    }
    ring.first_refuses("wrong-mac", "different secrets for the key in.in.test.")?;
    Ok(Outcome::Passed)
}

/// Clocks of relays, behind or ahead: by what the fudge of 300 seconds allows, and by more. What a message takes on its way adds to the
/// first and takes from the second, so that there is a second of room where that matters.
fn clocks() -> Verdict {
    if program::clock("+0s").is_none() {
        skip!("no libfaketime here");
    }
    for (clock, is_good) in [("-298s", true), ("+299s", true), ("-301s", false), ("+302s", false)] {
        let zones = [
            TestZone::good("in.test", "sha256"),
            TestZone { is_own: true, ..TestZone::good("own.test", "sha512") },
        ];
        let Some(ring) = Ring::start(&zones, Some(clock))? else {
            skip!("none of BIND, Knot, NSD and PowerDNS here")
        };
        for branch in &ring.branches {
            let (relay, last) = (branch.relay.to(), branch.last_address());
            let is_rejected = || is_rejected(&branch.last_status("own.test"), "BADTIME");
            let own = || if is_good { ring.serves(last, "own.test") } else { is_rejected() };
            ensure!(
                until(TIME_LIMIT, own),
                "{clock}: {} {}",
                branch.last_status("own.test"),
                branch.relay.log()
            );
            let from_first = || ring.serves(relay, "in.test");
            ensure!(!is_good || until(TIME_LIMIT, from_first), "{clock}: {}", branch.relay.log());
            ensure_eq!(ring.serves(relay, "in.test"), is_good, "{clock}: in.test at {relay}");
            ensure_eq!(ring.serves(last, "own.test"), is_good, "{clock}: own.test at {last}");
        }
        if !is_good {
            let side = if clock.starts_with('-') { "behind" } else { "ahead" };
            ring.first_refuses("clock", side)?;
        }
    }
    Ok(Outcome::Passed)
}

/// Updates and edits of the file, at random: each version is the same zone everywhere.
fn random_changes() -> Verdict {
    const ZONE: &str = "zone.test";
    let zones = [TestZone::good(ZONE, "sha256")];
    let Some(ring) = Ring::start(&zones, None)? else { skip!("none of BIND, Knot, NSD and PowerDNS here") };
    let peers: Vec<Software> = ring.branches.iter().map(|branch| branch.relay.software).collect();
    let first: SocketAddr = FIRST.parse()?;
    for branch in &ring.branches {
        let has = until(TIME_LIMIT, || ring.serves(branch.last_address(), ZONE));
        ensure!(has, "{} {}", branch.last_status(ZONE), branch.relay.log());
    }
    let mut changes = RandomChanges::new(ZONE);
    println!("interoperating: seed {}", changes.seed());
    for round in 0..rounds() {
        for update in changes.updates() {
            let answer = ring.client.udp(first, &update)?.message;
            ensure_eq!(answer.rcode(), 0, "round {round}: {update:?} is answered {answer:?}");
        }
        if let Some((lines, marker)) = changes.edit() {
            ring.first.rewrite(&first_config(&ring.state, &zones, &peers, &text(&lines)))?;
            let merged = || {
                let found = ring.client.ask(first, &format!("edit.{ZONE}."), "TXT");
                found.is_ok_and(|answer| answer.data("TXT") == [format!("\"{marker}\"")])
            };
            ensure!(until(TIME_LIMIT, merged), "round {round}: {}", ring.first.log_tail());
        }
        ring.agrees(ZONE)
            .map_err(|failure| Failure::new(format!("round {round}, seed {}: {failure}", changes.seed())))?;
    }
    let sent = ring.first.metric("rhumb_transfers_total", &["\"out\"", "ixfr", "complete"])?;
    println!("interoperating: {sent} differences out of {} rounds for {} relays", rounds(), peers.len());
    for branch in &ring.branches {
        let accepted = branch.last.metric("rhumb_notify_total", &["\"in\"", "accepted"])?;
        let count = |kind| branch.last.metric("rhumb_transfers_total", &["\"in\"", kind, "complete"]);
        println!(
            "interoperating: {:?} announced {accepted}, gave {} differences and {} whole zones",
            branch.relay.software,
            count("ixfr")?,
            count("axfr")?
        );
        ensure!(accepted > 0.0, "{:?} announces nothing that is accepted", branch.relay.software);
    }
    Ok(Outcome::Passed)
}
