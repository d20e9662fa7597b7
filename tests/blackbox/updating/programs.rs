//! Programs of others that change zones, unchanged and with their usual settings.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{FILE, SECRET, data, serial};
use crate::upstreams::lab::{Pair, issue};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::programs::lego", lego),
    Test::beside("updating::programs::certbot", certbot),
    Test::beside("updating::programs::octodns", octodns),
    Test::beside("updating::programs::kea", kea),
    Test::beside("updating::programs::ldns_update", ldns_update),
    Test::beside("updating::programs::dnspython", dnspython),
];

const TIME_LIMIT: Duration = Duration::from_mins(2);
/// Where the authority for certificates is, an address that its own certificate has.
pub(crate) const AUTHORITY: &str = "10.53.0.1";

/// A server whose zone the key acme.test may change and transfer, and a client whose resolver it is.
struct Scene {
    server: Server,
    host: Host,
    asking: Client,
    folder: Folder,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let (server, host) = Host::pair()?;
        let folder = Folder::new()?;
        host.etc("resolv.conf", "nameserver 192.0.2.1\n")?;
        let more = format!(
            "state: \"{}\"\nkeys:\n  - {{ name: acme.test, secret: \"{SECRET}\" }}\n  \
             - {{ name: sha1.test, algorithm: hmac-sha1, secret: \"{SECRET}\" }}\nzones:\n  - {{ name: zone.test, file: zone.test.zone, \
             update: [{{ key: acme.test }}, {{ key: sha1.test }}], transfer-to: [{{ key: acme.test }}] }}\n",
            folder.at("state").display()
        );
        let config = Config::new().listen("::").file("zone.test.zone", FILE).more(&more);
        let server = Server::start(&server, &config)?;
        Ok(Self { server, asking: Client::new(&host), host, folder })
    }

    /// What a program says, once it has ended well.
    fn run(&self, command: &mut Command) -> Result<String, Failure> {
        let done = program::run(command.current_dir(self.folder.path()), TIME_LIMIT)?;
        let log = self.server.log_tail();
        ensure_eq!(done.code, Some(0), "{command:?}: {}{} {log}", done.out, done.err);
        Ok(done.out + &done.err)
    }

    fn has(&self, name: &str, kind: &str, wanted: &[&str]) -> Result<(), Failure> {
        ensure_eq!(data(&self.asking, name, kind)?, wanted, "{name} {kind}: {}", self.server.log_tail());
        Ok(())
    }
}

/// Pebble, an authority that looks for what proves a name at our server.
pub(crate) fn authority(host: &Host, folder: &Folder) -> Result<(RunningProgram, Pair), Failure> {
    host.address("lo", &format!("{AUTHORITY}/32"))?;
    let pair = issue(folder, "dns.test", false)?;
    let config = format!(
        "{{\"pebble\": {{\"listenAddress\": \"{AUTHORITY}:14000\", \"managementListenAddress\": \"{AUTHORITY}:15000\", \
         \"certificate\": \"{}\", \"privateKey\": \"{}\", \"httpPort\": 5002, \"tlsPort\": 5001}}}}",
        pair.chain.display(),
        pair.key.display()
    );
    let home = folder.at("pebble");
    let settings = ["env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"];
    let arguments = &["-dnsserver", "192.0.2.1:53", "-config"];
    let running = RunningProgram::start_by(&settings, host, &home, "pebble", (arguments, config.as_str()))?;
    let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
    ensure!(until(TIME_LIMIT, || log().contains("Listening on")), "pebble does not listen: {}", log());
    Ok((running, pair))
}

/// A certificate was issued, and nothing of the proof is left.
fn issued(scene: &Scene, file: &Path) -> Result<(), Failure> {
    let chain = fs::read_to_string(file).context(file.display())?;
    ensure!(chain.contains("BEGIN CERTIFICATE"), "no certificate: {chain}");
    scene.has("_acme-challenge.zone.test.", "TXT", &[])?;
    scene.has("_acme-challenge.www.zone.test.", "TXT", &[])?;
    let versions = serial(&scene.asking)?;
    // Two names are proved, each by a record that comes and goes.
    ensure!(versions >= 7 + 2, "serial {versions}: the zone was hardly changed");
    Ok(())
}

