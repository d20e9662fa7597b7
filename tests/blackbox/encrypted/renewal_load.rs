//! Certificates that are renewed again and again while clients ask over all transports.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rhumb_tests::rig::encrypted::{EncryptedConnection, EncryptedTransport};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Message, program, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, fail, skip};

use super::renewal::link;
use super::{Issued, TIME_LIMIT, close_key, is};
use crate::authoritative::{Lab, config, lab};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("encrypted::renewals_lose_no_query_and_no_connection", renewals)];

/// Renewals; `RHUMB_RENEWALS` asks for more.
const ROUNDS: usize = 20;
/// One of so many is broken.
const BROKEN: usize = 10;
/// Connections of each transport that ask all the time.
const CONNECTIONS: usize = 2;
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(2);

/// How long-lived connections fared.
#[derive(Debug, Default)]
struct Counts {
    stop: AtomicBool,
    answered: AtomicU64,
}

/// A connection that asks until it is told to stop. Errors: a query without its answer, or a connection that has ended.
fn ask(mut connection: Box<dyn EncryptedConnection>, counts: &Counts) -> Result<(), Failure> {
    let query = Message { id: 0, ..Message::query("web.zone.test.", "A") }.to_wire();
    while !counts.stop.load(Relaxed) {
        let answer = Message::from_wire(&connection.exchange(&query)?)?;
        ensure!(answer.rcode() == rcode::NOERROR && answer.answer.len() == 2, "a wrong answer: {answer:?}");
        counts.answered.fetch_add(1, Relaxed);
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// The server, its files, and the connections.
struct Scene {
    issued: Issued,
    lab: Lab,
    counts: Arc<Counts>,
    asking: Vec<(EncryptedTransport, JoinHandle<Result<(), Failure>>)>,
    /// What the server has to show.
    current: Vec<u8>,
    slowest: Duration,
}

/// A pair that is to be used, in files beside those of the configuration.
struct NewPair {
    chain: PathBuf,
    key: PathBuf,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let issued = Issued::new()?;
        let zone = config().files()[0].1.clone();
        let config = Config::new()
            .listen_with("::", &issued.keys("udp, tcp, tls, https, quic"))
            .zone("zone.test", &zone);
        let lab = lab(&config)?;
        let (counts, mut asking) = (Arc::new(Counts::default()), Vec::new());
        for transport in EncryptedTransport::ALL {
            for _ in 0..CONNECTIONS {
                let (connection, counts) = (connect(&lab.client, transport)?, Arc::clone(&counts));
                asking.push((transport, thread::spawn(move || ask(connection, &counts))));
            }
        }
        let current = der(&issued.folder.at("chain.pem"))?;
        Ok(Self { issued, lab, counts, asking, current, slowest: Duration::ZERO })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.issued.folder.at(name)
    }

    /// Waits until new connections of every transport are shown the present certificate.
    fn shown(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        for transport in EncryptedTransport::ALL {
            let shows = || {
                let connection = connect(&self.lab.client, transport);
                connection
                    .and_then(|connection| connection.certificate())
                    .is_ok_and(|shown| shown == self.current)
            };
            ensure!(
                until(TIME_LIMIT, shows),
                "{transport:?} does not show the new certificate; {}",
                self.lab.server.log_tail()
            );
        }
        self.slowest = self.slowest.max(begun.elapsed());
        Ok(())
    }

    /// Gives the server a new pair, in another way each round.
    fn renew(&mut self, round: usize) -> Result<(), Failure> {
        let (chain, key) = self.issued.issue(&format!("..{round}"), &format!("n{round}.test"), 30)?;
        self.current = der(&chain)?;
        let new = NewPair { chain, key };
        let (old_chain, old_key) = (self.at("chain.pem"), self.at("key.pem"));
        match round % 6 {
            0 => in_place(&new, &old_chain, &old_key),
            1 => renamed_over(&new, &old_chain, &old_key),
            2 => linked(&new, &old_chain, &old_key),
            3 => renamed_over(&new, &fs::canonicalize(old_chain)?, &fs::canonicalize(old_key)?),
            4 => flipped(&self.issued, round, &old_chain, &old_key),
            _ => made_anew(&new, &old_chain, &old_key),
        }
    }

    /// Gives the server a pair that cannot be used: the last good one stays.
    fn spoil(&mut self, round: usize) -> Result<(), Failure> {
        self.issued.issue(&format!("..{round}"), "bad.test", 30)?;
        let bad = self.at(&format!("..{round}"));
        match round / BROKEN % 5 {
            0 => fs::write(bad.join("key.pem"), fs::read(bad.join("chain.pem"))?)?,
            1 => fs::write(bad.join("chain.pem"), "")?,
            2 => fs::write(bad.join("key.pem"), &fs::read(bad.join("key.pem"))?[..100])?,
            3 => fs::set_permissions(bad.join("key.pem"), fs::Permissions::from_mode(0o644))?,
            _ => fs::remove_file(bad.join("key.pem"))?,
        }
        flipped(&self.issued, round, &self.at("chain.pem"), &self.at("key.pem"))?;
        let seen = || self.lab.server.metric("rhumb_certificate_ok", &[]).is_ok_and(|ok| is(ok, 0));
        ensure!(until(TIME_LIMIT, seen), "round {round}: the metric does not tell of a broken pair");
        self.shown()
    }

    /// Whether every connection still asks and is answered.
    fn all_go_on(&self) -> Result<(), Failure> {
        let before = self.counts.answered.load(Relaxed);
        ensure!(
            until(TIME_LIMIT, || self.counts.answered.load(Relaxed) > before),
            "nothing is answered any more"
        );
        let ended: Vec<_> = self.asking.iter().filter(|(_, asking)| asking.is_finished()).collect();
        ensure!(ended.is_empty(), "a connection of {:?} has ended", ended[0].0);
        Ok(())
    }

    /// Ends the connections; how many queries they had answered.
    fn stop(self) -> Result<u64, Failure> {
        self.counts.stop.store(true, Relaxed);
        for (transport, asking) in self.asking {
            match asking.join() {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => fail!("{transport:?}: {failure}"),
                Err(_) => fail!("{transport:?}: a panic"),
            }
        }
        Ok(self.counts.answered.load(Relaxed))
    }
}

fn connect(client: &Client, transport: EncryptedTransport) -> Result<Box<dyn EncryptedConnection>, Failure> {
    transport.connect(client, format!("192.0.2.1:{}", transport.port()).parse()?)
}

/// The first certificate of a file, as DER.
fn der(chain: &Path) -> Result<Vec<u8>, Failure> {
    let mut command = std::process::Command::new("openssl");
    let file = chain.with_extension("der");
    let output = program::run(
        command.args(["x509", "-outform", "DER", "-in"]).arg(chain).arg("-out").arg(&file),
        TIME_LIMIT,
    )?;
    ensure_eq!(output.code, Some(0), "openssl x509: {}", output.err);
    Ok(fs::read(file)?)
}

fn in_place(new: &NewPair, chain: &Path, key: &Path) -> Result<(), Failure> {
    fs::write(chain, fs::read(&new.chain)?)?;
    fs::write(key, fs::read(&new.key)?)?;
    close_key(key)
}

fn renamed_over(new: &NewPair, chain: &Path, key: &Path) -> Result<(), Failure> {
    fs::rename(&new.key, key)?;
    Ok(fs::rename(&new.chain, chain)?)
}

/// As certbot does.
fn linked(new: &NewPair, chain: &Path, key: &Path) -> Result<(), Failure> {
    link(&new.chain, chain)?;
    link(&new.key, key)
}

fn made_anew(new: &NewPair, chain: &Path, key: &Path) -> Result<(), Failure> {
    fs::remove_file(chain)?;
    fs::remove_file(key)?;
    fs::copy(&new.key, key)?;
    close_key(key)?;
    fs::copy(&new.chain, chain)?;
    Ok(())
}

/// A folder that is exchanged whole, as in a Secret of Kubernetes.
fn flipped(issued: &Issued, round: usize, chain: &Path, key: &Path) -> Result<(), Failure> {
    link(Path::new(&format!("..{round}")), &issued.folder.at("..data"))?;
    link(Path::new("..data/chain.pem"), chain)?;
    link(Path::new("..data/key.pem"), key)
}

/// In every way in which files are replaced. Nobody who is connected notices.
fn renewals() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let rounds = std::env::var("RHUMB_RENEWALS").ok().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let mut scene = Scene::new()?;
    scene.shown()?;
    scene.slowest = Duration::ZERO;
    for round in 0..rounds {
        if round % BROKEN == BROKEN - 1 {
            scene.spoil(round)?;
        } else {
            scene.renew(round)?;
            scene.shown()?;
        }
        scene.all_go_on()?;
    }
    let slowest = scene.slowest;
    let answered = scene.stop()?;
    ensure!(answered > rounds as u64, "{answered} answers in {rounds} rounds");
    if rounds != ROUNDS {
        eprintln!(
            "{rounds} renewals, {answered} answers, all transports show the new certificate after {slowest:?} at most"
        );
    }
    Ok(Outcome::Passed)
}
