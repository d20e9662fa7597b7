//! What clients are told in the time for which they wait, where datagrams are lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rhumb_wire::{Transport, Type};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::internet::{AskedQuestion, ScriptedInternet, answer, mixed, name, referral};
use super::simulation::{for_seeds, run};
use super::{Resolver, told};
use crate::identity::ServerIdentity;
use crate::iterate::{ResolutionProgress, ResolutionScope, resolve_watched};
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use crate::question::OutboundQuestion;

/// Of a hundred datagrams so many are lost either way.
const LOSS: u64 = 20;
const SEEDS: u64 = 4000;
/// When the server looks for the first time whether servers are silent.
const FIRST_LOOK: Duration = Duration::from_millis(1800);

/// A line that loses datagrams; streams need longer where a segment is lost.
struct LossyNetwork {
    net: ScriptedInternet,
    chance: AtomicU64,
    sent: AtomicU64,
}

impl LossyNetwork {
    fn is_lost(&self) -> bool {
        self.random() % 100 < LOSS
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(5 + self.random() % 50)
    }
}

impl UpstreamTransport for LossyNetwork {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        self.sent.fetch_add(1, Relaxed);
        let reply = if self.is_lost() { None } else { self.net.ask(to, Transport::Udp, query) };
        let at = Instant::now() + self.delay();
        let Some(reply) = reply.filter(|_| !self.is_lost()) else {
            sleep_until(deadline).await;
            return Err(ExchangeError::Timeout);
        };
        sleep_until(at.min(deadline)).await;
        match accept(&reply) {
            DatagramVerdict::Accept if at < deadline => Ok(reply.len()),
            _ => Err(ExchangeError::Timeout),
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
        let mut time = self.delay() * 2;
        // SYN, its reply, query, reply: each is sent again after a second.
        for _ in 0..4 {
            while self.is_lost() {
                time += Duration::from_secs(1);
            }
        }
        let asked = async {
            sleep(time).await;
            self.net.ask(server.address, transport, query).ok_or(ExchangeError::Refused)
        };
        timeout_at(deadline, asked).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    fn reachable(&self, _: SocketAddr) -> bool {
        true
    }

    fn random(&self) -> u64 {
        mixed(self.chance.fetch_add(1, Relaxed))
    }
}

/// Zones with two servers and zones with one.
fn internet() -> ScriptedInternet {
    let top = |asked: &AskedQuestion| {
        let two = [("a.test.", "192.0.2.2"), ("b.test.", "192.0.2.3")];
        Some(referral("test.", if asked.name.ends_with("test.") { &two } else { &[] }))
    };
    let test = |asked: &AskedQuestion| {
        let two = [("a.two.test.", "192.0.2.4"), ("b.two.test.", "192.0.2.5")];
        let one = [("a.one.test.", "192.0.2.6")];
        Some(if asked.name.ends_with("two.test.") {
            referral("two.test.", &two)
        } else {
            referral("one.test.", &one)
        })
    };
    let host = |asked: &AskedQuestion| Some(answer(&[&format!("{} 60 A 198.51.100.1", asked.name)]));
    ScriptedInternet::default()
        .with("192.0.2.1", top)
        .with("192.0.2.7", top)
        .with("192.0.2.2", test)
        .with("192.0.2.3", test)
        .with("192.0.2.4", host)
        .with("192.0.2.5", host)
        .with("192.0.2.6", host)
}

/// What a client is told: nothing where it is told that servers are silent.
async fn client(resolver: &Resolver, net: &LossyNetwork, text: &str) -> Option<String> {
    let question = OutboundQuestion::new(name(text).as_ref(), Type::A);
    let progress = Arc::new(ResolutionProgress::default());
    let Resolver { state, settings, .. } = resolver;
    let (scope, time) = (ResolutionScope::whole(), (1000, 1_700_000_000));
    let resolved = resolve_watched(net, state, settings, &question, scope, time, &progress);
    let silence = async {
        sleep(FIRST_LOOK).await;
        while progress.silence().is_none_or(|(_, due)| due > Instant::now()) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        found = resolved => found.ok().map(|found| told(&found)),
        () = silence => None,
    }
}

/// With a fifth of all datagrams lost either way, nearly all have their answer at once; and it takes not much more than the messages that
/// were lost.
#[test]
fn few_clients_are_told_of_silence_where_a_fifth_is_lost() {
    let (asked, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let sent = AtomicU64::new(0);
    for_seeds(SEEDS, |seed| {
        run(async {
            let mut resolver = Resolver::new(internet());
            resolver.settings.root[0].addresses.push("192.0.2.7:53".parse().unwrap());
            let net = LossyNetwork {
                net: std::mem::take(&mut resolver.net),
                chance: AtomicU64::new(mixed(seed)),
                sent: AtomicU64::new(0),
            };
            let ask = async |text: &str| {
                asked.fetch_add(1, Relaxed);
                match client(&resolver, &net, text).await {
                    Some(told) => assert_eq!(told, format!("NOERROR {text}. A")),
                    None => _ = failed.fetch_add(1, Relaxed),
                }
            };
            // From nothing, then side by side, then by itself much later.
            tokio::join!(ask("w1.two.test"), ask("w1.one.test"));
            tokio::join!(ask("w2.two.test"), ask("w2.one.test"), ask("w3.two.test"), ask("w3.one.test"));
            for text in ["w4.two.test", "w4.one.test"] {
                sleep(Duration::from_mins(1)).await;
                ask(text).await;
            }
            sent.fetch_add(net.sent.load(Relaxed), Relaxed);
        });
    });
    let (asked, failed, sent) = (asked.into_inner(), failed.into_inner(), sent.into_inner());
    println!("{failed} of {asked} questions failed, {sent} messages");
    assert!(failed * 100 <= asked, "{failed} of {asked} questions failed at first");
    assert!(sent <= asked * 3, "{sent} messages for {asked} questions");
}
