//! rhumb, and Unbound and BIND of the distribution, all of them with the same hints and the same trust anchor.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Message, Server, program};
use rhumb_tests::{Failure, ensure};

use super::contents;
use super::hosting::Hosting;
use crate::nameservers::RunningProgram;

/// How long they may take until they answer.
const START: Duration = Duration::from_secs(20);
/// Where rhumb listens.
pub(super) const RHUMB: &str = "127.0.0.1";

/// One resolver of others.
pub(super) struct OtherResolver {
    pub(super) name: &'static str,
    pub(super) to: SocketAddr,
    _program: RunningProgram,
}

struct Kind {
    name: &'static str,
    file: &'static str,
    address: &'static str,
    arguments: &'static [&'static str],
    config: fn(&Settings<'_>) -> String,
}

/// What they are told.
struct Settings<'a> {
    home: &'a str,
    address: &'a str,
    anchor: &'a str,
}

const OTHERS: [Kind; 2] = [
    Kind {
        name: "Unbound",
        file: "unbound",
        address: "127.0.0.2",
        arguments: &["-d", "-p", "-c"],
        config: unbound,
    },
    Kind {
        name: "BIND",
        file: "named",
        address: "127.0.0.3",
        arguments: &["-g", "-n", "1", "-c"],
        config: bind,
    },
];

/// Those that are missing here.
pub(super) fn missing() -> Vec<&'static str> {
    OTHERS.iter().filter(|kind| program::find(kind.file).is_none()).map(|kind| kind.name).collect()
}

/// Starts rhumb, with an empty cache.
pub(super) fn start_rhumb(hosting: &Hosting) -> Result<Server, Failure> {
    let config = Config::new()
        .listen(RHUMB)
        .allow_all()
        .recursion("root-hints: root.hints")
        .recursion(&format!("trust-anchors: [\"{}\"]", hosting.anchor))
        .file("root.hints", &contents::hints());
    Server::start(&hosting.resolvers, &config)
}

/// Starts the others, and waits until they answer.
pub(super) fn start_others(hosting: &Hosting) -> Result<Vec<OtherResolver>, Failure> {
    let mut others = Vec::new();
    for kind in &OTHERS {
        let home = hosting.folder().at(&format!("resolver-{}", kind.name));
        hosting.resolvers.address("lo", &format!("{}/32", kind.address))?;
        std::fs::create_dir_all(&home)?;
        std::fs::write(home.join("root.hints"), contents::hints())?;
        let shown = home.display().to_string();
        let settings = Settings { home: &shown, address: kind.address, anchor: &hosting.anchor };
        let config = (kind.config)(&settings);
        let program = RunningProgram::start(&hosting.resolvers, &home, kind.file, (kind.arguments, &config))?;
        let to = SocketAddr::new(kind.address.parse()?, 53);
        let client = Client::new(&hosting.resolvers).patience(Duration::from_millis(300));
        let query = Message::query(".", "SOA");
        let answers = || client.udp(to, &query).is_ok_and(|reply| reply.message.answer.len() == 1);
        ensure!(until(START, answers), "{} does not answer", kind.name);
        others.push(OtherResolver { name: kind.name, to, _program: program });
    }
    Ok(others)
}

fn unbound(settings: &Settings<'_>) -> String {
    let Settings { home, address, anchor } = settings;
    format!(
        "server:
  directory: \"{home}\"
  chroot: \"\"
  username: \"\"
  use-syslog: no
  interface: {address}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  module-config: \"validator iterator\"
  root-hints: root.hints
  trust-anchor: \"{anchor}\"
  ede: yes
  val-log-level: 2
  unblock-lan-zones: yes
  insecure-lan-zones: yes
remote-control:
  control-enable: no
"
    )
}

fn bind(settings: &Settings<'_>) -> String {
    let Settings { home, address, anchor } = settings;
    // Owner, TTL, class, type, tag, algorithm, type of digest, digest.
    let words: Vec<&str> = anchor.split_whitespace().skip(4).collect();
    format!(
        "options {{
  directory \"{home}\";
  listen-on {{ {address}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  managed-keys-directory \"{home}\";
  recursion yes;
  allow-query {{ any; }};
  allow-recursion {{ any; }};
  dnssec-validation yes;
  empty-zones-enable no;
}};
controls {{ }};
trust-anchors {{ \".\" static-ds {} \"{}\"; }};
zone \".\" {{ type hint; file \"root.hints\"; }};
",
        words[..3].join(" "),
        words[3]
    )
}
