//! DNS over TLS, asked by clients and forwarders of others (RFC 7858).

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::framed;
use rhumb_tests::rig::{Config, Folder, Host, Message, Upstream, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};

pub(crate) mod certbot;
pub(crate) mod renewal;
pub(crate) mod renewal_load;
pub(crate) mod stopping;
pub(crate) mod tickets;
pub(crate) mod transfers;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("encrypted::kdig_verifies_and_is_padded", kdig),
    Test::beside("encrypted::openssl_versions_protocols_and_tickets", openssl),
    Test::beside("encrypted::answers_out_of_order_the_first_at_once", pipelined),
    Test::beside("encrypted::unbound_dnsdist_and_stubby_forward_here", forwarders),
    Test::beside("encrypted::row48_half_open_connections_end", half_open),
    Test::beside("encrypted::wrong_certificates_are_refused", refused),
    Test::beside("encrypted::self_signed_needs_no_files", self_signed),
    Test::beside("encrypted::the_name_that_is_asked_for_chooses_the_certificate", by_name),
];

/// Whether a metric has this value.
pub(crate) fn is(metric: f64, expected: u32) -> bool {
    (metric - f64::from(expected)).abs() < 0.5
}

/// How long programs of others may take on a busy machine.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(20);
/// The account that the server becomes.
const NOBODY: u32 = 65_534;

/// A certificate and its key in a folder: `chain.pem` and `key.pem`.
pub(crate) struct Issued {
    pub(crate) folder: Folder,
}

impl Issued {
    pub(crate) fn new() -> Result<Self, Failure> {
        let issued = Self { folder: Folder::new()? };
        issued.issue("", "dns.test", 30)?;
        Ok(issued)
    }

    /// Makes a new pair for this name in a folder of the folder.
    pub(crate) fn issue(&self, within: &str, name: &str, days: u32) -> Result<(PathBuf, PathBuf), Failure> {
        fs::create_dir_all(self.folder.at(within))?;
        let (chain, key) = (self.folder.at(within).join("chain.pem"), self.folder.at(within).join("key.pem"));
        let alternatives = format!("subjectAltName=DNS:{name},IP:192.0.2.1,IP:2001:db8::1");
        let mut command = Command::new(program::find("openssl").context("no openssl")?);
        command.args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-days",
        ]);
        command.args([&days.to_string(), "-subj", &format!("/CN={name}"), "-addext", &alternatives]);
        let output = program::run(command.arg("-out").arg(&chain).arg("-keyout").arg(&key), TIME_LIMIT)?;
        ensure_eq!(output.code, Some(0), "openssl req: {}", output.err);
        close_key(&key)?;
        Ok((chain, key))
    }

    /// The keys of a listener that shows it.
    pub(crate) fn keys(&self, transports: &str) -> String {
        let at = |name: &str| self.folder.at(name).display().to_string();
        let (chain, key) = (at("chain.pem"), at("key.pem"));
        format!("transports: [{transports}], certificate: {chain}, key: {key}")
    }
}

/// As an operator gives a key to the server's group, and to nobody else.
pub(crate) fn close_key(key: &std::path::Path) -> Result<(), Failure> {
    chown(key, None, Some(NOBODY))?;
    Ok(fs::set_permissions(key, fs::Permissions::from_mode(0o640))?)
}

/// A server of [`crate::authoritative`]'s zone that also speaks TLS.
fn tls_lab(more: impl Fn(Config) -> Config) -> Result<(Lab, Issued), Failure> {
    let issued = Issued::new()?;
    let base = Config::new().listen_with("::", &issued.keys("udp, tcp, tls"));
    let zone = config().files()[0].1.clone();
    Ok((lab(&more(base.zone("zone.test", &zone)))?, issued))
}

/// A connection by `openssl s_client`.
struct Session {
    child: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
}

impl Session {
    fn open(host: &Host, options: &[&str]) -> Result<Self, Failure> {
        let mut command = host.command(program::find("openssl").context("no openssl")?);
        command.args(["s_client", "-quiet", "-connect", "192.0.2.1:853"]).args(options);
        let (piped, null) = (Stdio::piped, Stdio::null);
        let mut child = command.stdin(piped()).stdout(piped()).stderr(null()).spawn()?;
        let (input, mut pipe) =
            (child.stdin.take().context("no pipe")?, child.stdout.take().context("no pipe")?);
        let (sender, output) = channel();
        thread::spawn(move || {
            while let Ok(message) = read_message(&mut pipe) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, output })
    }

