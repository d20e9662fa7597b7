//! A part of the records under one lock.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;
use rhumb_wire::{NameRef, Type};

use crate::packed_records::PackedRecords;
use crate::record_set::{CredibilityRank, LearntRecords};

/// What was not asked for again by the time that so many others have come is packed.
const YOUNG: usize = 16;
/// Bytes that a packed entry costs beside its data: its place in the table and the queue, the allocator's share.
const OVERHEAD: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct RecordShard {
    table: HashTable<RecordSlot>,
    /// In the order of their last entry; those that were used since go round once more.
    queue: VecDeque<RecordTicket>,
    bytes: u64,
    serial: u32,
}

#[derive(Debug)]
struct RecordSlot {
    kept: KeptRecords,
    hash: u32,
    serial: u32,
    used: bool,
}

/// The hash and the serial number of an entry, which may be gone already.
#[derive(Clone, Copy, Debug)]
struct RecordTicket {
    hash: u32,
    serial: u32,
}

#[derive(Debug)]
enum KeptRecords {
    Ready(Arc<LearntRecords>),
    Packed(PackedRecords),
}

impl KeptRecords {
    fn is_of(&self, name: NameRef<'_>, rtype: Type) -> bool {
        match self {
            Self::Ready(learnt) => learnt.rtype == rtype && learnt.owner.as_ref() == name,
            Self::Packed(packed) => packed.rtype() == rtype && packed.owner() == name,
        }
    }

    fn owner(&self) -> NameRef<'_> {
        match self {
            Self::Ready(learnt) => learnt.owner.as_ref(),
            Self::Packed(packed) => packed.owner(),
        }
    }

    fn credibility(&self) -> CredibilityRank {
        match self {
            Self::Ready(learnt) => learnt.credibility,
            Self::Packed(packed) => packed.credibility(),
        }
    }

    fn left(&self, now: u32) -> u32 {
        match self {
            Self::Ready(learnt) => learnt.left(now),
            Self::Packed(packed) => packed.left(now),
        }
    }

    fn learnt(&self) -> Option<Arc<LearntRecords>> {
        match self {
            Self::Ready(learnt) => Some(Arc::clone(learnt)),
            Self::Packed(packed) => packed.unpack().map(Arc::new),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Ready(learnt) => learnt.bytes(),
            Self::Packed(packed) => (OVERHEAD + packed.len()) as u64,
        }
    }
}

