//! Certificates that are renewed while the server runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Message, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{Issued, Session, TIME_LIMIT, is};
use crate::authoritative::{Lab, config, lab};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("encrypted::renewals_reach_the_next_handshake", renewals)];

/// The names in the certificate that the server shows.
fn shown(lab: &Lab) -> Result<String, Failure> {
    let mut command = lab.client.host().command(program::find("openssl").context("no openssl")?);
    let output = program::run(command.args(["s_client", "-connect", "192.0.2.1:853"]), TIME_LIMIT)?;
    let subject = output.out.lines().find_map(|line| line.trim().strip_prefix("subject="));
    Ok(subject.context(format!("no certificate: {}{}", output.out, output.err))?.replace(' ', ""))
}

/// Waits until the certificate for this name is shown.
fn comes(lab: &Lab, name: &str) -> Result<(), Failure> {
    let found = until(TIME_LIMIT, || shown(lab).is_ok_and(|subject| subject == format!("CN={name}")));
    ensure!(found, "{name} is not shown but {}; {}", shown(lab)?, lab.server.log_tail());
    Ok(())
}

/// Puts a symbolic link in the place of what is there, in one step.
pub(crate) fn link(target: &Path, at: &Path) -> Result<(), Failure> {
    let beside = PathBuf::from(format!("{}.new", at.display()));
    symlink(target, &beside)?;
    Ok(fs::rename(beside, at)?)
}

/// A server whose certificate is renewed, and a connection that is open from the start.
struct Scene {
    issued: Issued,
    lab: Lab,
    chain: PathBuf,
    key: PathBuf,
    session: Session,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let issued = Issued::new()?;
        let zone = config().files()[0].1.clone();
        let config = Config::new().listen_with("::", &issued.keys("udp, tcp, tls")).zone("zone.test", &zone);
        let lab = lab(&config.more("server: { tcp-idle: 10m }"))?;
        let (chain, key) = (issued.folder.at("chain.pem"), issued.folder.at("key.pem"));
        let session = Session::open(lab.client.host(), &[])?;
        Ok(Self { issued, lab, chain, key, session })
    }

    fn still_answers(&mut self) -> Result<(), Failure> {
        self.session.send(&Message::query("web.zone.test.", "A"))?;
        ensure_eq!(
            self.session.receive()?.answer.len(),
            2,
            "records over the connection that was open before"
        );
        Ok(())
    }

    /// Waits until the metric says whether the files can be used.
    fn is_usable(&self, usable: bool) -> Result<(), Failure> {
        let ok = || self.lab.server.metric("rhumb_certificate_ok", &[]);
        let found = until(TIME_LIMIT, || ok().is_ok_and(|ok| is(ok, usable.into())));
        ensure!(found, "the metric says {}", ok()?);
        Ok(())
    }

    fn status(&self) -> Result<String, Failure> {
        Ok(self.lab.server.tell(&["status"])?.out)
    }

    /// In place, one file after the other: in between they do not fit, and the last good pair stays.
    fn in_place(&self) -> Result<(), Failure> {
        let (new_chain, new_key) = self.issued.issue("1", "one.test", 30)?;
        fs::write(&self.chain, fs::read(&new_chain)?)?;
        self.is_usable(false)?;
        ensure_eq!(shown(&self.lab)?, "CN=dns.test", "the certificate while its key does not fit");
        let status = self.status()?;
        ensure!(status.contains("the key is not that of the certificate: the last good"), "status: {status}");
        fs::write(&self.key, fs::read(&new_key)?)?;
        comes(&self.lab, "one.test")?;
        self.is_usable(true)
    }

    fn renamed_over(&self) -> Result<(), Failure> {
        let (new_chain, new_key) = self.issued.issue("2", "two.test", 30)?;
        fs::rename(new_key, &self.key)?;
        fs::rename(new_chain, &self.chain)?;
        comes(&self.lab, "two.test")
    }

    /// Links to files elsewhere, as certbot makes them.
    fn linked(&self) -> Result<(), Failure> {
        for name in ["three.test", "four.test"] {
            let (new_chain, new_key) = self.issued.issue(&format!("archive/{name}"), name, 30)?;
            link(&new_chain, &self.chain)?;
            link(&new_key, &self.key)?;
            comes(&self.lab, name)?;
        }
        Ok(())
    }

    /// A folder that is exchanged whole, as in a Secret of Kubernetes.
    fn flipped(&self) -> Result<(), Failure> {
        self.issued.issue("..5", "five.test", 30)?;
        symlink("..5", self.issued.folder.at("..data"))?;
        link(Path::new("..data/chain.pem"), &self.chain)?;
        link(Path::new("..data/key.pem"), &self.key)?;
        comes(&self.lab, "five.test")?;
        self.issued.issue("..6", "six.test", 30)?;
        self.flip("..6")?;
        comes(&self.lab, "six.test")
    }

    fn flip(&self, folder: &str) -> Result<(), Failure> {
        link(Path::new(folder), &self.issued.folder.at("..data"))
    }

    /// Flips to a pair that was spoilt, which changes nothing but `status` and the metric, and back.
    fn broken(&self, words: &str, spoil: fn(&Path) -> std::io::Result<()>) -> Result<(), Failure> {
        self.issued.issue("..bad", "bad.test", 30)?;
        spoil(&self.issued.folder.at("..bad"))?;
        self.flip("..bad")?;
        let told = until(TIME_LIMIT, || self.status().is_ok_and(|status| status.contains(words)));
        ensure!(told, "{words}: {}", self.status()?);
        ensure_eq!(shown(&self.lab)?, "CN=six.test", "the certificate beside one of which `{words}`");
        self.is_usable(false)?;
        self.flip("..6")?;
        self.is_usable(true)
    }
}

/// In every way in which certificates are renewed. The connection that was open answers through all of it.
fn renewals() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let mut scene = Scene::new()?;
    scene.still_answers()?;
    comes(&scene.lab, "dns.test")?;
    scene.in_place()?;
    scene.renamed_over()?;
    scene.still_answers()?;
    scene.linked()?;
    scene.flipped()?;
    scene.still_answers()?;
    scene.broken("that every user can read", |folder| {
        fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o644))
    })?;
    scene.broken("holds no private key", |folder| fs::write(folder.join("key.pem"), "-----BEGIN"))?;
    scene.broken("holds no certificate", |folder| fs::write(folder.join("chain.pem"), ""))?;
    scene.broken("cannot be read", |folder| fs::remove_file(folder.join("key.pem")))?;

    // One that is about to expire is warned of; a reload with the same files changes nothing.
    scene.issued.issue("..7", "seven.test", 5)?;
    scene.flip("..7")?;
    comes(&scene.lab, "seven.test")?;
    let status = scene.status()?;
    ensure!(status.contains("chain.pem: expires "), "status: {status}");
    let told = scene.lab.server.reload()?;
    ensure!(!told.contains("listener"), "the reload told: {told}");
    ensure_eq!(shown(&scene.lab)?, "CN=seven.test", "the certificate after a reload");
    scene.still_answers()?;
    Ok(Outcome::Passed)
}