    fn send(&mut self, message: &Message) -> Result<(), Failure> {
        self.input.write_all(&framed(&message.to_wire()))?;
        Ok(self.input.flush()?)
    }

    fn receive(&self) -> Result<Message, Failure> {
        let wire = self.output.recv_timeout(TIME_LIMIT).map_err(|_| Failure::new("no answer over TLS"))?;
        Message::from_wire(&wire)
    }
}

fn read_message(pipe: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    pipe.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    pipe.read_exact(&mut message)?;
    Ok(message)
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kdig() -> Verdict {
    let Some(kdig) = program::find("kdig") else { skip!("no kdig here") };
    let (lab, issued) = tls_lab(|config| config)?;
    let authority = format!("+tls-ca={}", issued.folder.at("chain.pem").display());
    for server in ["@192.0.2.1", "@2001:db8::1"] {
        let mut command = lab.client.host().command(&kdig);
        command.args([server, "+tls", &authority, "+tls-hostname=dns.test", "+padding=128", "+stats"]);
        let output = program::run(command.args(["web.zone.test", "A", "large.zone.test", "A"]), TIME_LIMIT)?;
        ensure_eq!(output.code, Some(0), "kdig {server}: {}{}", output.out, output.err);
        for words in ["192.0.2.81", "198.18.1.100", "TLS session (TLS1.3)", "Received 468 B"] {
            ensure!(output.out.contains(words), "kdig {server} lacks {words}: {}", output.out);
        }
    }
    let mut command = lab.client.host().command(&kdig);
    command.args(["@192.0.2.1", "+tls", &authority, "+tls-hostname=other.test", "+retry=0", "web.zone.test"]);
    let output = program::run(&mut command, TIME_LIMIT)?;
    ensure!(output.code != Some(0), "kdig takes a wrong name: {}", output.out);
    let full = lab.server.metric("rhumb_tls_handshakes_total", &["proto=\"tls\"", "result=\"full\""])?;
    ensure!(full >= 2.0, "{full} handshakes");
    let queries = lab.server.metric("rhumb_dns_requests_total", &["proto=\"tls\""])?;
    ensure!(is(queries, 4), "{queries} queries over TLS");
    let told = lab.server.tell(&["explain", "web.zone.test", "A", "--via", "tls"])?;
    ensure!(told.code == Some(0) && told.out.contains("192.0.2.80"), "explain: {}{}", told.out, told.err);
    let status = lab.server.tell(&["status"])?.out;
    ensure!(status.contains("tls") && status.contains("dns.test"), "status: {status}");
    Ok(Outcome::Passed)
}

/// What `openssl s_client` says of a connection with these options.
fn s_client(lab: &Lab, options: &[&str]) -> Result<program::Output, Failure> {
    let mut command = lab.client.host().command(program::find("openssl").context("no openssl")?);
    program::run(command.args(["s_client", "-connect", "192.0.2.1:853"]).args(options), TIME_LIMIT)
}

fn openssl() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, issued) = tls_lab(|config| config)?;
    for (options, words) in [
        (&["-alpn", "dot"][..], &["ALPN protocol: dot", "TLSv1.3"][..]),
        (&["-alpn", "http/1.1,dot"], &["ALPN protocol: dot"]),
        (&["-tls1_2"], &["TLSv1.2", "No ALPN negotiated"]),
        (&["-groups", "P-256"], &["TLSv1.3"]),
    ] {
        let output = s_client(&lab, options)?;
        let found = words.iter().all(|word| output.out.contains(word));
        ensure!(output.code == Some(0) && found, "{options:?}: {}{}", output.out, output.err);
    }
    let hybrid = s_client(&lab, &["-groups", "X25519MLKEM768"])?;
    // OpenSSL has it since 3.5.
    let unknown = hybrid.err.contains("X25519MLKEM768");
    ensure!(hybrid.code == Some(0) || unknown, "X25519MLKEM768: {}{}", hybrid.out, hybrid.err);
    for options in [&["-alpn", "h2"][..], &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]] {
        let output = s_client(&lab, options)?;
        ensure!(output.code != Some(0), "{options:?}: {}", output.out);
    }
    let failed =
        |result: &str| lab.server.metric("rhumb_tls_handshakes_total", &[&format!("result=\"{result}\"")]);
    let counted = (failed("protocol")?, failed("version")? + failed("cipher")?);
    ensure!(is(counted.0, 1) && is(counted.1, 1), "handshakes that failed: {counted:?}");
    let logged = lab.server.logs("no TLS session: the client offers other protocols", Duration::from_secs(5));
    ensure!(logged, "the log: {}", lab.server.log_tail());
    // A session of version 1.2 has its ticket before the client ends.
    let ticket = issued.folder.at("session").display().to_string();
    s_client(&lab, &["-tls1_2", "-sess_out", &ticket])?;
    let again = s_client(&lab, &["-tls1_2", "-sess_in", &ticket])?;
    ensure!(again.out.contains("Reused"), "the session was not resumed: {}", again.out);
    ensure!(is(failed("resumed")?, 1), "{} sessions resumed", failed("resumed")?);
    let of = |version: &str, group: &str| {
        let labels = [format!("version=\"{version}\""), format!("group=\"{group}\"")];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        lab.server.metric("rhumb_tls_sessions_total", &[&["proto=\"tls\""], labels.as_slice()].concat())
    };
    ensure!(is(of("1.3", "secp256r1")?, 1), "sessions by P-256: {}", of("1.3", "secp256r1")?);
    ensure!(of("1.2", "x25519")? >= 2.0, "sessions of TLS 1.2: {}", of("1.2", "x25519")?);
    ensure!(is(of("1.2", "none")?, 1), "sessions of TLS 1.2 that go on: {}", of("1.2", "none")?);
    Ok(Outcome::Passed)
}

