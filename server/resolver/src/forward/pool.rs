//! A list of upstreams, and in which order a question goes to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::time::Instant;

use crate::exchange::RemoteServer;
use crate::exchange::limits::UNDER_WAY_OF_SERVER;

/// In which order the upstreams of a list are asked. Those that are down always come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum UpstreamPolicy {
    /// By smoothed round-trip time; each of the others is measured anew about once a minute, untried ones first.
    #[default]
    Fastest,
    /// As listed.
    InOrder,
    /// As listed, beginning with the next one at each question.
    RoundRobin,
    /// Shuffled at each question.
    Random,
}

/// The upstreams of one route. It does not change: another list is another pool, of the same [`RemoteServer`] objects
/// where the servers stay.
#[derive(Debug)]
pub struct UpstreamPool {
    upstreams: Vec<Arc<RemoteServer>>,
    policy: UpstreamPolicy,
    trusts_ad: bool,
    places_of_server: usize,
    cursor: AtomicUsize,
}

/// An upstream in the order.
#[derive(Clone, Debug)]
pub(super) struct RankedUpstream {
    pub(super) server: Arc<RemoteServer>,
    pub(super) rank: UpstreamRank,
}

/// Why an upstream stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamRank {
    /// By the policy.
    Regular,
    /// First, to be measured.
    Measured,
    /// Last, for it is down.
    Down,
}

impl UpstreamPool {
    /// A list in its order; a server that is named twice counts once.
    pub fn new(policy: UpstreamPolicy, upstreams: impl IntoIterator<Item = Arc<RemoteServer>>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let upstreams =
            upstreams.into_iter().filter(|server| seen.insert(server.identity().clone())).collect();
        let (trusts_ad, cursor) = (false, AtomicUsize::new(0));
        Self { upstreams, policy, trusts_ad, places_of_server: UNDER_WAY_OF_SERVER, cursor }
    }

    /// The same with so many queries to one of them under way at a time.
    #[must_use]
    pub fn with_places(self, of_server: usize) -> Self {
        Self { places_of_server: of_server, ..self }
    }

    /// The most queries to one of them under way at a time.
    pub(super) const fn places_of_server(&self) -> usize {
        self.places_of_server
    }

    /// The same with upstreams whose AD is believed, if `trusted`.
    #[must_use]
    pub fn trusting_ad(self, trusted: bool) -> Self {
        Self { trusts_ad: trusted, ..self }
    }

    /// Whether AD of its upstreams is believed.
    pub const fn trusts_ad(&self) -> bool {
        self.trusts_ad
    }

    /// The upstreams in the order of the list.
    pub fn upstreams(&self) -> &[Arc<RemoteServer>] {
        &self.upstreams
    }

    /// The policy.
    pub const fn policy(&self) -> UpstreamPolicy {
        self.policy
    }

    /// Whether one upstream at the least is healthy.
    pub fn is_healthy(&self) -> bool {
        self.upstreams.iter().any(|server| server.is_healthy())
    }

    /// Its servers in the order for one question.
    pub(crate) fn servers_by_rank(
        &self,
        now: Instant,
        random: impl FnMut() -> u64,
    ) -> Vec<Arc<RemoteServer>> {
        self.rank(now, random).into_iter().map(|upstream| upstream.server).collect()
    }

    /// The order for one question.
    pub(super) fn rank(&self, now: Instant, mut random: impl FnMut() -> u64) -> Vec<RankedUpstream> {
        let mut listed: Vec<&Arc<RemoteServer>> = self.upstreams.iter().collect();
        match self.policy {
            UpstreamPolicy::InOrder => {}
            UpstreamPolicy::RoundRobin if listed.is_empty() => {}
            UpstreamPolicy::RoundRobin => {
                let by = self.cursor.fetch_add(1, Relaxed) % listed.len();
                listed.rotate_left(by);
            }
            UpstreamPolicy::Random => shuffle(&mut listed, &mut random),
            UpstreamPolicy::Fastest => listed.sort_by_cached_key(|server| server.speed()),
        }
        let (up, down): (Vec<_>, Vec<_>) = listed.into_iter().partition(|server| !server.is_down());
        let measured = self.to_measure(&up, now, &mut random);
        let ranked = |server: &Arc<RemoteServer>, rank| RankedUpstream { server: Arc::clone(server), rank };
        let first = measured.map(|server| ranked(server, UpstreamRank::Measured));
        let regular = up.iter().filter(|server| measured.is_none_or(|first| !Arc::ptr_eq(server, first)));
        first
            .into_iter()
            .chain(regular.map(|server| ranked(server, UpstreamRank::Regular)))
            .chain(down.iter().map(|server| ranked(server, UpstreamRank::Down)))
            .collect()
    }

    /// The upstream that this question is to measure before the fastest one is asked.
    fn to_measure<'a>(
        &self,
        up: &[&'a Arc<RemoteServer>],
        now: Instant,
        random: &mut impl FnMut() -> u64,
    ) -> Option<&'a Arc<RemoteServer>> {
        let (first, others) = up.split_first()?;
        if self.policy != UpstreamPolicy::Fastest || others.is_empty() {
            return None;
        }
        let untried = std::iter::once(first).chain(others).filter(|server| !server.is_tried());
        let slower = others.iter().filter(|server| server.is_tried());
        untried.chain(slower).find(|server| server.claim_exploring(now, &mut *random)).copied()
    }
}

/// Fisher and Yates; the bias of a remainder of 64 bits cannot be seen.
fn shuffle<T>(items: &mut [T], mut random: impl FnMut() -> u64) {
    for end in (1..items.len()).rev() {
        items.swap(end, (random() % (end as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authentic_data_is_believed_where_that_is_said() {
        let pool = || UpstreamPool::new(UpstreamPolicy::InOrder, []);
        assert!(!pool().trusts_ad());
        assert!(pool().trusting_ad(true).trusts_ad());
        assert!(!pool().trusting_ad(true).trusting_ad(false).trusts_ad());
        assert!(pool().trusting_ad(true).with_places(3).trusts_ad());
    }
}
