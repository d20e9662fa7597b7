//! Signs zones with the tools of BIND and of ldns, all with one key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::{Folder, program};
use rhumb_tests::{Context, Failure};

use super::zone::{Signing, Zone};

/// Validity of all signatures.
const FROM: &str = "20200101000000";
const UNTIL: &str = "20370101000000";

/// One key, used for every zone: its tag does not depend on the owner.
pub(super) struct Key {
    /// What the names of its files end in: algorithm and tag.
    suffix: String,
    public: String,
    private: String,
}

impl Key {
    /// Makes a key.
    pub(super) fn new() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let keygen = program::find("dnssec-keygen").context("no dnssec-keygen")?;
        let mut command = Command::new(keygen);
        command.args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K"]).arg(folder.path()).arg("key.");
        let made = program::run(&mut command, Duration::from_mins(1))?;
        let base = made.out.trim();
        let public = fs::read_to_string(folder.at(&format!("{base}.key"))).context(&made.err)?;
        let record = public.lines().find(|line| !line.starts_with(';')).context("no key in the file")?;
        Ok(Self {
            suffix: base.trim_start_matches("Kkey.").to_owned(),
            public: record.split_once("DNSKEY").context("no DNSKEY")?.1.trim().to_owned(),
            private: fs::read_to_string(folder.at(&format!("{base}.private")))?,
        })
    }

    /// Flags, protocol, algorithm and key, as DNSKEY records have them.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// The zone file signed as its zone wants it; none where the tool refuses the zone.
    pub(super) fn sign(
        &self,
        zone: &Zone,
        signing: Signing,
        folder: &Path,
    ) -> Result<Option<String>, Failure> {
        let record = format!("{} 300 IN DNSKEY {}\n", zone.origin, self.public);
        let base = folder.join(format!("K{}{}", zone.origin, self.suffix));
        fs::write(suffixed(&base, ".key"), &record)?;
        fs::write(suffixed(&base, ".private"), &self.private)?;
        let (plain, signed) = (folder.join("plain"), folder.join("signed"));
        fs::write(&plain, zone.text() + &record)?;
        let _ = fs::remove_file(&signed);
        let mut command = if signing.ldns { ldns(signing) } else { bind(signing, folder) };
        command.args(["-o", &zone.origin, "-f"]).arg(&signed).arg(&plain).arg(&base).current_dir(folder);
        let done = program::run(&mut command, Duration::from_mins(1))?;
        let text = fs::read(&signed).ok().filter(|_| done.code == Some(0));
        Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }
}

fn suffixed(base: &Path, suffix: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn ldns(signing: Signing) -> Command {
    let mut command = Command::new("ldns-signzone");
    command.args(["-i", FROM, "-e", UNTIL]);
    if let Some((iterations, salt, opt_out)) = signing.hashed {
        command.args(["-n", "-t", &iterations.to_string()]);
        if salt != "-" {
            command.args(["-s", salt]);
        }
        if opt_out {
            command.arg("-p");
        }
    }
    command
}

fn bind(signing: Signing, folder: &Path) -> Command {
    let mut command = Command::new("dnssec-signzone");
    command
        .args(["-q", "-z", "-P", "-N", "keep", "-O", "full", "-s", FROM, "-e", UNTIL, "-n", "1", "-d"])
        .arg(folder);
    if let Some((iterations, salt, opt_out)) = signing.hashed {
        command.args(["-3", salt, "-H", &iterations.to_string()]);
        if opt_out {
            command.arg("-A");
        }
    }
    command
}
