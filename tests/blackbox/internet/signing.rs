//! Signs zones with the tools of BIND and of ldns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::{Folder, program};
use rhumb_tests::{Context, Failure, ensure};

use super::zones::{Algorithm, Fault, HostedZone, Signing};

const TIME_LIMIT: Duration = Duration::from_mins(1);

/// One key, which signs every zone of its algorithm: its tag does not depend on the owner.
struct Key {
    algorithm: Algorithm,
    for_keys: bool,
    /// What the names of its files end in: algorithm and tag.
    suffix: String,
    public: String,
    private: String,
}

/// The keys of all zones.
pub(super) struct Keys {
    keys: Vec<Key>,
    folder: Folder,
}

/// A zone as it is served, and what its parent says of its keys.
pub(super) struct SignedZone {
    pub(super) text: String,
    pub(super) digests: String,
}

impl Keys {
    /// Makes a key for keys and one for the rest, of each algorithm.
    pub(super) fn new() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let mut keys = Vec::new();
        for algorithm in [Algorithm::Rsa, Algorithm::Ecdsa, Algorithm::Edwards] {
            for for_keys in [true, false] {
                keys.push(Key::new(algorithm, for_keys, folder.path())?);
            }
        }
        Ok(Self { keys, folder })
    }

    /// The DS records of a zone, as its parent has them.
    fn digests(&self, zone: &HostedZone, base: &Path) -> Result<String, Failure> {
        let dsfromkey = program::find("dnssec-dsfromkey").context("no dnssec-dsfromkey")?;
        let mut command = Command::new(dsfromkey);
        command.arg("-2").arg(suffixed(base, ".key")).current_dir(self.folder.path());
        let done = program::run(&mut command, TIME_LIMIT)?;
        let words: Vec<&str> = done.out.split_whitespace().collect();
        // Owner, class, type, tag, algorithm, type of digest, digest.
        let [_, _, _, tag, algorithm, kind, digest] = words[..] else {
            return Err(Failure::new(format!("dnssec-dsfromkey says {}{}", done.out, done.err)));
        };
        let (algorithm, kind, digest) = match zone.fault {
            Fault::UnknownAlgorithm => ("200", kind, digest.to_owned()),
            Fault::UnknownDigest => (algorithm, "200", digest.to_owned()),
            Fault::WrongDigest => (algorithm, kind, "ab".repeat(32)),
            _ => (algorithm, kind, digest.to_owned()),
        };
        Ok(format!("{} 3600 IN DS {tag} {algorithm} {kind} {digest}\n", zone.origin))
    }

    /// The zone file signed as its zone wants it, with its fault.
    pub(super) fn sign(&self, zone: &HostedZone, text: String) -> Result<SignedZone, Failure> {
        let as_if =
            Signing { algorithm: Algorithm::Ecdsa, split: true, hashed: None, opt_out: false, ldns: false };
        let signing = zone.signing.unwrap_or(as_if);
        let chosen = self.keys.iter().filter(|key| key.algorithm == signing.algorithm);
        let chosen: Vec<&Key> = chosen.filter(|key| key.for_keys || signing.split).collect();
        let mut bases = Vec::new();
        for key in &chosen {
            bases.push(key.write(zone, self.folder.path())?);
        }
        let digests = match zone.fault {
            Fault::Island => String::new(),
            Fault::None if zone.signing.is_none() => String::new(),
            // The tag and digest of a key that the zone does not have.
            Fault::OtherKey => {
                let other = self.keys.iter().find(|key| key.algorithm == Algorithm::Edwards && key.for_keys);
                let other = other.context("no key")?.write(zone, self.folder.path())?;
                self.digests(zone, &other)?.replace(" 15 2 ", " 13 2 ")
            }
            _ => self.digests(zone, &bases[0])?,
        };
        if zone.signing.is_none() {
            return Ok(SignedZone { text, digests });
        }
        let keys = chosen.iter().map(|key| format!("{} 3600 IN DNSKEY {}\n", zone.origin, key.public));
        let text = text + &keys.collect::<Vec<_>>().concat();
        let text = self.run(zone, signing, &text, &bases)?;
        Ok(SignedZone { text: damaged(zone, &text), digests })
    }

    fn run(
        &self,
        zone: &HostedZone,
        signing: Signing,
        text: &str,
        bases: &[PathBuf],
    ) -> Result<String, Failure> {
        let folder = self.folder.path();
        let (plain, signed) = (self.folder.write("plain", text)?, self.folder.at("signed"));
        let _ = fs::remove_file(&signed);
        let mut command = if signing.ldns { ldns(signing) } else { bind(zone.fault, signing, folder) };
        command.args(["-o", zone.origin, "-f"]).arg(&signed).arg(&plain).args(bases).current_dir(folder);
        let done = program::run(&mut command, TIME_LIMIT)?;
        ensure!(done.code == Some(0), "signing {}: {}{}", zone.origin, done.out, done.err);
        fs::read_to_string(&signed).context(zone.origin)
    }
}