/// A certificate of two names, one of them a wildcard, by DNS-01.
fn lego() -> Verdict {
    let (Some(lego), Some(_)) = (program::find("lego"), program::find("pebble")) else {
        skip!("no lego or no pebble here");
    };
    let scene = Scene::new()?;
    let (_authority, pair) = authority(&scene.host, &scene.folder)?;
    let mut command = scene.host.command(lego);
    command
        .env("LEGO_CA_CERTIFICATES", &pair.chain)
        .env("RFC2136_NAMESERVER", "192.0.2.1:53")
        .env("RFC2136_TSIG_KEY", "acme.test.")
        .env("RFC2136_TSIG_ALGORITHM", "hmac-sha256.")
        .env("RFC2136_TSIG_SECRET", SECRET)
        .env("RFC2136_SEQUENCE_INTERVAL", "1")
        .args([
            "--server",
            &format!("https://{AUTHORITY}:14000/dir"),
            "--accept-tos",
            "--email",
            "a@zone.test",
        ])
        .args(["--dns", "rfc2136", "--dns.resolvers", "192.0.2.1:53"])
        .args(["--domains", "www.zone.test", "--domains", "*.zone.test", "run"]);
    scene.run(&mut command)?;
    issued(&scene, &scene.folder.at(".lego/certificates/www.zone.test.crt"))?;
    Ok(Outcome::Passed)
}

/// The same with certbot and its plug-in.
fn certbot() -> Verdict {
    let (Some(certbot), Some(_)) = (program::find("certbot"), program::find("pebble")) else {
        skip!("no certbot or no pebble here");
    };
    let scene = Scene::new()?;
    let folders = |command: &mut Command| {
        for (option, name) in [("--config-dir", "config"), ("--work-dir", "work"), ("--logs-dir", "logs")] {
            command.arg(option).arg(scene.folder.at(name));
        }
    };
    let mut plugins = scene.host.command(&certbot);
    plugins.args(["plugins", "--non-interactive"]);
    folders(&mut plugins);
    if !scene.run(&mut plugins)?.contains("dns-rfc2136") {
        skip!("certbot has no plug-in dns-rfc2136 here");
    }
    let (_authority, _) = authority(&scene.host, &scene.folder)?;
    let credentials = format!(
        "dns_rfc2136_server = 192.0.2.1\ndns_rfc2136_port = 53\ndns_rfc2136_name = acme.test.\ndns_rfc2136_secret = {SECRET}\n\
         dns_rfc2136_algorithm = HMAC-SHA256\n"
    );
    let credentials = scene.folder.write("credentials.ini", credentials)?;
    let mut command = scene.host.command(certbot);
    command
        .args(["certonly", "--non-interactive", "--agree-tos", "--email", "a@zone.test", "--no-verify-ssl"])
        .args(["--server", &format!("https://{AUTHORITY}:14000/dir"), "--dns-rfc2136"])
        .args(["--dns-rfc2136-propagation-seconds", "1", "-d", "www.zone.test", "-d", "*.zone.test"])
        .arg("--dns-rfc2136-credentials")
        .arg(credentials);
    folders(&mut command);
    scene.run(&mut command)?;
    issued(&scene, &scene.folder.at("config/live/www.zone.test/fullchain.pem"))?;
    Ok(Outcome::Passed)
}

const OCTODNS: &str = "providers:
  config:
    class: octodns.provider.yaml.YamlProvider
    directory: ./zones
  ours:
    class: octodns_bind.Rfc2136Provider
    host: 192.0.2.1
    port: 53
    key_name: acme.test.
    key_secret: SECRET
    key_algorithm: hmac-sha256
zones:
  zone.test.:
    sources: [config]
    targets: [ours]
";
const OCTODNS_ZONE: &str = "'':
  type: MX
  values: [{ exchange: www.zone.test., preference: 10 }]
_sip._tcp:
  type: SRV
  values: [{ port: 5060, priority: 1, target: www.zone.test., weight: 2 }]
alias:
  type: CNAME
  value: www.zone.test.
ns:
  type: A
  value: 192.0.2.1
www:
  - type: A
    values: [198.51.100.1, 198.51.100.2]
  - type: TXT
    value: hello there
";

