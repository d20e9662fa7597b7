//! The names met so far, each once, with its ancestors up to the apex.

use crate::contents::label_offsets;
use crate::hash::NameHash;

/// "None" among the numbers of records.
pub(super) const NONE: u32 = u32::MAX;

/// What a name owns, as far as others need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Kinds(pub(super) u8);

impl Kinds {
    pub(super) const NS: u8 = 1;
    pub(super) const DNAME: u8 = 2;
    pub(super) const CNAME: u8 = 4;
    pub(super) const ADDRESS: u8 = 8;
    pub(super) const NSEC: u8 = 16;
    /// A child named `*`.
    pub(super) const WILDCARD: u8 = 32;

    pub(super) const fn has(self, kinds: u8) -> bool {
        self.0 & kinds != 0
    }
}

/// A name below the apex.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u32,
    at: u32,
    /// The first of its records, and the last.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Labels below the apex.
    pub(super) depth: u8,
    pub(super) kinds: Kinds,
    /// Labels below the apex of the topmost cut or DNAME above.
    pub(super) cover: Option<u8>,
}

/// A table of names, case ignored, the apex first.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) entries: Vec<Entry>,
    /// A length byte and the name below the apex, one after the other.
    bytes: Vec<u8>,
    /// Open addressing: hash in the upper half, number plus one in the lower.
    slots: Vec<u64>,
    start: NameHash,
}

impl Names {
    pub(super) fn new(start: NameHash) -> Self {
        let mut names = Self { entries: Vec::new(), bytes: Vec::new(), slots: vec![0; 8], start };
        let _ = names.insert(start.finish(), &[], 0);
        names
    }

    /// The name of an entry below the apex.
    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        let tail = self.bytes.get(entry.at as usize..).unwrap_or(&[]);
        let length = usize::from(tail.first().copied().unwrap_or(0));
        tail.get(1..=length).unwrap_or(&[])
    }

    pub(super) fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries.get(id as usize)
    }

    pub(super) fn entry_mut(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)
    }

    /// The number of this name, if it was met.
    pub(super) fn find(&self, below: &[u8]) -> Option<u32> {
        self.find_hashed(crate::hash::of_labels(self.start, below), below)
    }

    fn find_hashed(&self, hash: u32, below: &[u8]) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = *self.slots.get(at)?;
            if slot == 0 {
                return None;
            }
            let id = (slot as u32).wrapping_sub(1);
            if (slot >> 32) as u32 == hash
                && self.entry(id).is_some_and(|entry| crate::fold::eq(self.name(entry), below))
            {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of this name and of those between it and the apex, which are made where they are missing. None once four
    /// gigabytes are full.
    pub(super) fn intern(&mut self, below: &[u8]) -> Option<u32> {
        let (offsets, count) = label_offsets(below);
        let mut hashes = [0u32; 128];
        let mut hash = self.start;
        let mut end = below.len();
        for (&offset, slot) in offsets.iter().take(count).rev().zip(&mut hashes) {
            hash = hash.label(below.get(usize::from(offset)..end)?);
            *slot = hash.finish();
            end = usize::from(offset);
        }
        let mut found = None;
        let mut wildcard = false;
        // From the name itself upwards, until an ancestor is known.
        for (index, &offset) in offsets.iter().take(count).enumerate() {
            let suffix = below.get(usize::from(offset)..)?;
            let hash = *hashes.get(count - 1 - index)?;
            let known = self.find_hashed(hash, suffix);
            let id = match known {
                Some(id) => id,
                None => self.insert(hash, suffix, (count - index) as u8)?,
            };
            found = found.or(Some(id));
            self.mark_wildcard(id, wildcard);
            if known.is_some() {
                return found;
            }
            wildcard = suffix.starts_with(b"\x01*");
        }
        self.mark_wildcard(0, wildcard);
        found.or(Some(0))
    }

    fn mark_wildcard(&mut self, id: u32, child: bool) {
        if let Some(entry) = self.entry_mut(id).filter(|_| child) {
            entry.kinds.0 |= Kinds::WILDCARD;
        }
    }

    fn insert(&mut self, hash: u32, below: &[u8], depth: u8) -> Option<u32> {
        if (self.entries.len() + 1) * 3 > self.slots.len() * 2 {
            self.grow();
        }
        let id = u32::try_from(self.entries.len()).ok().filter(|&id| id < NONE - 1)?;
        let at = u32::try_from(self.bytes.len()).ok()?;
        self.bytes.push(below.len() as u8);
        self.bytes.extend_from_slice(below);
        let kinds = Kinds::default();
        self.entries.push(Entry { hash, at, first: NONE, last: NONE, depth, kinds, cover: None });
        place(&mut self.slots, u64::from(hash) << 32 | u64::from(id + 1));
        Some(id)
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        for &slot in self.slots.iter().filter(|&&slot| slot != 0) {
            place(&mut slots, slot);
        }
        self.slots = slots;
    }

    /// The numbers of all names in canonical order.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut keys: Vec<(u64, u32)> =
            self.entries.iter().zip(0u32..).map(|(entry, id)| (key(self.name(entry)), id)).collect();
        keys.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| match (self.entry(a.1), self.entry(b.1)) {
                (Some(x), Some(y)) => crate::contents::canonical(self.name(x), self.name(y)),
                _ => a.1.cmp(&b.1),
            })
        });
        keys.into_iter().map(|(_, id)| id).collect()
    }
}