impl Key {
    fn new(algorithm: Algorithm, for_keys: bool, folder: &Path) -> Result<Self, Failure> {
        let keygen = program::find("dnssec-keygen").context("no dnssec-keygen")?;
        let mut command = Command::new(keygen);
        match algorithm {
            Algorithm::Rsa => command.args(["-q", "-a", "RSASHA256", "-b", "2048"]),
            Algorithm::Ecdsa => command.args(["-q", "-a", "ECDSAP256SHA256"]),
            Algorithm::Edwards => command.args(["-q", "-a", "ED25519"]),
        };
        if for_keys {
            command.args(["-f", "KSK"]);
        }
        command.arg("-K").arg(folder).arg("key.");
        let made = program::run(&mut command, TIME_LIMIT)?;
        let base = made.out.trim();
        let public = fs::read_to_string(folder.join(format!("{base}.key"))).context(&made.err)?;
        let record = public.lines().find(|line| !line.starts_with(';')).context("no key in the file")?;
        Ok(Self {
            algorithm,
            for_keys,
            suffix: base.trim_start_matches("Kkey.").to_owned(),
            public: record.split_once("DNSKEY").context("no DNSKEY")?.1.trim().to_owned(),
            private: fs::read_to_string(folder.join(format!("{base}.private")))?,
        })
    }

    /// Writes its files for a zone; gives their path without the ending.
    fn write(&self, zone: &HostedZone, folder: &Path) -> Result<PathBuf, Failure> {
        let base = folder.join(format!("K{}{}", zone.origin, self.suffix));
        fs::write(suffixed(&base, ".key"), format!("{} 3600 IN DNSKEY {}\n", zone.origin, self.public))?;
        fs::write(suffixed(&base, ".private"), &self.private)?;
        Ok(base)
    }
}

fn suffixed(base: &Path, suffix: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn ldns(signing: Signing) -> Command {
    let mut command = Command::new("ldns-signzone");
    if let Some(iterations) = signing.hashed {
        command.args(["-n", "-t", &iterations.to_string()]);
    }
    command
}

fn bind(fault: Fault, signing: Signing, folder: &Path) -> Command {
    let mut command = Command::new("dnssec-signzone");
    command.args(["-q", "-P", "-N", "keep", "-O", "full", "-n", "1", "-d"]).arg(folder);
    if !signing.split {
        command.arg("-z");
    }
    if let Some(iterations) = signing.hashed {
        command.args(["-3", "-", "-H", &iterations.to_string()]);
    }
    if signing.opt_out {
        command.arg("-A");
    }
    match fault {
        Fault::Expired => command.args(["-s", "20200101000000", "-e", "20210101000000"]),
        // From a month from now on, for another one.
        Fault::Early => command.args(["-s", "now+2592000", "-e", "now+5184000"]),
        _ => &mut command,
    };
    command
}

/// The zone file without the records that its fault takes away. BIND's tool writes one record a line.
fn damaged(zone: &HostedZone, text: &str) -> String {
    let kept = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [owner, _, _, kind, covered, ..] = words[..] else { return true };
        let of = |name: &str| kind == name || kind == "RRSIG" && covered == name;
        match zone.fault {
            Fault::Stripped => {
                !(owner == format!("www.{}", zone.origin) && kind == "RRSIG" && covered == "A")
            }
            Fault::Undenied => !of("NSEC") && !of("NSEC3"),
            _ => true,
        }
    };
    text.lines().filter(kept).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}
