//! When which server is told of a zone (RFC 1996 section 3.6). Time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_wire::{DomainName, Type};

/// How long an answer is waited for before the message is sent again.
const WAITS: [u64; 5] = [3, 6, 12, 24, 48];
/// Between two messages of one zone to one server; what happens meanwhile is told with the next.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two messages to a server that never answers.
const SILENT_PAUSE: Duration = Duration::from_hours(1);
/// Messages in a second, in all.
const MOST_A_SECOND: u32 = 500;
/// Messages to one server that wait for their answer; as many to all parents, whose servers are not known before they are looked up.
const MOST_A_SERVER: usize = 50;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NotifyPeer {
    /// A secondary, of a new version.
    Server(SocketAddr),
    /// Whom the parent names, of new records of this type (RFC 9859).
    Parent(Type),
}

impl NotifyPeer {
    /// What limits are counted for: the server, or none for all parents.
    const fn limited(self) -> Option<SocketAddr> {
        match self {
            Self::Server(address) => Some(address),
            Self::Parent(_) => None,
        }
    }
}

impl fmt::Display for NotifyPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(address) => address.fmt(f),
            Self::Parent(rtype) => write!(f, "the parent, of {rtype},"),
        }
    }
}

/// A zone and who is told of it: one slot, however often the zone changes.
pub(super) type NotifySlotKey = (DomainName, NotifyPeer);

/// A message that is to be sent now.
#[derive(Debug)]
pub(super) struct DueNotify {
    pub(super) key: NotifySlotKey,
    /// How many messages were sent before without an answer.
    pub(super) attempt: usize,
    /// How long its answer is waited for.
    pub(super) wait: Duration,
}

#[derive(Debug, Default)]
struct NotifySlot {
    /// How many messages were sent without an answer.
    attempt: usize,
    sent: Option<Instant>,
    /// Its place in the queue; none while it is under way.
    due: Option<(Instant, u64)>,
    /// Whether there is nothing to tell: the slot only keeps the pause.
    is_idle: bool,
}

/// What is to be told, and when.
#[derive(Debug, Default)]
pub(super) struct NotifySchedule {
    slots: HashMap<NotifySlotKey, NotifySlot>,
    queue: BTreeMap<(Instant, u64), NotifySlotKey>,
    under_way: HashMap<Option<SocketAddr>, usize>,
    sequence: u64,
    /// The second that messages are counted in, and how many there were.
    second: Option<(Instant, u32)>,
}

impl NotifySchedule {
    /// Something new in a zone: told as soon as the `delay` and the pause since the last message are over. What was under way for this
    /// slot is of no use any more.
    pub(super) fn announce(&mut self, key: &NotifySlotKey, delay: Duration, now: Instant) {
        self.landed(key);
        let slot = self.slots.entry(key.clone()).or_default();
        (slot.attempt, slot.is_idle) = (0, false);
        let begin = now + delay;
        let due = slot.sent.map_or(begin, |sent| begin.max(sent + PAUSE));
        self.queue_at(key, due);
    }

    /// The next message that is due; none while a limit is reached.
    pub(super) fn next(&mut self, now: Instant) -> Option<DueNotify> {
        let mut skipped = Vec::new();
        let found = loop {
            let Some((&(due, sequence), key)) = self.queue.first_key_value() else { break None };
            if due > now {
                break None;
            }
            let key = key.clone();
            self.queue.remove(&(due, sequence));
            let busy = self.under_way.get(&key.1.limited()).copied().unwrap_or(0);
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            slot.due = None;
            if slot.is_idle {
                self.slots.remove(&key);
            } else if busy >= MOST_A_SERVER {
                skipped.push(key);
            } else if self.second.is_some_and(|(begun, count)| now < begun + PAUSE && count >= MOST_A_SECOND)
            {
                skipped.push(key);
                break None;
            } else {
                break Some(key);
            }
        };
        for key in skipped {
            self.queue_at(&key, now + PAUSE / 10);
        }
        let key = found?;
        self.count(now);
        *self.under_way.entry(key.1.limited()).or_default() += 1;
        let slot = self.slots.get_mut(&key)?;
        slot.sent = Some(now);
        let wait = Duration::from_secs(WAITS.get(slot.attempt).or(WAITS.last()).copied().unwrap_or(3));
        let attempt = slot.attempt;
        Some(DueNotify { key, attempt, wait })
    }

