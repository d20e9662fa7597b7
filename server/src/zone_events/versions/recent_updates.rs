//! Messages that were carried out lately: one that comes again is not carried out again.
//!
//! A signed message is known by its signature as long as that is good, whoever sends it: it may have been recorded on its way. Others
//! are known by their client and content for some seconds.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::snapshot::{QueuedUpdate, UpdateAnswer};

/// For how long the answer to a message without a signature is given again: a client repeats itself within seconds.
const KEPT: Duration = Duration::from_secs(5);
/// How many answers to messages without a signature are kept; the oldest go first.
const MOST_UNSIGNED: usize = 10_000;
/// The same of signed ones: five minutes, the usual fudge, of 333 in a second. They take 9 MB.
const MOST_SIGNED: usize = 100_000;

/// By which a message is known when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateIdentity {
    /// A digest of its key and MAC.
    Signed(u64),
    /// Its client, a digest of its content, and its length. Its id is among its bytes.
    Unsigned(SocketAddr, u64, usize),
}

/// The answers of the last seconds or minutes.
#[derive(Debug)]
pub(super) struct RecentUpdates {
    hasher: RandomState,
    signed: KeptAnswers<u64>,
    unsigned: KeptAnswers<(SocketAddr, u64, usize)>,
}

impl Default for RecentUpdates {
    fn default() -> Self {
        let (signed, unsigned) = (KeptAnswers::new(MOST_SIGNED), KeptAnswers::new(MOST_UNSIGNED));
        Self { hasher: RandomState::new(), signed, unsigned }
    }
}

impl RecentUpdates {
    /// That of a message.
    pub(super) fn identity(&self, update: &QueuedUpdate) -> UpdateIdentity {
        if let Some(signature) = &update.signature {
            return UpdateIdentity::Signed(self.hasher.hash_one((&update.key, signature.mac)));
        }
        let digest = self.hasher.hash_one((&update.zone, &update.message));
        UpdateIdentity::Unsigned(update.client, digest, update.message.len())
    }

    /// What the message was answered.
    pub(super) fn answer(&mut self, identity: UpdateIdentity) -> Option<UpdateAnswer> {
        let now = Instant::now();
        match identity {
            UpdateIdentity::Signed(digest) => self.signed.answer(digest, now),
            UpdateIdentity::Unsigned(client, digest, length) => {
                self.unsigned.answer((client, digest, length), now)
            }
        }
    }

    /// Notes what a message was answered; `now` is in seconds since 1970.
    pub(super) fn note(
        &mut self,
        identity: UpdateIdentity,
        update: &QueuedUpdate,
        answer: UpdateAnswer,
        now: u64,
    ) {
        let kept = |seconds: u64| Instant::now() + Duration::from_secs(seconds);
        match identity {
            UpdateIdentity::Signed(digest) => {
                // The last second is good to its end.
                let left = update.signature.map_or(0, |signature| signature.until.saturating_sub(now) + 1);
                // A fudge is no longer than 18 hours, and a clock may be as far behind.
                self.signed.note(digest, answer, kept(left.min(2 << 16)));
            }
            UpdateIdentity::Unsigned(client, digest, length) => {
                self.unsigned.note((client, digest, length), answer, kept(KEPT.as_secs()));
            }
        }
    }
}

/// Answers, each until its time.
#[derive(Debug)]
struct KeptAnswers<K> {
    most: usize,
    answers: HashMap<K, UpdateAnswer>,
    order: VecDeque<(Instant, K)>,
}

impl<K: Copy + Eq + Hash> KeptAnswers<K> {
    fn new(most: usize) -> Self {
        Self { most, answers: HashMap::new(), order: VecDeque::new() }
    }

    fn answer(&mut self, key: K, now: Instant) -> Option<UpdateAnswer> {
        while self.order.front().is_some_and(|(until, _)| *until < now) {
            self.forget_first();
        }
        self.answers.get(&key).copied()
    }

    fn note(&mut self, key: K, answer: UpdateAnswer, until: Instant) {
        self.order.push_back((until, key));
        self.answers.insert(key, answer);
        while self.order.len() > self.most {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.answers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::Rcode;

    use super::*;
    use crate::snapshot::RequestSignature;

    const DONE: UpdateAnswer = UpdateAnswer { rcode: Rcode::NOERROR, error: None };
    const NOW: u64 = 1_700_000_000;

    fn update(client: &str, id: u8, signature: Option<RequestSignature>) -> QueuedUpdate {
        QueuedUpdate {
            zone: "zone.test.".parse().unwrap(),
            message: vec![0, id],
            client: client.parse().unwrap(),
            key: signature.map(|_| "k.test.".parse().unwrap()),
            signature,
            received: Instant::now(),
            reply: Box::new(|_| {}),
        }
    }

    #[test]
    fn a_signature_is_known_by_whomever_it_comes_and_under_whatever_id() {
        let mut recent = RecentUpdates::default();
        let signature = |mac| Some(RequestSignature { mac: [mac; 10], until: NOW + 300 });
        let first = update("192.0.2.1:1000", 1, signature(1));
        let identity = recent.identity(&first);
        assert_eq!(recent.answer(identity), None);
        recent.note(identity, &first, DONE, NOW);
        for (client, id) in [("192.0.2.1:1000", 1), ("192.0.2.1:1001", 1), ("192.0.2.7:53", 9)] {
            let again = recent.identity(&update(client, id, signature(1)));
            assert_eq!(recent.answer(again), Some(DONE), "{client} {id}");
        }
        let mut other_key = update("192.0.2.1:1000", 1, signature(1));
        other_key.key = Some("other.test.".parse().unwrap());
        for other in [other_key, update("192.0.2.1:1000", 1, signature(2)), update("192.0.2.1:1000", 1, None)]
        {
            let identity = recent.identity(&other);
            assert_eq!(recent.answer(identity), None, "{other:?}");
        }
    }

    #[test]
    fn without_a_signature_client_and_content_count() {
        let mut recent = RecentUpdates::default();
        let first = update("192.0.2.1:1000", 1, None);
        let identity = recent.identity(&first);
        recent.note(identity, &first, DONE, NOW);
        assert_eq!(recent.answer(identity), Some(DONE));
        for (client, id) in [("192.0.2.1:1001", 1), ("192.0.2.1:1000", 2)] {
            let other = recent.identity(&update(client, id, None));
            assert_eq!(recent.answer(other), None, "{client} {id}");
        }
    }

    #[test]
    fn answers_go_at_their_time_and_where_there_are_too_many() {
        let (mut kept, now) = (KeptAnswers::new(3), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        for key in 0..5 {
            kept.note(key, DONE, later(10 + key));
        }
        let known = |kept: &mut KeptAnswers<u64>, at| {
            (0..5).filter(|key| kept.answer(*key, at).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(known(&mut kept, now), [2, 3, 4]);
        assert_eq!(known(&mut kept, later(13)), [3, 4]);
        assert!(known(&mut kept, later(20)).is_empty());
        assert!(kept.order.is_empty() && kept.answers.is_empty());
    }
}
