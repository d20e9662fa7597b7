//! How many connections of a kind there may be: in all, and from one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client_network::ClientNetwork;

/// Counts connections and refuses those beyond the limits. The table has an entry for each network with a
/// connection, so it is never larger than the limit in all.
#[derive(Debug)]
pub struct ConnectionLimits {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    most: usize,
    most_per_network: usize,
    open: usize,
    networks: HashMap<ClientNetwork, usize>,
}

/// A connection that was counted; dropping it makes room for another.
#[derive(Debug)]
#[must_use = "the connection counts only while this lives"]
pub struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    network: ClientNetwork,
}

/// Why a connection was not admitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectionRefusal {
    /// There are as many connections as there may be in all.
    #[error("too many connections")]
    Total,
    /// There are as many connections from this network as there may be.
    #[error("too many connections from this network")]
    Network,
}

impl ConnectionLimits {
    /// Limits on the number of connections in all and of one network: one IPv4 address, one IPv6 /56.
    pub fn new(most: usize, most_per_network: usize) -> Arc<Self> {
        let state = State { most, most_per_network, open: 0, networks: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Counts a connection from this address, or says which limit is reached.
    pub fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<ConnectionPermit, ConnectionRefusal> {
        let network = ClientNetwork::of(ip);
        let mut state = self.state();
        let state = &mut *state;
        let here = state.networks.get(&network).copied().unwrap_or(0);
        if here >= state.most_per_network {
            return Err(ConnectionRefusal::Network);
        }
        if state.open >= state.most {
            return Err(ConnectionRefusal::Total);
        }
        state.networks.insert(network, here + 1);
        state.open += 1;
        Ok(ConnectionPermit { limits: Arc::clone(self), network })
    }

    /// Changes the limits; connections beyond the new ones stay until they end.
    pub fn set(&self, most: usize, most_per_network: usize) {
        let mut state = self.state();
        state.most = most;
        state.most_per_network = most_per_network;
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.state().open
    }

    /// From how many networks there are connections.
    pub fn networks(&self) -> usize {
        self.state().networks.len()
    }

    /// No step under the lock leaves the counts half done, so those of a thread that panicked are as good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = self.limits.state();
        state.open = state.open.saturating_sub(1);
        let left = state.networks.get(&self.network).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            state.networks.remove(&self.network);
        } else {
            state.networks.insert(self.network, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_network_takes_its_share_and_no_more() {
        let limits = ConnectionLimits::new(100, 2);
        let (_one, two) =
            (limits.admit(ip("192.0.2.1")).unwrap(), limits.admit(ip("::ffff:192.0.2.1")).unwrap());
        assert_eq!(limits.admit(ip("192.0.2.1")).unwrap_err(), ConnectionRefusal::Network);
        let _other = limits.admit(ip("192.0.2.2")).unwrap();
        drop(two);
        let _again = limits.admit(ip("192.0.2.1")).unwrap();
        assert_eq!((limits.open(), limits.networks()), (3, 2));
    }

    #[test]
    fn the_limit_in_all_holds_and_can_change() {
        let limits = ConnectionLimits::new(2, 2);
        let held = [limits.admit(ip("192.0.2.1")).unwrap(), limits.admit(ip("192.0.2.2")).unwrap()];
        assert_eq!(limits.admit(ip("192.0.2.3")).unwrap_err(), ConnectionRefusal::Total);
        limits.set(1, 1);
        drop(held);
        assert_eq!((limits.open(), limits.networks()), (0, 0));
        let _one = limits.admit(ip("192.0.2.3")).unwrap();
        assert_eq!(limits.admit(ip("192.0.2.4")).unwrap_err(), ConnectionRefusal::Total);
    }

    #[test]
    fn many_threads_never_pass_the_limits() {
        let limits = ConnectionLimits::new(50, 20);
        let refused = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                let (limits, refused) = (&limits, &refused);
                scope.spawn(move || {
                    let mut held = Vec::new();
                    for round in 0..2000_u32 {
                        match limits.admit(IpAddr::from([192, 0, 2, thread % 4])) {
                            Ok(permit) => held.push(permit),
                            Err(_) => _ = refused.fetch_add(1, Ordering::Relaxed),
                        }
                        assert!(limits.open() <= 50 && held.len() <= 20);
                        if round % 3 != 0 {
                            held.pop();
                        }
                    }
                });
            }
        });
        assert!(refused.into_inner() > 0);
        assert_eq!((limits.open(), limits.networks()), (0, 0));
    }
}
