//! Where look-ups will read, for many names at once.
//!
//! In a large zone a look-up waits for memory twice: for the slot of its hash, then for the node. With all places of a
//! batch asked for before the first answer is made, they are waited for together.

use rhumb_wire::NameRef;

use super::path::LabelPath;
use crate::contents::{ZoneContents, below_bytes};

/// Names from which on the caches of a processor hold only a part of what look-ups read.
const LARGE: u64 = 20_000;
/// Suffixes that are looked at: the longest, and the one above, which is the cut for a name below a delegation.
const SUFFIXES: usize = 2;
/// Bytes of a node that are asked for, of which the second part often lies in the next line of the cache.
const STEP: usize = 64;

/// A look-up to come: the hashes it will begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupPrefetch {
    hashes: [Option<u32>; SUFFIXES],
}

impl ZoneContents {
    /// Whether looking ahead is worth its time.
    pub const fn is_large(&self) -> bool {
        self.records >= LARGE
    }

    /// Begins to look ahead for `name`: gives the places of its hashes to `fetch`, which may ask for that memory and must not
    /// read it. None for a name that is not in this zone or has very many labels.
    pub fn prefetch_slots(&self, name: NameRef<'_>, fetch: impl Fn(*const u8)) -> Option<LookupPrefetch> {
        let path = LabelPath::<8>::new(self, below_bytes(name, self.apex())?).ok()?;
        let mut ahead = LookupPrefetch::default();
        let longest = path.hashes.iter().take(path.depth).rev();
        for (slot, hash) in ahead.hashes.iter_mut().zip(longest) {
            let hash = hash.finish();
            *slot = Some(hash);
            self.names.place(hash).into_iter().for_each(|place| fetch(std::ptr::from_ref(place).cast()));
        }
        Some(ahead)
    }

    /// Goes on once the places of the hashes are there: gives those of the nodes to `fetch`.
    pub fn prefetch_nodes(&self, ahead: &LookupPrefetch, fetch: impl Fn(*const u8)) {
        for &hash in ahead.hashes.iter().flatten() {
            if let Some(bytes) = self.names.find(hash, |at| Some(self.arena.from(at))) {
                fetch(bytes.as_ptr());
                bytes.get(STEP..).into_iter().for_each(|more| fetch(more.as_ptr()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use rhumb_wire::{DomainName, Type};

    use super::*;
    use crate::ZoneBuilder;

    #[test]
    fn the_places_are_those_that_a_look_up_reads() {
        let apex: DomainName = "example.".parse().unwrap();
        let mut builder = ZoneBuilder::new(apex.as_ref());
        let soa = [[0; 2].as_slice(), &[0; 20]].concat();
        builder.add(apex.as_ref(), Type::SOA, 1, &soa, 1).unwrap();
        builder.add(apex.as_ref(), Type::NS, 1, b"\x02ns\x05other\0", 2).unwrap();
        for i in 0..5000 {
            let host: DomainName = format!("h{i}.d{}.example.", i % 7).parse().unwrap();
            builder.add(host.as_ref(), Type::A, 1, &[192, 0, 2, 1], 3).unwrap();
        }
        let contents = builder.finish().unwrap().0;
        assert!(!contents.is_large());
        for (name, nodes) in
            [("h8.d1.example.", 2), ("no.d1.example.", 1), ("d2.example.", 1), ("example.", 0)]
        {
            let name: DomainName = name.parse().unwrap();
            let (slots, seen) = (RefCell::new(0), RefCell::new(Vec::new()));
            let ahead = contents.prefetch_slots(name.as_ref(), |_| *slots.borrow_mut() += 1).unwrap();
            assert_eq!(*slots.borrow(), name.as_ref().label_count() - 1, "{name}");
            contents.prefetch_nodes(&ahead, |at| seen.borrow_mut().push(at as usize));
            // Each node's first place is where its image begins, which stands before its own name.
            let found = |name: &NameRef<'_>| {
                let node = contents.node_named(contents.below_apex(*name)?)?;
                Some(node.name().as_ptr() as usize)
            };
            let above = name.as_ref().parent().unwrap();
            let wanted: Vec<usize> = [name.as_ref(), above]
                .iter()
                .take(name.as_ref().label_count() - 1)
                .filter_map(found)
                .collect();
            assert_eq!(wanted.len(), nodes, "{name}");
            for place in wanted {
                assert!(seen.borrow().iter().any(|at| (1..=8).contains(&place.wrapping_sub(*at))), "{name}");
            }
        }
        assert_eq!(
            contents.prefetch_slots("example.org.".parse::<DomainName>().unwrap().as_ref(), |_| ()),
            None
        );
    }
}
