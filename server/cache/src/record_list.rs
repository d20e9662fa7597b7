//! RDATA of several records in one piece of memory.

/// RDATA of records, each behind its length; names in it are written out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedRecords(Box<[u8]>);

impl CachedRecords {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The records as they are kept, each behind its length in two bytes, the higher first.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The RDATA of each record, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        records_in(&self.0)
    }
}

/// RDATA of more than 65535 bytes, which no message can hold, is left out.
impl<'r> FromIterator<&'r [u8]> for CachedRecords {
    fn from_iter<I: IntoIterator<Item = &'r [u8]>>(records: I) -> Self {
        let mut builder = RecordListBuilder::default();
        records.into_iter().for_each(|rdata| builder.push(rdata));
        builder.finish()
    }
}

/// A list that grows.
#[derive(Clone, Debug, Default)]
pub struct RecordListBuilder(Vec<u8>);

impl RecordListBuilder {
    /// Adds a record; one of more than 65535 bytes is left out.
    pub fn push(&mut self, rdata: &[u8]) {
        if let Ok(length) = u16::try_from(rdata.len()) {
            // Most lists have one record, and are to have no more memory than it takes.
            if self.0.is_empty() {
                self.0.reserve_exact(2 + rdata.len());
            }
            self.0.extend_from_slice(&length.to_be_bytes());
            self.0.extend_from_slice(rdata);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The RDATA of each record, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        records_in(&self.0)
    }

    /// The list, in just the memory it needs.
    pub fn finish(self) -> CachedRecords {
        CachedRecords(self.0.into())
    }
}

fn records_in(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (rdata, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = tail;
        Some(rdata)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_put_in() {
        let long = vec![7; 65_535];
        let records: [&[u8]; 3] = [b"one", b"", &long];
        let list: CachedRecords = records.into_iter().collect();
        assert_eq!((list.iter().collect::<Vec<_>>(), list.len()), (records.to_vec(), 3));
        assert_eq!((list.bytes(), CachedRecords::default().bytes()), (2 + 3 + 2 + 2 + 65_535, 0));
        let none: CachedRecords = [vec![0; 65_536].as_slice()].into_iter().collect();
        assert!(none.is_empty() && CachedRecords::default().is_empty());
    }

    #[test]
    fn a_list_grows_record_by_record() {
        let mut builder = RecordListBuilder::default();
        assert!(builder.is_empty() && builder.iter().count() == 0);
        builder.push(&vec![0; 65_536]);
        assert!(builder.is_empty(), "it was too long");
        for (record, count) in [(&b""[..], 1), (b"a", 2), (b"a", 3)] {
            builder.push(record);
            assert_eq!((builder.is_empty(), builder.iter().count()), (false, count));
            assert_eq!(builder.iter().last(), Some(record));
        }
        let list = builder.finish();
        assert_eq!((list.is_empty(), list.len(), list.bytes()), (false, 3, 3 * 2 + 2));
    }
}
