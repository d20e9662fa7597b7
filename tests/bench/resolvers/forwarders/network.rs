//! A forwarder, its upstream's host, and what an innocent client asks of it.

use std::net::SocketAddr;
use std::time::Duration;

use rhumb_tests::rig::forwarder::{ForwarderSettings, start_forwarder};
use rhumb_tests::rig::internet::hosts;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::peer::ResolverSoftware;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::no_data;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Client, Config, Folder, Host, Load, LoadReport, Server};
use rhumb_tests::{Failure, ensure};

use crate::running::Running;

/// Where the upstream is.
pub(super) const UPSTREAM: &str = "198.18.0.1";
/// The address of every name of `good.`.
pub(super) const GOOD: &str = "198.51.100.80";
/// Where the forwarder is asked.
const ADDRESS: &str = "192.0.2.1";
/// Addresses that a name out there should not have.
const PRIVATE: [&str; 11] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "fc00::/7",
    "fe80::/10",
];
/// Questions of the innocent a second: for what is in the cache, and as many for what is not.
const RATE: u32 = 100;

/// The hosts, before anything runs on them.
pub(super) struct Network {
    pub(super) host: Host,
    pub(super) people: Host,
    folder: Folder,
}

/// What differs between the attacks.
#[derive(Default)]
pub(super) struct Setup {
    pub(super) protects: bool,
    pub(super) tcp_clients: Option<u16>,
    pub(super) wrapper: &'static [&'static str],
}

/// A forwarder that answers.
pub(super) struct Forwarder {
    pub(super) client: Client,
    pub(super) to: SocketAddr,
    running: Running,
}

impl Network {
    pub(super) fn new() -> Result<Self, Failure> {
        let (host, people) = hosts()?;
        Ok(Self { host, people, folder: Folder::new()? })
    }

    /// Starts a forwarder, and waits until it knows `www.good.`; the upstream runs already.
    pub(super) fn start(
        &self,
        software: Option<ResolverSoftware>,
        setup: &Setup,
    ) -> Result<Forwarder, Failure> {
        let running = match software {
            None => Running::Rhumb(Server::start_by(&self.host, &config(setup), setup.wrapper)?),
            Some(software) => {
                let settings = ForwarderSettings {
                    home: self.folder.path(),
                    address: ADDRESS,
                    upstream: UPSTREAM,
                    tcp_clients: setup.tcp_clients,
                    private: if setup.protects { &PRIVATE } else { &[] },
                    wrapper: setup.wrapper,
                };
                Running::Other(start_forwarder(software, &self.host, &settings)?)
            }
        };
        let (client, to) = (Client::new(&self.people), SocketAddr::new(ADDRESS.parse()?, 53));
        let brief = client.clone().time_limit(Duration::from_millis(500));
        let knows = || brief.ask(to, "www.good.", "A").is_ok_and(|answer| answer.data("A") == [GOOD]);
        let log = || std::fs::read_to_string(self.folder.at("log")).unwrap_or_default();
        let last = || log().lines().last().unwrap_or_default().to_owned();
        ensure!(until(Duration::from_secs(20), knows), "does not answer; the end of its log: {}", last());
        Ok(Forwarder { client, to, running })
    }
}

fn config(setup: &Setup) -> Config {
    let policy = format!("in-order, rebinding-protection: {}", setup.protects);
    let config = Config::new().listen(ADDRESS).allow_all().recursion("dnssec: off");
    let config = config.forward_raw(".", &format!("\"{UPSTREAM}\""), &policy);
    match setup.tcp_clients {
        None => config,
        Some(clients) => config.more(&format!("server: {{ tcp-clients: {clients} }}")),
    }
}

impl Forwarder {
    pub(super) fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// The innocent begins to ask.
    pub(super) fn innocent(&self) -> Result<Innocent, Failure> {
        let misses = (0..100).map(|number| Wanted::address(&format!("z{number}.good."), GOOD)).collect();
        Ok(Innocent {
            misses: Load::start(&self.client, self.to, RATE, misses)?,
            hits: Load::start(&self.client, self.to, RATE, vec![Wanted::address("www.good.", GOOD)])?,
        })
    }
}

/// What the upstream says about `good.`: names that begin with a z are not to be kept.
pub(super) fn innocent(asked: &Asked) -> Act {
    if asked.message.kind() != type_number("A") {
        return no_data(asked);
    }
    let ttl = if asked.name().starts_with('z') { 0 } else { 300 };
    asked.answer(&[&format!("{} {ttl} IN A {GOOD}", asked.message.name())])
}

/// Questions of an innocent client, for what has to be forwarded and for what is in the cache.
pub(super) struct Innocent {
    misses: Load,
    hits: Load,
}

impl Innocent {
    pub(super) const HEADING: &str = "   forwarded   p99 ms      cached   p99 ms";

    /// Stops, and tells for both kinds how many were answered rightly within a second, and how quickly.
    pub(super) fn stop(self) -> String {
        [self.misses, self.hits].map(|load| told(&load.stop())).concat()
    }
}

fn told(report: &LoadReport) -> String {
    let milliseconds = report.quantile(0.99).as_secs_f64() * 1000.0;
    format!(" {:9.2} % {milliseconds:8.1}", report.good() * 100.0)
}
