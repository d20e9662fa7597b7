//! From names to values, the longest match counts.

use std::collections::HashMap;
use std::sync::Arc;

use rhumb_wire::{DomainName, NameRef};

use crate::fold;
use crate::hash::{self, NameHash};

/// A map in which the longest name at or above the one looked for is found: zones, forwarded domains.
///
/// It does not change once built, and copies share it. A lookup costs one pass over the name and one probe for each number of
/// labels that some name in the table has.
#[derive(Debug)]
pub struct NameTable<V> {
    start: NameHash,
    /// The names in wire form, one after the other.
    names: Arc<[u8]>,
    entries: Arc<[TableEntry<V>]>,
    /// Open addressing: hash in the upper half, number plus one in the lower; zero is free.
    slots: Arc<[u64]>,
    /// Bit n: there is a name of n labels.
    depths: u128,
}

impl<V> Clone for NameTable<V> {
    fn clone(&self) -> Self {
        Self {
            start: self.start,
            names: Arc::clone(&self.names),
            entries: Arc::clone(&self.entries),
            slots: Arc::clone(&self.slots),
            depths: self.depths,
        }
    }
}

#[derive(Debug, Clone)]
struct TableEntry<V> {
    at: u32,
    value: V,
}

impl<V> NameTable<V> {
    /// A table of these names and values. Of a name that comes twice the last value is kept.
    pub fn build(pairs: impl IntoIterator<Item = (DomainName, V)>) -> Self {
        let mut draft = NameTableBuilder::new(NameHash::random(), 0);
        for (name, value) in pairs {
            let name = name.as_ref();
            let hash = hash_of(draft.start, name);
            match draft.find(hash, name) {
                Some(id) => draft.replace(id, value),
                None => draft.add(hash, name, value),
            }
        }
        draft.finish()
    }

    /// This table with other values for some names, which are added where they are missing, and without the names whose value
    /// is none. The names that stay keep their order; those added come last, in canonical order. Costs a copy of the table, and no hash of a name
    /// that stays.
    pub fn with(&self, changes: HashMap<DomainName, Option<V>>) -> Self
    where
        V: Clone,
    {
        let mut hashes = vec![0; self.entries.len()];
        for slot in self.slots.iter() {
            let id = (*slot as u32).checked_sub(1).map(|id| id as usize);
            if let Some(hash) = id.and_then(|id| hashes.get_mut(id)) {
                *hash = (slot >> 32) as u32;
            }
        }
        let mut changed: HashMap<usize, Option<V>> = HashMap::new();
        let mut added = Vec::new();
        for (name, value) in changes {
            let hash = hash_of(self.start, name.as_ref());
            match (self.probe(hash, name.as_ref().as_bytes()), value) {
                (Some(id), value) => drop(changed.insert(id, value)),
                (None, Some(value)) => added.push((hash, name, value)),
                (None, None) => {}
            }
        }
        added.sort_by(|a, b| a.1.cmp(&b.1));
        let mut draft = NameTableBuilder::new(self.start, self.entries.len() + added.len());
        for (id, (hash, entry)) in hashes.into_iter().zip(self.entries.iter()).enumerate() {
            let value = match changed.remove(&id) {
                None => entry.value.clone(),
                Some(Some(value)) => value,
                Some(None) => continue,
            };
            if let Some((name, _)) = self.entry(id) {
                draft.add(hash, name, value);
            }
        }
        for (hash, name, value) in added {
            draft.add(hash, name.as_ref(), value);
        }
        draft.finish()
    }

    /// The value of the longest name that is `name` or lies above it.
    #[inline]
    pub fn find(&self, name: NameRef<'_>) -> Option<&V> {
        self.entries.get(self.longest(name)?).map(|entry| &entry.value)
    }

    /// As [`Self::find`], with the name that was found.
    pub fn find_entry(&self, name: NameRef<'_>) -> Option<(NameRef<'_>, &V)> {
        self.entry(self.longest(name)?)
    }

    /// The number of the longest name at or above `name`: suffix by suffix from the root, as far as the table is deep.
    fn longest(&self, name: NameRef<'_>) -> Option<usize> {
        if self.entries.len() == 1 {
            // Many servers have one zone, and that is found without a hash.
            return is_below(name.as_bytes(), &self.names).then_some(0);
        }
        // Few labels are the rule: where the last eight of them begin fits a word.
        if self.depths >> (u64::BITS / u8::BITS + 1) != 0 {
            return self.longest_of_many(name);
        }
        let bytes = name.as_bytes();
        let (mut starts, mut end, mut labels) = (0u64, 0, 0);
        while let Some(&length @ 1..) = bytes.get(end) {
            starts = starts << u8::BITS | end as u64;
            labels += 1;
            end += 1 + usize::from(length);
        }
        let starts = (0..labels).map(|label| (starts >> (u8::BITS * (label & 7))) as u8);
        self.longest_suffix(bytes, starts, end)
    }

    #[cold]
    fn longest_of_many(&self, name: NameRef<'_>) -> Option<usize> {
        let (offsets, labels) = name.label_offsets();
        self.longest_suffix(name.as_bytes(), offsets.into_iter().take(labels).rev(), name.len() - 1)
    }

