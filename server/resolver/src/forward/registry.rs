//! All upstreams in use, one object an address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::upstream::Upstream;

/// Hands out the upstream of an address. What is learnt of it is kept as long as anybody holds it, so lists built anew
/// while the old ones are still there keep it.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<SocketAddr, Weak<Upstream>>>);

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The upstream of `address`, made if there is none.
    pub fn upstream(&self, address: SocketAddr) -> Arc<Upstream> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = known.get(&address).and_then(Weak::upgrade) {
            return upstream;
        }
        known.retain(|_, upstream| upstream.strong_count() > 0);
        let upstream = Arc::new(Upstream::new(address));
        known.insert(address, Arc::downgrade(&upstream));
        upstream
    }

    /// Every upstream somebody holds, by address.
    pub fn all(&self) -> Vec<Arc<Upstream>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().filter_map(Weak::upgrade).collect();
        drop(known);
        all.sort_unstable_by_key(|upstream| upstream.address());
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::upstream::Transport;
    use super::*;

    #[test]
    fn an_address_keeps_its_upstream_as_long_as_it_is_held() {
        let registry = Registry::new();
        let one: SocketAddr = "192.0.2.1:53".parse().unwrap();
        let first = registry.upstream(one);
        assert!(Arc::ptr_eq(&first, &registry.upstream(one)));
        let scoped = registry.upstream("[fe80::1%3]:53".parse().unwrap());
        assert!(!Arc::ptr_eq(&scoped, &registry.upstream("[fe80::1%4]:53".parse().unwrap())));
        assert_eq!(registry.all().len(), 2);
        first.replied(Transport::Udp, Duration::from_millis(5));
        assert!(registry.upstream(one).smoothed_rtt(Transport::Udp).is_some());
        drop(first);
        assert_eq!(registry.upstream(one).smoothed_rtt(Transport::Udp), None);
    }
}