/// A look-up that takes long does not hold up others of its connection, and neither does a ticket that is not acknowledged.
fn pipelined() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let (lab, _issued) = tls_lab(|config| config.forward("slow.test", &["192.0.2.2"]).allow_all())?;
    let slow = every_name("198.18.0.9");
    let delay = Duration::from_secs(1);
    let _upstream =
        Upstream::start(lab.client.host(), "192.0.2.2", script(move |asked| slow(asked).after(delay)))?;
    let mut session = Session::open(lab.client.host(), &["-alpn", "dot"])?;
    let names = ["www.slow.test.", "web.zone.test.", "mail.zone.test."];
    for name in names {
        session.send(&Message::query(name, "A"))?;
    }
    let first = session.receive()?;
    let begun = Instant::now();
    let order = [first, session.receive()?, session.receive()?];
    let order: Vec<&str> = order.iter().map(Message::name).collect();
    ensure_eq!(order, ["web.zone.test.", "mail.zone.test.", "www.slow.test."], "the order of the answers");
    ensure!(begun.elapsed() > delay / 2, "the slow answer came after {:?}", begun.elapsed());
    Ok(Outcome::Passed)
}

/// A program of others that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn forwarders() -> Verdict {
    let Some(kdig) = program::find("kdig") else { skip!("no kdig here") };
    let (lab, issued) = tls_lab(|config| config)?;
    let host = lab.client.host();
    let chain = issued.folder.at("chain.pem").display().to_string();
    let folder = issued.folder.path().display().to_string();
    let unbound = format!(
        "server:\n  interface: 127.0.0.1@5301\n  chroot: \"\"\n  username: \"\"\n  directory: \"{folder}\"\n  pidfile: \"\"\n  use-syslog: no\n  \
         do-not-query-localhost: no\n  module-config: iterator\n  local-zone: test. nodefault\n  tls-cert-bundle: {chain}\nforward-zone:\n  \
         name: .\n  forward-tls-upstream: yes\n  forward-addr: 192.0.2.1@853#dns.test\n"
    );
    let dnsdist = format!(
        "setLocal('127.0.0.1:5302')\nsetSecurityPollSuffix('')\nnewServer({{address='192.0.2.1:853', tls='openssl', \
         subjectName='dns.test', validateCertificates=true, caStore='{chain}', healthCheckMode='up'}})\n"
    );
    let stubby = format!(
        "resolution_type: GETDNS_RESOLUTION_STUB\ndns_transport_list: [GETDNS_TRANSPORT_TLS]\n\
         tls_authentication: GETDNS_AUTHENTICATION_REQUIRED\ntls_ca_file: \"{chain}\"\nlisten_addresses: [127.0.0.1@5303]\n\
         upstream_recursive_servers:\n  - address_data: 192.0.2.1\n    tls_auth_name: \"dns.test\"\n"
    );
    let unbound = issued.folder.write("unbound.conf", unbound)?;
    let stubby = issued.folder.write("stubby.yml", stubby)?;
    let dnsdist = issued.folder.write("dnsdist.conf", dnsdist)?;
    let mut seen = 0;
    for (name, options, file, port) in [
        ("unbound", &["-d", "-c"][..], unbound, "5301"),
        ("dnsdist", &["--supervised", "-C"], dnsdist, "5302"),
        ("stubby", &["-C"], stubby, "5303"),
    ] {
        let Some(program) = program::find(name) else { continue };
        let log = fs::File::create(issued.folder.at(name))?;
        let mut command = host.command(program);
        let command =
            command.args(options).arg(file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let _running = Running(command.spawn()?);
        let before = lab.server.metric("rhumb_dns_requests_total", &["proto=\"tls\""])?;
        let answered = until(TIME_LIMIT, || {
            let mut command = host.command(&kdig);
            command.args(["@127.0.0.1", "-p", port, "+retry=0", "+timeout=2", "web.zone.test", "A"]);
            program::run(&mut command, TIME_LIMIT).is_ok_and(|output| output.out.contains("192.0.2.81"))
        });
        let log = fs::read_to_string(issued.folder.at(name)).unwrap_or_default();
        ensure!(answered, "{name} does not resolve by way of TLS: {log}; {}", lab.server.log_tail());
        let after = lab.server.metric("rhumb_dns_requests_total", &["proto=\"tls\""])?;
        ensure!(after > before, "{name} did not ask over TLS");
        seen += 1;
    }
    if seen == 0 {
        skip!("neither unbound nor dnsdist nor stubby here");
    }
    Ok(Outcome::Passed)
}

