//! Zone transfers over TLS (RFC 9103), between two of its kind and with nameservers of others.

use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::is;
use crate::refreshing::zone;
use crate::upstreams::lab::{Pair, issue};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("encrypted::transfers::between_two_of_a_kind", both),
    Test::beside("encrypted::transfers::wrong_servers_are_named_and_nothing_is_taken", wrong),
    Test::beside("encrypted::transfers::primaries_of_others", primaries),
    Test::beside("encrypted::transfers::secondaries_of_others", secondaries),
];

const TO: &str = "192.0.2.1:53";
const TIME_LIMIT: Duration = Duration::from_secs(40);

/// The keys of a server of `remotes` whose certificate leads to this one.
fn tls(pair: &Pair, name: &str) -> String {
    format!("tls: {{ name: {name}, ca: \"{}\" }}", pair.chain.display())
}

/// A secondary at 192.0.2.1 of the server at `primary`.
fn secondary(state: &Folder, primary: &str, tls: &str) -> Config {
    let more = format!(
        "state: \"{}\"\nremotes:\n  - {{ name: p, addresses: {primary}, {tls} }}\nzones:\n  - {{ name: zone.test, primaries: [p], forward-updates: true }}\n",
        state.at("secondary").display()
    );
    Config::new().listen("::").more(&more)
}

/// The primary of it, which gives the zone over TLS alone.
fn primary(state: &Folder, pair: &Pair, serial: u32) -> Config {
    let more = format!(
        "state: \"{}\"\nremotes:\n  - {{ name: s, addresses: 192.0.2.1, {} }}\nzones:\n  \
         - {{ name: zone.test, file: zone.test.zone, transfer-to: [s], update: [{{ network: 192.0.2.1 }}], serial: keep }}\n",
        state.at("primary").display(),
        tls(pair, "s.test")
    );
    let listeners = Config::new().listen_with("192.0.2.2", &pair.listener());
    listeners.file("zone.test.zone", &zone(serial)).more(&more)
}

fn serves(client: &Client, to: &str, serial: u32) -> bool {
    let to: SocketAddr = to.parse().expect("an address");
    let asked = client.ask(to, &format!("v{serial}.zone.test."), "A");
    asked.is_ok_and(|answer| answer.data("A") == ["192.0.2.9"])
}

/// The whole zone, differences that are announced by UDP, the SOA on kept connections, updates that are passed on: all over TLS. The same
/// request is refused over TCP.
fn both() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let pair = issue(&state, "own", false)?;
    let upstream = Server::start(&client, &primary(&state, &pair, 10))?;
    let server = Server::start(&host, &secondary(&state, "192.0.2.2", &tls(&pair, "dns.test")))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    ensure!(until(TIME_LIMIT, || serves(&asker, TO, 10)), "not transferred: {}", server.log_tail());
    upstream.rewrite(&primary(&state, &pair, 11))?;
    ensure!(until(TIME_LIMIT, || serves(&asker, TO, 11)), "not followed: {}", server.log_tail());
    let differences = server.metric("rhumb_transfers_total", &["\"in\"", "ixfr", "complete"])?;
    ensure!(is(differences, 1), "{differences} differences: {}", server.log_tail());
    for _ in 0..5 {
        let told = server.tell(&["zone", "refresh", "zone.test"])?;
        ensure!(told.out.contains("up to date, serial 11"), "{}{}", told.out, told.err);
    }
    let status = server.tell(&["zone", "status", "zone.test"])?.out;
    ensure!(status.contains("192.0.2.2:853"), "{status}");
    let mut update = Message::query("zone.test.", "SOA").no_recursion();
    update.flags |= 5 << 11;
    let update = update.authorities(&["new.zone.test. 60 IN A 192.0.2.9"]);
    let answer = Client::new(&client).over(Transport::Tcp, TO.parse()?, &update)?.message;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "an update that is passed on: {}", server.log_tail());
    let count = |proto: &str| upstream.metric("rhumb_dns_requests_total", &[proto]);
    let (encrypted, plain) = (count("proto=\"tls\"")?, count("proto=\"tcp\"")?);
    // A transfer, two questions and a difference, five questions, an update.
    ensure!(encrypted > 8.5 && is(plain, 0), "{encrypted} queries over TLS, {plain} over TCP");
    let handshakes = upstream.metric("rhumb_tls_handshakes_total", &["proto=\"tls\""])?;
    ensure!(handshakes <= 5.5, "{handshakes} handshakes for {encrypted} queries");
    // From the address of the secondary, without TLS.
    let axfr = Message::query("zone.test.", "AXFR").no_recursion().edns(1232);
    let answer = Client::new(&host).over(Transport::Tcp, "192.0.2.2:53".parse()?, &axfr)?.message;
    ensure_eq!((answer.rcode(), answer.extended_error()), (rcode::REFUSED, Some(18)), "AXFR over TCP");
    let told = upstream.tell(&["explain", "zone.test", "AXFR", "--from", "192.0.2.1", "--via", "tcp"])?;
    ensure!(told.out.contains("over tcp"), "{}{}", told.out, told.err);
    Ok(Outcome::Passed)
}