fn place(slots: &mut [u64], entry: u64) {
    let mask = slots.len() - 1;
    let mut at = (entry >> 32) as usize & mask;
    while let Some(slot) = slots.get_mut(at) {
        if *slot == 0 {
            *slot = entry;
            return;
        }
        at = (at + 1) & mask;
    }
}

/// The first eight bytes of a key that sorts as the canonical order does: labels from the right in lower case, each ended
/// by a zero, the bytes 0 and 1 escaped.
fn key(below: &[u8]) -> u64 {
    let (offsets, count) = label_offsets(below);
    let mut key = [0u8; 10];
    let mut length = 0;
    let mut end = below.len();
    for &offset in offsets.iter().take(count).rev() {
        let label = below.get(usize::from(offset) + 1..end).unwrap_or(&[]);
        end = usize::from(offset);
        for byte in label.iter().take(8) {
            let pair = match byte {
                0 | 1 => [1, byte + 1],
                _ => [byte.to_ascii_lowercase(), 0],
            };
            if let Some(room) = key.get_mut(length..length + 2) {
                room.copy_from_slice(&pair);
            }
            length += 1 + usize::from(*byte < 2);
        }
        if let Some(room) = key.get_mut(length) {
            *room = 0;
        }
        length += 1;
        if length >= 8 {
            break;
        }
    }
    key.first_chunk().map_or(0, |key| u64::from_be_bytes(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::canonical;
    use proptest::prelude::*;

    fn wire(labels: &[Vec<u8>]) -> Vec<u8> {
        labels.iter().flat_map(|label| [vec![label.len() as u8], label.clone()].concat()).collect()
    }

    fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![Just(0u8), Just(1), Just(2), Just(b'a'), Just(b'B'), Just(b'*'), Just(255)];
        let label = proptest::collection::vec(byte, 1..10);
        let name = proptest::collection::vec(label, 0..4).prop_map(|labels| wire(&labels));
        proptest::collection::vec(name, 0..40)
    }

    proptest! {
        #[test]
        fn all_names_and_their_ancestors_in_canonical_order(list in names()) {
            let mut names = Names::new(NameHash::random());
            let mut wanted = vec![Vec::new()];
            for below in &list {
                let id = names.intern(below).unwrap();
                prop_assert_eq!(names.find(below), Some(id));
                let (offsets, count) = label_offsets(below);
                wanted.extend(offsets[..count].iter().map(|&at| below[usize::from(at)..].to_ascii_lowercase()));
            }
            wanted.sort_by(|a, b| canonical(a, b));
            wanted.dedup();
            let sorted: Vec<Vec<u8>> = names.sorted().iter()
                .map(|&id| names.name(&names.entries[id as usize]).to_ascii_lowercase()).collect();
            for entry in &names.entries {
                let wild = [b"\x01*", names.name(entry)].concat();
                prop_assert_eq!(entry.kinds.has(Kinds::WILDCARD), names.find(&wild).is_some());
                prop_assert_eq!(usize::from(entry.depth), label_offsets(names.name(entry)).1);
            }
            prop_assert_eq!(sorted, wanted);
        }
    }
}
