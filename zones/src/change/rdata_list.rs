//! The RDATA of one RRset, each once, while it changes.

use std::collections::HashMap;

use rhumb_wire::Type;

use crate::builder::denial::{canonical, is_same};

/// Records searched one by one; more go through a table.
const FEW: usize = 16;

/// The records in the order they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct RdataList {
    /// What was removed leaves its place empty, so that the places in `known` stay good.
    list: Vec<Option<Box<[u8]>>>,
    count: usize,
    /// From canonical RDATA to its place, once there are many.
    known: HashMap<Vec<u8>, usize>,
}

impl RdataList {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// The RDATA of each, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.list.iter().flatten().map(|rdata| &**rdata)
    }

    /// Adds a record at the end; whether there was no such record (RFC 2181 section 5).
    pub(super) fn add(&mut self, rtype: Type, rdata: &[u8]) -> bool {
        if self.find(rtype, rdata).is_some() {
            return false;
        }
        let at = self.list.len();
        self.list.push(Some(rdata.into()));
        self.count += 1;
        if at == FEW {
            let places = self.list.iter().zip(0..);
            self.known = places.filter_map(|(r, at)| Some((canonical(rtype, r.as_deref()?), at))).collect();
        } else if at > FEW {
            self.known.insert(canonical(rtype, rdata), at);
        }
        true
    }

    /// Removes a record; whether it was there.
    pub(super) fn remove(&mut self, rtype: Type, rdata: &[u8]) -> bool {
        let Some(place) = self.find(rtype, rdata).and_then(|at| self.list.get_mut(at)) else { return false };
        *place = None;
        self.count -= 1;
        self.known.remove(&canonical(rtype, rdata));
        true
    }

    /// Removes all; whether there was one.
    pub(super) fn clear(&mut self) -> bool {
        std::mem::take(self).count > 0
    }

    fn find(&self, rtype: Type, rdata: &[u8]) -> Option<usize> {
        if self.list.len() > FEW {
            return self.known.get(&canonical(rtype, rdata)).copied();
        }
        let is_same = |known: &Option<Box<[u8]>>| known.as_deref().is_some_and(|k| is_same(rtype, k, rdata));
        self.list.iter().position(is_same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_records_each_once() {
        let name = |i: u8, letter: u8| [1, letter, 2, b'a' + i / 26, b'a' + i % 26, 0];
        for count in [3u8, 16, 17, 100] {
            let mut records = RdataList::default();
            for i in 0..count {
                assert!(records.add(Type::NS, &name(i, b'n')));
                assert!(!records.add(Type::NS, &name(i, b'N')), "case does not count");
            }
            for i in (0..count).step_by(2) {
                assert!(records.remove(Type::NS, &name(i, b'N')));
                assert!(!records.remove(Type::NS, &name(i, b'n')));
            }
            assert!(records.add(Type::NS, &name(0, b'n')));
            let mut wanted: Vec<_> = (1..count).step_by(2).map(|i| name(i, b'n')).collect();
            wanted.push(name(0, b'n'));
            assert_eq!(records.len(), wanted.len());
            assert!(records.iter().eq(wanted.iter().map(<[u8; 6]>::as_slice)), "{count}");
            assert!(records.clear());
            assert_eq!((records.len(), records.iter().next()), (0, None));
        }
    }
}
