//! References in the canonical order of their names, in pages, so that a change copies one page.

use std::cmp::Ordering;
use std::sync::Arc;

use super::arena::Ref;

/// References in a page.
const PAGE: usize = 512;

/// The pages; none is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    pages: Box<[Arc<[Ref]>]>,
}

impl Order {
    /// Takes references that are in order already.
    pub(crate) fn build(refs: &[Ref]) -> Self {
        Self { pages: refs.chunks(PAGE).map(Arc::from).collect() }
    }

    /// All in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Ref> + '_ {
        self.pages.iter().flat_map(|page| page.iter().copied())
    }

    /// The last that `compare` does not find greater; where all are greater, the last of all, for the order is a ring.
    pub(crate) fn at_or_before(&self, compare: impl Fn(Ref) -> Ordering) -> Option<Ref> {
        let not_greater = |at: &Ref| compare(*at) != Ordering::Greater;
        let page = self.pages.partition_point(|page| page.first().is_some_and(not_greater));
        match page.checked_sub(1).and_then(|page| self.pages.get(page)) {
            Some(page) => page.get(page.partition_point(not_greater).checked_sub(1)?).copied(),
            None => self.pages.last()?.last().copied(),
        }
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        let page = |page: &Arc<[Ref]>| size_of_val::<[Ref]>(page) + 2 * size_of::<usize>();
        self.pages.iter().map(|p| page(p) + size_of::<Arc<[Ref]>>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_before_is_found_and_the_ring_closes() {
        for size in [1u32, 2, 511, 512, 513, 2000] {
            let refs: Vec<Ref> = (0..size).map(|i| Ref(10 + 2 * i)).collect();
            let order = Order::build(&refs);
            assert!(order.iter().eq(refs.iter().copied()));
            let find = |wanted: u32| order.at_or_before(|at| at.0.cmp(&wanted)).map(|at| at.0);
            let last = 10 + 2 * (size - 1);
            assert_eq!((find(9), find(10), find(11)), (Some(last), Some(10), Some(10)));
            assert_eq!(
                (find(last), find(last + 5), find(last - 1)),
                (Some(last), Some(last), Some(if size == 1 { last } else { last - 2 }))
            );
        }
        assert_eq!(Order::default().at_or_before(|_| Ordering::Less), None);
    }
}
