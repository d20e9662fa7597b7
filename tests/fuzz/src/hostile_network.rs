//! A network of servers that say what an input makes them say, on tokio's paused clock.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rhumb_resolver::network::{DatagramVerdict, ExchangeError, UpstreamTransport};
use rhumb_resolver::{ServerIdentity, SignatureCheck};
use rhumb_wire::Transport;
use tokio::time::{Instant, sleep, timeout_at};

/// What comes of a query.
pub enum ServerReaction {
    Silence,
    Refused,
    /// A message, after so many milliseconds.
    Reply(Vec<u8>, u64),
}

/// The servers, and what was asked of them.
pub struct HostileNetwork<R, S> {
    /// What comes of a query to an address.
    pub react: R,
    /// Whether a signature is right; none where nobody has time for it.
    pub judge: S,
    pub sent: AtomicUsize,
    pub received: AtomicUsize,
    pub right: AtomicUsize,
    pub wrong: AtomicUsize,
    random: AtomicU64,
}

impl<R, S> HostileNetwork<R, S>
where
    R: Fn(SocketAddr, Transport, &[u8]) -> ServerReaction + Send + Sync,
    S: Fn(&SignatureCheck) -> Option<bool> + Send + Sync,
{
    pub fn new(react: R, judge: S) -> Self {
        let [sent, received, right, wrong] = std::array::from_fn(|_| AtomicUsize::new(0));
        Self { react, judge, sent, received, right, wrong, random: AtomicU64::new(0) }
    }

    async fn reply(
        &self,
        to: SocketAddr,
        transport: Transport,
        query: &[u8],
    ) -> Result<Vec<u8>, ExchangeError> {
        self.sent.fetch_add(1, Relaxed);
        match (self.react)(to, transport, query) {
            ServerReaction::Silence => std::future::pending().await,
            ServerReaction::Refused => Err(ExchangeError::Refused),
            ServerReaction::Reply(reply, after) => {
                sleep(Duration::from_millis(after)).await;
                self.received.fetch_add(reply.len(), Relaxed);
                Ok(reply)
            }
        }
    }
}

impl<R, S> UpstreamTransport for HostileNetwork<R, S>
where
    R: Fn(SocketAddr, Transport, &[u8]) -> ServerReaction + Send + Sync,
    S: Fn(&SignatureCheck) -> Option<bool> + Send + Sync,
{
    async fn datagram(
        &self,
        to: SocketAddr,
        query: &[u8],
        deadline: Instant,
        accept: &mut (dyn FnMut(&[u8]) -> DatagramVerdict + Send),
    ) -> Result<usize, ExchangeError> {
        let wait = async {
            let reply = self.reply(to, Transport::Udp, query).await?;
            match accept(&reply) {
                DatagramVerdict::Accept => Ok(reply.len()),
                DatagramVerdict::GiveUp(signal) => Err(ExchangeError::GaveUp(signal)),
                DatagramVerdict::Ignore => std::future::pending().await,
            }
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
        let reply = self.reply(server.address, transport, query);
        timeout_at(deadline, reply).await.unwrap_or(Err(ExchangeError::Timeout))
    }

    fn reachable(&self, _: SocketAddr) -> bool {
        true
    }

    async fn check_signature(&self, check: SignatureCheck) -> Option<bool> {
        let right = (self.judge)(&check);
        match right {
            Some(true) => self.right.fetch_add(1, Relaxed),
            Some(false) => self.wrong.fetch_add(1, Relaxed),
            None => 0,
        };
        right
    }

    /// Numbers that look like chance, the same for every input.
    fn random(&self) -> u64 {
        let number = self.random.fetch_add(1, Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (number ^ number >> 31).wrapping_mul(0x94d0_49bb_1331_11eb)
    }
}

/// Runs a future on a clock that moves only when nothing else does.
pub fn on_paused_clock(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap_or_else(|error| panic!("{error}")).block_on(work);
}
