//! certbot's folder, as the README has it: issued by a real authority for tests, and renewed while the server runs.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::encrypted::{EncryptedConnection, EncryptedTransport};
use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::updating::programs::{AUTHORITY, authority};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::alone("encrypted::certbot_renews_and_the_next_handshake_has_it", renewed)];

const NAME: &str = "dns.zone.test";
const ZONE: &str = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\ndns A 192.0.2.2\n";
/// Where pebble looks for what proves a name.
const PORT: &str = "5002";
/// From the last link of a renewal to the first handshake with it: a second, and what a busy machine adds.
const SERVED: Duration = Duration::from_secs(10);

/// certbot with folders of its own, on the host that the name leads to.
struct Certbot {
    program: PathBuf,
    folder: Folder,
    host: Host,
}

impl Certbot {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.host.command(&self.program);
        command.args(words).args(["--non-interactive", "--no-verify-ssl"]);
        for (option, name) in
            [("--config-dir", "letsencrypt"), ("--work-dir", "work"), ("--logs-dir", "logs")]
        {
            command.arg(option).arg(self.folder.at(name));
        }
        command
    }

    fn run(&self, words: &[&str]) -> Result<(), Failure> {
        let done = program::run(&mut self.command(words), Duration::from_mins(2))?;
        ensure_eq!(done.code, Some(0), "certbot {words:?}: {}{}", done.out, done.err);
        Ok(())
    }

    fn live(&self, file: &str) -> PathBuf {
        self.folder.at("letsencrypt/live").join(NAME).join(file)
    }

    /// The README's command, with the account that servers of tests become.
    fn let_read(&self) -> Result<(), Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", "chown -R :65534 live archive && chmod -R g+rX live archive"]);
        command.current_dir(self.folder.at("letsencrypt"));
        let done = program::run(&mut command, Duration::from_secs(10))?;
        ensure_eq!(done.code, Some(0), "the folder: {}", done.err);
        Ok(())
    }

    /// The certificate that is to be shown.
    fn certificate(&self) -> Result<Vec<u8>, Failure> {
        Ok(CertificateDer::from_pem_file(self.live("fullchain.pem"))?.to_vec())
    }
}

fn shown(client: &Client, transport: EncryptedTransport) -> Result<Vec<u8>, Failure> {
    let to = (Ipv4Addr::new(192, 0, 2, 1), transport.port()).into();
    transport.connect(client, to)?.certificate()
}

/// Everything with certbot's files, as the README has it, and a connection that is open before the renewals.
struct Scene {
    certbot: Certbot,
    client: Client,
    server: Server,
    open: Box<dyn EncryptedConnection>,
    // It ends with the scene.
    _authority: RunningProgram,
}

impl Scene {
    fn new(program: PathBuf) -> Result<Self, Failure> {
        let (server, host) = Host::pair()?;
        host.etc("resolv.conf", "nameserver 192.0.2.1\n")?;
        let client = Client::new(&host).time_limit(Duration::from_secs(5));
        let certbot = Certbot { program, folder: Folder::new()?, host };
        let first = Server::start(&server, &Config::new().listen("::").zone("zone.test", ZONE))?;
        let (authority, _) = authority(&certbot.host, &certbot.folder)?;
        let directory = format!("https://{AUTHORITY}:14000/dir");
        let standalone = ["certonly", "--standalone", "--http-01-port", PORT, "--domain", NAME];
        let account = ["--server", &directory, "--agree-tos", "--register-unsafely-without-email"];
        certbot.run(&[&standalone[..], &account].concat())?;
        certbot.let_read()?;
        drop(first);
        let (chain, key) = (certbot.live("fullchain.pem"), certbot.live("privkey.pem"));
        let (chain, key) = (chain.display(), key.display());
        let keys = format!("transports: [udp, tcp, tls, https, quic], certificate: {chain}, key: {key}");
        let config = Config::new().listen_with("::", &keys).zone("zone.test", ZONE);
        let server = Server::start(&server, &config.more("server: { tcp-idle: 10m }"))?;
        let open = EncryptedTransport::Tls.connect(&client, "192.0.2.1:853".parse()?)?;
        Ok(Self { certbot, client, server, open, _authority: authority })
    }

    /// All transports show what is in certbot's folder, and the open connection answers.
    fn serves(&mut self) -> Result<(), Failure> {
        let wanted = self.certbot.certificate()?;
        for transport in EncryptedTransport::ALL {
            ensure_eq!(shown(&self.client, transport)?, wanted, "the certificate over {transport:?}");
        }
        let query = Message { id: 0, ..Message::query("dns.zone.test.", "A") };
        let answer = Message::from_wire(&self.open.exchange(&query.to_wire())?)?;
        ensure_eq!(answer.data("A"), ["192.0.2.2"], "over a connection that was open before");
        Ok(())
    }

    /// A renewal, from the links that change long before certbot ends to the first handshake with the new certificate.
    fn renew(&self) -> Result<(), Failure> {
        let certbot = &self.certbot;
        let before = certbot.certificate()?;
        thread::scope(|scope| {
            let renewal = ["renew", "--force-renewal", "--no-random-sleep-on-renew"];
            let renewing = scope.spawn(move || certbot.run(&renewal));
            let changed = || certbot.certificate().is_ok_and(|now| now != before);
            ensure!(until(Duration::from_mins(2), changed), "the links did not change");
            let at = Instant::now();
            let wanted = certbot.certificate()?;
            let is_served = || shown(&self.client, EncryptedTransport::Tls).is_ok_and(|now| now == wanted);
            let served = until(SERVED * 2, is_served);
            ensure!(served, "the new one is not shown: {}", self.server.log_tail());
            let took = at.elapsed();
            ensure!(took <= SERVED, "the new one was shown after {took:?}");
            renewing.join().unwrap()
        })
    }
}

fn renewed() -> Verdict {
    let (Some(certbot), Some(_)) = (program::find("certbot"), program::find("pebble")) else {
        skip!("no certbot or no pebble here");
    };
    let mut scene = Scene::new(certbot)?;
    scene.serves()?;
    for _ in 0..3 {
        scene.renew()?;
        scene.serves()?;
    }
    let status = scene.server.tell(&["status"])?.out;
    ensure!(!status.contains("the last good"), "status: {status}");
    let archived = fs::read_dir(scene.certbot.folder.at("letsencrypt/archive").join(NAME))?.count();
    ensure_eq!(archived, 4 * 4, "files of four certificates");
    Ok(Outcome::Passed)
}
