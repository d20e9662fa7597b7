//! Changes of an order: those that fall on one page are merged with it together.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{NodeOrder, PAGE};
use crate::contents::arena::NodeRef;

/// What becomes of one name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderEdit<'n> {
    /// The name below the apex.
    pub(crate) name: &'n [u8],
    /// Its node from now on; none if it is to be left out.
    pub(crate) node: Option<NodeRef>,
}

impl NodeOrder {
    /// The order after `edits`, which are in order themselves and name nothing twice. `compare` compares a reference of
    /// this order with a name.
    pub(crate) fn edited(
        &self,
        edits: &[OrderEdit<'_>],
        compare: impl Fn(NodeRef, &[u8]) -> Ordering,
    ) -> Self {
        let mut pages = Vec::with_capacity(self.pages.len() + 1);
        let (mut rest, mut left) = (&*self.pages, edits);
        while let Some(edit) = left.first() {
            let begins_before = |page: &Arc<[NodeRef]>| {
                page.first().is_some_and(|at| compare(*at, edit.name) != Ordering::Greater)
            };
            // What comes before the first of all falls on the first page.
            let untouched = rest.partition_point(begins_before).saturating_sub(1);
            let (before, after) = rest.split_at_checked(untouched).unwrap_or((rest, &[]));
            pages.extend(before.iter().cloned());
            let (page, after) =
                after.split_first().map_or((None, after), |(page, after)| (Some(page), after));
            let next = after.first().and_then(|page| page.first());
            let count = match next {
                Some(next) => left.partition_point(|edit| compare(*next, edit.name) == Ordering::Greater),
                None => left.len(),
            };
            let (here, later) = left.split_at_checked(count).unwrap_or((left, &[]));
            merge(page, here, &compare, &mut pages);
            (rest, left) = (after, later);
        }
        pages.extend(rest.iter().cloned());
        Self { pages: pages.into_boxed_slice() }
    }
}

/// Appends what `edits` make of a page: itself, where they change nothing, or as many new ones as are needed.
fn merge(
    page: Option<&Arc<[NodeRef]>>,
    edits: &[OrderEdit<'_>],
    compare: impl Fn(NodeRef, &[u8]) -> Ordering,
    pages: &mut Vec<Arc<[NodeRef]>>,
) {
    let old = page.map_or(&[][..], |page| page);
    let mut merged = Vec::with_capacity(old.len() + edits.len());
    let mut rest = old;
    for edit in edits {
        let (before, after) =
            rest.split_at(rest.partition_point(|at| compare(*at, edit.name) == Ordering::Less));
        merged.extend_from_slice(before);
        merged.extend(edit.node);
        rest = match after.split_first() {
            Some((at, others)) if compare(*at, edit.name) == Ordering::Equal => others,
            _ => after,
        };
    }
    merged.extend_from_slice(rest);
    match page {
        Some(page) if merged == old => pages.push(Arc::clone(page)),
        _ if merged.is_empty() => {}
        _ => {
            let count = merged.len().div_ceil(PAGE);
            pages.extend(merged.chunks(merged.len().div_ceil(count)).map(Arc::from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl NodeOrder {
        /// How many bytes of pages it does not share with `other`.
        pub(crate) fn own_bytes(&self, other: &Self) -> usize {
            let shared = |page: &&Arc<[NodeRef]>| other.pages.iter().any(|theirs| Arc::ptr_eq(page, theirs));
            self.pages.iter().filter(|page| !shared(page)).map(|page| size_of_val::<[NodeRef]>(page)).sum()
        }
    }

    fn compare(at: NodeRef, name: &[u8]) -> Ordering {
        // In the tests a reference stands for the name of its four bytes, whatever its last bit.
        (at.0 >> 1).to_be_bytes().as_slice().cmp(name)
    }

    proptest! {
        #[test]
        fn as_a_map_has_it(
            before in proptest::collection::btree_set(0u32..20_000, 0..3000),
            edits in proptest::collection::vec(
                proptest::collection::btree_map(0u32..20_000, any::<bool>(), 0..900), 1..4),
        ) {
            let base = NodeOrder::build(before.iter().map(|name| NodeRef(2 * name)));
            let mut map: BTreeMap<u32, NodeRef> = before.iter().map(|name| (*name, NodeRef(2 * name))).collect();
            let mut order = base.clone();
            for edits in edits {
                let names: Vec<[u8; 4]> = edits.keys().map(|name| name.to_be_bytes()).collect();
                let mut list = Vec::new();
                for ((name, present), bytes) in edits.iter().zip(&names) {
                    let node = present.then_some(NodeRef(2 * name + 1));
                    list.push(OrderEdit { name: bytes, node });
                    match node {
                        Some(node) => map.insert(*name, node),
                        None => map.remove(name),
                    };
                }
                order = order.edited(&list, compare);
                prop_assert!(order.iter().eq(map.values().copied()));
                prop_assert!(order.pages.iter().all(|page| (1..=PAGE).contains(&page.len())));
                for name in [0u32, 77, 9_999, 20_000] {
                    let wanted: Vec<NodeRef> = map.range(name + 1..).map(|(_, at)| *at).collect();
                    let got: Vec<NodeRef> = order.beyond(|at| compare(at, &name.to_be_bytes())).collect();
                    prop_assert_eq!(got, wanted);
                }
                prop_assert_eq!((order.len(), order.is_empty()), (map.len(), map.is_empty()));
            }
            prop_assert!(base.iter().eq(before.iter().map(|name| NodeRef(2 * name))), "the base stays");
        }

        #[test]
        fn what_changes_nothing_is_shared(names in proptest::collection::btree_set(0u32..9000, 0..20)) {
            let base = NodeOrder::build((0..3000).map(|name| NodeRef(name * 6)));
            let bytes: Vec<[u8; 4]> = names.iter().map(|name| (name * 3 + 1).to_be_bytes()).collect();
            let edits: Vec<OrderEdit<'_>> = bytes.iter().map(|name| OrderEdit { name, node: None }).collect();
            prop_assert_eq!(base.edited(&edits, compare).own_bytes(&base), 0);
        }
    }
}