/// A server that cannot show whom it is: what is wrong is told, and the version before is served.
fn wrong() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let (pair, other) = (issue(&state, "own", false)?, issue(&state, "other", false)?);
    let upstream = Server::start(&client, &primary(&state, &pair, 10))?;
    let good = tls(&pair, "dns.test");
    let server = Server::start(&host, &secondary(&state, "192.0.2.2", &good))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    ensure!(until(TIME_LIMIT, || serves(&asker, TO, 10)), "not transferred: {}", server.log_tail());
    // Nobody is told of it: what announces it leads to a look as well.
    let silent = |serial: u32| {
        let config = primary(&state, &pair, serial);
        let text = config.text().replace("transfer-to: [s]", "transfer-to: [s], notify: []");
        upstream.folder().write("rhumb.yaml", text)
    };
    silent(10)?;
    upstream.reload()?;
    upstream.folder().write("zone.test.zone", zone(11))?;
    upstream.tell(&["zone", "reload", "zone.test"])?;
    let pin = format!("sha256/{}=", "A".repeat(43));
    for (what, tls, words) in [
        ("another name", tls(&pair, "other.test"), "TLS: its certificate is for another name"),
        ("another issuer", tls(&other, "dns.test"), "TLS: the issuer of its certificate is not trusted"),
        ("another key", format!("tls: {{ pins: [\"{pin}\"] }}"), "TLS: its key is none of the pinned ones"),
        ("no name", good.replace("name: dns.test, ", ""), "TLS: its certificate is for another name"),
        ("no listener", good.replace("tls: {", "tls: { port: 8853,"), "no connection"),
        ("no TLS", good.replace("tls: {", "tls: { port: 53,"), "TLS: "),
    ] {
        server.rewrite(&secondary(&state, "192.0.2.2", &tls))?;
        server.reload()?;
        let told = server.tell(&["zone", "refresh", "zone.test"])?;
        ensure!(told.err.contains(words), "{what}: {}{}", told.out, told.err);
        ensure!(serves(&asker, TO, 10), "{what}: the version before is not served");
        let status = server.tell(&["zone", "status", "zone.test"])?.out;
        ensure!(status.contains(words), "{what}: {status}");
    }
    server.rewrite(&secondary(&state, "192.0.2.2", &good))?;
    server.reload()?;
    let told = server.tell(&["zone", "refresh", "zone.test"])?;
    ensure!(told.out.contains("(ixfr), serial 11"), "the right one: {}{}", told.out, told.err);
    // What cannot be read is told before anybody is asked.
    let missing = "tls: { name: dns.test, ca: missing.pem }";
    server.rewrite(&secondary(&state, "192.0.2.2", missing))?;
    let checked = server.tell(&["check"])?;
    ensure!(
        checked.code == Some(2)
            && checked.err.contains("remote p: ca: ")
            && checked.err.contains("missing.pem"),
        "{}{}",
        checked.out,
        checked.err
    );
    Ok(Outcome::Passed)
}

