//! From the hash of a name to its node: open addressing inside pages, so that a change copies one page.

use std::sync::Arc;

use super::arena::Ref;

/// Slots of a full page.
const PAGE: usize = 512;
/// Slots in use of a full page, on average. Seven deviations below the page's size: one draw in 10^12 overflows.
const FILL: usize = 350;

/// A slot: the hash in the upper half, the reference plus one in the lower. Zero is free.
type Slot = u64;

/// The pages; all are of the same size, a power of two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pages: Box<[Arc<[Slot]>]>,
}

impl Index {
    /// The nodes whose names have this hash; the caller compares the names.
    #[inline]
    pub(crate) fn find(&self, hash: u32) -> Candidates<'_> {
        let (page, fraction) = split(hash, self.pages.len());
        let page: &[Slot] = self.pages.get(page).map_or(&[], |page| page);
        Candidates { page, at: start(fraction, page.len()), left: page.len(), hash }
    }

    /// Builds the index of `entries`: pairs of hash and reference.
    pub(crate) fn build(entries: &[(u32, Ref)]) -> Self {
        let mut count = entries.len().div_ceil(FILL);
        let mut slots =
            if count > 1 { PAGE } else { (entries.len() * 4 / 3 + 1).next_power_of_two().min(PAGE) };
        loop {
            if let Some(pages) = fill(entries, count, slots) {
                return Self { pages: pages.chunks_exact(slots).map(Arc::from).collect() };
            }
            slots *= 2;
            count = count.div_ceil(2);
        }
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        let page = |page: &Arc<[Slot]>| size_of_val::<[Slot]>(page) + 2 * size_of::<usize>();
        self.pages.iter().map(|p| page(p) + size_of::<Arc<[Slot]>>()).sum()
    }
}

/// All pages in one row; none if one of them overflows.
fn fill(entries: &[(u32, Ref)], count: usize, slots: usize) -> Option<Vec<Slot>> {
    let mut pages = vec![0; count * slots];
    for &(hash, at) in entries {
        let (page, fraction) = split(hash, count);
        let page = pages.get_mut(page * slots..(page + 1) * slots)?;
        let first = start(fraction, slots);
        let free = (0..slots).map(|i| (first + i) & (slots - 1)).find(|&i| page.get(i) == Some(&0))?;
        *page.get_mut(free)? = u64::from(hash) << 32 | (u64::from(at.0) + 1);
    }
    Some(pages)
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

/// Walks the slots that may hold a hash.
#[derive(Debug)]
pub(crate) struct Candidates<'a> {
    page: &'a [Slot],
    at: usize,
    left: usize,
    hash: u32,
}

impl Iterator for Candidates<'_> {
    type Item = Ref;

    #[inline]
    fn next(&mut self) -> Option<Ref> {
        while self.left > 0 {
            let slot = *self.page.get(self.at)?;
            if slot == 0 {
                return None;
            }
            self.left -= 1;
            self.at = (self.at + 1) & (self.page.len() - 1);
            if (slot >> 32) as u32 == self.hash {
                return Some(Ref((slot as u32).wrapping_sub(1)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_finds_its_entries() {
        for size in [0usize, 1, 2, 3, 5, 300, 349, 350, 351, 5000, 100_000] {
            // Few distinct hashes among many, so that clusters and equal hashes occur.
            let entries: Vec<(u32, Ref)> =
                (0..size).map(|i| ((i as u32 / 2).wrapping_mul(0x9e37_79b9), Ref(i as u32))).collect();
            let index = Index::build(&entries);
            for &(hash, at) in &entries {
                assert!(index.find(hash).any(|found| found == at), "{size}: {at:?}");
            }
            assert_eq!(index.find(0x1234_5678).count(), 0);
        }
    }

    #[test]
    fn a_page_without_a_free_slot_makes_larger_pages() {
        let entries: Vec<(u32, Ref)> = (0..600).map(|i| (7, Ref(i))).collect();
        let index = Index::build(&entries);
        assert!(index.pages.iter().all(|page| page.len() > PAGE));
        assert!(entries.iter().all(|&(hash, at)| index.find(hash).any(|found| found == at)));
    }
}
