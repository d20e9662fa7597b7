//! All servers that something is known of.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::limits;
use super::server::RemoteServer;
use crate::identity::ServerIdentity;
use crate::seeded_map::SeededMap;

/// Keeps what is learnt of servers, one object an identity, beyond the lists and look-ups that use them.
///
/// It holds up to [`limits::SERVERS`] that are not in use elsewhere; beyond, an eighth of them is forgotten, those first
/// that were asked for least recently.
#[derive(Debug)]
pub struct ServerStore {
    known: Mutex<KnownServers>,
    went_down: Arc<Notify>,
    limit: usize,
}

#[derive(Debug, Default)]
struct KnownServers {
    servers: SeededMap<ServerIdentity, KnownServer>,
    /// Counts the requests.
    uses: u64,
}

#[derive(Debug)]
struct KnownServer {
    server: Arc<RemoteServer>,
    /// The number of the last request for it.
    used: u64,
}

impl Default for ServerStore {
    fn default() -> Self {
        Self::new(limits::SERVERS)
    }
}

impl ServerStore {
    /// An empty one for up to `limit` servers that are not in use elsewhere.
    pub fn new(limit: usize) -> Self {
        Self { known: Mutex::default(), went_down: Arc::default(), limit }
    }

    /// The server of this identity; one that nothing is known of yet if there is none.
    pub fn server(&self, identity: &ServerIdentity) -> Arc<RemoteServer> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let used = known.uses;
        if let Some(found) = known.servers.get_mut(identity) {
            found.used = used;
            return Arc::clone(&found.server);
        }
        if known.servers.len() >= self.limit {
            known.evict(self.limit);
        }
        let server = Arc::new(RemoteServer::new(identity.clone(), Arc::clone(&self.went_down)));
        known.servers.insert(identity.clone(), KnownServer { server: Arc::clone(&server), used });
        server
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).servers.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until some server turns out to be down; at once if one did since the last call.
    pub async fn server_down(&self) {
        self.went_down.notified().await;
    }
}

impl KnownServers {
    /// Forgets an eighth of those that are not in use, if there are more than `limit`.
    fn evict(&mut self, limit: usize) {
        let idle = |known: &KnownServer| Arc::strong_count(&known.server) == 1;
        let mut uses: Vec<u64> =
            self.servers.values().filter(|known| idle(known)).map(|known| known.used).collect();
        if uses.len() < limit {
            return;
        }
        let oldest = (uses.len() / 8).min(uses.len().saturating_sub(1));
        let (_, &mut newest_to_go, _) = uses.select_nth_unstable(oldest);
        self.servers.retain(|_, known| !idle(known) || known.used > newest_to_go);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use rhumb_wire::Transport;

    use super::*;

    fn identity(n: u16) -> ServerIdentity {
        ServerIdentity::plain(SocketAddr::from(([192, 0, 2, 1], n)))
    }

    #[test]
    fn what_is_learnt_stays_while_nobody_holds_it() {
        let store = ServerStore::default();
        let scoped = |text: &str| store.server(&ServerIdentity::plain(text.parse().unwrap()));
        assert!(!Arc::ptr_eq(&scoped("[fe80::1%3]:53"), &scoped("[fe80::1%4]:53")));
        let tcp = ServerIdentity { transport: Transport::Tcp, ..identity(53) };
        assert!(!Arc::ptr_eq(&store.server(&tcp), &store.server(&identity(53))));
        store.server(&identity(53)).replied(Transport::Udp, Duration::from_millis(5));
        assert!(store.server(&identity(53)).smoothed_rtt(Transport::Udp).is_some());
        assert_eq!(store.len(), 4);
    }

    #[test]
    fn the_number_is_bounded_and_the_least_recently_used_go_first() {
        let store = ServerStore::new(800);
        let held = store.server(&identity(1));
        for n in 2..=800 {
            store.server(&identity(n));
        }
        for n in 2..=20 {
            store.server(&identity(n)).replied(Transport::Udp, Duration::from_millis(5));
        }
        for n in 801..20_000 {
            for recent in 2..=20 {
                store.server(&identity(recent));
            }
            store.server(&identity(n));
            assert!(store.len() <= 802, "{}", store.len());
        }
        assert!(store.len() >= 690);
        assert!(Arc::ptr_eq(&held, &store.server(&identity(1))), "one in use is not forgotten");
        assert!((2..=20).all(|n| store.server(&identity(n)).is_tried()));
    }

    #[test]
    fn those_in_use_do_not_count() {
        let store = ServerStore::new(10);
        let held: Vec<_> = (0..100).map(|n| store.server(&identity(n))).collect();
        assert_eq!(store.len(), 100);
        drop(held);
        store.server(&identity(1000));
        assert!(store.len() < 100);
    }

    #[tokio::test]
    async fn one_that_goes_down_is_reported() {
        let store = ServerStore::default();
        let server = store.server(&identity(53));
        for _ in 0..3 {
            server.failed(Transport::Udp, tokio::time::Instant::now());
        }
        store.server_down().await;
        assert!(server.is_down() && server.probe_at().is_some());
    }
}
