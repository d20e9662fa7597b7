//! Attacks and bounds; each test is named by its row in the project's table of attacks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::stream::Stream;
use rhumb_tests::rig::{Client, Config, Host, Server};
use rhumb_tests::{Failure, ensure_eq};

pub(crate) mod access;
pub(crate) mod messages;
pub(crate) mod metrics;
pub(crate) mod packets;
pub(crate) mod places;
pub(crate) mod privileges;
pub(crate) mod resolving;
pub(crate) mod secrets;
pub(crate) mod shares;
pub(crate) mod streams;
pub(crate) mod waiting;

/// A small zone with one large RRset.
pub(crate) fn zone() -> String {
    use std::fmt::Write as _;
    let mut text =
        "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\nwww A 198.18.0.80\n"
            .to_owned();
    for number in 1..=200 {
        writeln!(text, "large A 198.18.1.{number}").unwrap();
    }
    text
}

/// A server, and a host that can speak from any address in 10.9.0.0/16, and to which `2001:db8:9::/48` is routed.
pub(crate) struct Crowd {
    pub(crate) server: Server,
    pub(crate) people: Host,
    pub(crate) to: SocketAddr,
}

impl Crowd {
    /// Starts a server by `wrapper` with this configuration.
    pub(crate) fn new(config: &Config, wrapper: &[&str]) -> Result<Self, Failure> {
        let (host, people) = Host::pair()?;
        people.route("local 10.9.0.0/16 dev lo")?;
        host.route("10.9.0.0/16 via 192.0.2.2")?.route("2001:db8:9::/48 via 2001:db8::2")?;
        let server = Server::start_by(&host, config, wrapper)?;
        Ok(Self { server, people, to: "192.0.2.1:53".parse()? })
    }

    /// The configuration most rows need: dual-stack, one zone.
    pub(crate) fn config() -> Config {
        Config::new().listen("::").zone("zone.test", &zone())
    }

    /// An honest client, at 192.0.2.2.
    pub(crate) fn honest(&self) -> Client {
        Client::new(&self.people)
    }

    /// A client at the given number of the crowd's addresses.
    pub(crate) fn client(&self, number: u16) -> Client {
        let [high, low] = number.to_be_bytes();
        Client::new(&self.people).from(IpAddr::V4(Ipv4Addr::new(10, 9, high, low)))
    }

    /// Tries for at most fifteen seconds to open `count` connections, `each` from one address; those that came about.
    pub(crate) fn connect(&self, count: u32, each: u32) -> Vec<Stream> {
        let next = AtomicU32::new(0);
        let streams = Mutex::new(Vec::new());
        let deadline = Instant::now() + Duration::from_secs(15);
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count || Instant::now() > deadline {
                            return;
                        }
                        let client =
                            self.client((256 + number / each) as u16).time_limit(Duration::from_secs(2));
                        if let Ok(stream) = client.tcp(self.to) {
                            streams.lock().unwrap().push(stream);
                        }
                    }
                });
            }
        });
        streams.into_inner().unwrap()
    }

    /// The server still does its work over UDP and, for one more address, over TCP.
    pub(crate) fn still_serves(&self) -> Result<(), Failure> {
        let query = rhumb_tests::rig::Message::query("www.zone.test.", "A");
        let answer = self.honest().udp(self.to, &query)?.message;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "over UDP afterwards");
        let answer = self.honest().stream(self.to, &query)?.message;
        ensure_eq!(answer.data("A"), ["198.18.0.80"], "over TCP afterwards");
        Ok(())
    }
}
