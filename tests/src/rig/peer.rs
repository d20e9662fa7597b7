//! Programs of others that run beside the server: started in a folder of their own, killed when they are dropped.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::ensure;
use crate::failure::{Context, Failure};
use crate::rig::client::Client;
use crate::rig::host::Host;
use crate::rig::message::Message;
use crate::rig::program;
use crate::rig::server::until;

/// How long they may take until they answer.
const START: Duration = Duration::from_secs(20);

/// A program of others.
pub struct RunningProgram(Child);

impl Drop for RunningProgram {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RunningProgram {
    /// Starts a program on a host, in a folder of its own, to which its log goes too: these arguments, and behind them the file of this
    /// configuration. It may still be loading.
    pub fn start(host: &Host, home: &Path, file: &str, what: (&[&str], &str)) -> Result<Self, Failure> {
        Self::start_by(&[], host, home, file, what)
    }

    /// The same through a wrapper that becomes the program: `["prlimit", "--nofile=128"]`.
    pub fn start_by(
        wrapper: &[&str],
        host: &Host,
        home: &Path,
        file: &str,
        (arguments, config): (&[&str], &str),
    ) -> Result<Self, Failure> {
        fs::create_dir_all(home)?;
        let path = home.join("config");
        fs::write(&path, config)?;
        let log = File::create(home.join("log"))?;
        let program = program::find(file).context(file)?;
        let mut words: Vec<&Path> = wrapper.iter().map(Path::new).collect();
        words.push(&program);
        let (first, rest) = words.split_first().context("no program")?;
        let child = host
            .command(first)
            .args(rest)
            .args(arguments)
            .arg(&path)
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context(file)?;
        Ok(Self(child))
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

/// Resolvers of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverSoftware {
    /// Unbound.
    Unbound,
    /// BIND.
    Bind,
}

/// What a resolver is told.
pub struct ResolverSettings<'a> {
    /// A folder of its own.
    pub home: &'a Path,
    /// Where it listens, on port 53.
    pub address: &'a str,
    /// The servers of the root, as a file of hints.
    pub hints: &'a str,
    /// The trust anchor of the root, a DS record; without it nothing is validated.
    pub anchor: Option<&'a str>,
}

impl ResolverSoftware {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Unbound, Self::Bind];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unbound => "Unbound",
            Self::Bind => "BIND",
        }
    }

    /// The file of its program.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Unbound => "unbound",
            Self::Bind => "named",
        }
    }

    /// What makes it stay in the foreground and log to standard error; the configuration comes behind.
    pub(super) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Unbound => &["-d", "-p", "-c"],
            Self::Bind => &["-g", "-n", "1", "-c"],
        }
    }

    /// Whether it is installed here.
    pub fn is_here(self) -> bool {
        program::find(self.file()).is_some()
    }

    /// Starts it on a host, one of whose interfaces carries the address, and waits until it answers.
    pub fn start(self, host: &Host, settings: &ResolverSettings<'_>) -> Result<RunningProgram, Failure> {
        fs::create_dir_all(settings.home)?;
        fs::write(settings.home.join("root.hints"), settings.hints)?;
        let config = match self {
            Self::Unbound => unbound(settings),
            Self::Bind => bind(settings),
        };
        let what = (self.arguments(), config.as_str());
        let program = RunningProgram::start(host, settings.home, self.file(), what)?;
        let to = SocketAddr::new(settings.address.parse()?, 53);
        let client = Client::new(host).time_limit(Duration::from_millis(300));
        let query = Message::query(".", "NS");
        let answers = || client.udp(to, &query).is_ok_and(|reply| !reply.message.answer.is_empty());
        ensure!(until(START, answers), "{} does not answer", self.name());
        Ok(program)
    }
}

/// What Unbound is always told in its section `server`.
pub(super) fn unbound_server(home: &Path, address: &str, modules: &str) -> String {
    let home = home.display();
    format!(
        "server:
  directory: \"{home}\"
  chroot: \"\"
  username: \"\"
  use-syslog: no
  interface: {address}
  access-control: 0.0.0.0/0 allow
  num-threads: 1
  module-config: \"{modules}\"
"
    )
}

/// What BIND is always told: its options, these among them, and no control channel.
pub(super) fn bind_options(home: &Path, address: &str, more: &str) -> String {
    let home = home.display();
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
{more}}};
controls {{ }};
"
    )
}

fn unbound(settings: &ResolverSettings<'_>) -> String {
    let modules = if settings.anchor.is_some() { "validator iterator" } else { "iterator" };
    let anchor = settings.anchor.map_or(String::new(), |anchor| format!("  trust-anchor: \"{anchor}\"\n"));
    let server = unbound_server(settings.home, settings.address, modules);
    format!(
        "{server}  root-hints: root.hints
{anchor}  ede: yes
  val-log-level: 2
  unblock-lan-zones: yes
  insecure-lan-zones: yes
remote-control:
  control-enable: no
"
    )
}

fn bind(settings: &ResolverSettings<'_>) -> String {
    // Owner, TTL, class, type, tag, algorithm, type of digest, digest.
    let anchor = settings.anchor.map(|anchor| anchor.split_whitespace().skip(4).collect::<Vec<_>>());
    let anchors = anchor.as_ref().map_or(String::new(), |words| {
        format!(
            "trust-anchors {{ \".\" static-ds {} \"{}\"; }};\n",
            words[..3].join(" "),
            words[3..].concat()
        )
    });
    let validation = if anchor.is_some() { "yes" } else { "no" };
    let more = format!("  dnssec-validation {validation};\n  empty-zones-enable no;\n");
    let options = bind_options(settings.home, settings.address, &more);
    format!("{options}{anchors}zone \".\" {{ type hint; file \"root.hints\"; }};\n")
}