/// What is planned is done at the first run, and at the second nothing is planned.
fn octodns() -> Verdict {
    let Some(sync) = program::find("octodns-sync") else { skip!("no octodns-sync here") };
    let scene = Scene::new()?;
    scene.folder.write("octodns.yaml", OCTODNS.replace("SECRET", SECRET))?;
    scene.folder.write("zones/zone.test.yaml", OCTODNS_ZONE)?;
    let run = |options: &[&str]| -> Result<String, Failure> {
        let mut command = scene.host.command(&sync);
        command.args(["--config-file", "octodns.yaml"]).args(options).current_dir(scene.folder.path());
        let done = program::run(&mut command, TIME_LIMIT)?;
        Ok(format!("{:?} {}{}", done.code, done.out, done.err))
    };
    let first = run(&["--doit", "--force"])?;
    if first.contains("No module named") || first.contains("Unknown provider class") {
        skip!("octodns has no provider octodns_bind here");
    }
    ensure!(first.starts_with("Some(0)"), "the first run: {first} {}", scene.server.log_tail());
    scene.has("www.zone.test.", "A", &["198.51.100.1", "198.51.100.2"])?;
    scene.has("www.zone.test.", "TXT", &["\"hello there\""])?;
    scene.has("zone.test.", "MX", &["10 www.zone.test."])?;
    scene.has("alias.zone.test.", "CNAME", &["www.zone.test."])?;
    let version = serial(&scene.asking)?;
    let second = run(&["--doit"])?;
    ensure!(second.contains("No changes were planned"), "the second run: {second}");
    ensure_eq!(serial(&scene.asking)?, version, "the second run: a version");
    Ok(Outcome::Passed)
}

