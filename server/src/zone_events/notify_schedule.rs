//! When which server is told of a zone (RFC 1996 section 3.6). Time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_wire::DomainName;

use crate::snapshot::{NotifyTarget, ZoneEntry};

/// How long an answer is waited for before the message is sent again.
const WAITS: [u64; 5] = [3, 6, 12, 24, 48];
/// Between two messages of one zone to one server; what happens meanwhile is told with the next.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two messages to a server that never answers.
const SILENT_PAUSE: Duration = Duration::from_hours(1);
/// Messages in a second, in all.
const MOST_A_SECOND: u32 = 500;
/// Messages to one server that wait for their answer.
const MOST_A_SERVER: usize = 50;

/// A zone and a server: one slot, however often the zone changes.
pub(super) type NotifySlotKey = (DomainName, SocketAddr);

/// A message that is to be sent now.
#[derive(Debug)]
pub(super) struct DueNotify {
    pub(super) entry: ZoneEntry,
    pub(super) target: NotifyTarget,
    /// How long its answer is waited for.
    pub(super) wait: Duration,
}

#[derive(Debug)]
struct NotifySlot {
    entry: ZoneEntry,
    target: NotifyTarget,
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
    under_way: HashMap<SocketAddr, usize>,
    sequence: u64,
    /// The second that messages are counted in, and how many there were.
    second: Option<(Instant, u32)>,
}

impl NotifySchedule {
    /// A new version of a zone: told at once, or as soon as the pause since the last message is over. What was under way for
    /// this slot is of no use any more.
    pub(super) fn announce(&mut self, entry: &ZoneEntry, target: &NotifyTarget, now: Instant) {
        let key = (entry.zone.name().clone(), target.address);
        self.landed(&key);
        let slot = self.slots.entry(key.clone()).or_insert_with(|| NotifySlot {
            entry: entry.clone(),
            target: target.clone(),
            attempt: 0,
            sent: None,
            due: None,
            is_idle: false,
        });
        (slot.entry, slot.target) = (entry.clone(), target.clone());
        (slot.attempt, slot.is_idle) = (0, false);
        let due = slot.sent.map_or(now, |sent| now.max(sent + PAUSE));
        self.queue_at(&key, due);
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
            let busy = self.under_way.get(&key.1).copied().unwrap_or(0);
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
        *self.under_way.entry(key.1).or_default() += 1;
        let slot = self.slots.get_mut(&key)?;
        slot.sent = Some(now);
        let wait = Duration::from_secs(WAITS.get(slot.attempt).or(WAITS.last()).copied().unwrap_or(3));
        Some(DueNotify { entry: slot.entry.clone(), target: slot.target.clone(), wait })
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
        } else if let Some(busy) = self.under_way.get_mut(&key.1) {
            *busy = busy.saturating_sub(1);
            if *busy == 0 {
                self.under_way.remove(&key.1);
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
    use std::path::Path;
    use std::sync::Arc;

    use rhumb_config::FilePlace;
    use rhumb_zones::file::ZoneReadOptions;

    use super::*;
    use crate::snapshot::{ServedZone, ZoneFile, ZoneOrigin, ZoneVersioning};

    fn entry(name: &str) -> ZoneEntry {
        let place = FilePlace { file: Path::new("x.yaml").into(), line: 1, column: 1 };
        let origin = ZoneOrigin {
            place,
            source: ZoneFile::BuiltIn,
            transfer_to: Vec::new(),
            notify: Vec::new(),
            update: Vec::new(),
            versioning: ZoneVersioning::default(),
            reading: ZoneReadOptions::default(),
            secondary: None,
        };
        ZoneEntry { zone: Arc::new(ServedZone::new(name.parse().unwrap())), origin: Arc::new(origin) }
    }

    fn target(number: u8) -> NotifyTarget {
        NotifyTarget { address: SocketAddr::from(([192, 0, 2, number], 53)), key: None, source: None }
    }

    fn key(name: &str, number: u8) -> NotifySlotKey {
        (name.parse().unwrap(), target(number).address)
    }

    fn after(begun: Instant, millis: u64) -> Instant {
        begun + Duration::from_millis(millis)
    }

    #[test]
    fn the_first_change_is_told_at_once_and_others_a_second_later() {
        let (mut schedule, begun) = (NotifySchedule::default(), Instant::now());
        schedule.announce(&entry("a."), &target(1), begun);
        assert!(schedule.next(begun).is_some() && schedule.next(begun).is_none());
        schedule.answered(&key("a.", 1));
        for millis in [10, 20, 30] {
            schedule.announce(&entry("a."), &target(1), after(begun, millis));
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
        schedule.announce(&entry("a."), &target(1), begun);
        let (mut now, mut waits) = (begun, Vec::new());
        for attempt in 1..=5 {
            let due = schedule.next(now).unwrap();
            waits.push(due.wait.as_secs());
            now += due.wait;
            assert_eq!(schedule.unanswered(&key("a.", 1), now), attempt == 5, "{attempt}");
        }
        assert_eq!(waits, [3, 6, 12, 24, 48]);
        assert_eq!(schedule.due(), Some(now + SILENT_PAUSE));
        schedule.announce(&entry("a."), &target(1), now);
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
                schedule.announce(&entry(&format!("z{number}.")), &target(server), begun);
            }
        }
        let mut sent = 0;
        while let Some(due) = schedule.next(begun) {
            sent += 1;
            assert!(schedule.under_way.values().all(|busy| *busy <= MOST_A_SERVER));
            // Those of the first server answer, those of the other do not.
            if due.target.address == target(1).address {
                schedule.answered(&(due.entry.zone.name().clone(), due.target.address));
            }
        }
        assert_eq!(sent, 500, "in a second");
        let mut later = 0;
        while let Some(due) = schedule.next(after(begun, 1100)) {
            later += 1;
            assert_eq!(due.target.address, target(1).address, "the other has fifty under way");
            schedule.answered(&(due.entry.zone.name().clone(), due.target.address));
        }
        assert_eq!(later, 500);
    }
}
