//! Messages that were carried out lately: one that comes again is not carried out again.
//!
//! A signed message is known by its signature as long as that is good, whoever sends it: it may have been recorded on its way. Others
//! are known by their client and content for some seconds. What was signed and carried out before a start is in the logs.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_wire::Rcode;
use rhumb_zones::journal::JournalSignature;

use crate::snapshot::{QueuedUpdate, UpdateAnswer};
use crate::zone_events::state::MOST_SIGNATURES;
use crate::zone_events::wall_clock::unix_time;

/// For how long the answer to a message without a signature is given again: a client repeats itself within seconds.
const KEPT: Duration = Duration::from_secs(5);
/// How many answers to messages without a signature are kept; the oldest go first.
const MOST_UNSIGNED: usize = 10_000;
/// What a message that was carried out was answered.
const DONE: UpdateAnswer = UpdateAnswer { rcode: Rcode::NOERROR, error: None };

/// By which a message is known when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateIdentity {
    /// The beginning of its MAC, in which the name of the key is signed as well (RFC 8945 section 4.3.3).
    Signed([u8; 10]),
    /// Its client, a digest of its content, and its length. Its id is among its bytes.
    Unsigned(SocketAddr, u64, usize),
}

/// The answers of the last seconds or minutes.
#[derive(Debug)]
pub(super) struct RecentUpdates {
    hasher: RandomState,
    signed: KeptAnswers<[u8; 10]>,
    unsigned: KeptAnswers<(SocketAddr, u64, usize)>,
}

impl RecentUpdates {
    /// With messages of these signatures carried out before, those that are good for the shortest time first.
    pub(super) fn new(before: Vec<JournalSignature>) -> Self {
        let (signed, unsigned) = (KeptAnswers::new(MOST_SIGNATURES), KeptAnswers::new(MOST_UNSIGNED));
        let mut recent = Self { hasher: RandomState::new(), signed, unsigned };
        let now = unix_time();
        for JournalSignature { mac, until } in before {
            recent.signed.note(mac, DONE, end_of(until, now));
        }
        recent
    }

    /// That of a message.
    pub(super) fn identity(&self, update: &QueuedUpdate) -> UpdateIdentity {
        if let Some(signature) = &update.signature {
            return UpdateIdentity::Signed(signature.mac);
        }
        let digest = self.hasher.hash_one((&update.zone, &update.message));
        UpdateIdentity::Unsigned(update.client, digest, update.message.len())
    }

    /// What the message was answered.
    pub(super) fn answer(&mut self, identity: UpdateIdentity) -> Option<UpdateAnswer> {
        let now = Instant::now();
        match identity {
            UpdateIdentity::Signed(mac) => self.signed.answer(mac, now),
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
        match identity {
            UpdateIdentity::Signed(mac) => {
                let until = update.signature.map_or(now, |signature| signature.until);
                self.signed.note(mac, answer, end_of(until, now));
            }
            UpdateIdentity::Unsigned(client, digest, length) => {
                self.unsigned.note((client, digest, length), answer, Instant::now() + KEPT);
            }
        }
    }
}

/// When a signature that is good until `until` is so no more; `now` is in seconds since 1970.
fn end_of(until: u64, now: u64) -> Instant {
    // The last second is good to its end. A fudge is no longer than 18 hours, and a clock may be as far behind.
    Instant::now() + Duration::from_secs((until.saturating_sub(now) + 1).min(2 << 16))
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
        self.answers.get(&key).cloned()
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
    use super::*;
    use crate::snapshot::RequestSignature;

    const NOW: u64 = 1_700_000_000;

    fn update(client: &str, id: u8, signature: Option<RequestSignature>) -> QueuedUpdate {
        QueuedUpdate {
            zone: "zone.test.".parse().unwrap(),
            message: vec![0, id],
            client: client.parse().unwrap(),
            key: signature.map(|_| "k.test.".parse().unwrap()),
            signature,
            names: Vec::new(),
            received: Instant::now(),
            reply: Box::new(|_| {}),
        }
    }

    #[test]
    fn a_signature_is_known_by_whomever_it_comes_and_under_whatever_id() {
        let mut recent = RecentUpdates::new(Vec::new());
        let signature = |mac| Some(RequestSignature { mac: [mac; 10], until: NOW + 300 });
        let first = update("192.0.2.1:1000", 1, signature(1));
        let identity = recent.identity(&first);
        assert_eq!(recent.answer(identity), None);
        recent.note(identity, &first, DONE, NOW);
        for (client, id) in [("192.0.2.1:1000", 1), ("192.0.2.1:1001", 1), ("192.0.2.7:53", 9)] {
            let again = recent.identity(&update(client, id, signature(1)));
            assert_eq!(recent.answer(again), Some(DONE), "{client} {id}");
        }
        for other in [update("192.0.2.1:1000", 1, signature(2)), update("192.0.2.1:1000", 1, None)] {
            let identity = recent.identity(&other);
            assert_eq!(recent.answer(identity), None, "{other:?}");
        }
    }

    #[test]
    fn a_signature_of_before_the_start_is_known_while_it_is_good() {
        let signature = |mac, until| JournalSignature { mac: [mac; 10], until };
        let now = unix_time();
        let mut recent = RecentUpdates::new(vec![signature(1, now + 300), signature(2, now + 400)]);
        let of =
            |mac| update("192.0.2.1:1000", 1, Some(RequestSignature { mac: [mac; 10], until: now + 300 }));
        let known = [1, 2, 3].map(|mac| {
            let identity = recent.identity(&of(mac));
            recent.answer(identity)
        });
        assert_eq!(known, [Some(DONE), Some(DONE), None]);
        let later = Instant::now() + Duration::from_secs(302);
        assert_eq!(
            (recent.signed.answer([1; 10], later), recent.signed.answer([2; 10], later)),
            (None, Some(DONE))
        );
    }

    #[test]
    fn without_a_signature_client_and_content_count() {
        let mut recent = RecentUpdates::new(Vec::new());
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
