//! From names to values, the longest match counts.

use rhumb_wire::name::MAX_LABELS;
use rhumb_wire::{Name, NameRef};

use crate::fold;
use crate::hash::{self, NameHash};

/// A map in which the longest name at or above the one looked for is found: zones, forwarded domains.
///
/// It does not change once built. A lookup costs one pass over the name and one probe for each number of labels that some
/// name in the table has.
#[derive(Debug)]
pub struct Table<V> {
    start: NameHash,
    /// The names in wire form, one after the other.
    names: Box<[u8]>,
    entries: Box<[Entry<V>]>,
    /// Open addressing: hash in the upper half, number plus one in the lower; zero is free.
    slots: Box<[u64]>,
    /// Bit n: there is a name of n labels.
    depths: u128,
}

#[derive(Debug)]
struct Entry<V> {
    at: u32,
    value: V,
}

impl<V> Table<V> {
    /// A table of these names and values. Of a name that comes twice the last value is kept.
    pub fn build(pairs: impl IntoIterator<Item = (Name, V)>) -> Self {
        let start = NameHash::random();
        let mut names = Vec::new();
        let mut entries: Vec<Entry<V>> = Vec::new();
        let mut slots: Vec<u64> = vec![0; 4];
        let mut depths = 0;
        for (name, value) in pairs {
            let name = name.as_ref();
            let hash = hash_of(start, name);
            let known = find_in(&slots, &names, &entries, hash, name.as_bytes());
            if let Some(entry) = known.and_then(|id| entries.get_mut(id)) {
                entry.value = value;
                continue;
            }
            if (entries.len() + 1) * 3 > slots.len() * 2 {
                slots = grown(&slots);
            }
            place(&mut slots, u64::from(hash) << 32 | (entries.len() as u64 + 1));
            entries.push(Entry { at: names.len() as u32, value });
            names.extend_from_slice(name.as_bytes());
            depths |= 1 << name.label_count();
        }
        Self { start, names: names.into(), entries: entries.into(), slots: slots.into(), depths }
    }

    /// The value of the longest name that is `name` or lies above it.
    pub fn find(&self, name: NameRef<'_>) -> Option<&V> {
        self.find_entry(name).map(|(_, value)| value)
    }

    /// As [`Self::find`], with the name that was found.
    pub fn find_entry(&self, name: NameRef<'_>) -> Option<(NameRef<'_>, &V)> {
        let (offsets, labels) = name.label_offsets();
        let deepest = (u128::BITS - self.depths.leading_zeros()).saturating_sub(1) as usize;
        let reached = labels.min(deepest);
        let mut hashes = [0; MAX_LABELS + 1];
        let mut hash = self.start;
        let mut end = name.len() - 1;
        let starts = offsets.iter().take(labels).rev().map(|&start| usize::from(start));
        for (slot, start) in hashes.iter_mut().zip(starts).take(reached) {
            hash = hash.label(name.as_bytes().get(start..end)?);
            *slot = hash.finish();
            end = start;
        }
        let present = (1..=reached).rev().filter(|depth| self.depths >> depth & 1 != 0);
        let mut found = present.filter_map(|depth| {
            let start = usize::from(*offsets.get(labels - depth)?);
            self.probe(*hashes.get(depth - 1)?, name.as_bytes().get(start..)?)
        });
        let id = match found.next() {
            None if self.depths & 1 != 0 => self.probe(self.start.finish(), &[0])?,
            id => id?,
        };
        self.entry(id)
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
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held, without what the values point to.
    pub const fn memory(&self) -> usize {
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

fn hash_of(start: NameHash, name: NameRef<'_>) -> u32 {
    let (_, labels) = name.as_bytes().split_last().unwrap_or((&0, &[]));
    hash::of_labels(start, labels)
}

/// The number of the entry with this name in wire form.
fn find_in<V>(slots: &[u64], names: &[u8], entries: &[Entry<V>], hash: u32, name: &[u8]) -> Option<usize> {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(names: &[&str]) -> Table<usize> {
        Table::build(names.iter().enumerate().map(|(i, name)| (name.parse().unwrap(), i)))
    }

    #[test]
    fn the_longest_name_wins() {
        let table = table(&["example.com.", "sub.example.com.", "com.", "EXAMPLE.com.", "arpa."]);
        let found = |name: &str| table.find(name.parse::<Name>().unwrap().as_ref()).copied();
        assert_eq!(table.len(), 4);
        assert_eq!(found("www.example.com."), Some(3));
        assert_eq!(found("a.b.SUB.example.com."), Some(1));
        assert_eq!(found("xsub.example.com."), Some(3));
        assert_eq!(found("other.com."), Some(2));
        assert_eq!((found("net."), found(".")), (None, None));
        let name: Name = "sub.example.com.".parse().unwrap();
        assert_eq!((table.find_exact(name.as_ref()), table.find_above(name.as_ref())), (Some(&1), Some(&3)));
        let asked: Name = "x.eXample.com.".parse().unwrap();
        assert_eq!(table.find_entry(asked.as_ref()).unwrap().0.to_string(), "example.com.");
    }

    #[test]
    fn the_root_is_above_all() {
        let table = table(&[".", "a.b.c.d.e."]);
        for name in [".", "net.", "b.c.d.e.", "x.y.z.a.b.c.d.f."] {
            assert_eq!(table.find(name.parse::<Name>().unwrap().as_ref()), Some(&0), "{name}");
        }
        assert_eq!(table.find("x.a.b.c.d.e.".parse::<Name>().unwrap().as_ref()), Some(&1));
        assert_eq!(table.find_above(NameRef::ROOT), None);
        assert_eq!(Table::<u8>::build([]).find(NameRef::ROOT), None);
    }

    proptest! {
        #[test]
        fn as_a_list_searched_by_the_book(
            names in proptest::collection::vec("([ab]\\.){0,5}[AB]\\.", 0..40),
            asked in "([aB]\\.){0,7}[Ab]\\.",
        ) {
            let list: Vec<Name> = names.iter().map(|name| name.parse().unwrap()).collect();
            let table = Table::build(list.iter().cloned().zip(0..));
            let asked: Name = asked.parse().unwrap();
            let above = list.iter().zip(0..).filter(|(name, _)| asked.as_ref().is_at_or_below(name.as_ref()));
            let wanted = above.max_by_key(|(name, i)| (name.as_ref().label_count(), *i)).map(|(_, i)| i);
            prop_assert_eq!(table.find(asked.as_ref()).copied(), wanted);
            for name in &list {
                prop_assert!(table.find_exact(name.as_ref()).is_some());
            }
        }
    }
}
