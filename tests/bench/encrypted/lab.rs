//! A server on its host, clients on another, and what the server uses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::encrypted::EncryptedTransport;
use rhumb_tests::rig::internet::hosts;
use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Host, Message, Server, process, program, rcode};
use rhumb_tests::{Context, Failure, ensure, ensure_eq};

use crate::software::{ADDRESS, NAME, Room, Software, VALUE, own_config};

/// The group that rhumb is in once it runs.
const NOBODY: u32 = 65_534;

/// A process.
enum Running {
    Rhumb(Server),
    Other(RunningProgram),
}

/// A server that answers.
pub(crate) struct Lab {
    pub(crate) people: Host,
    running: Running,
    home: Folder,
    // What runs on it ends with it.
    _host: Host,
}

impl Lab {
    pub(crate) fn start(software: Software, room: Room) -> Result<Self, Failure> {
        let (host, people) = hosts()?;
        let home = Folder::new()?;
        issue(&home)?;
        home.write("zone", SMALL_ZONE)?;
        let running = if software == Software::Rhumb {
            Running::Rhumb(Server::start(&host, &own_config(&home, room))?)
        } else {
            let (file, arguments) = software.program();
            let config = software.config(&home, room);
            Running::Other(RunningProgram::start(&host, home.path(), file, (arguments, &config))?)
        };
        let lab = Self { people, running, home, _host: host };
        let client = lab.client().time_limit(Duration::from_millis(500));
        let answers = || {
            let answer = client.ask(asked_at(None), &format!("{NAME}."), "A");
            answer.is_ok_and(|answer| answer.rcode() == rcode::NOERROR && answer.data("A") == [VALUE])
        };
        let log = || fs::read_to_string(lab.home.at("log")).unwrap_or_default();
        let last = || log().lines().last().unwrap_or_default().to_owned();
        ensure!(until(Duration::from_secs(20), answers), "{} does not answer: {}", software.name(), last());
        // Some open their other ports later.
        thread::sleep(Duration::from_millis(500));
        Ok(lab)
    }

    /// A client with an address that no attack has.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.people)
    }

    /// A client with one of 65,536 addresses.
    pub(crate) fn attacker(&self, number: u16) -> Client {
        let [high, low] = number.to_be_bytes();
        self.client().from(IpAddr::V4(Ipv4Addr::new(10, 9, high, low)))
    }

    pub(crate) fn pid(&self) -> i32 {
        match &self.running {
            Running::Rhumb(server) => server.pid(),
            Running::Other(program) => program.pid(),
        }
    }

    /// rhumb, where it is.
    pub(crate) fn server(&self) -> Option<&Server> {
        match &self.running {
            Running::Rhumb(server) => Some(server),
            Running::Other(_) => None,
        }
    }

    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        Ok(Usage {
            cpu: process::cpu_time(self.pid())?,
            resident: process::resident(self.pid())?,
            descriptors: process::descriptors(self.pid())?,
        })
    }
}

/// What a process uses at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
}

impl Usage {
    /// By how much another moment's memory is more, MiB.
    #[allow(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
    pub(crate) fn growth(&self, later: &Self) -> f64 {
        (later.resident as f64 - self.resident as f64) / f64::from(1 << 20)
    }
}

/// Where servers are asked, by a transport or by UDP.
pub(crate) fn asked_at(transport: Option<EncryptedTransport>) -> SocketAddr {
    let ip: Ipv4Addr = ADDRESS.parse().unwrap();
    SocketAddr::new(ip.into(), transport.map_or(53, EncryptedTransport::port))
}

/// The query that innocents send.
pub(crate) fn query() -> Vec<u8> {
    Message { id: 0, ..Message::query(&format!("{NAME}."), "A") }.to_wire()
}

/// Whether this is its answer.
pub(crate) fn is_answer(wire: &[u8]) -> bool {
    Message::from_wire(wire).is_ok_and(|message| message.data("A") == [VALUE])
}

/// Makes `chain.pem` and `key.pem` in a folder.
fn issue(home: &Folder) -> Result<(), Failure> {
    let (chain, key) = (home.at("chain.pem"), home.at("key.pem"));
    let mut command = Command::new(program::find("openssl").context("no openssl")?);
    let words =
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30 -subj /CN=dns.test -addext";
    command.args(words.split(' ')).arg("subjectAltName=DNS:dns.test");
    let output =
        program::run(command.arg("-out").arg(&chain).arg("-keyout").arg(&key), Duration::from_secs(20))?;
    ensure_eq!(output.code, Some(0), "openssl req: {}", output.err);
    chown(&key, None, Some(NOBODY))?;
    Ok(fs::set_permissions(&key, fs::Permissions::from_mode(0o640))?)
}
