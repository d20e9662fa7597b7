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

    /// The RDATA of each record, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (rdata, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = tail;
            Some(rdata)
        })
    }
}

/// RDATA of more than 65535 bytes, which no message can hold, is left out.
impl<'r> FromIterator<&'r [u8]> for CachedRecords {
    fn from_iter<I: IntoIterator<Item = &'r [u8]>>(records: I) -> Self {
        let mut bytes = Vec::new();
        for rdata in records {
            if let Ok(length) = u16::try_from(rdata.len()) {
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(rdata);
            }
        }
        Self(bytes.into())
    }
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
}
