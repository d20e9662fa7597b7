//! How many clients wait, and how much memory they hold: bounds over all of them and for each.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::quality::RandomState;

/// Clients that wait at a time.
const CLIENTS: usize = 65_536;
/// What they hold together, in bytes.
const BYTES: usize = 48 << 20;
/// Queries of one client, or one IPv6 /56, that wait at a time.
const CLIENTS_EACH: u32 = 1000;
/// From so many waiting queries of a client on, it may be the target of a burst (CVE-2024-33655), for as long as one of them can wait.
const BURST: u32 = 100;
const BURST_LASTS: Duration = Duration::from_secs(6);
/// So many responses to queries that waited go to one client in each of these steps by UDP, so that in ten milliseconds, which touch
/// three of them, there are no more than a hundred; a tenth of those is left for responses that a busy machine sends late.
const STEP_RESPONSES: u32 = 30;
const STEP: Duration = Duration::from_millis(5);
/// Once so many have waited and none does any more, what they held goes back to the system.
const MANY: usize = 512;
/// How long the last of them has to free what it holds.
const RELEASE_AFTER: Duration = Duration::from_millis(100);
/// The tables of clients, so that the threads of all listeners seldom wait for one another.
const TABLES: usize = 16;

/// The clients that wait.
#[derive(Debug)]
pub(super) struct WaitingClients {
    clients: AtomicUsize,
    bytes: AtomicUsize,
    /// The most clients that waited since none did.
    most: AtomicUsize,
    networks: [Mutex<HashMap<IpAddr, ClientShare, RandomState>>; TABLES],
    hasher: RandomState,
}

/// What waits of one client, and what was sent to it.
#[derive(Debug)]
struct ClientShare {
    queries: u32,
    /// When more than [`BURST`] waited last.
    burst: Option<Instant>,
    step: Instant,
    /// Responses since `step`.
    responses: u32,
}

impl ClientShare {
    fn new() -> Self {
        Self { queries: 0, burst: None, step: Instant::now(), responses: 0 }
    }

    fn add(&mut self) {
        self.queries += 1;
        if self.queries > BURST {
            self.burst = Some(Instant::now());
        }
    }

    /// Counts a response, or says how long it has to wait.
    fn respond(&mut self, now: Instant) -> Result<(), Duration> {
        if now.saturating_duration_since(self.step) >= STEP {
            (self.step, self.responses) = (now, 0);
        }
        if self.responses >= STEP_RESPONSES {
            return Err((self.step + STEP).saturating_duration_since(now));
        }
        self.responses += 1;
        Ok(())
    }
}

/// Why one more client cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitRefusal {
    /// It has its share.
    Network,
    /// All clients together wait for too much.
    Total,
}

/// A client that waits, until this is dropped.
#[derive(Debug)]
pub(super) struct WaitPermit {
    all: Arc<WaitingClients>,
    network: IpAddr,
    bytes: usize,
}

