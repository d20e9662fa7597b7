//! Which zone is looked at when. Time is an argument.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rhumb_config::TransferLimits;
use rhumb_wire::DomainName;

use super::pace::{LookResult, PrimaryPace};

/// Why a zone is due: what comes first is looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RefreshUrgency {
    /// It has no contents, or an operator waits.
    Missing,
    /// A primary says that there is a new version.
    Notified,
    /// Its time has come.
    Due,
}

#[derive(Debug)]
struct RefreshSlot {
    /// The primary that is asked first.
    primary: SocketAddr,
    /// When it is looked at next; none while it is ready or under way.
    due: Option<(Instant, u64)>,
    /// It waits for its turn.
    ready: Option<RefreshUrgency>,
    /// Since it was last looked at, something has come up.
    again: Option<RefreshUrgency>,
    is_running: bool,
    urgency: RefreshUrgency,
}

/// Zones that wait for one primary, by urgency. Those that were dropped or became more urgent meanwhile are passed over.
type ReadyZones = [VecDeque<DomainName>; 3];

/// The zones of other servers.
#[derive(Debug, Default)]
pub(super) struct RefreshSchedule {
    slots: HashMap<DomainName, RefreshSlot>,
    queue: BTreeMap<(Instant, u64), DomainName>,
    ready: HashMap<SocketAddr, ReadyZones>,
    /// Primaries with zones that are ready, the next one first.
    turns: VecDeque<SocketAddr>,
    paces: HashMap<SocketAddr, PrimaryPace>,
    running: usize,
    sequence: u64,
    /// The second that looks are counted in, and how many there were.
    second: Option<(Instant, u32)>,
    /// When a primary may be asked again that may not now.
    held: Option<Instant>,
    limits: TransferLimits,
}

impl RefreshSchedule {
    /// From now on so many zones are looked at, so often; what is under way goes on.
    pub(super) const fn limit(&mut self, limits: TransferLimits) {
        self.limits = limits;
    }

    /// Adds a zone, or says which primary it is asked of first.
    pub(super) fn set(
        &mut self,
        name: &DomainName,
        primary: SocketAddr,
        urgency: RefreshUrgency,
        due: Instant,
    ) {
        if let Some(slot) = self.slots.get_mut(name) {
            let before = std::mem::replace(&mut slot.primary, primary);
            // It waits in the queue of the primary that it is asked of.
            if let Some(urgency) = slot.ready.take_if(|_| before != primary) {
                self.make_ready(name, urgency);
            }
            return;
        }
        let (due_at, ready, again, is_running) = (None, None, None, false);
        let slot = RefreshSlot { primary, due: due_at, ready, again, is_running, urgency };
        self.slots.insert(name.clone(), slot);
        self.look_at(name, due);
    }

    /// Forgets a zone; what is under way for it is of no use.
    pub(super) fn forget(&mut self, name: &DomainName) {
        if let Some(due) = self.slots.remove(name).and_then(|slot| slot.due) {
            self.queue.remove(&due);
        }
    }

    /// The zones that there are.
    pub(super) fn zones(&self) -> Vec<DomainName> {
        self.slots.keys().cloned().collect()
    }

    /// Whether this zone is one of them.
    pub(super) fn has(&self, name: &DomainName) -> bool {
        self.slots.contains_key(name)
    }

