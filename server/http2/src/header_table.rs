//! The fields that the other side has had this one remember (RFC 7541, section 2.3.2).

use std::collections::VecDeque;

use super::field::{FieldName, HeaderField};

/// What a field counts beside its bytes (RFC 7541, section 4.1).
pub(super) const FIELD_OVERHEAD: usize = 32;
/// The size that both sides begin with (RFC 9113, section 6.5.2). It is kept, so that no setting has to be waited for, and nobody
/// makes a connection hold more than this; queries have few fields that come again.
pub(super) const TABLE_SIZE: usize = 4096;

/// The dynamic table of a decoder.
#[derive(Debug)]
pub(super) struct HeaderTable {
    /// Oldest first.
    fields: VecDeque<TableField>,
    /// Names and values, those of fields that are gone among them until there is no room.
    bytes: Vec<u8>,
    /// Where the bytes of fields that are kept begin.
    kept: usize,
    size: usize,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct TableField {
    kind: FieldName,
    start: usize,
    name: usize,
    value: usize,
    is_valid: bool,
}

impl TableField {
    const fn size(self) -> usize {
        self.name + self.value + FIELD_OVERHEAD
    }
}

impl HeaderTable {
    pub(super) const fn new() -> Self {
        Self { fields: VecDeque::new(), bytes: Vec::new(), kept: 0, size: 0, limit: TABLE_SIZE }
    }

    /// The field that was added so many fields ago, 0 for the last.
    #[inline]
    pub(super) fn get(&self, age: usize) -> Option<HeaderField<'_>> {
        let at = self.fields.len().checked_sub(age + 1)?;
        let field = self.fields.get(at)?;
        let (name, behind) = self.bytes.get(field.start..)?.split_at_checked(field.name)?;
        let TableField { kind, is_valid, .. } = *field;
        Some(HeaderField { kind, name, value: behind.get(..field.value)?, is_valid })
    }

    /// Sets the limit, and lets go of what exceeds it. False: the limit is larger than it may be.
    pub(super) fn set_limit(&mut self, limit: usize) -> bool {
        if limit > TABLE_SIZE {
            return false;
        }
        self.limit = limit;
        self.evict(0);
        true
    }

    /// Remembers a field. One that is too long for the table leaves it empty (RFC 7541, section 4.4).
    pub(super) fn insert(&mut self, field: HeaderField<'_>) {
        let (name, value) = (field.name.len(), field.value.len());
        let size = name + value + FIELD_OVERHEAD;
        self.evict(size);
        if size > self.limit {
            return;
        }
        if self.bytes.len() + name + value > 2 * TABLE_SIZE {
            self.compact();
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(field.name);
        self.bytes.extend_from_slice(field.value);
        let HeaderField { kind, is_valid, .. } = field;
        self.fields.push_back(TableField { kind, start, name, value, is_valid });
        self.size += size;
    }

    /// Makes room for so many bytes.
    fn evict(&mut self, size: usize) {
        while self.size + size > self.limit
            && let Some(oldest) = self.fields.pop_front()
        {
            self.size -= oldest.size();
            self.kept = oldest.start + oldest.name + oldest.value;
        }
    }

    /// Moves what is kept to the front.
    fn compact(&mut self) {
        let gone = self.kept.min(self.bytes.len());
        self.bytes.drain(..gone);
        for field in &mut self.fields {
            field.start = field.start.saturating_sub(gone);
        }
        self.kept = 0;
    }

    #[cfg(test)]
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field<'a>(name: &'a [u8], value: &'a [u8]) -> HeaderField<'a> {
        HeaderField { kind: FieldName::of(name), name, value, is_valid: true }
    }

    #[test]
    fn a_field_that_is_too_long_empties_the_table() {
        let mut table = HeaderTable::new();
        table.insert(field(b"a", b"b"));
        assert_eq!((table.size(), table.get(0)), (34, Some(field(b"a", b"b"))));
        table.insert(field(b"a", &[b'x'; TABLE_SIZE]));
        assert_eq!((table.size(), table.get(0)), (0, None));
        let longest = [b'x'; TABLE_SIZE - FIELD_OVERHEAD - 1];
        table.insert(field(b"a", &longest));
        assert_eq!((table.size(), table.get(0)), (TABLE_SIZE, Some(field(b"a", &longest))));
    }

    #[test]
    fn a_lower_limit_lets_go_of_the_oldest() {
        let mut table = HeaderTable::new();
        for name in [b"a", b"b", b"c"] {
            table.insert(field(name, b"1"));
        }
        assert!(table.set_limit(2 * 34 + 33));
        assert_eq!(table.get(1), Some(field(b"b", b"1")));
        assert_eq!(table.get(2), None);
        assert!(table.set_limit(0));
        table.insert(field(b"a", b"1"));
        assert_eq!((table.size(), table.get(0)), (0, None));
        assert!(!table.set_limit(TABLE_SIZE + 1));
    }

    proptest! {
        /// Beside a list that copies each field.
        #[test]
        fn what_is_found_is_what_a_list_has(
            steps in proptest::collection::vec((0..300_usize, 0..1500_usize, proptest::option::of(0..=TABLE_SIZE)), 1..120),
        ) {
            let (mut table, mut list, mut limit) = (HeaderTable::new(), VecDeque::new(), TABLE_SIZE);
            for (number, (name, value, lower)) in steps.into_iter().enumerate() {
                let (name, value) = (vec![b'a'; name + 1], vec![number as u8; value]);
                if let Some(lower) = lower.filter(|_| number % 7 == 0) {
                    limit = lower;
                    prop_assert!(table.set_limit(lower));
                }
                table.insert(field(&name, &value));
                list.push_front((name, value));
                let size = |list: &VecDeque<(Vec<u8>, Vec<u8>)>| {
                    list.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>()
                };
                while size(&list) > limit {
                    list.pop_back();
                }
                prop_assert_eq!(table.size(), size(&list));
                prop_assert!(table.held() <= 2 * TABLE_SIZE);
                for (age, (name, value)) in list.iter().enumerate() {
                    prop_assert_eq!(table.get(age), Some(field(name, value)));
                }
                prop_assert_eq!(table.get(list.len()), None);
            }
        }
    }
}
