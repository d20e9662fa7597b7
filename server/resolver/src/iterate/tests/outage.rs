//! Outages: once the network is back everything is found again, however long it was gone.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::{Transport, Type};
use tokio::time::{Instant, advance, sleep, sleep_until, timeout_at};

use super::internet::{ScriptedInternet, answer, name, referral};
use super::{Resolver, signed, simulation, told};
use crate::identity::ServerIdentity;
use crate::iterate::{ResolutionScope, resolve};
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use crate::question::OutboundQuestion;

/// A network that can be cut: nothing that is sent arrives then, and nothing says so.
pub(super) struct CutNetwork {
    pub(super) net: ScriptedInternet,
    pub(super) cut: AtomicBool,
    pub(super) sent: AtomicU64,
    /// How much longer servers other than that of the root need for a reply over UDP.
    slow: Option<Duration>,
}

impl CutNetwork {
    pub(super) fn new(net: ScriptedInternet) -> Self {
        Self { net, cut: AtomicBool::new(false), sent: AtomicU64::new(0), slow: None }
    }
}

impl UpstreamTransport for CutNetwork {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        self.sent.fetch_add(1, Relaxed);
        if self.cut.load(Relaxed) {
            sleep_until(deadline).await;
            return Err(ExchangeError::Timeout);
        }
        let root = IpAddr::from([192, 0, 2, 1]);
        match self.slow.filter(|_| to.ip() != root) {
            Some(delay) => {
                let waited = async {
                    sleep(delay).await;
                    self.net.datagram(to, query, deadline, accept).await
                };
                timeout_at(deadline, waited).await.unwrap_or(Err(ExchangeError::Timeout))
            }
            None => self.net.datagram(to, query, deadline, accept).await,
        }
    }

    async fn stream(
        &self,
        server: &ServerIdentity,
        transport: Transport,
        query: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        self.sent.fetch_add(1, Relaxed);
        if self.cut.load(Relaxed) {
            sleep_until(deadline).await;
            return Err(ExchangeError::Timeout);
        }
        self.net.stream(server, transport, query, deadline).await
    }

    fn reachable(&self, to: SocketAddr) -> bool {
        self.net.reachable(to)
    }

    fn random(&self) -> u64 {
        self.net.random()
    }
}

/// A question and what is told of its answer.
type Expected = (&'static str, Type, &'static str);

/// A signed zone, an unsigned one, and names that do not exist.
const SIGNED: [Expected; 5] = [
    ("www.test", Type::A, "NOERROR www.test. A"),
    ("www.test", Type::AAAA, "NOERROR"),
    ("none.test", Type::A, "NXDOMAIN"),
    ("www.plain", Type::A, "NOERROR www.plain. A"),
    ("mail.plain", Type::A, "NOERROR mail.plain. A"),
];

/// What a question is told after so many seconds, which the cache's clock counts too.
async fn asked(resolver: &Resolver, net: &CutNetwork, begun: Instant, (text, rtype): (&str, Type)) -> String {
    let question = OutboundQuestion::new(name(text).as_ref(), rtype);
    let time = (1000 + begun.elapsed().as_secs() as u32, signed::NOW);
    let Resolver { state, settings, .. } = resolver;
    match resolve(net, state, settings, &question, ResolutionScope::whole(), time).await {
        Ok(found) => told(&found),
        Err(failure) => failure.to_string(),
    }
}