/// A nameserver of others that runs until it is dropped.
struct Running {
    folder: Folder,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a program with this configuration and the zone, which are in its folder; none where it is not installed.
    fn start(
        host: &Host,
        words: &[&str],
        config: impl Fn(&Folder) -> String,
        serial: u32,
    ) -> Result<Option<Self>, Failure> {
        let (name, arguments) = words.split_first().context("no program")?;
        let Some(file) = program::find(name) else { return Ok(None) };
        let folder = Folder::new()?;
        folder.write("config", config(&folder))?;
        folder.write("zone", zone(serial))?;
        let log = std::fs::File::create(folder.at("log"))?;
        let mut command = host.command(file);
        command.args(arguments).arg(folder.at("config")).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context(*name)?;
        Ok(Some(Self { folder, child }))
    }

    fn log(&self) -> String {
        let more = |name: &str| std::fs::read_to_string(self.folder.at(name)).unwrap_or_default();
        more("log") + &more("nsd.log")
    }
}

const NAMED: [&str; 5] = ["named", "-g", "-n", "1", "-c"];
const NSD: [&str; 3] = ["nsd", "-d", "-c"];

fn named(folder: &Folder, options: &str, more: &str) -> String {
    format!(
        "options {{ directory \"{}\"; listen-on {{ 192.0.2.2; }}; listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; \
         recursion no; notify no; dnssec-validation no; {options} }};\ncontrols {{ }};\n{more}",
        folder.path().display()
    )
}

fn nsd(folder: &Folder, server: &str, zone: &str) -> String {
    let home = folder.path().display();
    format!(
        "server:\n  ip-address: 192.0.2.2\n  username: \"\"\n  database: \"\"\n  zonesdir: \"{home}\"\n  pidfile: \"{home}/pid\"\n  \
         xfrdfile: \"{home}/xfrd\"\n  zonelistfile: \"{home}/zonelist\"\n  xfrdir: \"{home}\"\n  logfile: \"{home}/nsd.log\"\n  verbosity: 2\n\
         {server}remote-control:\n  control-enable: no\n{zone}"
    )
}

/// BIND gives the zone over TLS; by another name nothing is taken.
fn primaries() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let pair = issue(&state, "own", false)?;
    let config = |folder: &Folder| {
        let more = format!(
            "tls own {{ cert-file \"{}\"; key-file \"{}\"; }};\nzone \"zone.test\" {{ type primary; file \"zone\"; \
             allow-transfer port 853 transport tls {{ 192.0.2.1; }}; }};\n",
            pair.chain.display(),
            pair.key.display()
        );
        named(folder, "listen-on port 853 tls own { 192.0.2.2; };", &more)
    };
    let Some(primary) = Running::start(&client, &NAMED, config, 10)? else { skip!("no named here") };
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let up = until(TIME_LIMIT, || serves(&asker, "192.0.2.2:53", 10));
    ensure!(up, "named does not answer: {}", primary.log());
    let server = Server::start(&host, &secondary(&state, "192.0.2.2", &tls(&pair, "other.test")))?;
    let status = || server.tell(&["zone", "status", "zone.test"]).map(|told| told.out);
    let is_told = || status().is_ok_and(|status| status.contains("TLS: its certificate is for another name"));
    ensure!(until(TIME_LIMIT, is_told), "{}", status()?);
    server.rewrite(&secondary(&state, "192.0.2.2", &tls(&pair, "dns.test")))?;
    server.reload()?;
    let told = server.tell(&["zone", "refresh", "zone.test"])?;
    ensure!(told.out.contains("(axfr), serial 10"), "{}{} {}", told.out, told.err, primary.log());
    ensure!(serves(&asker, TO, 10), "it is not served");
    // Without TLS, named refuses.
    server.rewrite(&secondary(&state, "192.0.2.2", "source: 192.0.2.1"))?;
    server.reload()?;
    let told = server.tell(&["zone", "retransfer", "zone.test"])?;
    ensure!(told.err.contains("REFUSED"), "{}{}", told.out, told.err);
    Ok(Outcome::Passed)
}