/// A DHCP server asks Kea's updater for names, as leases come and go; another client's name stays its own (RFC 4703).
fn kea() -> Verdict {
    if program::find("kea-dhcp-ddns").is_none() {
        skip!("no kea-dhcp-ddns here");
    }
    let scene = Scene::new()?;
    let config = format!(
        "{{\"DhcpDdns\": {{\"ip-address\": \"127.0.0.1\", \"port\": 53001, \
         \"tsig-keys\": [{{\"name\": \"acme.test.\", \"algorithm\": \"HMAC-SHA256\", \"secret\": \"{SECRET}\"}}], \
         \"forward-ddns\": {{\"ddns-domains\": [{{\"name\": \"zone.test.\", \"key-name\": \"acme.test.\", \
         \"dns-servers\": [{{\"ip-address\": \"192.0.2.1\", \"port\": 53}}]}}]}}, \"reverse-ddns\": {{}}, \
         \"loggers\": [{{\"name\": \"kea-dhcp-ddns\", \"output_options\": [{{\"output\": \"stdout\"}}], \"severity\": \"INFO\"}}]}}}}"
    );
    let home = scene.folder.at("kea");
    let shown = home.display();
    let (pids, locks) = (format!("KEA_PIDFILE_DIR={shown}"), format!("KEA_LOCKFILE_DIR={shown}"));
    let wrapper = ["env", &pids, &locks];
    let _kea =
        RunningProgram::start_by(&wrapper, &scene.host, &home, "kea-dhcp-ddns", (&["-c"], config.as_str()))?;
    let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
    ensure!(until(TIME_LIMIT, || log().contains("DHCP_DDNS_STARTED")), "kea does not start: {}", log());
    let socket = scene.host.within(|| UdpSocket::bind("127.0.0.1:0"))?.context("a socket")?;
    // Change 0 adds and 1 removes; each client has an identifier.
    let ask = |change: u8, address: &str, client: &str| -> Result<(), Failure> {
        let text = format!(
            "{{\"change-type\": {change}, \"forward-change\": true, \"reverse-change\": false, \"fqdn\": \"dhcp.zone.test.\", \
             \"ip-address\": \"{address}\", \"dhcid\": \"{client}\", \"lease-expires-on\": \"20991231235959\", \"lease-length\": 3600, \
             \"use-conflict-resolution\": true}}"
        );
        let message = [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
        socket.send_to(&message, "127.0.0.1:53001")?;
        Ok(())
    };
    let becomes = |what: &str, wanted: &[&str]| -> Result<(), Failure> {
        let is = || data(&scene.asking, "dhcp.zone.test.", "A").is_ok_and(|found| found == wanted);
        ensure!(until(TIME_LIMIT, is), "{what}: {} {}", log(), scene.server.log_tail());
        Ok(())
    };
    let (ours, theirs) = ("000201AABBCC", "000201DDEEFF");
    ask(0, "192.0.2.77", ours)?;
    becomes("a lease", &["192.0.2.77"])?;
    ask(0, "192.0.2.78", ours)?;
    becomes("another lease of the client", &["192.0.2.78"])?;
    ask(0, "192.0.2.79", theirs)?;
    let is_told = || log().contains("DHCP_DDNS_ADD_FAILED") || log().contains("CONFLICT");
    ensure!(until(TIME_LIMIT, is_told), "the name of another client: {}", log());
    becomes("the name of another client", &["192.0.2.78"])?;
    ask(1, "192.0.2.78", ours)?;
    becomes("the lease has ended", &[])?;
    // What says whose the name was goes with a message of its own.
    let is_gone = || data(&scene.asking, "dhcp.zone.test.", "TYPE49").is_ok_and(|found| found.is_empty());
    ensure!(until(TIME_LIMIT, is_gone), "the client's record: {} {}", log(), scene.server.log_tail());
    Ok(Outcome::Passed)
}

/// The example program of ldns, which finds the server by the SOA and the resolver's configuration, and knows no algorithm behind SHA-1.
fn ldns_update() -> Verdict {
    let Some(update) = program::find("ldns-update") else { skip!("no ldns-update here") };
    let scene = Scene::new()?;
    let run = |address: &str| {
        let mut command = scene.host.command(&update);
        command.args(["host.zone.test.", "zone.test.", address, "sha1.test.", "hmac-sha1", SECRET]);
        scene.run(&mut command)
    };
    run("192.0.2.77")?;
    scene.has("host.zone.test.", "A", &["192.0.2.77"])?;
    run("192.0.2.78")?;
    scene.has("host.zone.test.", "A", &["192.0.2.77", "192.0.2.78"])?;
    run("none")?;
    scene.has("host.zone.test.", "A", &[])?;
    Ok(Outcome::Passed)
}

const PYTHON: &str = "
import dns.query, dns.tsigkeyring, dns.update, dns.versioned, dns.xfr
keyring = dns.tsigkeyring.from_text({'acme.test.': ('hmac-sha256', 'SECRET')})
zone = dns.versioned.Zone('zone.test.', relativize=False)
def fetch(mode):
    query, serial = dns.xfr.make_query(zone, keyring=keyring)
    dns.query.inbound_xfr('192.0.2.1', zone, query, udp_mode=mode)
    with zone.reader() as reader:
        return reader.get('zone.test.', 'SOA')[0].serial, sum(len(s) for _, s in reader.iterate_rdatasets())
print('axfr', *fetch(dns.query.UDPMode.NEVER))
for number, mode in enumerate([dns.query.UDPMode.NEVER, dns.query.UDPMode.TRY_FIRST, dns.query.UDPMode.ONLY]):
    update = dns.update.UpdateMessage('zone.test.', keyring=keyring)
    update.absent('h%d' % number)
    update.add('h%d' % number, 300, 'A', '192.0.2.9')
    send = dns.query.tcp if number % 2 else dns.query.udp
    print('update', send(update, '192.0.2.1').rcode())
    print('ixfr', *fetch(mode))
";

/// dnspython changes and follows the zone: the whole first, then differences by TCP, and by UDP.
fn dnspython() -> Verdict {
    let python = std::env::var_os("RHUMB_PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import dns.versioned, dns.xfr"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        skip!("no dnspython here (RHUMB_PYTHON names an interpreter that has it)");
    }
    let scene = Scene::new()?;
    let mut command = scene.host.command(&python);
    let told = scene.run(command.args(["-B", "-c", &PYTHON.replace("SECRET", SECRET)]))?;
    let expected = "axfr 7 4\nupdate 0\nixfr 8 5\nupdate 0\nixfr 9 6\nupdate 0\nixfr 10 7\n";
    ensure_eq!(told, expected, "{}", scene.server.log_tail());
    let differences = scene.server.metric("rhumb_transfers_total", &["ixfr", "complete"])?;
    ensure_eq!(format!("{differences:.0}"), "3", "differences that were given");
    Ok(Outcome::Passed)
}
