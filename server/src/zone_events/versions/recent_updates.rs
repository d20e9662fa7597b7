//! Messages that were carried out lately: one that comes again is not carried out again.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::snapshot::{QueuedUpdate, UpdateAnswer};

/// For how long an answer is given again: a client repeats itself within seconds.
const KEPT: Duration = Duration::from_secs(5);
/// How many answers are kept; the oldest go first.
const MOST: usize = 10_000;

/// By which a message is known when it comes again: its client, its id, its content and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct UpdateIdentity {
    client: SocketAddr,
    digest: u64,
    length: usize,
}

/// The answers of the last seconds.
#[derive(Debug, Default)]
pub(super) struct RecentUpdates {
    hasher: RandomState,
    answers: HashMap<UpdateIdentity, UpdateAnswer>,
    order: VecDeque<(Instant, UpdateIdentity)>,
}

impl RecentUpdates {
    /// That of a message. Its id is among its bytes.
    pub(super) fn identity(&self, update: &QueuedUpdate) -> UpdateIdentity {
        let digest = self.hasher.hash_one((&update.zone, &update.message, &update.key));
        UpdateIdentity { client: update.client, digest, length: update.message.len() }
    }

    /// What the message was answered.
    pub(super) fn answer(&mut self, identity: &UpdateIdentity) -> Option<UpdateAnswer> {
        self.forget(Instant::now());
        self.answers.get(identity).copied()
    }

    /// Notes what a message was answered.
    pub(super) fn note(&mut self, identity: UpdateIdentity, answer: UpdateAnswer) {
        self.order.push_back((Instant::now(), identity.clone()));
        self.answers.insert(identity, answer);
        while self.order.len() > MOST {
            self.forget_first();
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(at, _)| *at + KEPT < now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, identity)) = self.order.pop_front() {
            self.answers.remove(&identity);
        }
    }
}
