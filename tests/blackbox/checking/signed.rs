//! Zones that ldns-signzone and dnssec-signzone have just signed: nothing is told of good ones, and each thing that was
//! broken is told with its line, by `check-zone` and in the log of a server.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rhumb_tests::rig::{Config, Folder, Host, Server, program};
use rhumb_tests::{Failure, Outcome, Verdict, ensure, ensure_eq, fail, skip};

use super::{lines_named, rhumb};

const ORIGIN: &str = "zone.test";

/// Delegations with and without DS, empty non-terminals, wildcards, a DNAME.
const ZONE: &str = "\
$ORIGIN zone.test.
$TTL 3600
@ SOA ns1 hostmaster 7 3600 600 86400 300
@ NS ns1
@ MX 10 mail
ns1 A 192.0.2.1
mail A 192.0.2.2
mail AAAA 2001:db8::2
www CNAME ns1
*.wild TXT any
a.b.c TXT deep
*.w.c A 192.0.2.3
alias DNAME elsewhere.test.
sub NS ns.sub
ns.sub A 192.0.2.4
secure NS ns.secure
secure DS 12345 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
ns.secure A 192.0.2.5
far.ent NS ns1
";

/// A day of the past and one of the future; ldns-signzone knows none after January 2038.
const PAST: &str = "20200101000000";
const FUTURE: &str = "20370101000000";

fn shell(folder: &Path, command: &[&str]) -> Result<String, Failure> {
    let [name, arguments @ ..] = command else { fail!("no command") };
    let output =
        program::run(Command::new(name).args(arguments).current_dir(folder), Duration::from_secs(30))?;
    ensure!(output.code == Some(0), "{command:?}: {}{}", output.out, output.err);
    Ok(output.out)
}

/// A folder with the zone and its keys; the keys' names.
fn prepare() -> Result<(Folder, Vec<String>), Failure> {
    let folder = Folder::new()?;
    folder.write("plain.zone", ZONE)?;
    let mut keys = Vec::new();
    let mut with_keys = ZONE.to_owned();
    for kind in [&["-k"][..], &[]] {
        let command = [&["ldns-keygen", "-a", "ECDSAP256SHA256"], kind, &[ORIGIN]].concat();
        let key = shell(folder.path(), &command)?.trim().to_owned();
        with_keys += &std::fs::read_to_string(folder.at(&format!("{key}.key")))?;
        keys.push(key);
    }
    folder.write("keys.zone", with_keys)?;
    Ok((folder, keys))
}

/// Signs with ldns-signzone; gives the text, a record a line.
fn ldns(folder: &Folder, keys: &[String], options: &[&str]) -> Result<String, Failure> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let fixed = ["-o", ORIGIN, "-f", "signed.zone", "plain.zone"];
    shell(folder.path(), &[&["ldns-signzone"], options, &fixed, &keys].concat())?;
    Ok(std::fs::read_to_string(folder.at("signed.zone"))?)
}

/// Signs with dnssec-signzone.
fn bind(folder: &Folder, options: &[&str]) -> Result<String, Failure> {
    let fixed = ["-O", "full", "-o", ORIGIN, "-f", "signed.zone", "keys.zone"];
    shell(folder.path(), &[&["dnssec-signzone"], options, &fixed].concat())?;
    Ok(std::fs::read_to_string(folder.at("signed.zone"))?)
}

/// What becomes of a line; none leaves it out.
type Change = fn(&str) -> Option<String>;

fn missing() -> Option<&'static str> {
    ["ldns-keygen", "ldns-signzone", "dnssec-signzone"].into_iter().find(|name| program::find(name).is_none())
}

/// Checks a text: exit status and what is told.
fn check(folder: &Folder, text: &str) -> Result<(Option<i32>, String), Failure> {
    folder.write("checked.zone", text)?;
    let output = rhumb(folder.path(), &["check-zone", ORIGIN, "checked.zone"])?;
    Ok((output.code, output.err))
}

pub(super) fn good() -> Verdict {
    if let Some(name) = missing() {
        skip!("no {name} here");
    }
    let (folder, keys) = prepare()?;
    let mut texts = Vec::new();
    for options in
        [&[][..], &["-n"], &["-n", "-t", "3", "-s", "abcd"], &["-n", "-p"], &["-z", "sha384", "-z", "sha512"]]
    {
        texts.push((format!("ldns-signzone {options:?}"), ldns(&folder, &keys, options)?));
    }
    for options in [&[][..], &["-3", "-", "-H", "0"], &["-3", "abcd", "-H", "2", "-A"]] {
        texts.push((format!("dnssec-signzone {options:?}"), bind(&folder, options)?));
    }
    for (what, text) in texts {
        let (code, told) = check(&folder, &text)?;
        ensure!(code == Some(0) && told.is_empty(), "of a zone of {what}: {code:?} {told}");
    }
    Ok(Outcome::Passed)
}

