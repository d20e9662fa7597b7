//! The internet itself: a host with all nameservers, beside one for resolvers.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rhumb_tests::rig::message::{AA, TC};
use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Client, Folder, Host, Message, Transport, Upstream, program, script};
use rhumb_tests::{Failure, ensure};

use super::addresses::{Behind, NAMESERVERS, Nameserver};
use super::contents;
use super::signing::Keys;
use super::zones::{HostedZone, ZONES};
use crate::nameservers::Software;

/// How long servers may take until they answer.
const START: Duration = Duration::from_secs(30);
/// How much later the slow one answers.
const SLOW: Duration = Duration::from_millis(600);
/// What is lost of a hundred datagrams in either direction, where the line is bad.
const LOSS: &str = "table inet loss {
  chain in {
    type filter hook input priority 0
    iifname eth0 meta l4proto udp numgen random mod 100 < 20 drop
  }
  chain out {
    type filter hook output priority 0
    oifname eth0 meta l4proto udp numgen random mod 100 < 20 drop
  }
}
";

/// All zones, served.
pub(super) struct Hosting {
    /// Where resolvers run; the internet is behind its `eth0`.
    pub(super) resolvers: Host,
    /// The trust anchor, as a DS record.
    pub(super) anchor: String,
    internet: Host,
    folder: Folder,
    _programs: Vec<RunningProgram>,
    _scripted: Vec<Upstream>,
}