/// Asks all questions over and over for `time`, many at once.
async fn ask_heavily(
    resolver: &Resolver,
    net: &CutNetwork,
    begun: Instant,
    questions: &[Expected],
    time: Duration,
) {
    let end = Instant::now() + time;
    let client = async |first: usize| {
        for (text, rtype, _) in questions.iter().cycle().skip(first) {
            if Instant::now() >= end {
                return;
            }
            let told = asked(resolver, net, begun, (text, *rtype)).await;
            assert!(!told.contains("bogus"), "{text}: {told}");
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::join!(client(0), client(1), client(2), client(3), client(4));
}

async fn survives(
    resolver: &Resolver,
    net: &CutNetwork,
    questions: &[Expected],
    outage: Duration,
    heavy: bool,
) {
    let begun = Instant::now();
    for (text, rtype, right) in questions {
        let told = asked(resolver, net, begun, (text, *rtype)).await;
        assert!(told.starts_with(right), "before: {text} {rtype}: {told}");
    }
    net.cut.store(true, Relaxed);
    let part = Duration::from_secs(40).min(outage / 2);
    if heavy {
        ask_heavily(resolver, net, begun, questions, part).await;
    }
    advance(outage.saturating_sub(2 * part)).await;
    if heavy {
        ask_heavily(resolver, net, begun, questions, part).await;
    }
    net.cut.store(false, Relaxed);
    let back = Instant::now();
    // The server asks no sooner than four seconds after a failure.
    for (text, rtype, right) in questions {
        loop {
            let told = asked(resolver, net, begun, (text, *rtype)).await;
            if told.starts_with(right) {
                break;
            }
            sleep(Duration::from_secs(4)).await;
            assert!(
                back.elapsed() < Duration::from_secs(10),
                "{outage:?} {heavy}: {text} {rtype} still {told} after {:?}",
                back.elapsed()
            );
        }
    }
    assert!(back.elapsed() < Duration::from_secs(10), "{outage:?} {heavy}: {:?}", back.elapsed());
}

const DAY: Duration = Duration::from_hours(24);

#[test]
fn after_an_outage_of_any_length_everything_is_found_again() {
    let lengths = [Duration::from_secs(1), Duration::from_mins(1), Duration::from_hours(1), 30 * DAY];
    for outage in lengths {
        for heavy in [false, true] {
            simulation::run(async {
                let mut resolver = signed::resolver(|_, _, said| said);
                let net = CutNetwork::new(std::mem::take(&mut resolver.net));
                survives(&resolver, &net, &SIGNED, outage, heavy).await;
            });
            simulation::run(async {
                let mut resolver = Resolver::new(simulation::internet());
                let net = CutNetwork::new(std::mem::take(&mut resolver.net));
                survives(&resolver, &net, &simulation::QUESTIONS, outage, heavy).await;
            });
        }
    }
}

/// Servers that are silent are spared: what is asked again and again does not go to them each time.
#[test]
fn servers_that_are_silent_are_spared() {
    simulation::run(async {
        let mut resolver = Resolver::new(simulation::internet());
        let net = CutNetwork::new(std::mem::take(&mut resolver.net));
        net.cut.store(true, Relaxed);
        let begun = Instant::now();
        ask_heavily(&resolver, &net, begun, &simulation::QUESTIONS, Duration::from_mins(1)).await;
        let before = net.sent.swap(0, Relaxed);
        ask_heavily(&resolver, &net, begun, &simulation::QUESTIONS, Duration::from_mins(10)).await;
        let sent = net.sent.load(Relaxed);
        // The root alone is known: it gets four trials a second, each of which may be sent again.
        assert!(before > 0 && sent <= 600 * 4 * 2, "{sent} messages in ten minutes");
    });
}

/// A server that needs two and a half seconds for a reply is found out in the time for one question, alone or beside another one.
#[test]
fn a_slow_server_answers_in_the_end() {
    let slow = |asked: &super::internet::AskedQuestion| {
        (asked.transport == Transport::Udp).then(|| answer(&["www.example. 300 A 198.51.100.1"]))
    };
    let alone = &[("ns.example.", "192.0.2.2")][..];
    let beside = &[("ns.example.", "192.0.2.2"), ("ns2.example.", "192.0.2.3")][..];
    for servers in [alone, beside] {
        simulation::run(async {
            let net = ScriptedInternet::default()
                .with("192.0.2.1", |_| Some(referral("example.", servers)))
                .with("192.0.2.2", slow)
                .with("192.0.2.3", slow);
            let mut resolver = Resolver::new(net);
            let mut net = CutNetwork::new(std::mem::take(&mut resolver.net));
            net.slow = Some(Duration::from_millis(2500));
            let begun = Instant::now();
            let told = asked(&resolver, &net, begun, ("www.example", Type::A)).await;
            assert_eq!(told, "NOERROR www.example. A", "{} servers, {:?}", servers.len(), begun.elapsed());
        });
    }
}