    /// A message was answered.
    pub(super) fn answered(&mut self, key: &NotifySlotKey) {
        self.landed(key);
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.is_idle = true;
        if let Some(sent) = slot.sent {
            self.queue_at(key, sent + PAUSE);
        }
    }

    /// A message was not answered in its time, or could not be sent. Whether that was the last try for this
    /// version.
    pub(super) fn unanswered(&mut self, key: &NotifySlotKey, now: Instant) -> bool {
        self.landed(key);
        let Some(slot) = self.slots.get_mut(key) else { return false };
        let wait = Duration::from_secs(WAITS.get(slot.attempt).copied().unwrap_or(0));
        slot.attempt += 1;
        let is_silent = slot.attempt >= WAITS.len();
        let next = slot.sent.map_or(now, |sent| now.max(sent + wait));
        self.queue_at(key, if is_silent { now + SILENT_PAUSE } else { next });
        is_silent
    }

    /// Keeps only slots that there is still a reason for. Gives those that are gone.
    pub(super) fn retain(&mut self, stays: impl Fn(&NotifySlotKey) -> bool) -> Vec<NotifySlotKey> {
        let gone: Vec<_> = self.slots.keys().filter(|key| !stays(key)).cloned().collect();
        for key in &gone {
            self.forget(key);
        }
        gone
    }

    /// A zone is not served any more, or not told to this server.
    pub(super) fn forget(&mut self, key: &NotifySlotKey) {
        self.landed(key);
        self.slots.remove(key);
    }

