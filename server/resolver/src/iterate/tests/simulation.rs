//! A network that loses, delays, repeats and reorders, the same way for the same seed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::{Transport, Type};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::internet::{ScriptedInternet, ServerSays, answer, denial, mixed, referral};
use super::{Resolver, told};
use crate::identity::ServerIdentity;
use crate::iterate::limits;
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use crate::question::OutboundQuestion;

/// Seeds that are tried; `RHUMB_SEEDS` says how many others, `RHUMB_SEED` the first.
const SEEDS: u64 = 100_000;

/// Runs `work` for every seed, on all processors.
pub(super) fn for_seeds(count: u64, work: impl Fn(u64) + Sync) {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("RHUMB_SEED").unwrap_or(0);
    let end = first + number("RHUMB_SEEDS").unwrap_or(count);
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= end {
                        return;
                    }
                    let failed =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(seed))).is_err();
                    assert!(!failed, "it fails with RHUMB_SEED={seed} RHUMB_SEEDS=1");
                }
            });
        }
    });
}

/// Runs a future on a clock that moves only when nothing else does.
pub(super) fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(work);
}

/// An internet behind a bad line.
pub(super) struct BadNetwork {
    pub(super) net: ScriptedInternet,
    chance: AtomicU64,
    /// Of a hundred packets so many are lost.
    loss: u64,
}

impl BadNetwork {
    pub(super) fn new(net: ScriptedInternet, seed: u64, loss: u64) -> Self {
        Self { net, chance: AtomicU64::new(mixed(seed)), loss }
    }

    /// A number below `most`.
    fn below(&self, most: u64) -> u64 {
        self.random() % most
    }

    fn delay(&self) -> Duration {
        // Most are quick, some are late enough for a second query.
        let slow = if self.below(10) == 0 { 1200 } else { 60 };
        Duration::from_millis(1 + self.below(slow))
    }
}

