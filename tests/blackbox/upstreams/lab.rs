//! Certificates, servers and questions of these tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rhumb_tests::rig::{Config, Folder, Host, Message, Server, program};
use rhumb_tests::{Context, Failure, ensure_eq};

use crate::encrypted::TIME_LIMIT;
use crate::forwarding::{Lab, UP, config};
use crate::reasons::reasons;

/// Whoever answers for everything below `up.example`.
pub(super) const ZONE: &str =
    "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 10.53.0.1\n* A 198.18.0.7\n";

/// A certificate for `dns.test` and the upstreams' addresses, and its key.
pub(crate) struct Pair {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

/// Makes a pair in a folder of its own, valid now or only in the past.
pub(crate) fn issue(folder: &Folder, name: &str, expired: bool) -> Result<Pair, Failure> {
    let openssl = program::find("openssl").context("no openssl")?;
    let at = folder.at(name);
    fs::create_dir_all(&at)?;
    let (chain, key, request) = (at.join("chain.pem"), at.join("key.pem"), at.join("request.pem"));
    let ok = |command: &mut Command| -> Result<(), Failure> {
        let output = program::run(command, TIME_LIMIT)?;
        ensure_eq!(output.code, Some(0), "openssl: {}", output.err);
        Ok(())
    };
    let mut asked = Command::new(&openssl);
    asked.args(["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    ok(asked.args(["-subj", &format!("/CN={name}")]).arg("-keyout").arg(&key).arg("-out").arg(&request))?;
    let shown = at.display();
    fs::write(
        at.join("ca.cnf"),
        format!(
            "[ca]\ndefault_ca=own\n[own]\ndatabase={shown}/index\nnew_certs_dir={shown}\nrand_serial=yes\ndefault_md=sha256\n\
             policy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n[names]\n\
             subjectAltName=DNS:dns.test,IP:10.53.0.1,IP:10.53.0.2,IP:10.53.0.3\n"
        ),
    )?;
    fs::write(at.join("index"), "")?;
    let end = if expired { "20210101000000Z" } else { "20991231000000Z" };
    let mut signed = Command::new(&openssl);
    signed.args(["ca", "-batch", "-notext", "-selfsign", "-startdate", "20200101000000Z", "-enddate", end]);
    signed.arg("-config").arg(at.join("ca.cnf")).arg("-keyfile").arg(&key);
    ok(signed.arg("-in").arg(&request).arg("-out").arg(&chain))?;
    let group = Some(65_534);
    std::os::unix::fs::chown(&key, None, group)?;
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o640))?;
    Ok(Pair { chain, key })
}

impl Pair {
    /// The keys of a listener for every transport that shows it.
    pub(crate) fn listener(&self) -> String {
        let (chain, key) = (self.chain.display(), self.key.display());
        format!("transports: [udp, tcp, tls, https, quic], certificate: {chain}, key: {key}")
    }

    /// The pin of its key.
    pub(super) fn pin(&self) -> Result<String, Failure> {
        let line = format!(
            "openssl x509 -in {} -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64",
            self.chain.display()
        );
        let output = program::run(Command::new("sh").args(["-c", &line]), TIME_LIMIT)?;
        Ok(format!("sha256/{}", output.out.trim()))
    }
}

/// Another rhumb behind the first, at the first upstream address.
pub(super) fn behind(lab: &Lab, pair: &Pair) -> Result<Server, Failure> {
    Server::start(&lab.behind, &Config::new().listen_with(UP[0], &pair.listener()).zone("up.example", ZONE))
}

/// A forwarder with these entries of `forward`.
pub(super) fn forwarder(lab: &Lab, entries: &[String]) -> Result<Server, Failure> {
    let entries: Vec<String> = entries.iter().map(|entry| format!("  - {{ {entry} }}\n")).collect();
    lab.start(&config().more(&format!("forward:\n{}", entries.concat())))
}

/// The response code and the text of the first extended error of a question over UDP.
pub(super) fn failed(lab: &Lab, name: &str) -> Result<(u16, String), Failure> {
    let reply = lab.client.udp(lab.to, &Message::query(name, "A").edns(1232))?.message;
    let reason = reasons(&reply).into_iter().next().map(|(_, text)| text);
    Ok((reply.rcode(), reason.unwrap_or_default()))
}

/// A program of others that runs until the test ends.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program whose output goes to a file.
pub(super) fn run(host: &Host, program: &Path, arguments: &[&str], log: &Path) -> Result<Running, Failure> {
    let log = fs::File::create(log)?;
    let mut command = host.command(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Running(command.spawn()?))
}

/// Asks for so many names at once, each of its own below a label: those that were not answered as they should.
pub(super) fn lost(lab: &Lab, label: &str, count: usize) -> Vec<String> {
    thread::scope(|scope| {
        let ask = |number: usize| {
            let name = format!("n{number}.{label}.up.example.");
            match lab.addresses(&name) {
                Ok(found) if found == ["198.18.0.7"] => None,
                Ok(found) => Some(format!("{name}: {found:?}")),
                Err(error) => Some(format!("{name}: {error}")),
            }
        };
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || ask(number))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    })
}