    /// When the next message is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(due, _)| *due)
    }

    /// The slot is in neither list.
    fn landed(&mut self, key: &NotifySlotKey) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if let Some(place) = slot.due.take() {
            self.queue.remove(&place);
        } else if let Some(busy) = self.under_way.get_mut(&key.1.limited()) {
            *busy = busy.saturating_sub(1);
            if *busy == 0 {
                self.under_way.remove(&key.1.limited());
            }
        }
    }

    fn queue_at(&mut self, key: &NotifySlotKey, due: Instant) {
        self.sequence += 1;
        if let Some(slot) = self.slots.get_mut(key) {
            slot.due = Some((due, self.sequence));
            self.queue.insert((due, self.sequence), key.clone());
        }
    }

    fn count(&mut self, now: Instant) {
        match &mut self.second {
            Some((begun, count)) if now < *begun + PAUSE => *count += 1,
            second => *second = Some((now, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> NotifyPeer {
        NotifyPeer::Server(SocketAddr::from(([192, 0, 2, number], 53)))
    }

    fn key(name: &str, number: u8) -> NotifySlotKey {
        (name.parse().unwrap(), peer(number))
    }

    fn after(begun: Instant, millis: u64) -> Instant {
        begun + Duration::from_millis(millis)
    }

    #[test]
    fn the_first_change_is_told_at_once_and_others_a_second_later() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        schedule.announce(&key("a.", 1), Duration::ZERO, begun);
        assert!(schedule.next(begun).is_some() && schedule.next(begun).is_none());
        schedule.answered(&key("a.", 1));
        for millis in [10, 20, 30] {
            schedule.announce(&key("a.", 1), Duration::ZERO, after(begun, millis));
            assert!(schedule.next(after(begun, millis)).is_none());
        }
        assert_eq!(schedule.due(), Some(after(begun, 1000)));
        assert!(schedule.next(after(begun, 1000)).is_some() && schedule.next(after(begun, 1000)).is_none());
        schedule.answered(&key("a.", 1));
        assert!(schedule.next(after(begun, 2000)).is_none());
        assert!(schedule.slots.is_empty() && schedule.under_way.is_empty() && schedule.due().is_none());
    }

    #[test]
    fn what_is_not_answered_is_sent_again_and_then_once_an_hour() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        schedule.announce(&key("a.", 1), Duration::ZERO, begun);
        let (mut now, mut waits) = (begun, Vec::new());
        for attempt in 1..=5 {
            let due = schedule.next(now).unwrap();
            waits.push(due.wait.as_secs());
            now += due.wait;
            assert_eq!(schedule.unanswered(&key("a.", 1), now), attempt == 5, "{attempt}");
        }
        assert_eq!(waits, [3, 6, 12, 24, 48]);
        assert_eq!(schedule.due(), Some(now + SILENT_PAUSE));
        schedule.announce(&key("a.", 1), Duration::ZERO, now);
        assert_eq!(schedule.next(now).unwrap().wait.as_secs(), 3, "a new version is told at once");
        // One that could not be sent waits as long as one that was.
        schedule.unanswered(&key("a.", 1), now);
        assert_eq!(schedule.due(), Some(now + Duration::from_secs(3)));
        schedule.forget(&key("a.", 1));
        assert!(schedule.slots.is_empty() && schedule.due().is_none());
    }

    #[test]
    fn no_storm_goes_beyond_the_limits() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        for number in 0..2000 {
            for server in [1, 2] {
                schedule.announce(&key(&format!("z{number}."), server), Duration::ZERO, begun);
            }
        }
        let mut sent = 0;
        while let Some(due) = schedule.next(begun) {
            sent += 1;
            assert!(schedule.under_way.values().all(|busy| *busy <= MOST_A_SERVER));
            // Those of the first server answer, those of the other do not.
            if due.key.1 == peer(1) {
                schedule.answered(&due.key);
            }
        }
        assert_eq!(sent, 500, "in a second");
        let mut later = 0;
        while let Some(due) = schedule.next(after(begun, 1100)) {
            later += 1;
            assert_eq!(due.key.1, peer(1), "the other has fifty under way");
            schedule.answered(&due.key);
        }
        assert_eq!(later, 500);
    }

    #[test]
    fn parents_are_told_later_and_limited_together() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        let key = |number: u32| (format!("z{number}.").parse().unwrap(), NotifyPeer::Parent(Type::CDS));
        for number in 0..60 {
            schedule.announce(&key(number), Duration::from_secs(5), begun);
        }
        assert!(schedule.next(after(begun, 4999)).is_none());
        let mut sent = Vec::new();
        while let Some(due) = schedule.next(after(begun, 5000)) {
            sent.push(due.key);
        }
        assert_eq!(sent.len(), MOST_A_SERVER);
        // Another type of the same zone is another slot.
        let csync = (sent[0].0.clone(), NotifyPeer::Parent(Type::CSYNC));
        schedule.announce(&csync, Duration::ZERO, after(begun, 5000));
        schedule.answered(&sent[0]);
        let next = schedule.next(after(begun, 5000)).unwrap();
        assert_eq!((next.key, next.attempt), (csync.clone(), 0));
        // At once also where a delay was asked for before.
        let mut schedule = NotifySchedule::default();
        schedule.announce(&csync, Duration::from_secs(5), begun);
        schedule.announce(&csync, Duration::ZERO, after(begun, 1));
        assert_eq!(schedule.next(after(begun, 1)).map(|due| due.key), Some(csync));
    }

    /// What is gone ends in whatever state it is, and frees its place.
    #[test]
    fn what_is_gone_ends_at_once() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        for (number, name) in ["waiting.", "under-way.", "silent.", "idle."].iter().enumerate() {
            let key = key(name, number as u8);
            let now = after(begun, number as u64);
            schedule.announce(&key, Duration::ZERO, now);
            if number > 0 {
                // Those before are not due any more, or under way.
                while schedule.next(now).is_some_and(|due| due.key != key) {}
            }
            match number {
                2 => assert!(!schedule.unanswered(&key, now)),
                3 => schedule.answered(&key),
                _ => {}
            }
        }
        let stays = key("silent.", 2);
        let mut gone = schedule.retain(|key| *key == stays);
        gone.sort_by_key(|key| key.0.to_string());
        assert_eq!(gone, [key("idle.", 3), key("under-way.", 1), key("waiting.", 0)]);
        assert_eq!((schedule.slots.len(), schedule.queue.len(), schedule.under_way.len()), (1, 1, 0));
        assert_eq!(schedule.retain(|_| false), [stays]);
        assert!(schedule.slots.is_empty() && schedule.queue.is_empty());
    }
}
