//! Updates by TLS of clients that show certificates: rules go by their names.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::encrypted::{EncryptedConnection, TlsStream};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::messages::{message, reason};
use super::{FILE, TO, data};
use crate::encrypted::{Issued, TIME_LIMIT};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::certificates::rules_go_by_their_names", by_name),
    Test::beside("updating::certificates::one_of_a_proxy_names_nobody", of_proxy),
];

/// How long a file that changed may not be known.
const SOON: Duration = Duration::from_secs(10);
const TLS: &str = "192.0.2.1:853";
const RULE: &str = "{ tls-name: host.test, names: [host], types: [A] }";

/// An issuer with what it has issued, in a folder.
struct Authority(Folder);

impl Authority {
    fn new() -> Result<Self, Failure> {
        let authority = Self(Folder::new()?);
        authority.run("ca", "basicConstraints=critical,CA:TRUE", &[])?;
        Ok(authority)
    }

    /// A certificate for this name: its file, and that of its key.
    fn issue(&self, name: &str) -> Result<(PathBuf, PathBuf), Failure> {
        let (ca, key) = (self.path("ca.pem"), self.path("ca.key"));
        let by = ["-CA", &*ca.display().to_string(), "-CAkey", &*key.display().to_string()];
        let extensions = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:{name}");
        self.run(name, &extensions, &by)?;
        Ok((self.path(&format!("{name}.pem")), self.path(&format!("{name}.key"))))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.at(name)
    }

    fn run(&self, name: &str, extensions: &str, by: &[&str]) -> Result<(), Failure> {
        let text = format!("[req]\ndistinguished_name=dn\n[dn]\n[own]\n{extensions}\n");
        let config = self.0.write("config", text)?;
        let mut command = Command::new(program::find("openssl").context("no openssl")?);
        command.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        command.args(["-days", "30", "-subj", &format!("/CN={name}"), "-extensions", "own", "-config"]);
        command.arg(config).args(by).arg("-out").arg(self.path(&format!("{name}.pem")));
        let output = program::run(command.arg("-keyout").arg(self.path(&format!("{name}.key"))), TIME_LIMIT)?;
        ensure_eq!(output.code, Some(0), "openssl req: {}", output.err);
        Ok(())
    }
}

fn config(state: &Folder, listener: &str) -> Config {
    let text = format!(
        "state: \"{}\"\nzones:\n  - {{ name: zone.test, file: zone.test.zone, update: [{RULE}] }}\n",
        state.at("state").display()
    );
    Config::new().listen_with("::", listener).file("zone.test.zone", FILE).more(&text)
}

/// An update that the rule is for, and one that it is not for.
fn updates(address: &str) -> [Message; 2] {
    ["host", "www"].map(|host| message(&[&format!("{host}.zone.test. 60 IN A {address}")]).edns(1232))
}

fn asked(stream: &mut TlsStream, update: &Message) -> Result<(u16, Option<u16>, String), Failure> {
    Ok(reason(&Message::from_wire(&stream.exchange(&update.to_wire())?)?))
}