/// One process: its program and the word that tells it from others.
type Process = (Software, &'static str);
/// Zones and their files.
type ZoneFiles = Vec<(&'static HostedZone, PathBuf)>;

impl Hosting {
    /// Signs the zones, starts everything and waits until all zones are answered for.
    pub(super) fn start() -> Result<Self, Failure> {
        let (resolvers, internet) = Host::pair()?;
        resolvers.route("198.18.0.0/15 via 192.0.2.2")?.route("2001:db8:18::/48 via 2001:db8::2")?;
        let folder = Folder::new()?;
        let (files, anchor) = write_zones(&folder)?;
        let mut programs = Vec::new();
        for (process, served) in processes() {
            let alive = served.iter().flat_map(|server| server.alive());
            let addresses: Vec<String> = alive.map(str::to_owned).collect();
            for address in &addresses {
                let length = if address.contains(':') { 128 } else { 32 };
                internet.address("lo", &format!("{address}/{length}"))?;
            }
            let zones = files
                .iter()
                .filter(|(zone, _)| zone.servers.iter().any(|label| process_of(label) == Some(process)))
                .map(|(zone, file)| (zone.origin.to_owned(), file.clone()))
                .collect::<Vec<_>>();
            let (software, word) = process;
            let home = folder.at(&format!("{}-{word}", software.name()));
            programs.push(software.start(&internet, &home, &addresses, &zones)?);
        }
        let scripted = scripted(&internet)?;
        let hosting = Self { resolvers, anchor, internet, folder, _programs: programs, _scripted: scripted };
        hosting.wait()?;
        Ok(hosting)
    }

    /// A folder for what else is started.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    fn wait(&self) -> Result<(), Failure> {
        let client = Client::new(&self.resolvers).time_limit(Duration::from_secs(2));
        for zone in ZONES {
            for address in zone.servers.iter().flat_map(|label| Nameserver::of(label).alive()) {
                let to = SocketAddr::new(address.parse()?, 53);
                let query = Message::query(zone.origin, "SOA").no_recursion();
                let answers = || {
                    let reply = client.stream(to, &query);
                    reply.is_ok_and(|reply| reply.message.has(AA) && reply.message.answer.len() == 1)
                };
                ensure!(until(START, answers), "{} is not served at {address}", zone.origin);
            }
        }
        Ok(())
    }

    /// From now on a fifth of all datagrams between resolvers and nameservers is lost, in either direction. Gives why, where that cannot
    /// be done.
    pub(super) fn lose_datagrams(&self) -> Result<Option<String>, Failure> {
        let Some(nft) = program::find("nft") else { return Ok(Some("no nft here".to_owned())) };
        let rules = self.folder.write("loss", LOSS)?;
        let mut command = self.internet.command(nft);
        let done = program::run(command.arg("-f").arg(rules), START)?;
        Ok((done.code != Some(0)).then(|| format!("nft cannot drop datagrams here: {}", done.err.trim())))
    }
}

/// Writes all zone files, children before their parents; gives them, and the DS record of the root.
fn write_zones(folder: &Folder) -> Result<(ZoneFiles, String), Failure> {
    let keys = Keys::new()?;
    let mut below: BTreeMap<&str, String> = BTreeMap::new();
    let mut files = Vec::new();
    let mut anchor = String::new();
    let mut ordered: Vec<(usize, &HostedZone)> = ZONES.iter().enumerate().collect();
    ordered.sort_by_key(|(_, zone)| Reverse(zone.depth()));
    for (number, zone) in ordered {
        let children = below.remove(zone.origin).unwrap_or_default();
        let digests = if zone.servers.is_empty() {
            String::new()
        } else {
            let signed = keys.sign(zone, contents::text(zone, number) + &children)?;
            files.push((zone, folder.write(&format!("zones/{number}"), signed.text)?));
            signed.digests
        };
        match zone.parent() {
            Some(parent) => {
                let text = below.entry(parent.origin).or_default();
                text.push_str(&contents::delegation(zone, parent));
                text.push_str(&digests);
            }
            None => digests.trim().clone_into(&mut anchor),
        }
    }
    Ok((files, anchor))
}

/// Every process, and the nameservers that it is.
fn processes() -> Vec<(Process, Vec<&'static Nameserver>)> {
    let mut processes: Vec<(Process, Vec<&Nameserver>)> = Vec::new();
    for server in NAMESERVERS {
        let Behind::Program(software, word) = server.behind else { continue };
        match processes.iter_mut().find(|(process, _)| *process == (software, word)) {
            Some((_, servers)) => servers.push(server),
            None => processes.push(((software, word), vec![server])),
        }
    }
    processes
}

/// The process that has the zones of a nameserver.
fn process_of(label: &str) -> Option<Process> {
    match Nameserver::of(label).behind {
        Behind::Program(software, word) => Some((software, word)),
        Behind::Slow => process_of("nsd"),
        Behind::Truncating => process_of("bind"),
        Behind::Silence => None,
    }
}

/// Starts what is no program.
fn scripted(internet: &Host) -> Result<Vec<Upstream>, Failure> {
    let mut upstreams = Vec::new();
    for server in NAMESERVERS {
        let behind = match server.behind {
            Behind::Program(..) => continue,
            Behind::Slow => relay(internet, "nsd", |asked, act| match asked.transport {
                Transport::Udp => act.after(SLOW),
                Transport::Tcp => act,
            }),
            Behind::Truncating => relay(internet, "bind", |asked, act| match asked.transport {
                Transport::Udp => {
                    let reply = Message::reply_to(&asked.message);
                    Act::Reply(Message { flags: reply.flags | TC, ..reply })
                }
                Transport::Tcp => act,
            }),
            Behind::Silence => script::script(|_| Act::Silent),
        };
        for address in server.alive() {
            internet.address("lo", &format!("{address}/32"))?;
            upstreams.push(Upstream::start(internet, address, behind.clone())?);
        }
    }
    Ok(upstreams)
}

/// What another nameserver says, changed by `how`.
fn relay(
    internet: &Host,
    label: &str,
    how: impl Fn(&Asked, Act) -> Act + Send + Sync + 'static,
) -> script::Script {
    let client = Client::new(internet).time_limit(Duration::from_secs(2));
    let address = Nameserver::of(label).addresses[0];
    let to = SocketAddr::new(address.parse().expect("an address in the table"), 53);
    script::script(move |asked| {
        let wire = asked.message.to_wire();
        let said = match asked.transport {
            Transport::Udp => client.exchange_raw(to, &wire).ok().flatten().map(|(wire, _)| wire),
            Transport::Tcp => over_tcp(&client, to, &wire).ok().flatten(),
        };
        said.map_or(Act::Silent, |wire| how(asked, Act::Raw(wire)))
    })
}

fn over_tcp(client: &Client, to: SocketAddr, wire: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let mut stream = client.tcp(to)?;
    stream.send(wire)?;
    stream.receive(Duration::from_secs(2))
}