    /// Looks at a zone as soon as it may be; once more if that is under way.
    pub(super) fn bring_forward(&mut self, name: &DomainName, urgency: RefreshUrgency) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        if slot.is_running {
            slot.again = Some(slot.again.map_or(urgency, |again| again.min(urgency)));
            return;
        }
        if let Some(due) = slot.due.take() {
            self.queue.remove(&due);
        }
        self.make_ready(name, urgency);
    }

    /// The next zone to look at, and the primary whose turn it is; none while a limit is reached or nothing is due. The end of each look
    /// is to be told.
    pub(super) fn next(&mut self, now: Instant) -> Option<(DomainName, SocketAddr)> {
        self.wake(now);
        self.held = None;
        if self.running >= self.limits.incoming || !self.has_room(now) {
            return None;
        }
        // Each urgency goes round all primaries before the next one does.
        let most = self.limits.in_per_primary;
        for urgency in 0..3 {
            for turn in 0..self.turns.len() {
                let Some(primary) = self.turns.get(turn).copied() else { break };
                let Some(name) = self.first_ready(primary, urgency) else { continue };
                match self.paces.entry(primary).or_insert_with(|| PrimaryPace::new(now)).begin(now, most) {
                    Ok(()) => {
                        self.begin(&name, primary, urgency, turn);
                        return Some((name, primary));
                    }
                    Err(until) => self.held = earliest(self.held, until),
                }
            }
        }
        None
    }

    fn begin(&mut self, name: &DomainName, primary: SocketAddr, urgency: usize, turn: usize) {
        if let Some(zones) = self.ready.get_mut(&primary).and_then(|ready| ready.get_mut(urgency)) {
            zones.pop_front();
        }
        self.turns.remove(turn);
        self.turns.push_back(primary);
        self.running += 1;
        if let Some((_, count)) = &mut self.second {
            *count += 1;
        }
        if let Some(slot) = self.slots.get_mut(name) {
            (slot.ready, slot.is_running) = (None, true);
        }
    }

    /// A look at a zone in the turn of `primary` has ended. `due` is when it is looked at again.
    pub(super) fn ended(
        &mut self,
        name: &DomainName,
        primary: SocketAddr,
        result: LookResult,
        urgency: RefreshUrgency,
        now: Instant,
        due: Instant,
    ) {
        self.running = self.running.saturating_sub(1);
        if let Some(pace) = self.paces.get_mut(&primary) {
            pace.end(result, now);
        }
        let is_free = matches!(result, LookResult::FirstTransfer | LookResult::Nothing);
        if let Some((_, count)) = self.second.as_mut().filter(|_| is_free) {
            *count = count.saturating_sub(1);
        }
        let Some(slot) = self.slots.get_mut(name) else { return };
        (slot.is_running, slot.urgency) = (false, urgency);
        match slot.again.take() {
            Some(again) => self.make_ready(name, again),
            None => self.look_at(name, due),
        }
    }

    /// Whether a primary is taken to be gone.
    pub(super) fn is_silent(&self, primary: SocketAddr) -> bool {
        self.paces.get(&primary).is_some_and(PrimaryPace::is_silent)
    }

    /// When there may be something to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        let second = self.second.filter(|(_, count)| *count >= self.limits.soa_queries_per_second);
        let held = earliest(self.held, second.map(|(begun, _)| begun + Duration::from_secs(1)));
        earliest(held, self.queue.keys().next().map(|(due, _)| *due))
    }

    fn has_room(&mut self, now: Instant) -> bool {
        match &self.second {
            Some((begun, count)) if now < *begun + Duration::from_secs(1) => {
                *count < self.limits.soa_queries_per_second
            }
            _ => {
                self.second = Some((now, 0));
                true
            }
        }
    }

    /// What is due becomes ready.
    fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= now) {
            let name = entry.remove();
            let Some(slot) = self.slots.get_mut(&name) else { continue };
            slot.due = None;
            let urgency = slot.urgency;
            self.make_ready(&name, urgency);
        }
    }

    fn make_ready(&mut self, name: &DomainName, urgency: RefreshUrgency) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        if slot.ready.is_some_and(|ready| ready <= urgency) {
            return;
        }
        slot.ready = Some(urgency);
        let primary = slot.primary;
        let ready = self.ready.entry(primary).or_default();
        if let Some(zones) = ready.get_mut(urgency as usize) {
            zones.push_back(name.clone());
        }
        if !self.turns.contains(&primary) {
            self.turns.push_back(primary);
        }
    }

    /// The first zone that waits for a primary, those that do no more passed over.
    fn first_ready(&mut self, primary: SocketAddr, urgency: usize) -> Option<DomainName> {
        let slots = &self.slots;
        let zones = self.ready.get_mut(&primary)?.get_mut(urgency)?;
        loop {
            let name = zones.front()?;
            let slot = slots.get(name);
            let waits = slot.is_some_and(|slot| {
                slot.primary == primary && slot.ready.is_some_and(|ready| ready as usize == urgency)
            });
            if waits {
                return Some(name.clone());
            }
            zones.pop_front();
        }
    }

    fn look_at(&mut self, name: &DomainName, due: Instant) {
        self.sequence += 1;
        if let Some(slot) = self.slots.get_mut(name) {
            slot.due = Some((due, self.sequence));
            self.queue.insert((due, self.sequence), name.clone());
        }
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
