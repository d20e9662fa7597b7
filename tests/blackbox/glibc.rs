//! What programs get that ask through glibc.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rhumb_tests::rig::{Folder, Host, program};
use rhumb_tests::{Context, Failure, ensure};

/// The program of `resolve.c`, compiled once.
pub(crate) fn resolver() -> Result<PathBuf, Failure> {
    static BUILT: OnceLock<Result<(Folder, PathBuf), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|failure| failure.to_string()));
    built.as_ref().map(|(_, path)| path.clone()).map_err(Failure::new)
}

fn build() -> Result<(Folder, PathBuf), Failure> {
    let folder = Folder::new()?;
    let source = folder.write("resolve.c", include_str!("resolve.c"))?;
    let path = folder.at("resolve");
    let compiler =
        program::run(Command::new("cc").arg("-o").arg(&path).arg(&source), Duration::from_mins(1))?;
    ensure!(compiler.code == Some(0), "compiling resolve.c: {}", compiler.err);
    Ok((folder, path))
}

/// Makes programs on `host` ask this nameserver, and DNS alone: no hosts file, no other source of names.
pub(crate) fn use_nameserver(host: &Host, nameserver: &str) -> Result<PathBuf, Failure> {
    host.etc("nsswitch.conf", "hosts: dns\nservices: files\n")?;
    host.etc("hosts", "")?;
    // So that getaddrinfo knows the port of a service where /etc/services is not installed.
    if fs::metadata("/etc/services").is_ok() {
        host.etc("services", "smtp 25/tcp mail\n")?;
    }
    host.etc("resolv.conf", &format!("nameserver {nameserver}\noptions timeout:2 attempts:2\n"))
}

/// Runs `resolve` on a host; its lines.
pub(crate) fn resolve(host: &Host, arguments: &[&str]) -> Result<Vec<String>, Failure> {
    let mut command = host.command(resolver()?);
    let output =
        program::run(command.args(arguments), Duration::from_secs(20)).context(arguments.join(" "))?;
    Ok(output.out.lines().map(str::to_owned).collect())
}

/// The addresses `getaddrinfo` gives, sorted, each once.
pub(crate) fn addresses(host: &Host, arguments: &[&str]) -> Result<Vec<String>, Failure> {
    let words: Vec<&str> = std::iter::once("forward").chain(arguments.iter().copied()).collect();
    let mut found: Vec<String> =
        resolve(host, &words)?.iter().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect();
    found.sort();
    found.dedup();
    Ok(found)
}