impl RecordSlot {
    fn is_for(&self, hash: u32, (name, rtype): (NameRef<'_>, Type)) -> bool {
        self.hash == hash && self.kept.is_of(name, rtype)
    }

    /// Packs what was not used, if it can be and takes less then. Gives by how many bytes it became smaller.
    fn pack(&mut self) -> u64 {
        let KeptRecords::Ready(learnt) = &self.kept else { return 0 };
        if self.used {
            return 0;
        }
        let Some(packed) = PackedRecords::pack(learnt).map(KeptRecords::Packed) else { return 0 };
        let Some(saved) = self.kept.bytes().checked_sub(packed.bytes()) else { return 0 };
        self.kept = packed;
        saved
    }
}

/// The table wants 64 bits of which all are used; half of them are kept.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl RecordShard {
    /// What is known under a name and type at `now`.
    pub(crate) fn get(
        &mut self,
        hash: u64,
        key: (NameRef<'_>, Type),
        now: u32,
    ) -> Option<Arc<LearntRecords>> {
        let hash = hash as u32;
        let slot = self.table.find_mut(spread(hash), |slot| slot.is_for(hash, key))?;
        if slot.kept.left(now) == 0 {
            return None;
        }
        let again = std::mem::replace(&mut slot.used, true);
        let learnt = slot.kept.learnt()?;
        if again && matches!(slot.kept, KeptRecords::Packed(_)) {
            self.bytes -= slot.kept.bytes();
            slot.kept = KeptRecords::Ready(Arc::clone(&learnt));
            self.bytes += slot.kept.bytes();
        }
        Some(learnt)
    }

    /// Whether something is there, at whatever time.
    pub(crate) fn holds(&self, hash: u64, key: (NameRef<'_>, Type)) -> bool {
        let hash = hash as u32;
        self.table.find(spread(hash), |slot| slot.is_for(hash, key)).is_some()
    }

    /// Up to `most` entries, those at the places from `at` on; none where the queue ends before.
    pub(crate) fn some(&self, at: usize, most: usize) -> Option<Vec<Arc<LearntRecords>>> {
        let end = self.queue.len().min(at.saturating_add(most));
        if at >= end {
            return None;
        }
        let slot =
            |ticket: &RecordTicket| self.table.find(spread(ticket.hash), |slot| slot.serial == ticket.serial);
        let found = self.queue.range(at..end).filter_map(slot);
        Some(found.filter_map(|slot| slot.kept.learnt()).collect())
    }

    /// Whether it was kept.
    pub(crate) fn insert(&mut self, hash: u64, learnt: &Arc<LearntRecords>, room: u64) -> bool {
        let hash = hash as u32;
        let key = (learnt.owner.as_ref(), learnt.rtype);
        if let Ok(found) = self.table.find_entry(spread(hash), |slot| slot.is_for(hash, key)) {
            let old = &found.get().kept;
            if old.credibility() > learnt.credibility && old.left(learnt.stored) > 0 {
                return false;
            }
            self.bytes -= old.bytes();
            found.remove();
        }
        let kept = KeptRecords::Ready(Arc::clone(learnt));
        let bytes = kept.bytes();
        if bytes > room / 2 {
            return false;
        }
        self.serial = self.serial.wrapping_add(1);
        let slot = RecordSlot { kept, hash, serial: self.serial, used: false };
        self.table.insert_unique(spread(hash), slot, |slot| spread(slot.hash));
        self.bytes += bytes;
        self.enqueue(RecordTicket { hash, serial: self.serial });
        self.make_room(room);
        true
    }

    /// Drops what is there.
    pub(crate) fn forget(&mut self, hash: u64, key: (NameRef<'_>, Type)) {
        let hash = hash as u32;
        self.remove(hash, |slot| slot.is_for(hash, key));
    }

    fn remove(&mut self, hash: u32, same: impl Fn(&RecordSlot) -> bool) {
        if let Ok(found) = self.table.find_entry(spread(hash), same) {
            let (slot, _) = found.remove();
            self.bytes -= slot.kept.bytes();
        }
    }

    /// Puts an entry behind all others; the one that is young no longer is packed.
    fn enqueue(&mut self, ticket: RecordTicket) {
        self.queue.push_back(ticket);
        let old = self.queue.len().checked_sub(YOUNG).and_then(|place| self.queue.get(place)).copied();
        let Some(RecordTicket { hash, serial }) = old else { return };
        if let Some(slot) = self.table.find_mut(spread(hash), |slot| slot.serial == serial) {
            self.bytes -= slot.pack();
        }
    }

    fn make_room(&mut self, room: u64) {
        while self.bytes > room
            && let Some(ticket) = self.queue.pop_front()
        {
            let RecordTicket { hash, serial } = ticket;
            match self.table.find_mut(spread(hash), |slot| slot.serial == serial) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.enqueue(ticket);
                }
                Some(_) => self.remove(hash, |slot| slot.serial == serial),
                None => {}
            }
        }
        self.forget_gone();
    }

    /// Entries that were replaced or dropped leave their places in the queue behind; swept out once they outnumber the entries.
    fn forget_gone(&mut self) {
        if self.queue.len() > 2 * self.table.len() + 64 {
            let table = &self.table;
            let lives = |ticket: &RecordTicket| {
                table.find(spread(ticket.hash), |slot| slot.serial == ticket.serial).is_some()
            };
            self.queue.retain(lives);
        }
    }

    /// Drops the entries of the owners that `hit` says yes to. Gives their number.
    pub(crate) fn flush(&mut self, hit: impl Fn(NameRef<'_>) -> bool) -> usize {
        let before = self.table.len();
        let bytes = &mut self.bytes;
        self.table.retain(|slot| {
            let gone = hit(slot.kept.owner());
            if gone {
                *bytes -= slot.kept.bytes();
            }
            !gone
        });
        self.forget_gone();
        before - self.table.len()
    }

    /// A number that changes with everything that is kept.
    pub(crate) const fn changes(&self) -> u32 {
        self.serial
    }

    /// Entries and their bytes.
    pub(crate) fn figures(&self) -> (u64, u64) {
        (self.table.len() as u64, self.bytes)
    }

    /// Whether its bytes are those of its entries, and its queue is no longer than it may be.
    #[cfg(test)]
    pub(crate) fn is_sound(&self) -> bool {
        self.bytes == self.table.iter().map(|slot| slot.kept.bytes()).sum::<u64>()
            && self.queue.len() <= 2 * self.table.len() + 64
    }
}

#[cfg(test)]
mod tests;