/// Connections that never finish a handshake, or finish it and ask nothing, end when those of TCP do; others are served meanwhile.
fn half_open() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let limits = "server: { tcp-clients: 100, tcp-clients-per-network: 60, tcp-first-query: 2s }";
    let (lab, _issued) = tls_lab(|config| config.more(limits))?;
    let to = "192.0.2.1:853".parse()?;
    let mut open = Vec::new();
    for number in 0..50_u8 {
        let mut stream = lab.client.tcp(to)?;
        // Some send the head of a record that does not come, some nothing.
        if number.is_multiple_of(2) {
            stream.send_raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")?;
        }
        open.push(stream);
    }
    let mut session = Session::open(lab.client.host(), &[])?;
    session.send(&Message::query("web.zone.test.", "A"))?;
    ensure_eq!(session.receive()?.answer.len(), 2, "records of the answer beside half-open connections");
    drop(session);
    let mut silent = Session::open(lab.client.host(), &[])?;
    let timeouts = || lab.server.metric("rhumb_tls_handshakes_total", &["result=\"timeout\""]);
    ensure!(until(TIME_LIMIT, || timeouts().is_ok_and(|count| is(count, 50))), "{} time-outs", timeouts()?);
    ensure!(
        until(TIME_LIMIT, || silent.child.try_wait().is_ok_and(|ended| ended.is_some())),
        "a silent session stays"
    );
    for stream in &mut open {
        ensure!(stream.receive(TIME_LIMIT)?.is_none(), "an answer to half a handshake");
    }
    let connections = || lab.server.metric("rhumb_tcp_connections", &[]);
    ensure!(
        until(TIME_LIMIT, || connections().is_ok_and(|open| is(open, 0))),
        "{} connections",
        connections()?
    );
    let mut empty = Session::open(lab.client.host(), &[])?;
    empty.input.write_all(&[0, 0])?;
    empty.input.flush()?;
    ensure!(
        until(TIME_LIMIT, || empty.child.try_wait().is_ok_and(|ended| ended.is_some())),
        "an empty message is taken"
    );
    Ok(Outcome::Passed)
}