/// The certificate of a client that is named in a rule is taken, and no other one; also after the issuers have changed.
fn by_name() -> Verdict {
    let (host, client) = Host::pair()?;
    let (issued, state) = (Issued::new()?, Folder::new()?);
    let (ours, others) = (Authority::new()?, Authority::new()?);
    let clients = issued.folder.write("clients.pem", std::fs::read(ours.path("ca.pem"))?)?;
    let listener = format!("{}, client-ca: {}", issued.keys("udp, tcp, tls"), clients.display());
    let server = Server::start(&host, &config(&state, &listener))?;
    let client = Client::new(&client);
    let to: SocketAddr = TLS.parse()?;
    let no_rule = |told: (u16, Option<u16>, String)| {
        let expected = (rcode::REFUSED, Some(18), "no rule of the zone is for this client".to_owned());
        ensure_eq!(told, expected, "{}", server.log_tail());
        Ok::<(), Failure>(())
    };
    let connect = |authority: &Authority, name: &str| {
        let (chain, key) = authority.issue(name)?;
        TlsStream::connect_as(&client, to, &chain, &key)
    };
    let mut named = connect(&ours, "host.test")?;
    let [good, bad] = updates("192.0.2.7");
    ensure_eq!(asked(&mut named, &good)?.0, rcode::NOERROR, "the one of the rule: {}", server.log_tail());
    ensure_eq!(data(&client, "host.zone.test.", "A")?, ["192.0.2.7"], "the record");
    let told = asked(&mut named, &bad)?;
    let denied = "no rule of the zone allows it: add A of www.zone.test.";
    ensure_eq!(told, (rcode::REFUSED, Some(18), denied.to_owned()), "another name of the zone");
    let [good, _] = updates("192.0.2.8");
    no_rule(asked(&mut connect(&ours, "other.test")?, &good)?)?;
    no_rule(asked(&mut connect(&ours, "*.test")?, &good)?)?;
    no_rule(asked(&mut TlsStream::connect(&client, to, b"dot")?, &good)?)?;
    for transport in [Transport::Udp, Transport::Tcp] {
        no_rule(reason(&client.over(transport, TO.parse()?, &good)?.message))?;
    }
    let refused = connect(&others, "host.test").and_then(|mut stream| asked(&mut stream, &good));
    ensure!(refused.is_err(), "a certificate of another issuer: {refused:?}");
    let counted = ["proto=\"tls\"", "result=\"client-certificate\""];
    let count = server.metric("rhumb_tls_handshakes_total", &counted)?;
    ensure_eq!(count.to_string(), "1", "certificates of clients that are not taken");
    let history = server.tell(&["zone", "history", "zone.test"])?;
    ensure!(history.out.contains("certificate host.test. 192.0.2.2"), "{}", history.out);
    ensure_eq!(data(&client, "host.zone.test.", "A")?, ["192.0.2.7"], "the record");
    explained(&server, &state)?;
    // Another issuer takes the place of the one before; what is no certificate does not.
    issued.folder.write("clients.pem", std::fs::read(others.path("ca.pem"))?)?;
    ensure!(server.logs("a new one is in use", Duration::from_secs(10)), "{}", server.log_tail());
    ensure_eq!(asked(&mut connect(&others, "host.test")?, &good)?.0, rcode::NOERROR, "the new issuer");
    issued.folder.write("clients.pem", "nothing")?;
    ensure!(server.logs("the last good one stays", Duration::from_secs(10)), "{}", server.log_tail());
    ensure!(until(SOON, || is_told(&server)), "status: {}", server.tell(&["status"])?.out);
    let label = ["clients.pem"];
    let is_ok = |expected: &str| {
        server.metric("rhumb_certificate_ok", &label).is_ok_and(|ok| ok.to_string() == expected)
    };
    ensure!(is_ok("0"), "the metric of a file that cannot be used: {}", server.page("/metrics")?.body);
    let [good, _] = updates("192.0.2.9");
    ensure_eq!(asked(&mut connect(&others, "host.test")?, &good)?.0, rcode::NOERROR, "the last good one");
    let refused = connect(&ours, "host.test").and_then(|mut stream| asked(&mut stream, &good));
    ensure!(refused.is_err(), "a certificate of the issuer before: {refused:?}");
    issued.folder.write("clients.pem", std::fs::read(ours.path("ca.pem"))?)?;
    ensure!(until(SOON, || is_ok("1") && !is_told(&server)), "good again: {}", server.tell(&["status"])?.out);
    Ok(Outcome::Passed)
}

/// Whether `status` says that the file of issuers cannot be used.
fn is_told(server: &Server) -> bool {
    let told = server.tell(&["status"]).map(|told| told.out).unwrap_or_default();
    told.lines().any(|line| line.contains("clients.pem") && line.contains("the last good one stays"))
}

/// What would become of an update is told for the name of a certificate too.
fn explained(server: &Server, folder: &Folder) -> Result<(), Failure> {
    let file = folder.write("script", "zone zone.test.\nupdate add host.zone.test. 60 A 192.0.2.9\n")?;
    let shown = file.display().to_string();
    for (options, words) in [
        (&[][..], "REFUSED"),
        (&["--tls-name", "other.test"], "REFUSED"),
        (&["--tls-name", "Host.test"], "admitted by "),
        (&["--tls-name", "host.test"], "unsigned, with a certificate for host.test."),
    ] {
        let told = server.tell(&[&["explain", "--update", &*shown], options].concat())?;
        ensure!(told.code == Some(0) && told.out.contains(words), "{options:?}: {}{}", told.out, told.err);
    }
    Ok(())
}

/// A proxy that says inside of TLS for whom it speaks shows its own certificate, and not that of the client.
fn of_proxy() -> Verdict {
    let (host, client) = Host::pair()?;
    let (issued, state) = (Issued::new()?, Folder::new()?);
    let ours = Authority::new()?;
    let keys = issued.keys("udp, tcp, tls");
    let clients = issued.folder.write("clients.pem", std::fs::read(ours.path("ca.pem"))?)?;
    let listener = format!("{keys}, client-ca: {}, proxy-protocol: [192.0.2.2]", clients.display());
    let server = Server::start(&host, &config(&state, &listener))?;
    let client = Client::new(&client);
    let (chain, key) = ours.issue("host.test")?;
    let mut stream = TlsStream::connect_as(&client, TLS.parse()?, &chain, &key)?;
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([198, 51, 100, 7, 192, 0, 2, 1, 0x30, 0x39, 3, 0x55]);
    stream.send(&header)?;
    let [good, _] = updates("192.0.2.7");
    let told = asked(&mut stream, &good)?;
    ensure_eq!((told.0, told.1), (rcode::REFUSED, Some(18)), "{told:?} {}", server.log_tail());
    ensure!(until(Duration::from_secs(2), || server.log().contains("198.51.100.7")), "{}", server.log_tail());
    Ok(Outcome::Passed)
}
