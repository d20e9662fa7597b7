//! Two versions of a zone held against each other, name by name in canonical order.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rhumb_wire::{NameRef, Type};

use super::records::{DifferenceRecord, RecordList};
use super::zone_difference::ZoneDifference;
use crate::contents::names::CanonicalName;
use crate::contents::node::ZoneNode;
use crate::contents::order::NodeOrder;
use crate::contents::{ZoneContents, ZoneRrset};

impl ZoneDifference {
    /// What differs between `old` and `new`, which have the same apex. None where one of them has no SOA.
    pub fn between(old: &ZoneContents, new: &ZoneContents) -> Option<ZoneDifference> {
        let soa = [soa_of(old)?, soa_of(new)?];
        let (mut removed, mut added) = (RecordList::default(), RecordList::default());
        for part in [|contents: &ZoneContents| &contents.order, |contents: &ZoneContents| &contents.hashed]
            as [Part; 2]
        {
            compare_part((old, part(old)), (new, part(new)), &mut removed, &mut added);
        }
        removed.shrink();
        added.shrink();
        Some(ZoneDifference { from: old.serial(), to: new.serial(), soa, removed, added })
    }
}

/// One of the orders of a zone.
type Part = fn(&ZoneContents) -> &NodeOrder;

/// The SOA alone.
pub(crate) fn soa_of(contents: &ZoneContents) -> Option<RecordList> {
    let soa = contents.soa()?;
    let mut list = RecordList::default();
    let mut rdata = Vec::new();
    let record = soa.records().next()?;
    record.rdata(&mut rdata);
    list.push(DifferenceRecord {
        owner: contents.apex(),
        rtype: Type::SOA,
        ttl: record.ttl(),
        rdata: &rdata,
    });
    list.shrink();
    Some(list)
}

fn compare_part(
    (old, old_order): (&ZoneContents, &NodeOrder),
    (new, new_order): (&ZoneContents, &NodeOrder),
    removed: &mut RecordList,
    added: &mut RecordList,
) {
    let (mut before, mut after) = (old_order.iter().peekable(), new_order.iter().peekable());
    loop {
        let ordering = match (before.peek(), after.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => {
                // How the second stands to the first.
                CanonicalName::new(new.node(*other).name()).order_of(old.node(*one).name())
            }
        };
        let one = if ordering.is_le() { before.next().map(|at| old.node(at)) } else { None };
        let other = if ordering.is_ge() { after.next().map(|at| new.node(at)) } else { None };
        if let (Some(one), Some(other)) = (one, other)
            && one
                .sets()
                .with_bytes()
                .map(|(_, bytes)| bytes)
                .eq(other.sets().with_bytes().map(|(_, bytes)| bytes))
        {
            continue;
        }
        compare_node((old, one), (new, other), removed, added);
    }
}

fn compare_node(
    (old, one): (&ZoneContents, Option<ZoneNode<'_>>),
    (new, other): (&ZoneContents, Option<ZoneNode<'_>>),
    removed: &mut RecordList,
    added: &mut RecordList,
) {
    let nodes = [one, other];
    let types: BTreeSet<u16> =
        nodes.iter().flatten().flat_map(|node| node.sets()).map(|set| set.rtype.0).collect();
    for rtype in types.into_iter().map(Type) {
        let [before, after] = nodes.map(|node| node.and_then(|node| Some((node, node.set(rtype)?))));
        let before = before.map(|(node, set)| records_of(&ZoneRrset::new(old.apex(), node, set)));
        let after = after.map(|(node, set)| records_of(&ZoneRrset::new(new.apex(), node, set)));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        for (contents, node, these, those, list) in
            [(old, one, &before, &after, &mut *removed), (new, other, &after, &before, &mut *added)]
        {
            if let Some(node) = node {
                push_missing(these, those, contents.owner(node).as_ref(), list);
            }
        }
    }
}

/// Type, TTL and RDATA of records of one owner.
pub(crate) type RecordRows = BTreeSet<(u16, u32, Vec<u8>)>;

/// The records of a set and its signatures. The SOA is not among them.
pub(crate) fn records_of(rrset: &ZoneRrset<'_>) -> RecordRows {
    let records = rrset.records().filter(|record| record.rtype() != Type::SOA);
    records
        .chain(rrset.signatures())
        .map(|record| {
            let mut rdata = Vec::new();
            record.rdata(&mut rdata);
            (record.rtype().0, record.ttl(), rdata)
        })
        .collect()
}

/// Adds to `list` what is in `these` and not in `those`.
pub(crate) fn push_missing(
    these: &RecordRows,
    those: &RecordRows,
    owner: NameRef<'_>,
    list: &mut RecordList,
) {
    for (rtype, ttl, rdata) in these.difference(those) {
        list.push(DifferenceRecord { owner, rtype: Type(*rtype), ttl: *ttl, rdata });
    }
}