    /// `starts` are where the labels begin, from the right; `end` is where the root label stands.
    #[inline]
    fn longest_suffix(&self, name: &[u8], starts: impl Iterator<Item = u8>, end: usize) -> Option<usize> {
        let mut depths = self.depths;
        let mut found = if depths & 1 == 0 { None } else { self.probe(self.start.finish(), &[0]) };
        let (mut hash, mut end) = (self.start, end);
        for start in starts {
            depths >>= 1;
            if depths == 0 {
                break;
            }
            let start = usize::from(start);
            hash = hash.label(name.get(start..end)?);
            end = start;
            if depths & 1 != 0 {
                found = self.probe(hash.finish(), name.get(start..)?).or(found);
            }
        }
        found
    }

    /// The value of exactly this name.
    pub fn find_exact(&self, name: NameRef<'_>) -> Option<&V> {
        let id = self.probe(hash_of(self.start, name), name.as_bytes())?;
        self.entries.get(id).map(|entry| &entry.value)
    }

    /// The value of the longest name that lies above `name`: whose zone has the DS of a zone called `name`
    /// (RFC 4035 section 3.1.4.1).
    pub fn find_above(&self, name: NameRef<'_>) -> Option<&V> {
        self.find(name.parent()?)
    }

    /// All names and values, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (NameRef<'_>, &V)> {
        (0..self.entries.len()).filter_map(|id| self.entry(id))
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held, without what the values point to.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.names.len() + size_of_val(&*self.entries) + size_of_val(&*self.slots)
    }

    fn entry(&self, id: usize) -> Option<(NameRef<'_>, &V)> {
        let entry = self.entries.get(id)?;
        let name = NameRef::parse(self.names.get(entry.at as usize..)?).ok()?;
        Some((name, &entry.value))
    }

    fn probe(&self, hash: u32, name: &[u8]) -> Option<usize> {
        find_in(&self.slots, &self.names, &self.entries, hash, name)
    }
}

/// A table being built.
struct NameTableBuilder<V> {
    start: NameHash,
    names: Vec<u8>,
    entries: Vec<TableEntry<V>>,
    slots: Vec<u64>,
    depths: u128,
}

impl<V> NameTableBuilder<V> {
    fn new(start: NameHash, room: usize) -> Self {
        let slots = vec![0; (room * 3 / 2 + 1).next_power_of_two().max(4)];
        Self { start, names: Vec::new(), entries: Vec::with_capacity(room), slots, depths: 0 }
    }

    fn find(&self, hash: u32, name: NameRef<'_>) -> Option<usize> {
        find_in(&self.slots, &self.names, &self.entries, hash, name.as_bytes())
    }

    fn replace(&mut self, id: usize, value: V) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.value = value;
        }
    }

    /// Adds a name that is not there.
    fn add(&mut self, hash: u32, name: NameRef<'_>, value: V) {
        if (self.entries.len() + 1) * 3 > self.slots.len() * 2 {
            self.slots = grown(&self.slots);
        }
        place(&mut self.slots, u64::from(hash) << 32 | (self.entries.len() as u64 + 1));
        self.entries.push(TableEntry { at: self.names.len() as u32, value });
        self.names.extend_from_slice(name.as_bytes());
        self.depths |= 1 << name.label_count();
    }

    fn finish(self) -> NameTable<V> {
        let Self { start, names, entries, slots, depths } = self;
        NameTable { start, names: names.into(), entries: entries.into(), slots: slots.into(), depths }
    }
}

fn hash_of(start: NameHash, name: NameRef<'_>) -> u32 {
    let (_, labels) = name.as_bytes().split_last().unwrap_or((&0, &[]));
    hash::of_labels(start, labels)
}

/// Whether a name in wire form is `above` or lies below it.
#[inline]
fn is_below(name: &[u8], above: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(above.len()) else { return false };
    if !name.get(start..).is_some_and(|tail| fold::eq(tail, above)) {
        return false;
    }
    // The same bytes may begin inside a label.
    let mut at = 0;
    while at < start {
        at += 1 + name.get(at).map_or(0, |length| usize::from(*length));
    }
    at == start
}

/// The number of the entry with this name in wire form.
fn find_in<V>(
    slots: &[u64],
    names: &[u8],
    entries: &[TableEntry<V>],
    hash: u32,
    name: &[u8],
) -> Option<usize> {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    loop {
        let slot = *slots.get(at)?;
        let id = (slot as u32).checked_sub(1)? as usize;
        if (slot >> 32) as u32 == hash {
            let start = entries.get(id)?.at as usize;
            // Names of other lengths differ, for a name ends in its only empty label.
            if names.get(start..start + name.len()).is_some_and(|other| fold::eq(other, name)) {
                return Some(id);
            }
        }
        at = (at + 1) & mask;
    }
}

fn place(slots: &mut [u64], entry: u64) {
    let mask = slots.len() - 1;
    let mut at = (entry >> 32) as usize & mask;
    while slots.get(at).is_some_and(|slot| *slot != 0) {
        at = (at + 1) & mask;
    }
    if let Some(slot) = slots.get_mut(at) {
        *slot = entry;
    }
}

fn grown(slots: &[u64]) -> Vec<u64> {
    let mut grown = vec![0; slots.len() * 2];
    slots.iter().filter(|&&slot| slot != 0).for_each(|&slot| place(&mut grown, slot));
    grown
}

#[cfg(test)]
mod tests;