fn refused() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let issued = Issued::new()?;
    let (_, other) = issued.issue("other", "dns.test", 30)?;
    let key = issued.folder.at("key.pem");
    let good = Config::new().listen_with("192.0.2.1", &issued.keys("tls"));
    let check = |config: &Config| {
        let file = issued.folder.write("rhumb.yaml", config.text())?;
        let mut command = Command::new(rhumb_tests::rig::server::binary());
        program::run(command.args(["check", "-c"]).arg(file), TIME_LIMIT)
    };
    let output = check(&good)?;
    ensure_eq!(output.code, Some(0), "a good pair: {}{}", output.out, output.err);
    let wrong = |words: &str| -> Result<(), Failure> {
        let output = check(&good)?;
        ensure!(
            output.code == Some(2) && output.err.contains(words),
            "{words}: {:?} {}",
            output.code,
            output.err
        );
        ensure!(output.err.contains("rhumb.yaml:2:"), "without its place: {}", output.err);
        Ok(())
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644))?;
    wrong(&format!("chmod o-r {}", key.display()))?;
    fs::copy(&other, &key)?;
    close_key(&key)?;
    wrong("the key is not that of the certificate")?;
    fs::write(&key, "nothing")?;
    wrong("holds no private key")?;
    fs::remove_file(&key)?;
    wrong("cannot be read")?;
    let host = Host::pair()?.0;
    let mut server = rhumb_tests::rig::Server::launch(&host, &good, &[])?;
    ensure_eq!(server.wait(TIME_LIMIT)?, 2, "exit status of a start without the key");
    Ok(Outcome::Passed)
}

fn self_signed() -> Verdict {
    let Some(kdig) = program::find("kdig") else { skip!("no kdig here") };
    let keys = "transports: [udp, tcp, tls], certificate: self-signed";
    let lab = lab(&Config::new().listen_with("::", keys).zone("zone.test", &config().files()[0].1))?;
    let mut command = lab.client.host().command(&kdig);
    let output = program::run(command.args(["@192.0.2.1", "+tls", "web.zone.test", "A"]), TIME_LIMIT)?;
    ensure!(output.out.contains("192.0.2.81"), "kdig: {}{}", output.out, output.err);
    let expires = lab.server.metric("rhumb_certificate_expires_seconds", &["certificate=\"self-signed\""])?;
    ensure!(expires > 0.0, "expiry of the certificate: {expires}");
    Ok(Outcome::Passed)
}

fn by_name() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let issued = Issued::new()?;
    let (chain, key) = issued.issue("other", "*.other.test", 30)?;
    let keys = issued.keys("udp, tcp, tls, quic, https");
    let further = format!("certificates: [{{ certificate: {}, key: {} }}]", chain.display(), key.display());
    let listen = format!("{keys}, {further}, ports: {{ https: 8443, quic: 8853 }}");
    let lab = lab(&Config::new().listen_with("::", &listen).zone("zone.test", &config().files()[0].1))?;
    let subject = |to: &str, name: &[&str]| {
        let mut command = lab.client.host().command(program::find("openssl").context("no openssl")?);
        let output = program::run(command.args(["s_client", "-connect", to]).args(name), TIME_LIMIT)?;
        let subject = output.out.lines().find_map(|line| Some(line.split_once("CN = ")?.1.to_owned()));
        Ok::<_, Failure>(subject.unwrap_or(output.err))
    };
    for to in ["192.0.2.1:853", "192.0.2.1:8443"] {
        for (name, expected) in [
            (&["-servername", "dns.test"][..], "dns.test"),
            (&["-servername", "DNS.other.test"], "*.other.test"),
            (&["-servername", "a.b.other.test"], "dns.test"),
            (&["-servername", "unknown.test"], "dns.test"),
            (&["-noservername"], "dns.test"),
        ] {
            ensure_eq!(subject(to, name)?, expected, "{to} {name:?}");
        }
    }
    let states = lab.server.tell(&["status"])?.out;
    for words in ["dns.test", "*.other.test", "8443", "8853"] {
        ensure!(states.contains(words), "status lacks {words}: {states}");
    }
    // Either pair is followed.
    issued.issue("other", "new.test", 30)?;
    let renewed =
        || subject("192.0.2.1:853", &["-servername", "new.test"]).is_ok_and(|name| name == "new.test");
    ensure!(until(Duration::from_secs(2), renewed), "a further pair is not followed");
    Ok(Outcome::Passed)
}
