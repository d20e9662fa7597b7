//! An internet of servers that do what a test says, on tokio's paused clock.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{
    Class, DomainName, MessageSection, MessageView, MessageWriter, NameRef, Transport, Type, header,
};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::identity::ServerIdentity;
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};

/// What a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AskedQuestion {
    pub(super) server: IpAddr,
    pub(super) name: String,
    pub(super) qtype: Type,
    pub(super) transport: Transport,
    pub(super) recursion_desired: bool,
    pub(super) edns: bool,
}

/// What a server says, as text: `owner ttl type rdata`.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerSays {
    pub(super) rcode: u16,
    pub(super) authoritative: bool,
    pub(super) answer: Vec<String>,
    pub(super) authority: Vec<String>,
    pub(super) additional: Vec<String>,
    /// Whether the question comes back in lower case.
    pub(super) case_lost: bool,
    /// Whether it comes over TCP alone.
    pub(super) truncated: bool,
}

/// A server: what it says to a question; nothing is silence.
pub(super) type ScriptedServer = Box<dyn Fn(&AskedQuestion) -> Option<ServerSays> + Send + Sync>;

#[derive(Default)]
pub(super) struct ScriptedInternet {
    servers: HashMap<IpAddr, ScriptedServer>,
    log: Mutex<Vec<AskedQuestion>>,
    seed: AtomicU64,
}

/// How long every reply takes.
const DELAY: Duration = Duration::from_millis(10);

impl ScriptedInternet {
    pub(super) fn with(
        mut self,
        address: &str,
        server: impl Fn(&AskedQuestion) -> Option<ServerSays> + Send + Sync + 'static,
    ) -> Self {
        self.servers.insert(address.parse().unwrap(), Box::new(server));
        self
    }

    /// A server that delegates `cut` to `ns` at `address`, and denies all else.
    pub(super) fn parent(
        self,
        address: &str,
        cut: &'static str,
        ns: &'static str,
        glue: &'static str,
    ) -> Self {
        self.with(address, move |asked| {
            let below = name(&asked.name).as_ref().is_at_or_below(name(cut).as_ref());
            Some(if below { referral(cut, &[(ns, glue)]) } else { denial(3, ".") })
        })
    }

    /// The same with other chances.
    pub(super) fn seeded(self, seed: u64) -> Self {
        self.seed.store(seed, Relaxed);
        self
    }

    pub(super) fn take_log(&self) -> Vec<AskedQuestion> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    pub(super) fn ask(&self, to: SocketAddr, transport: Transport, query: &[u8]) -> Option<Vec<u8>> {
        let message = MessageView::parse(query).unwrap();
        let question = message.question().unwrap().unwrap();
        let asked = AskedQuestion {
            server: to.ip(),
            name: question.name.to_lowercase().to_string(),
            qtype: question.qtype,
            transport,
            recursion_desired: message.header().flags & header::RD != 0,
            edns: message.edns().unwrap().is_some(),
        };
        self.log.lock().unwrap().push(asked.clone());
        let said = self.servers.get(&to.ip())?(&asked)?;
        let lower = question.name.to_lowercase();
        let name = if said.case_lost { lower.as_ref() } else { question.name };
        let said = match transport {
            Transport::Udp if said.truncated => ServerSays { truncated: true, ..ServerSays::default() },
            _ => ServerSays { truncated: false, ..said },
        };
        Some(written(&said, message.header().id, name, question.qtype))
    }
}

/// A number that looks like chance.
pub(super) const fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

pub(super) fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// A delegation to servers with their addresses; an empty address is left out.
pub(super) fn referral(cut: &str, servers: &[(&str, &str)]) -> ServerSays {
    let glued = servers.iter().filter(|(_, address)| !address.is_empty());
    ServerSays {
        authority: servers.iter().map(|(ns, _)| format!("{cut} 3600 NS {ns}")).collect(),
        additional: glued.map(|(ns, address)| format!("{ns} 3600 A {address}")).collect(),
        ..ServerSays::default()
    }
}

/// NXDOMAIN (3) or NODATA (0) by `zone`.
pub(super) fn denial(rcode: u16, zone: &str) -> ServerSays {
    let authority = vec![format!("{zone} 3600 SOA ns.example. 60")];
    ServerSays { rcode, authoritative: true, authority, ..ServerSays::default() }
}

pub(super) fn answer(records: &[&str]) -> ServerSays {
    let answer = records.iter().map(ToString::to_string).collect();
    ServerSays { authoritative: true, answer, ..ServerSays::default() }
}

/// A reply of these records alone.
pub(super) fn nothing_but(answer: Vec<String>) -> ServerSays {
    ServerSays { authoritative: true, answer, ..ServerSays::default() }
}

pub(super) fn written(said: &ServerSays, id: u16, qname: NameRef<'_>, qtype: Type) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 65_535, &mut compression);
    w.question(qname, qtype, Class::IN).unwrap();
    let sections = [
        (MessageSection::Answer, &said.answer),
        (MessageSection::Authority, &said.authority),
        (MessageSection::Additional, &said.additional),
    ];
    for (section, records) in sections {
        for record in records {
            let words: Vec<&str> = record.split(' ').collect();
            let rtype: Type = words[2].parse().unwrap();
            let rdata = rdata_of(rtype, &words[3..]);
            w.record(section, name(words[0]).as_ref(), rtype, Class::IN, words[1].parse().unwrap(), |w| {
                w.bytes(&rdata)
            })
            .unwrap();
        }
    }
    let authoritative = if said.authoritative { header::AA } else { 0 };
    let truncated = if said.truncated { header::TC } else { 0 };
    let length = w.finish(id, header::QR | authoritative | truncated | said.rcode);
    buffer.truncate(length);
    buffer
}

/// RDATA of its text; behind `\\#` stand its bytes.
pub(super) fn rdata_of(rtype: Type, words: &[&str]) -> Vec<u8> {
    match rtype {
        _ if words[0] == "\\#" => {
            let digit = |at| u8::from_str_radix(&words[1][at..at + 2], 16).unwrap();
            (0..words[1].len()).step_by(2).map(digit).collect()
        }
        Type::A => words[0].parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        Type::AAAA => words[0].parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
        Type::SOA => {
            let host = name(words[0]);
            let minimum: u32 = words[1].parse().unwrap();
            let host = host.as_ref().as_bytes();
            [host, host, &[0; 16], &minimum.to_be_bytes()].concat()
        }
        Type::TXT => [&[words[0].len() as u8], words[0].as_bytes()].concat(),
        _ => name(words[0]).as_ref().as_bytes().to_vec(),
    }
}

impl UpstreamTransport for ScriptedInternet {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        let at = Instant::now() + DELAY;
        let reply = self.ask(to, Transport::Udp, query);
        let wait = async {
            if let Some(reply) = reply {
                sleep_until(at).await;
                match accept(&reply) {
                    DatagramVerdict::Accept => return Ok(reply.len()),
                    DatagramVerdict::GiveUp(signal) => return Err(ExchangeError::GaveUp(signal)),
                    DatagramVerdict::Ignore => {}
                }
            }
            std::future::pending().await
        };
        timeout_at(deadline, wait).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    async fn stream(
        &self,
        server: &ServerIdentity,
        transport: Transport,
        query: &[u8],
        _: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        self.ask(server.address, transport, query).ok_or(ExchangeError::Refused)
    }

    fn reachable(&self, _: SocketAddr) -> bool {
        true
    }

    fn random(&self) -> u64 {
        mixed(self.seed.fetch_add(1, Relaxed))
    }
}