/// BIND as a secondary of the server at 192.0.2.1, which it expects to have this name; over TCP without `tls`.
fn bind_secondary<'t>(pair: &'t Pair, name: &'t str, tls: &'t str) -> impl Fn(&Folder) -> String + 't {
    move |folder| {
        let more = format!(
            "tls rhumb {{ ca-file \"{}\"; remote-hostname \"{name}\"; }};\nzone \"zone.test\" {{ type secondary; file \"copy\"; \
             primaries {{ 192.0.2.1 {tls}; }}; }};\n",
            pair.chain.display()
        );
        named(folder, "", &more)
    }
}

/// NSD likewise.
fn nsd_secondary<'t>(pair: &'t Pair, name: &'t str) -> impl Fn(&Folder) -> String + 't {
    move |folder| {
        let server = format!("  tls-cert-bundle: \"{}\"\n", pair.chain.display());
        let zone = format!(
            "tls-auth:\n  name: rhumb\n  auth-domain-name: {name}\nzone:\n  name: zone.test\n  zonefile: copy\n  \
             request-xfr: AXFR 192.0.2.1@853 NOKEY rhumb\n"
        );
        nsd(folder, &server, &zone)
    }
}

/// BIND and NSD fetch the zone over TLS, and not over TCP; with another name in their own configuration they take nothing.
fn secondaries() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let pair = issue(&state, "own", false)?;
    let more = format!(
        "state: \"{}\"\nzones:\n  - {{ name: zone.test, file: zone.test.zone, transfer-to: [{{ network: 192.0.2.2, transport: tls }}], notify: [] }}\n",
        state.at("state").display()
    );
    let config = Config::new().listen_with("::", &pair.listener());
    let server = Server::start(&host, &config.file("zone.test.zone", &zone(10)).more(&more))?;
    let asker = Client::new(&client).time_limit(Duration::from_millis(500));
    let start = |peer: &str, name: &str| match peer {
        "BIND" => Running::start(&client, &NAMED, bind_secondary(&pair, name, "port 853 tls rhumb"), 10),
        _ => Running::start(&client, &NSD, nsd_secondary(&pair, name), 10),
    };
    let count = |metric: &str, labels: &[&str]| server.metric(metric, labels).unwrap_or(0.0);
    let given = || count("rhumb_transfers_total", &["\"out\"", "complete"]);
    let mut found = 0;
    for what in ["BIND", "NSD"] {
        let Some(running) = start(what, "dns.test")? else { continue };
        found += 1;
        let has = until(TIME_LIMIT, || serves(&asker, "192.0.2.2:53", 10));
        ensure!(has, "{what} does not serve the zone: {} {}", running.log(), server.log_tail());
    }
    if found == 0 {
        skip!("neither named nor nsd here");
    }
    let before = given();
    ensure!(before > 0.5, "nothing was given");
    if let Some(plain) = Running::start(&client, &NAMED, bind_secondary(&pair, "dns.test", ""), 10)? {
        let is_refused = until(TIME_LIMIT, || plain.log().contains("REFUSED"));
        ensure!(is_refused, "over TCP: {}", plain.log());
    }
    for what in ["BIND", "NSD"] {
        let handshakes = || count("rhumb_tls_handshakes_total", &[]);
        let begun = handshakes();
        let Some(running) = start(what, "other.test")? else { continue };
        ensure!(until(TIME_LIMIT, || handshakes() > begun + 0.5), "{what} does not come: {}", running.log());
        ensure!(!serves(&asker, "192.0.2.2:53", 10), "{what} takes the zone of another name");
    }
    ensure!((given() - before).abs() < 0.5, "a zone was given to whom expects another server");
    Ok(Outcome::Passed)
}
