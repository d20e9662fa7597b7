//! References in the canonical order of their names, in pages, so that a change copies one page.

pub(crate) mod edit;

use std::cmp::Ordering;
use std::sync::Arc;

use super::arena::NodeRef;

/// References in a page, at most.
const PAGE: usize = 512;

/// The pages; none is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeOrder {
    pages: Box<[Arc<[NodeRef]>]>,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrderPosition {
    page: usize,
    index: usize,
}

impl NodeOrder {
    /// Takes references that are in order already.
    pub(crate) fn build(refs: impl IntoIterator<Item = NodeRef>) -> Self {
        let mut refs = refs.into_iter();
        let mut page = Vec::new();
        let pages = std::iter::from_fn(|| {
            page.clear();
            // One by one: what rustc 1.95 makes of `extend` and `take` reads four bytes behind the end of a slice of pairs.
            while page.len() < PAGE
                && let Some(at) = refs.next()
            {
                page.push(at);
            }
            (!page.is_empty()).then(|| Arc::from(page.as_slice()))
        });
        Self { pages: pages.collect() }
    }

    /// All in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NodeRef> + '_ {
        self.pages.iter().flat_map(|page| page.iter().copied())
    }

    /// What stands at `position`; none behind the last. The default position is the first.
    pub(crate) fn get(&self, position: OrderPosition) -> Option<NodeRef> {
        self.pages.get(position.page)?.get(position.index).copied()
    }

    /// The position after `position`.
    pub(crate) fn after(&self, position: OrderPosition) -> OrderPosition {
        let OrderPosition { page, index } = position;
        let length = self.pages.get(page).map_or(0, |page| page.len());
        if index + 1 < length {
            OrderPosition { page, index: index + 1 }
        } else {
            OrderPosition { page: page + 1, index: 0 }
        }
    }

    /// Those that `compare` finds greater, in order.
    pub(crate) fn beyond(&self, compare: impl Fn(NodeRef) -> Ordering) -> impl Iterator<Item = NodeRef> + '_ {
        let not_greater = |at: &NodeRef| compare(*at) != Ordering::Greater;
        let pages = self.pages.partition_point(|page| page.first().is_some_and(not_greater));
        let pages = self.pages.get(pages.saturating_sub(1)..).unwrap_or(&[]);
        let skipped = pages.first().map_or(0, |page| page.partition_point(not_greater));
        pages.iter().flat_map(|page| page.iter().copied()).skip(skipped)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.pages.iter().map(|page| page.len()).sum()
    }

    /// The last that `compare` does not find greater; where all are greater, the last of all, for the order is a ring.
    pub(crate) fn at_or_before(&self, compare: impl Fn(NodeRef) -> Ordering) -> Option<NodeRef> {
        let not_greater = |at: &NodeRef| compare(*at) != Ordering::Greater;
        let page = self.pages.partition_point(|page| page.first().is_some_and(not_greater));
        match page.checked_sub(1).and_then(|page| self.pages.get(page)) {
            Some(page) => page.get(page.partition_point(not_greater).checked_sub(1)?).copied(),
            None => self.pages.last()?.last().copied(),
        }
    }

    /// As [`Self::at_or_before`] where the keys of the order are numbers spread evenly, as hashes are: the search begins
    /// where `wanted` has to be expected, and looks at few others.
    pub(crate) fn at_or_before_spread(
        &self,
        wanted: u64,
        key: impl Fn(NodeRef) -> u64,
        compare: impl Fn(NodeRef) -> Ordering,
    ) -> Option<NodeRef> {
        let not_greater = |at: &NodeRef| compare(*at) != Ordering::Greater;
        let first = |page: usize| self.pages.get(page).and_then(|page| page.first());
        let guess = share(self.pages.len(), wanted, u64::MAX);
        let after = partition_near(self.pages.len(), guess, |page| first(page).is_some_and(not_greater));
        let Some(page) = after.checked_sub(1).and_then(|page| self.pages.get(page)) else {
            return self.pages.last()?.last().copied();
        };
        let low = page.first().map_or(0, |at| key(*at));
        let high = first(after).map_or(u64::MAX, |at| key(*at));
        let guess = share(page.len(), wanted.saturating_sub(low), high.saturating_sub(low));
        let after = partition_near(page.len(), guess, |at| page.get(at).is_some_and(not_greater));
        page.get(after.checked_sub(1)?).copied()
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        let page = |page: &Arc<[NodeRef]>| size_of_val::<[NodeRef]>(page) + 2 * size_of::<usize>();
        self.pages.iter().map(|p| page(p) + size_of::<Arc<[NodeRef]>>()).sum()
    }
}

/// Which of `count` equal parts of 0 to `whole` a number lies in, roughly.
fn share(count: usize, number: u64, whole: u64) -> usize {
    // Half of the bits are more than enough, and keep the product in a word.
    let unneeded = (u64::BITS / 2).saturating_sub(whole.leading_zeros());
    let parts = (number >> unneeded) * (count as u64 & 0xffff_ffff) / ((whole >> unneeded) + 1);
    (parts as usize).min(count.saturating_sub(1))
}

/// As `partition_point` of the numbers below `count`, sought outwards from `guess` in steps that double.
fn partition_near(count: usize, guess: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    let mut step = 1;
    let mut at = guess;
    while low < high {
        if at < low || at >= high {
            at = usize::midpoint(low, high);
            step = count;
        }
        if holds(at) {
            low = at + 1;
            at = at.saturating_add(step);
        } else {
            high = at;
            at = at.wrapping_sub(step);
        }
        step = step.saturating_mul(2);
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_before_is_found_and_the_ring_closes() {
        for size in [1u32, 2, 511, 512, 513, 2000] {
            let refs: Vec<NodeRef> = (0..size).map(|i| NodeRef(10 + 2 * i)).collect();
            let order = NodeOrder::build(refs.iter().copied());
            assert!(order.iter().eq(refs.iter().copied()));
            let mut position = OrderPosition::default();
            let walked = std::iter::from_fn(|| {
                let at = order.get(position)?;
                position = order.after(position);
                Some(at)
            });
            assert!(walked.eq(refs.iter().copied()));
            let find = |wanted: u32| order.at_or_before(|at| at.0.cmp(&wanted)).map(|at| at.0);
            let last = 10 + 2 * (size - 1);
            assert_eq!((find(9), find(10), find(11)), (Some(last), Some(10), Some(10)));
            assert_eq!(
                (find(last), find(last + 5), find(last - 1)),
                (Some(last), Some(last), Some(if size == 1 { last } else { last - 2 }))
            );
        }
        assert_eq!(NodeOrder::default().at_or_before(|_| Ordering::Less), None);
    }

    #[test]
    fn a_search_from_a_guess_finds_the_same() {
        let key = |at: NodeRef| u64::from(at.0) << 32;
        for (size, step) in [(0u32, 1), (1, 1), (2, 7), (600, 7_000_000), (600, 3), (5000, 800_000)] {
            let refs: Vec<NodeRef> = (0..size).map(|i| NodeRef(5 + i * step)).collect();
            let order = NodeOrder::build(refs.iter().copied());
            let around = |i: u32| [(4 + i * step), (5 + i * step), (6 + i * step)];
            for wanted in (0..size).flat_map(around).chain([0, u32::MAX]) {
                let compare = |at: NodeRef| at.0.cmp(&wanted);
                let found = order.at_or_before_spread(u64::from(wanted) << 32, key, compare);
                assert_eq!(found, order.at_or_before(compare), "{wanted} of {size}");
            }
        }
    }
}
