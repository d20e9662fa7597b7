//! A list of upstreams, and in which order a question goes to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::time::Instant;

use super::upstream::Upstream;

/// In which order the upstreams of a list are asked. Those that are down always come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Policy {
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

/// The upstreams of one route. It does not change: another list is another pool, of the same [`Upstream`] objects where
/// the addresses stay.
#[derive(Debug)]
pub struct Pool {
    upstreams: Vec<Arc<Upstream>>,
    policy: Policy,
    cursor: AtomicUsize,
}

/// An upstream's place in the order.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) upstream: Arc<Upstream>,
    pub(super) role: Role,
}

/// Why an upstream stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// By the policy.
    Regular,
    /// First, to be measured, or to see if it is back.
    Trial,
    /// Last, for it is down.
    Down,
}

impl Pool {
    /// A list in its order; an address that is named twice counts once.
    pub fn new(policy: Policy, upstreams: impl IntoIterator<Item = Arc<Upstream>>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let upstreams = upstreams.into_iter().filter(|u| seen.insert(u.address())).collect();
        Self { upstreams, policy, cursor: AtomicUsize::new(0) }
    }

    /// The upstreams in the order of the list.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The policy.
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Whether one upstream at the least is healthy.
    pub fn healthy(&self) -> bool {
        self.upstreams.iter().any(|upstream| upstream.healthy())
    }

    /// The order for one question.
    pub(super) fn order(&self, now: Instant, mut random: impl FnMut() -> u64) -> Vec<Choice> {
        let mut listed: Vec<&Arc<Upstream>> = self.upstreams.iter().collect();
        match self.policy {
            Policy::InOrder => {}
            Policy::RoundRobin if listed.is_empty() => {}
            Policy::RoundRobin => {
                let by = self.cursor.fetch_add(1, Relaxed) % listed.len();
                listed.rotate_left(by);
            }
            Policy::Random => shuffle(&mut listed, &mut random),
            Policy::Fastest => listed.sort_by_cached_key(|upstream| upstream.speed()),
        }
        let (mut up, down): (Vec<_>, Vec<_>) = listed.into_iter().partition(|upstream| !upstream.is_down());
        let trial = trial(self.policy, &up, &down, now, &mut random);
        up.extend(down);
        let mut order: Vec<_> = up
            .into_iter()
            .filter(|upstream| trial.is_none_or(|trial| !Arc::ptr_eq(upstream, trial)))
            .map(|upstream| Choice {
                upstream: Arc::clone(upstream),
                role: if upstream.is_down() { Role::Down } else { Role::Regular },
            })
            .collect();
        if let Some(trial) = trial {
            order.insert(0, Choice { upstream: Arc::clone(trial), role: Role::Trial });
        }
        order
    }
}

/// The upstream that this question is to try before the one whose turn it is. None is tried where no other is up: all
/// are asked anyway then.
fn trial<'a>(
    policy: Policy,
    up: &[&'a Arc<Upstream>],
    down: &[&'a Arc<Upstream>],
    now: Instant,
    random: &mut impl FnMut() -> u64,
) -> Option<&'a Arc<Upstream>> {
    let (first, others) = up.split_first()?;
    let back = down.iter().find(|upstream| upstream.claim_probe(now));
    if back.is_some() || policy != Policy::Fastest || others.is_empty() {
        return back.copied();
    }
    let untried = std::iter::once(first).chain(others).filter(|upstream| !upstream.is_tried());
    let slower = others.iter().filter(|upstream| upstream.is_tried());
    untried.chain(slower).find(|upstream| upstream.claim_exploring(now, &mut *random)).copied()
}

/// Fisher and Yates; the bias of a remainder of 64 bits is below what anybody could see.
fn shuffle<T>(items: &mut [T], mut random: impl FnMut() -> u64) {
    for end in (1..items.len()).rev() {
        items.swap(end, (random() % (end as u64 + 1)) as usize);
    }
}
