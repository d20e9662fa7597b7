//! What `explain --update` says of updates is what becomes of them.

use std::path::Path;

use rhumb_tests::rig::{Client, Folder, Host, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};
use serde_json::Value;

use super::messages::message;
use super::{config, serial, update};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("updating::explained::as_it_is_carried_out", carried_out),
    Test::beside("updating::explained::files_keys_and_zones", files),
];

const RULES: &str = "{ key: acme.test, names: [www, \"_acme-challenge.*\"], types: [A, TXT], max-records: 2 }, \
                     { key: acme.test, names: [dyn/], actions: [add] }, { network: 198.51.100.0/24 }";

/// What is said of the first message of a file.
fn explained(server: &Server, file: &Path, options: &[&str]) -> Result<Value, Failure> {
    let shown = file.display().to_string();
    let words = [&["explain", "--update", &*shown, "--json"], options].concat();
    let told = server.tell(&words)?;
    ensure_eq!(told.code, Some(0), "explain: {}{}", told.out, told.err);
    let told: Value = serde_json::from_str(&told.out).context("JSON of explain")?;
    Ok(told["messages"][0].clone())
}

/// Lines of a message, the response code, and words that stand in what is said of it.
type Case = (&'static [&'static str], &'static str, &'static str);

const CASES: &[Case] = &[
    (&["update add www.zone.test. 60 A 192.0.2.9"], "NOERROR", "rule 1 of `update`"),
    (&["prereq yxrrset www.zone.test. A", "update add www.zone.test. 60 A 192.0.2.9"], "NOERROR", "0 added"),
    (
        &["prereq nxdomain www.zone.test.", "update add www.zone.test. 60 TXT a"],
        "YXDOMAIN",
        "\"holds\":false",
    ),
    (
        &["prereq yxdomain none.zone.test.", "update add www.zone.test. 60 TXT a"],
        "NXDOMAIN",
        "owns no record",
    ),
    (&["prereq nxrrset www.zone.test. A", "update add www.zone.test. 60 TXT a"], "YXRRSET", "has A records"),
    (
        &["prereq yxrrset www.zone.test. A 192.0.2.2", "update add www.zone.test. 60 TXT a"],
        "NXRRSET",
        "has other A records",
    ),
    (&["update add other.zone.test. 60 A 192.0.2.9"], "REFUSED", "no rule of the zone allows it"),
    (&["update add www.zone.test. 60 AAAA ::1"], "REFUSED", "no rule of the zone allows it"),
    (&["update add www.zone.test. 60 A 192.0.2.10"], "REFUSED", "more than 2 A records"),
    (&["update add a.dyn.zone.test. 60 TXT \"a b\""], "NOERROR", "rule 2 of `update`"),
    (
        &["update add a.dyn.zone.test. 60 CNAME b.zone.test."],
        "NOERROR",
        "left out: the name owns other records",
    ),
    (&["update delete a.dyn.zone.test. TXT"], "REFUSED", "delete all TXT of a.dyn.zone.test."),
    (&["update delete www.zone.test. A 192.0.2.9"], "NOERROR", "delete www.zone.test. A 192.0.2.9"),
    (&["update delete a.dyn.zone.test."], "REFUSED", "no rule of the zone allows it"),
    (&["update add www.other. 60 A 192.0.2.9"], "NOTZONE", "does not lie in the zone"),
];

