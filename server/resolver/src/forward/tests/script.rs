//! A network of upstreams that do what a test says, on tokio's paused clock.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb_wire::Transport;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::build;
use crate::exchange::{AttemptOutcome, AttemptReport, RemoteServer};
use crate::forward::{ForwardAnswer, ForwardFailure, UpstreamPolicy, UpstreamPool, forward};
use crate::identity::ServerIdentity;
use crate::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use crate::question::OutboundQuestion;

/// A message that an upstream got.
#[derive(Clone, Debug)]
pub(super) struct SentQuery {
    pub(super) at: Duration,
    /// The last byte of the upstream's address.
    pub(super) to: u8,
    pub(super) transport: Transport,
    pub(super) query: Vec<u8>,
}

/// What an upstream does, milliseconds after the query.
pub(super) enum UpstreamAct {
    Say(u64, Vec<u8>),
    Refuse(u64),
    Unreachable(u64),
}

/// What comes of a query; nothing at all is silence.
pub(super) type UpstreamPlay = Box<dyn Fn(&SentQuery) -> Vec<UpstreamAct> + Send + Sync>;

pub(super) struct ScriptedUpstreams {
    play: UpstreamPlay,
    log: Mutex<Vec<SentQuery>>,
    seed: AtomicU64,
    pub(super) unroutable: Vec<u8>,
    /// Whether questions come one by one.
    pub(super) one_question: bool,
    start: Instant,
    /// Upstreams of the sockets that are open now.
    open: Mutex<Vec<u8>>,
}

/// A socket for one query: a second one to the same upstream at the same time is a mistake.
struct Socket<'a>(&'a ScriptedUpstreams, u8);

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        if let Ok(mut open) = self.0.open.lock() {
            open.retain(|&to| to != self.1);
        }
    }
}

impl ScriptedUpstreams {
    pub(super) fn new(play: impl Fn(&SentQuery) -> Vec<UpstreamAct> + Send + Sync + 'static) -> Self {
        Self {
            play: Box::new(play),
            log: Mutex::default(),
            seed: AtomicU64::new(1),
            unroutable: Vec::new(),
            one_question: true,
            start: Instant::now(),
            open: Mutex::default(),
        }
    }

    fn socket(&self, to: SocketAddr) -> Socket<'_> {
        let SocketAddr::V4(address) = to else { panic!("{to}") };
        let to = address.ip().octets()[3];
        let mut open = self.open.lock().unwrap();
        let second = open.contains(&to);
        open.push(to);
        drop(open);
        assert!(!second, "two sockets to {to}");
        Socket(self, to)
    }

    fn sent(&self, to: SocketAddr, transport: Transport, query: &[u8]) -> Vec<UpstreamAct> {
        let SocketAddr::V4(address) = to else { return Vec::new() };
        let sent = SentQuery {
            at: self.start.elapsed(),
            to: address.ip().octets()[3],
            transport,
            query: query.to_vec(),
        };
        let acts = (self.play)(&sent);
        self.log.lock().unwrap().push(sent);
        acts
    }

    /// What was sent since the last call.
    pub(super) fn take_log(&self) -> Vec<SentQuery> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// The same as upstream and transport.
    pub(super) fn take_targets(&self) -> Vec<(u8, Transport)> {
        self.take_log().into_iter().map(|sent| (sent.to, sent.transport)).collect()
    }
}

impl UpstreamTransport for ScriptedUpstreams {
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        let now = Instant::now();
        if !self.reachable(to) {
            return Err(ExchangeError::Unreachable);
        }
        let _socket = self.one_question.then(|| self.socket(to));
        let acts = self.sent(to, Transport::Udp, query);
        let performance = async {
            for act in acts {
                match act {
                    UpstreamAct::Say(after, datagram) => {
                        sleep_until(now + Duration::from_millis(after)).await;
                        match accept(&datagram) {
                            DatagramVerdict::Accept => return Ok(datagram.len()),
                            DatagramVerdict::Ignore => {}
                            DatagramVerdict::GiveUp(why) => return Err(ExchangeError::GaveUp(why)),
                        }
                    }
                    act => return end(act, now).await.map(|message| message.len()),
                }
            }
            std::future::pending().await
        };
        timeout_at(deadline, performance).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    async fn stream(
        &self,
        server: &ServerIdentity,
        transport: Transport,
        query: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        let now = Instant::now();
        let act = self.sent(server.address, transport, query).into_iter().next();
        let performance = async {
            match act {
                Some(act) => end(act, now).await,
                None => std::future::pending().await,
            }
        };
        timeout_at(deadline, performance).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    fn reachable(&self, to: SocketAddr) -> bool {
        !matches!(to, SocketAddr::V4(a) if self.unroutable.contains(&a.ip().octets()[3]))
    }

    fn random(&self) -> u64 {
        let mut x = self.seed.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }
}

async fn end(act: UpstreamAct, now: Instant) -> Result<Vec<u8>, ExchangeError> {
    let (after, result) = match act {
        UpstreamAct::Say(after, message) => (after, Ok(message)),
        UpstreamAct::Refuse(after) => (after, Err(ExchangeError::Refused)),
        UpstreamAct::Unreachable(after) => (after, Err(ExchangeError::Unreachable)),
    };
    sleep_until(now + Duration::from_millis(after)).await;
    result
}

/// The upstreams 192.0.2.1 up to 192.0.2.`count`.
pub(super) fn pool(policy: UpstreamPolicy, count: u8) -> UpstreamPool {
    let address = |last| SocketAddr::from(([192, 0, 2, last], 53));
    UpstreamPool::new(
        policy,
        (1..=count)
            .map(|last| RemoteServer::new(ServerIdentity::plain(address(last)), Arc::default()).into()),
    )
}

pub(super) fn www() -> OutboundQuestion {
    build::question("www.example.com", rhumb_wire::Type::A)
}

/// Asks for an address of www.example.com.
pub(super) async fn ask(
    net: &ScriptedUpstreams,
    pool: &UpstreamPool,
) -> Result<ForwardAnswer, ForwardFailure> {
    forward(net, pool, &www(), &mut |_: &AttemptReport| {}).await
}

/// A plain good answer after `after` milliseconds, whose address ends in the upstream's number.
pub(super) fn good(sent: &SentQuery, after: u64) -> Vec<UpstreamAct> {
    vec![UpstreamAct::Say(after, build::reply(&sent.query, 0, sent.to))]
}

/// An answer of another response code at once.
pub(super) fn code(sent: &SentQuery, rcode: u16) -> Vec<UpstreamAct> {
    vec![UpstreamAct::Say(1, build::reply(&sent.query, rcode, 0))]
}

/// The last byte of the address an answer holds.
pub(super) fn given(answer: &ForwardAnswer) -> u8 {
    *answer.message.last().unwrap()
}

pub(super) fn outcomes(tried: &[AttemptReport]) -> Vec<AttemptOutcome> {
    tried.iter().map(|attempt| attempt.outcome).collect()
}