pub(super) fn broken() -> Verdict {
    if let Some(name) = missing() {
        skip!("no {name} here");
    }
    let (folder, keys) = prepare()?;
    let nsec = ldns(&folder, &keys, &[])?;
    let nsec3 = ldns(&folder, &keys, &["-n"])?;
    let zonemd = ldns(&folder, &keys, &["-z", "sha384"])?;
    let leave_out = |_: &str| None;
    let more_types: Change = |line| Some(line.replacen(" A ", " A TXT ", 1));
    let fewer_types: Change = |line| Some(line.replacen(" A AAAA", " A", 1));
    let other_hash: Change = |line| {
        let (hash, types) = line.split_once(" A AAAA")?;
        let last = if hash.ends_with('g') { "o" } else { "g" };
        Some(format!("{}{last} A AAAA{types}", &hash[..hash.len() - 1]))
    };
    let other_address: Change = |line| Some(line.replace("192.0.2.4", "192.0.2.5"));
    let other_serial: Change = |line| Some(line.replace(" 7 ", " 8 "));
    let (mail, a, digest) = ("mail.zone.test.\t", "mail.zone.test.\t3600\tIN\tA\t", "\tZONEMD\t7");
    // What is changed: a line that has all of these. Where it is to be told: at a line that has this, or else there.
    let cases: [(&str, &[&str], Change, &str, i32); 7] = [
        (&nsec, &[mail, "\tNSEC\t"], leave_out, a, 0),
        (&nsec, &[mail, "\tNSEC\t"], more_types, "", 0),
        (&nsec, &[mail, "\tRRSIG\tA "], leave_out, a, 0),
        (&nsec3, &["\tNSEC3\t", " A AAAA RRSIG"], other_hash, "", 0),
        (&nsec3, &["\tNSEC3\t", " A AAAA RRSIG"], fewer_types, "", 0),
        (&zonemd, &["ns.sub.zone.test.\t", "192.0.2.4"], other_address, digest, 2),
        (&zonemd, &["\tSOA\t", "hostmaster"], other_serial, digest, 2),
    ];
    for (text, parts, change, told_at, status) in cases {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let found = lines.iter().position(|line| parts.iter().all(|part| line.contains(part)));
        let Some(at) = found else { fail!("no line has {parts:?}: {text}") };
        match change(&lines[at]) {
            Some(line) => lines[at] = line,
            None => drop(lines.remove(at)),
        }
        let expected =
            lines.iter().position(|line| !told_at.is_empty() && line.contains(told_at)).unwrap_or(at);
        let (code, told) = check(&folder, &(lines.join("\n") + "\n"))?;
        ensure_eq!(code, Some(status), "exit status with {parts:?} changed: {told}");
        ensure_eq!(told.lines().count(), 1, "lines told with {parts:?} changed: {told}");
        let named = lines_named(&told, "checked.zone");
        ensure!(
            named.contains(&(expected as u32 + 1)),
            "not line {} with {parts:?} changed: {told}",
            expected + 1
        );
    }
    Ok(Outcome::Passed)
}

/// A zone whose signatures are over is served, with words in the log and a metric; one that ZONEMD does not fit is not.
pub(super) fn served() -> Verdict {
    if let Some(name) = missing() {
        skip!("no {name} here");
    }
    let (folder, keys) = prepare()?;
    let expired = ldns(&folder, &keys, &["-i", PAST, "-e", "20200201000000"])?;
    let (code, told) = check(&folder, &expired)?;
    ensure_eq!(code, Some(0), "exit status of a zone that expired: {told}");
    ensure!(told.contains("expired 20200201000000"), "the date is not told: {told}");
    ensure!(told.lines().count() <= 11 && told.contains(" more as "), "not counted: {told}");
    let later = ldns(&folder, &keys, &["-i", FUTURE, "-e", "20370201000000"])?;
    let (code, told) = check(&folder, &later)?;
    ensure_eq!(code, Some(0), "exit status of a zone of the future: {told}");
    ensure!(told.contains("not valid before 20370101000000"), "the date is not told: {told}");
    let digested = ldns(&folder, &keys, &["-z", "sha384"])?.replace("192.0.2.4", "192.0.2.44");
    let host = Host::new()?;
    let config = Config::new()
        .listen("127.0.0.1")
        .zone("zone.test", &expired)
        .zone("plain.test", "@ 60 SOA ns x 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n");
    let server = Server::start(&host, &config)?;
    ensure!(server.log().contains("expired 20200201000000"), "the log does not tell: {}", server.log());
    let expires = server.metric("rhumb_zone_signature_expires_seconds", &["zone=\"zone.test.\""])?;
    ensure_eq!(expires, 1_580_515_200.0, "when the first signature expires");
    let page = server.page("/metrics")?;
    let unsigned = "rhumb_zone_signature_expires_seconds{zone=\"plain.test.\"}";
    ensure!(!page.body.contains(unsigned), "a zone without signatures expires");
    let serial = || server.metric("rhumb_zone_serial", &["zone=\"zone.test.\""]);
    ensure_eq!(serial()?, 7.0, "the serial of a zone whose signatures are over");
    let changed = digested.replace(" 7 3600 600", " 8 3600 600");
    server.folder().write("zones/zone.test.zone", changed)?;
    let reload = server.tell(&["reload"])?;
    ensure!(reload.err.contains("ZONEMD"), "reload does not tell of ZONEMD: {}{}", reload.out, reload.err);
    ensure_eq!(serial()?, 7.0, "the serial after a zone that its ZONEMD does not fit");
    Ok(Outcome::Passed)
}
