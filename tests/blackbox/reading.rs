//! What is read from zone files, beside what BIND and NSD read from the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, skip};

mod records;
pub(crate) mod special;

use records::{BIND_ALONE, BOTH, Form, GENERATED, OF_GENERATED, OWNERS};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("reading::every_type_as_bind_reads_it", as_bind),
    Test::beside("reading::every_type_as_nsd_reads_it", as_nsd),
];

const ORIGIN: &str = "types.example";
const HEAD: &str = "$TTL 3600\n@ SOA ns host 1 1h 15m 1w 5m\n@ NS ns.other.\nsub NS ns.elsewhere.\n";
const RHUMB: &str = "127.0.0.1:53";
const PEER: &str = "127.0.0.2";
/// How long the other server may take until it answers.
const START: Duration = Duration::from_secs(20);

fn as_bind() -> Verdict {
    let forms = [BOTH, BIND_ALONE].concat();
    let mut questions = questions(&forms);
    questions.extend(OF_GENERATED.iter().map(|(owner, kind)| (format!("{owner}.{ORIGIN}."), *kind)));
    let arguments = ["-g", "-n", "1", "-c", "config"];
    compare("named", &arguments, bind, &(zone(&forms) + GENERATED), &questions)
}

fn as_nsd() -> Verdict {
    compare("nsd", &["-d", "-c", "config"], nsd, &zone(BOTH), &questions(BOTH))
}

/// One owner for each form, and the odd owners.
fn zone(forms: &[Form]) -> String {
    let mut text = HEAD.to_owned();
    for (number, (_, form)) in forms.iter().enumerate() {
        writeln!(text, "r{number} {form}").expect("a String takes everything");
    }
    for (number, (owner, _)) in OWNERS.iter().enumerate() {
        writeln!(text, "{owner} {} IN A 192.0.2.{number}", 60 + number).expect("a String takes everything");
    }
    text
}

fn questions(forms: &[Form]) -> Vec<(String, u16)> {
    let forms = forms.iter().enumerate().map(|(number, (kind, _))| (format!("r{number}.{ORIGIN}."), *kind));
    let owners = OWNERS.iter().map(|(_, owner)| (format!("{owner}.{ORIGIN}."), 1));
    forms.chain(owners).chain([(format!("{ORIGIN}."), 6), (format!("sub.{ORIGIN}."), 2)]).collect()
}

fn compare(
    file: &str,
    arguments: &[&str],
    config: fn(&Path) -> String,
    zone: &str,
    questions: &[(String, u16)],
) -> Verdict {
    let Some(file) = program::find(file) else { skip!("no {file} here") };
    let (host, folder) = (Host::new()?, Folder::new()?);
    // BIND looks for addresses that interfaces carry.
    host.address("lo", &format!("{PEER}/32"))?;
    folder.write("zone", zone)?;
    folder.write("config", config(folder.path()))?;
    let log = File::create(folder.at("log"))?;
    let child = host
        .command(&file)
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context(file.display())?;
    let peer = Peer(child);
    let _server = Server::start(&host, &Config::new().listen("127.0.0.1").zone(ORIGIN, zone))?;
    let client = Client::new(&host);
    let other: SocketAddr = format!("{PEER}:53").parse()?;
    peer.wait(&client, other, &folder)?;
    let mut differences = Vec::new();
    for (name, kind) in questions {
        let (ours, theirs) = (ask(&client, RHUMB.parse()?, name, *kind)?, ask(&client, other, name, *kind)?);
        if ours != theirs || ours.is_empty() {
            differences.push(format!("{name} TYPE{kind}: {ours:?}\n  and {}: {theirs:?}", file.display()));
        }
    }
    ensure!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    Ok(Outcome::Passed)
}

/// TTL and RDATA in hexadecimal of the records of a name and type.
fn ask(
    client: &Client,
    to: SocketAddr,
    name: &str,
    kind: u16,
) -> Result<BTreeSet<(String, u32, String)>, Failure> {
    let query = Message::query(name, &format!("TYPE{kind}")).no_recursion();
    let message = client.stream(to, &query)?.message;
    let records = message.answer.iter().chain(&message.authority).filter(|record| record.kind == kind);
    let hexadecimal =
        |rdata: &[u8]| rdata.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let shown = records.map(|record| (record.owner.clone(), record.ttl, hexadecimal(&record.rdata)));
    Ok(shown.collect())
}

/// The other server, killed when it is dropped.
struct Peer(Child);

impl Peer {
    /// Until it serves the zone.
    fn wait(&self, client: &Client, to: SocketAddr, folder: &Folder) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let soa = ask(client, to, &format!("{ORIGIN}."), 6);
            if soa.as_ref().is_ok_and(|soa| !soa.is_empty()) {
                return Ok(());
            }
            let log = std::fs::read_to_string(folder.at("log")).unwrap_or_default();
            ensure!(
                begun.elapsed() < START,
                "process {} does not serve the zone: {soa:?}\n{log}",
                self.0.id()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bind(home: &Path) -> String {
    let home = home.display();
    format!(
        "options {{
  directory \"{home}\";
  listen-on {{ {PEER}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  check-names primary ignore;
  check-integrity no;
  check-mx ignore;
  dnssec-validation no;
  empty-zones-enable no;
}};
controls {{ }};
zone \"{ORIGIN}\" {{ type primary; file \"zone\"; }};
"
    )
}

fn nsd(home: &Path) -> String {
    let home = home.display();
    format!(
        "server:
  ip-address: {PEER}
  username: \"\"
  server-count: 1
  database: \"\"
  rrl-ratelimit: 0
  zonesdir: \"{home}\"
  pidfile: \"{home}/pid\"
  xfrdfile: \"{home}/xfrd\"
  zonelistfile: \"{home}/zonelist\"
remote-control:
  control-enable: no
zone:
  name: \"{ORIGIN}\"
  zonefile: \"{home}/zone\"
"
    )
}