impl UpstreamTransport for BadNetwork {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        let arrives = self.below(100) >= self.loss;
        let reply = if arrives { self.net.ask(to, Transport::Udp, query) } else { None };
        let back = self.below(100) >= self.loss;
        let at = Instant::now() + self.delay();
        let wait = async {
            if let Some(reply) = reply.filter(|_| back) {
                sleep_until(at).await;
                for _ in 0..=self.below(2) {
                    let mut bytes = reply.clone();
                    if self.below(40) == 0 {
                        let place = self.below(bytes.len() as u64) as usize;
                        bytes.truncate(place);
                    }
                    match accept(&bytes) {
                        DatagramVerdict::Accept => return Ok(bytes.len()),
                        DatagramVerdict::GiveUp(signal) => return Err(ExchangeError::GaveUp(signal)),
                        DatagramVerdict::Ignore => {}
                    }
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
        deadline: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        let at = Instant::now() + self.delay() * 2;
        if at > deadline || self.below(100) < self.loss / 4 {
            return Err(ExchangeError::Refused);
        }
        sleep_until(at).await;
        self.net.ask(server.address, transport, query).ok_or(ExchangeError::Refused)
    }

    fn reachable(&self, _: SocketAddr) -> bool {
        true
    }

    fn random(&self) -> u64 {
        mixed(self.chance.fetch_add(1, Relaxed))
    }
}

/// Three levels of zones with two servers each, and aliases between them.
pub(super) fn internet() -> ScriptedInternet {
    let both = |cut: &'static str, ns: [(&'static str, &'static str); 2]| referral(cut, &ns);
    let root = move |asked: &super::internet::AskedQuestion| {
        Some(if asked.name.ends_with("com.") {
            both("com.", [("a.com.", "192.0.2.2"), ("b.com.", "192.0.2.3")])
        } else if asked.name.ends_with("net.") {
            both("net.", [("a.net.", "192.0.2.4"), ("ns.hosting.com.", "")])
        } else {
            denial(3, ".")
        })
    };
    let com = move |asked: &super::internet::AskedQuestion| {
        Some(if asked.name.ends_with("hosting.com.") {
            both("hosting.com.", [("ns.hosting.com.", "192.0.2.5"), ("ns2.hosting.com.", "192.0.2.6")])
        } else if asked.name == "com." {
            denial(0, "com.")
        } else {
            denial(3, "com.")
        })
    };
    let hosting = |asked: &super::internet::AskedQuestion| {
        let long = (0..60).map(|n| format!("long.hosting.com. 60 A 198.51.100.{n}")).collect();
        Some(match (asked.name.as_str(), asked.qtype) {
            ("www.hosting.com.", Type::A) => answer(&["www.hosting.com. 60 A 198.51.100.1"]),
            ("alias.hosting.com.", _) => answer(&["alias.hosting.com. 60 CNAME www.net."]),
            ("long.hosting.com.", Type::A) => {
                ServerSays { truncated: true, authoritative: true, answer: long, ..ServerSays::default() }
            }
            ("ns.hosting.com.", Type::A) => answer(&["ns.hosting.com. 60 A 192.0.2.5"]),
            ("www.net.", Type::A) => answer(&["www.net. 60 A 198.51.100.2"]),
            (name, _) if name.ends_with("net.") => denial(3, "net."),
            ("hosting.com." | "www.hosting.com." | "ns.hosting.com.", _) => denial(0, "hosting.com."),
            _ => denial(3, "hosting.com."),
        })
    };
    ScriptedInternet::default()
        .with("192.0.2.1", root)
        .with("192.0.2.2", com)
        .with("192.0.2.3", com)
        .with("192.0.2.4", hosting)
        .with("192.0.2.5", hosting)
        .with("192.0.2.6", hosting)
}

pub(super) const QUESTIONS: [(&str, Type, &str); 6] = [
    ("www.hosting.com", Type::A, "NOERROR www.hosting.com. A"),
    ("www.hosting.com", Type::MX, "NOERROR"),
    ("alias.hosting.com", Type::A, "NOERROR alias.hosting.com. CNAME www.net. A"),
    ("long.hosting.com", Type::A, "NOERROR long.hosting.com. A"),
    ("none.net", Type::A, "NXDOMAIN"),
    ("none.none", Type::A, "NXDOMAIN"),
];

/// No answer is wrong, each comes in time and costs no more than it may; and nearly all come.
#[test]
fn a_bad_line_makes_no_wrong_answers() {
    let failed = AtomicU64::new(0);
    let asked = AtomicU64::new(0);
    for_seeds(SEEDS, |seed| {
        run(async {
            let Resolver { net, state, settings } = Resolver::new(internet());
            let net = BadNetwork::new(net, seed, 10);
            let ask = async |(name, qtype, right): (&str, Type, &str)| {
                let question =
                    OutboundQuestion::new(name.parse::<rhumb_wire::DomainName>().unwrap().as_ref(), qtype);
                let begun = Instant::now();
                let found = crate::iterate::resolve(
                    &net,
                    &state,
                    &settings,
                    &question,
                    crate::iterate::ResolutionScope::whole(),
                    (1000, 1_700_000_000),
                )
                .await;
                assert!(begun.elapsed() <= limits::DEADLINE + Duration::from_millis(1));
                asked.fetch_add(1, Relaxed);
                match found {
                    Ok(resolution) => {
                        assert!(resolution.cost.queries <= limits::SENDS);
                        let told = told(&resolution);
                        assert!(told.starts_with(right), "{name} {qtype}: {told}");
                    }
                    Err(failure) => {
                        assert!(failure.cost.queries <= limits::SENDS);
                        failed.fetch_add(1, Relaxed);
                    }
                }
            };
            // Some at once, which share what they ask; then one more.
            let pick = |n: u64| QUESTIONS[(mixed(seed + n) % QUESTIONS.len() as u64) as usize];
            tokio::join!(ask(pick(1)), ask(pick(2)), ask(pick(3)));
            ask(pick(4)).await;
        });
    });
    let (failed, asked) = (failed.into_inner(), asked.into_inner());
    assert!(failed * 25 <= asked, "{failed} of {asked} questions failed with 10 % loss either way");
}
