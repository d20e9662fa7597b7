//! How many connections there may be: in all, and from one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    networks: HashMap<Network, usize>,
}

/// Who counts as one: an IPv4 address, or an IPv6 /56, which is what one customer is commonly given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Network(u64);

/// A connection that was counted; dropping it makes room for another.
#[derive(Debug)]
#[must_use = "the connection counts only while this lives"]
pub struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    /// None while the client is not known.
    network: Option<Network>,
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
        let network = Network::of(ip);
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
        Ok(ConnectionPermit { limits: Arc::clone(self), network: Some(network) })
    }

    /// Counts a connection whose client is not known yet, or says that there are as many as there may be.
    pub fn admit_unnamed(self: &Arc<Self>) -> Result<ConnectionPermit, ConnectionRefusal> {
        let mut state = self.state();
        if state.open >= state.most {
            return Err(ConnectionRefusal::Total);
        }
        state.open += 1;
        Ok(ConnectionPermit { limits: Arc::clone(self), network: None })
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

    /// Which share of the connections that may be is not there, from 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "connections far below 2^52")]
    pub fn free_share(&self) -> f64 {
        let state = self.state();
        (1.0 - state.open as f64 / state.most.max(1) as f64).max(0.0)
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

impl ConnectionPermit {
    /// Counts a connection whose client was not known as one from this address. Errors: there are as many from there as there may be.
    pub fn count_for(&mut self, ip: IpAddr) -> Result<(), ConnectionRefusal> {
        if self.network.is_some() {
            return Ok(());
        }
        let network = Network::of(ip);
        let mut state = self.limits.state();
        let here = state.networks.get(&network).copied().unwrap_or(0);
        if here >= state.most_per_network {
            return Err(ConnectionRefusal::Network);
        }
        state.networks.insert(network, here + 1);
        drop(state);
        self.network = Some(network);
        Ok(())
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = self.limits.state();
        state.open = state.open.saturating_sub(1);
        let Some(network) = self.network else { return };
        let left = state.networks.get(&network).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            state.networks.remove(&network);
        } else {
            state.networks.insert(network, left);
        }
    }
}

impl Network {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_bits().into()),
            // The 56 bits, and a mark that no IPv4 address has.
            IpAddr::V6(v6) => Self((v6.to_bits() >> 72) as u64 | 1 << 63),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_connection_whose_client_becomes_known_counts_for_that_client() {
        let limits = ConnectionLimits::new(3, 1);
        let ip = IpAddr::from([192, 0, 2, 1]);
        let mut first = limits.admit_unnamed().unwrap();
        let mut second = limits.admit_unnamed().unwrap();
        assert_eq!((limits.open(), limits.networks()), (2, 0));
        first.count_for(ip).unwrap();
        assert_eq!(second.count_for(ip), Err(ConnectionRefusal::Network));
        assert!(limits.admit(ip).is_err());
        drop(first);
        assert_eq!((limits.open(), limits.networks()), (1, 0));
        second.count_for(ip).unwrap();
        let _more = [limits.admit_unnamed().unwrap(), limits.admit_unnamed().unwrap()];
        assert_eq!(limits.admit_unnamed().err(), Some(ConnectionRefusal::Total));
        drop(second);
        assert_eq!((limits.open(), limits.networks()), (2, 0));
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
    fn networks_are_56_bits_long() {
        let limits = ConnectionLimits::new(100, 1);
        let _one = limits.admit(ip("2001:db8:0:1100::1")).unwrap();
        assert_eq!(limits.admit(ip("2001:db8:0:11ff:1::2")).unwrap_err(), ConnectionRefusal::Network);
        let _next = limits.admit(ip("2001:db8:0:1200::1")).unwrap();
        let same: HashSet<_> = ["::1", "0.0.0.1", "0.0.0.0", "::"].map(|text| Network::of(ip(text))).into();
        assert_eq!(same.len(), 3, "::1 and :: are of one network, apart from those of IPv4");
    }

    #[test]
    fn the_limit_in_all_holds_and_can_change() {
        let limits = ConnectionLimits::new(2, 2);
        let share = |expected: f64| assert!((limits.free_share() - expected).abs() < 1e-9);
        share(1.0);
        let held = [limits.admit(ip("192.0.2.1")).unwrap(), limits.admit(ip("192.0.2.2")).unwrap()];
        share(0.0);
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
