//! What the documents say of certificates: for a try, from certbot, from cert-manager.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rhumb_tests::rig::encrypted::EncryptedTransport;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{readme, root};
use crate::encrypted::renewal::link;
use crate::encrypted::{Issued, TIME_LIMIT};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("documents::the_first_try_is_encrypted", first_try),
    Test::beside("documents::certificates_of_certbot_are_followed", certbot),
    Test::beside("documents::certificates_of_cert_manager_are_followed", cert_manager),
];

/// A server by a configuration of the documents, but for its metrics, its control socket and its user, which are the rig's.
fn start(host: &Host, text: &str) -> Result<Server, Failure> {
    let is_ours = |line: &&str| !["metrics:", "control:", "user:"].iter().any(|key| line.starts_with(key));
    let lines: Vec<&str> = text.lines().filter(is_ours).collect();
    Server::launch(host, &Config::new().more(&lines.join("\n")), &[])
}

/// Waits until a transport answers at a port of loopback, and gives the certificate that it shows.
fn shown(server: &Server, transport: EncryptedTransport, port: u16) -> Result<Vec<u8>, Failure> {
    let (client, to) = (Client::new(server.host()), format!("127.0.0.1:{port}").parse()?);
    let query = Message { id: 0, ..Message::query("localhost.", "A") }.to_wire();
    let ask = || {
        let mut connection = transport.connect(&client, to)?;
        let answer = Message::from_wire(&connection.exchange(&query)?)?;
        ensure!(
            answer.rcode() == rcode::NOERROR && answer.data("A") == ["127.0.0.1"],
            "{transport:?}: {answer:?}"
        );
        connection.certificate()
    };
    let mut last = ask();
    until(TIME_LIMIT, || {
        last = ask();
        last.is_ok()
    });
    last.context(format!("{transport:?} at {port}; {}", server.log_tail()))
}

/// All transports answer, and show the same certificate.
fn all_show(server: &Server, ports: [u16; 3]) -> Result<Vec<u8>, Failure> {
    let each = EncryptedTransport::ALL.into_iter().zip(ports);
    let shown: Vec<_> =
        each.map(|(transport, port)| shown(server, transport, port)).collect::<Result<_, _>>()?;
    let certificate = shown.first().context("no transport")?;
    ensure!(shown.iter().all(|other| other == certificate), "the transports show different certificates");
    Ok(certificate.clone())
}

/// A changed certificate is shown.
fn is_renewed(server: &Server, ports: [u16; 3], before: &[u8]) -> Result<(), Failure> {
    let renewed = until(TIME_LIMIT, || all_show(server, ports).is_ok_and(|now| now != before));
    ensure!(renewed, "the renewed certificate is not shown; {}", server.log_tail());
    Ok(())
}

fn first_try() -> Verdict {
    let text = readme()?;
    let (before, _) = text.split_once("> try.yaml").context("no try.yaml in the README")?;
    let command = before.rfind("printf").and_then(|at| before.get(at..)).context("no printf before it")?;
    let folder = Folder::new()?;
    let script = format!("{command}> try.yaml");
    let output =
        program::run(Command::new("sh").args(["-c", &script]).current_dir(folder.path()), TIME_LIMIT)?;
    ensure_eq!(output.code, Some(0), "{script}: {}", output.err);
    let server = start(&Host::new()?, &fs::read_to_string(folder.at("try.yaml"))?)?;
    all_show(&server, [8853, 8443, 8853])?;
    Ok(Outcome::Passed)
}

fn certbot() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let issued = Issued::new()?;
    let folder = &issued.folder;
    let archive = |number: u8| -> Result<(), Failure> {
        let (chain, key) = issued.issue("new", "dns.example", 30)?;
        let at = folder.at("archive/dns.example");
        fs::create_dir_all(&at)?;
        fs::rename(chain, at.join(format!("fullchain{number}.pem")))?;
        Ok(fs::rename(key, at.join(format!("privkey{number}.pem")))?)
    };
    let live = folder.at("live/dns.example");
    let point = |number: u8| -> Result<(), Failure> {
        for name in ["privkey", "fullchain"] {
            let target = format!("../../archive/dns.example/{name}{number}.pem");
            link(Path::new(&target), &live.join(format!("{name}.pem")))?;
        }
        Ok(())
    };
    fs::create_dir_all(&live)?;
    archive(1)?;
    point(1)?;
    let text = fs::read_to_string(root().join("config/examples/encrypted.yaml"))?;
    let here = folder.path().display().to_string();
    ensure!(text.contains("/etc/letsencrypt/live"), "the example is not for certbot");
    let server = start(&Host::new()?, &text.replace("/etc/letsencrypt", &here))?;
    let ports = [853, 443, 853];
    let before = all_show(&server, ports)?;
    archive(2)?;
    point(2)?;
    is_renewed(&server, ports, &before)?;
    Ok(Outcome::Passed)
}

/// The configuration in the ConfigMap of a manifest.
fn mounted(manifest: &str) -> Result<String, Failure> {
    let (_, rest) = manifest.split_once("  rhumb.yaml: |\n").context("no rhumb.yaml in a ConfigMap")?;
    let lines = rest.lines().map_while(|line| line.strip_prefix("    "));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn cert_manager() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    let issued = Issued::new()?;
    let folder = &issued.folder;
    // As the kubelet mounts a Secret.
    let mount = |version: &str| -> Result<(), Failure> {
        let within = format!("tls/{version}");
        let (chain, key) = issued.issue(&within, "dns.example", 30)?;
        fs::rename(chain, folder.at(&within).join("tls.crt"))?;
        fs::rename(key, folder.at(&within).join("tls.key"))?;
        link(Path::new(version), &folder.at("tls/..data"))
    };
    mount("..1")?;
    for name in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(name), folder.at("tls").join(name))?;
    }
    let manifest = fs::read_to_string(root().join("deploy/kubernetes/encrypted.yaml"))?;
    for words in ["secretName: rhumb-encrypted-tls, defaultMode: 0440", "mountPath: /tls", "fsGroup: 65532"] {
        ensure!(manifest.contains(words), "the manifest lacks {words}");
    }
    let here = format!(" {}/", folder.at("tls").display());
    let server = start(&Host::new()?, &mounted(&manifest)?.replace(" /tls/", &here))?;
    let ports = [8853, 8443, 8853];
    let before = all_show(&server, ports)?;
    mount("..2")?;
    fs::remove_dir_all(folder.at("tls/..1"))?;
    is_renewed(&server, ports, &before)?;
    Ok(Outcome::Passed)
}