impl WaitingClients {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            clients: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            networks: Default::default(),
            hasher: RandomState::default(),
        })
    }

    /// Lets a query of the client at `ip`, which holds `bytes`, wait.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr, bytes: usize) -> Result<WaitPermit, WaitRefusal> {
        let clients = self.clients.fetch_add(1, Relaxed);
        let held = self.bytes.fetch_add(bytes, Relaxed);
        let network = network(ip);
        let refusal = if clients >= CLIENTS || held + bytes > BYTES {
            WaitRefusal::Total
        } else {
            let mut networks = self.networks_of(network);
            let share = networks.entry(network).or_insert_with(ClientShare::new);
            if share.queries < CLIENTS_EACH {
                share.add();
                drop(networks);
                self.most.fetch_max(clients + 1, Relaxed);
                return Ok(WaitPermit { all: Arc::clone(self), network, bytes });
            }
            WaitRefusal::Network
        };
        self.clients.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
        Err(refusal)
    }

    fn networks_of(&self, network: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, ClientShare, RandomState>> {
        let table = self.hasher.hash_one(network) as usize % TABLES;
        let table = self.networks.get(table).unwrap_or(&self.networks[0]);
        table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitPermit {
    /// Holds `more` bytes as well: whether they are to be had.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let held = self.all.bytes.fetch_add(more, Relaxed);
        if held + more > BYTES {
            self.all.bytes.fetch_sub(more, Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }

    /// Whether so many queries of its client wait, or did as this one began to, that their responses may be meant to hit it all at once.
    pub(super) fn is_in_burst(&self) -> bool {
        let networks = self.all.networks_of(self.network);
        let burst = networks.get(&self.network).and_then(|share| share.burst);
        burst.is_some_and(|burst| burst.elapsed() < BURST_LASTS)
    }

    /// Counts a response by UDP to its client. Errors: enough were sent just now; how long this one has to wait at the least.
    pub(super) fn respond(&self) -> Result<(), Duration> {
        let mut networks = self.all.networks_of(self.network);
        networks.get_mut(&self.network).map_or(Ok(()), |share| share.respond(Instant::now()))
    }

    #[cfg(test)]
    fn queries_of_client(&self) -> u32 {
        self.all.networks_of(self.network).get(&self.network).map_or(0, |share| share.queries)
    }
}

impl Drop for WaitPermit {
    fn drop(&mut self) {
        let last = self.all.clients.fetch_sub(1, Relaxed) == 1;
        self.all.bytes.fetch_sub(self.bytes, Relaxed);
        if last && self.all.most.swap(0, Relaxed) >= MANY {
            release_soon();
        }
        let mut networks = self.all.networks_of(self.network);
        if let Some(share) = networks.get_mut(&self.network) {
            share.queries -= 1;
            if share.queries == 0 {
                networks.remove(&self.network);
            }
        }
        if networks.is_empty() && networks.capacity() > CLIENTS_EACH as usize {
            *networks = HashMap::default();
        }
    }
}

/// Gives free memory back to the system, from a thread of its own: it takes milliseconds.
fn release_soon() {
    let release = || {
        std::thread::sleep(RELEASE_AFTER);
        rhumb_net::release_memory();
    };
    if let Err(error) = std::thread::Builder::new().name("release".into()).spawn(release) {
        tracing::debug!(%error, "no thread to give memory back");
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 /56.
pub(super) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !((1 << 72) - 1)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    fn level(clients: &WaitingClients) -> (usize, usize) {
        (clients.clients.load(Relaxed), clients.bytes.load(Relaxed))
    }

    #[test]
    fn a_client_has_its_share_and_others_lose_nothing() {
        let all = WaitingClients::new();
        let mut held: Vec<_> = (0..1000).map(|_| all.admit(ip(1), 10).unwrap()).collect();
        for _ in 0..3 {
            assert_eq!(all.admit(ip(1), 10).unwrap_err(), WaitRefusal::Network);
        }
        assert_eq!(held[0].queries_of_client(), 1000);
        held.push(all.admit(ip(2), 10).unwrap());
        assert_eq!(level(&all), (1001, 10_010));
        drop(held);
        assert_eq!(level(&all), (0, 0));
        assert!(all.networks.iter().all(|table| table.lock().unwrap().is_empty()));
        assert!(all.admit(ip(1), 10).is_ok());
    }

    #[test]
    fn responses_to_one_client_are_spread() {
        let mut share = ClientShare::new();
        let begun = share.step;
        let (mut now, mut sent) = (begun, Vec::new());
        while sent.len() < 1000 {
            match share.respond(now) {
                Ok(()) => sent.push(now),
                Err(wait) => {
                    assert!(!wait.is_zero() && wait <= STEP);
                    now += wait;
                }
            }
        }
        for window in sent.windows(101) {
            assert!(window[100] - window[0] >= Duration::from_millis(10));
        }
        assert!(now - begun < Duration::from_millis(200), "a thousand take {:?}", now - begun);
    }

    #[test]
    fn a_burst_is_one_until_its_last_query_has_ended() {
        let all = WaitingClients::new();
        let mut held: Vec<_> = (0..100).map(|_| all.admit(ip(1), 1).unwrap()).collect();
        assert!(!held[0].is_in_burst());
        held.push(all.admit(ip(1), 1).unwrap());
        assert!(held[0].is_in_burst());
        held.truncate(1);
        assert!(held[0].is_in_burst());
        assert!(!all.admit(ip(2), 1).unwrap().is_in_burst());
        held.clear();
        assert!(!all.admit(ip(1), 1).unwrap().is_in_burst());
    }

    #[test]
    fn an_ipv6_client_is_a_network() {
        let all = WaitingClients::new();
        let of = |text: &str| all.admit(text.parse().unwrap(), 1).unwrap();
        let _one = of("2001:db8:0:1::1");
        assert_eq!(of("2001:db8:0:ff::2").queries_of_client(), 2);
        assert_eq!(of("2001:db8:0:100::1").queries_of_client(), 1);
        let _mapped = of("::ffff:192.0.2.1");
        assert_eq!(of("192.0.2.1").queries_of_client(), 2);
    }

    #[test]
    fn number_and_bytes_are_bounded_over_all() {
        let all = WaitingClients::new();
        let held: Vec<_> = (0..CLIENTS as u32).map(|n| all.admit(ip(n), 1).unwrap()).collect();
        assert_eq!(all.admit(ip(u32::MAX), 1).unwrap_err(), WaitRefusal::Total);
        drop(held);
        let held: Vec<_> = (0..48).map(|n| all.admit(ip(n), 1 << 20).unwrap()).collect();
        assert_eq!(all.admit(ip(99), 1).unwrap_err(), WaitRefusal::Total);
        drop(held);
        assert_eq!(level(&all), (0, 0));
    }
}
