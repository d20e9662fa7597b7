//! From the hash of a name to its node: open addressing inside pages, so that a change copies one page.

mod edit;

use std::sync::Arc;

use super::arena::NodeRef;

/// Slots of a page, where there are several: 16 KiB for a change to copy. Smaller ones would make more of them, and a
/// change touches the count of each.
const PAGE: usize = 2048;
/// Slots in use of a page, on average: two thirds, so that searches are short.
const FILL: usize = 1400;

/// A slot: the hash in the upper half, the reference plus one in the lower. Zero is free.
pub(crate) type IndexSlot = u64;

/// The pages; all are of the same size, a power of two.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeIndex {
    pages: Box<[Arc<[IndexSlot]>]>,
    /// Slots in use.
    entries: usize,
}

impl NodeIndex {
    /// What `accept` makes of the first node with this hash that it takes.
    #[inline]
    pub(crate) fn find<T>(&self, hash: u32, mut accept: impl FnMut(NodeRef) -> Option<T>) -> Option<T> {
        let (page, fraction) = split(hash, self.pages.len());
        let page: &[IndexSlot] = self.pages.get(page)?;
        let mut at = start(fraction, page.len());
        for _ in 0..page.len() {
            let slot = *page.get(at)?;
            if slot == 0 {
                return None;
            }
            if (slot >> 32) as u32 == hash
                && let Some(found) = accept(NodeRef((slot as u32).wrapping_sub(1)))
            {
                return Some(found);
            }
            // The number of slots is a power of two.
            at = (at + 1) & (page.len() - 1);
        }
        None
    }

    /// Where the search for a hash begins.
    pub(crate) fn place(&self, hash: u32) -> Option<&IndexSlot> {
        let (page, fraction) = split(hash, self.pages.len());
        let page = self.pages.get(page)?;
        page.get(start(fraction, page.len()))
    }

    /// Builds the index of `entries`: pairs of hash and reference.
    pub(crate) fn build(entries: &[(u32, NodeRef)]) -> Self {
        let mut count = entries.len().div_ceil(FILL);
        let mut slots =
            if count > 1 { PAGE } else { (entries.len() * 4 / 3 + 1).next_power_of_two().min(PAGE) };
        loop {
            if let Some(pages) = fill(entries, count, slots) {
                return Self { pages, entries: entries.len() };
            }
            slots *= 2;
            count = count.div_ceil(2);
        }
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        let page = |page: &Arc<[IndexSlot]>| size_of_val::<[IndexSlot]>(page) + 2 * size_of::<usize>();
        self.pages.iter().map(|p| page(p) + size_of::<Arc<[IndexSlot]>>()).sum()
    }
}

/// The pages, filled one after the other, so that each is in the processor's cache meanwhile. None if one overflows.
fn fill(entries: &[(u32, NodeRef)], count: usize, slots: usize) -> Option<Box<[Arc<[IndexSlot]>]>> {
    let mut ends = vec![0usize; count];
    for &(hash, _) in entries {
        *ends.get_mut(split(hash, count).0)? += 1;
    }
    let mut end = 0;
    for place in &mut ends {
        // At first where the entries of the page begin; each that is put there moves it on.
        end += std::mem::replace(place, end);
    }
    let mut sorted = vec![0; entries.len()];
    for &(hash, at) in entries {
        let place = ends.get_mut(split(hash, count).0)?;
        *sorted.get_mut(*place)? = slot(hash, at);
        *place += 1;
    }
    let mut page = vec![0; slots];
    let mut rest = sorted.as_slice();
    let mut begin = 0;
    let mut pages = Vec::with_capacity(count);
    for end in ends {
        let (entries, after) = rest.split_at_checked(end - begin)?;
        (rest, begin) = (after, end);
        page.fill(0);
        for &entry in entries {
            let first = start(split((entry >> 32) as u32, count).1, slots);
            let free = (0..slots).map(|i| (first + i) & (slots - 1)).find(|&at| page.get(at) == Some(&0))?;
            *page.get_mut(free)? = entry;
        }
        pages.push(Arc::from(page.as_slice()));
    }
    Some(pages.into_boxed_slice())
}

/// The slot of an entry.
const fn slot(hash: u32, at: NodeRef) -> IndexSlot {
    (hash as u64) << 32 | (at.0 as u64 + 1)
}

/// The page, and the fraction of a page's length where to begin in it.
#[inline]
const fn split(hash: u32, pages: usize) -> (usize, u32) {
    let product = hash as u64 * pages as u64;
    ((product >> 32) as usize, product as u32)
}

#[inline]
const fn start(fraction: u32, slots: usize) -> usize {
    // The number of slots is a power of two.
    ((fraction as u64).wrapping_shl(slots.trailing_zeros()) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(index: &NodeIndex, hash: u32, wanted: NodeRef) -> bool {
        index.find(hash, |found| (found == wanted).then_some(())).is_some()
    }

    #[test]
    fn every_size_finds_its_entries() {
        for size in [0usize, 1, 2, 3, 5, 300, 1399, 1400, 1401, 5000, 100_000] {
            // Few distinct hashes among many, so that clusters and equal hashes occur.
            let entries: Vec<(u32, NodeRef)> =
                (0..size).map(|i| ((i as u32 / 2).wrapping_mul(0x9e37_79b9), NodeRef(i as u32))).collect();
            let index = NodeIndex::build(&entries);
            for &(hash, at) in &entries {
                assert!(has(&index, hash, at), "{size}: {at:?}");
            }
            assert_eq!(index.find(0x1234_5678, Some), None);
        }
    }

    #[test]
    fn a_page_without_a_free_slot_makes_larger_pages() {
        let entries: Vec<(u32, NodeRef)> = (0..2500).map(|i| (7, NodeRef(i))).collect();
        let index = NodeIndex::build(&entries);
        assert!(index.pages.iter().all(|page| page.len() > PAGE));
        assert!(entries.iter().all(|&(hash, at)| has(&index, hash, at)));
    }
}
