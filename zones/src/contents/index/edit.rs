//! Changes of an index: each copies the page it falls on, unless a change before it did.

use std::sync::Arc;

use super::{IndexSlot, NodeIndex, slot, split, start};
use crate::contents::arena::NodeRef;

impl NodeIndex {
    /// Replaces `old` by `new` under the same hash; where `old` is none adds, where `new` is none removes.
    pub(crate) fn change(&mut self, hash: u32, old: Option<NodeRef>, new: Option<NodeRef>) {
        match (old, new) {
            (Some(old), Some(new)) => {
                if let Some((page, at)) = self.locate(hash, slot(hash, old))
                    && let Some(place) = page.get_mut(at)
                {
                    *place = slot(hash, new);
                }
            }
            (Some(old), None) => {
                let pages = self.pages.len();
                if let Some((page, at)) = self.locate(hash, slot(hash, old)) {
                    close_gap(page, at, pages);
                    self.entries -= 1;
                }
            }
            (None, Some(new)) => self.insert(hash, new),
            (None, None) => {}
        }
    }

    fn insert(&mut self, hash: u32, new: NodeRef) {
        // Three quarters on average: beyond that, names that are not there are slow to be missed.
        let room = self.pages.first().map_or(0, |page| page.len()) * self.pages.len() / 4 * 3;
        if self.entries < room
            && let Some((page, at)) = self.locate(hash, 0)
            && let Some(place) = page.get_mut(at)
        {
            *place = slot(hash, new);
            self.entries += 1;
            return;
        }
        let slots = self.pages.iter().flat_map(|page| page.iter()).filter(|slot| **slot != 0);
        let mut entries: Vec<(u32, NodeRef)> =
            slots.map(|slot| ((slot >> 32) as u32, NodeRef((*slot as u32).wrapping_sub(1)))).collect();
        entries.push((hash, new));
        *self = Self::build(&entries);
    }

    /// The first slot with this value on the way of `hash`, in a page that is not shared.
    fn locate(&mut self, hash: u32, wanted: IndexSlot) -> Option<(&mut [IndexSlot], usize)> {
        let (page, fraction) = split(hash, self.pages.len());
        let page = self.pages.get_mut(page)?;
        let first = start(fraction, page.len());
        let mask = page.len() - 1;
        let at = (0..page.len()).map(|i| (first + i) & mask).find(|&i| page.get(i) == Some(&wanted))?;
        Some((Arc::make_mut(page), at))
    }
}

/// Frees the slot at `gap` and moves up those behind it that would not be found past a free one.
fn close_gap(page: &mut [IndexSlot], gap: usize, pages: usize) {
    let mask = page.len() - 1;
    let mut free = gap;
    for step in 1..page.len() {
        let at = (gap + step) & mask;
        let Some(&slot) = page.get(at).filter(|slot| **slot != 0) else { break };
        let home = start(split((slot >> 32) as u32, pages).1, page.len());
        if at.wrapping_sub(home) & mask >= at.wrapping_sub(free) & mask {
            if let Some(place) = page.get_mut(free) {
                *place = slot;
            }
            free = at;
        }
    }
    if let Some(place) = page.get_mut(free) {
        *place = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Names that the tests know: enough for several pages.
    const KEYS: u32 = 4000;

    impl NodeIndex {
        /// How many bytes of pages it does not share with `other`.
        pub(crate) fn own_bytes(&self, other: &Self) -> usize {
            let pages = self.pages.iter().enumerate();
            let shared =
                |at: usize, page| other.pages.get(at).is_some_and(|theirs| Arc::ptr_eq(page, theirs));
            pages
                .filter(|(at, page)| !shared(*at, page))
                .map(|(_, page)| size_of_val::<[IndexSlot]>(page))
                .sum()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn as_a_map_has_it(
            before in prop_oneof![0..20u32, 0..KEYS],
            edits in proptest::collection::vec((0..KEYS, any::<bool>()), 0..3000),
        ) {
            // Few hashes, close together: long clusters that wrap around the end of a page.
            let hash = |key: u32| (key % 50).wrapping_mul(0x051e_b851).wrapping_sub(5);
            let mut map: HashMap<u32, NodeRef> = (0..before).map(|key| (key, NodeRef(key))).collect();
            let entries: Vec<(u32, NodeRef)> = map.iter().map(|(key, at)| (hash(*key), *at)).collect();
            let base = NodeIndex::build(&entries);
            let mut index = base.clone();
            for (number, (key, present)) in (KEYS..).zip(&edits) {
                let new = present.then_some(NodeRef(number));
                index.change(hash(*key), map.get(key).copied(), new);
                match new {
                    Some(new) => map.insert(*key, new),
                    None => map.remove(key),
                };
            }
            prop_assert_eq!(index.entries, map.len());
            for key in 0..KEYS {
                let wanted = map.get(&key).copied();
                let mut met = Vec::new();
                let _ = index.find(hash(key), |at| { met.push(at); None::<()> });
                let count = (key % 50..KEYS).step_by(50).filter(|other| map.contains_key(other)).count();
                prop_assert_eq!(met.len(), count);
                prop_assert!(wanted.is_none_or(|wanted| met.contains(&wanted)));
            }
            for (hash, at) in entries {
                prop_assert!(base.find(hash, |found| (found == at).then_some(())).is_some(), "the base stays");
            }
        }
    }
}