/// Each message is explained, which changes nothing, and then sent: the response code is what was said.
fn carried_out() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, RULES))?;
    let asker = Client::new(&client);
    for (lines, rcode, words) in CASES {
        let text = format!("zone zone.test.\n{}\nsend\n", lines.join("\n"));
        let file = state.write("script", text)?;
        let before = serial(&asker)?;
        let told = explained(&server, &file, &["--key", "acme.test", "--from", "192.0.2.2"])?;
        ensure_eq!(told["rcode"].as_str(), Some(*rcode), "{lines:?}: {told}");
        ensure!(told.to_string().contains(words), "{lines:?}: {told}");
        ensure_eq!(serial(&asker)?, before, "{lines:?}: the zone was changed");
        let done = update(&client, lines)?;
        let said = format!("{}{}", done.out, done.err);
        let is_so = if *rcode == "NOERROR" { done.code == Some(0) } else { said.contains(rcode) };
        ensure!(is_so, "{lines:?}: {rcode} was said, and it is {said}");
    }
    // As text, with the place of the rule.
    let file = state.write("script", "zone zone.test.\nupdate add www.zone.test. 60 TXT a\n")?;
    let shown = file.display().to_string();
    let told = server.tell(&["explain", "--update", &shown, "--key", "acme.test"])?;
    let rule = "add www.zone.test. 60 TXT \"a\": admitted by ";
    ensure!(told.out.contains(rule) && told.out.contains("rhumb.yaml:"), "{}{}", told.out, told.err);
    ensure!(told.out.contains("zone zone.test., from 127.0.0.1, signed with acme.test."), "{}", told.out);
    Ok(Outcome::Passed)
}

/// Messages that follow one another, a message as bytes, keys and zones that are not there, a frozen zone, and files that are none.
fn files() -> Verdict {
    let host = Host::new()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, RULES))?;
    // The second sees what the first does, and the zone is found by the names.
    let text = "key hmac-sha256:acme.test MDEy\nadd a.dyn.zone.test 60 A 192.0.2.9\nsend\n\
                prereq yxdomain a.dyn.zone.test\nadd b.dyn.zone.test 60 A 192.0.2.9\nsend\n";
    let file = state.write("script", text)?;
    let told = server.tell(&["explain", "--update", &file.display().to_string()])?;
    ensure!(
        told.out.contains("prerequisite: a.dyn.zone.test. owns a record: holds")
            && told.out.matches("NOERROR, it would be carried out: 1 added, 0 removed").count() == 2,
        "{}{}",
        told.out,
        told.err
    );
    let raw = state.write("raw", message(&["x.zone.test. 60 IN A 192.0.2.9"]).to_wire())?;
    let told = explained(&server, &raw, &["--from", "198.51.100.7"])?;
    ensure!(told["rcode"] == "NOERROR" && told.to_string().contains("rule 3 of `update`"), "{told}");
    let told = explained(&server, &raw, &["--from", "192.0.2.7"])?;
    ensure!(
        told["rcode"] == "REFUSED" && told.to_string().contains("no rule of the zone is for this client"),
        "{told}"
    );
    let told = explained(&server, &raw, &["--key", "other.test"])?;
    ensure!(
        told["rcode"] == "NOTAUTH" && told.to_string().contains("no key in `keys` is called other.test."),
        "{told}"
    );
    let elsewhere = state.write("script", "zone other.test\nadd a.other.test 60 A 192.0.2.9\n")?;
    let told = explained(&server, &elsewhere, &[])?;
    ensure!(
        told["rcode"] == "NOTAUTH" && told.to_string().contains("no zone here is called other.test."),
        "{told}"
    );
    server.tell(&["zone", "freeze", "zone.test"])?;
    let told = explained(&server, &raw, &["--from", "198.51.100.7"])?;
    ensure!(told["rcode"] == "REFUSED" && told.to_string().contains("frozen"), "{told}");
    for (text, words) in [
        ("zone zone.test\nupdat add a 60 A 192.0.2.9\n", "line 2: `updat` is no command"),
        ("add a.other.test 60 A 192.0.2.9\n", "no zone here has the names of the file"),
        ("", "the file has no update"),
    ] {
        let file = state.write("script", text)?;
        let told = server.tell(&["explain", "--update", &file.display().to_string()])?;
        ensure!(told.code == Some(1) && told.err.contains(words), "{text}: {}{}", told.out, told.err);
    }
    let told = server.tell(&["explain", "--update", "/does/not/exist"])?;
    ensure!(told.code == Some(2) && told.err.contains("No such file"), "{}{}", told.out, told.err);
    let told = server.tell(&["explain", "www.zone.test"])?;
    ensure_eq!(told.code, Some(2), "without a type: {}", told.err);
    Ok(Outcome::Passed)
}
