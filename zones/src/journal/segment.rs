//! A file of records, one behind the other.

use rhumb_wire::DomainName;

use super::record::{JournalRecord, RecordDamage, next_start, record_before};

/// What a file of records begins with: what it is, and the version of its form.
pub const SEGMENT_START: [u8; 16] = *b"rhumb journal 1\n";

/// What stands at a place of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentItem<'s> {
    /// A record, how far it is from the beginning of the file, and how many bytes it has.
    Record(JournalRecord<'s>, usize, usize),
    /// Bytes that are no records any more.
    Damaged {
        /// Where they begin.
        offset: usize,
        /// How many there are.
        length: usize,
        /// The zones whose records stood there; some may be missing where `is_whole` is not set.
        zones: Vec<DomainName>,
        /// Whether all of them are known.
        is_whole: bool,
    },
    /// The last record was not written in full: where it begins. Nothing follows.
    Torn(usize),
}

/// Walks the records of a file, past what is damaged.
#[derive(Debug, Clone)]
pub struct SegmentReader<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl<'s> SegmentReader<'s> {
    /// For the bytes of a whole file.
    pub const fn new(bytes: &'s [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The file begins otherwise than it should.
    fn start(&mut self) -> Option<SegmentItem<'s>> {
        self.at = SEGMENT_START.len();
        if self.bytes.starts_with(&SEGMENT_START) {
            return None;
        }
        if SEGMENT_START.starts_with(self.bytes) {
            self.at = self.bytes.len();
            return (!self.bytes.is_empty()).then_some(SegmentItem::Torn(0));
        }
        let length = self.at.min(self.bytes.len());
        Some(SegmentItem::Damaged { offset: 0, length, zones: Vec::new(), is_whole: true })
    }

    /// What stands between here and the next record that is good.
    fn damaged(&mut self, cut: bool) -> SegmentItem<'s> {
        let offset = self.at;
        let mut from = offset + 1;
        let next = loop {
            let Some(start) = next_start(self.bytes, from) else { break None };
            match self.bytes.get(start..).map(JournalRecord::parse) {
                Some(Ok(_) | Err(RecordDamage::Payload(..))) => break Some(start),
                _ => from = start + 1,
            }
        };
        let end = next.unwrap_or(self.bytes.len());
        self.at = end;
        let (mut zones, mut known) = (Vec::new(), end);
        while let Some((zone, length)) = self.bytes.get(offset..known).and_then(record_before) {
            let Some(start) = known.checked_sub(length).filter(|start| *start >= offset) else { break };
            zones.push(zone);
            known = start;
        }
        if next.is_none() && zones.is_empty() && cut {
            return SegmentItem::Torn(offset);
        }
        zones.reverse();
        SegmentItem::Damaged { offset, length: end - offset, zones, is_whole: known == offset }
    }
}

impl<'s> Iterator for SegmentReader<'s> {
    type Item = SegmentItem<'s>;

    fn next(&mut self) -> Option<SegmentItem<'s>> {
        if self.at == 0
            && let Some(item) = self.start()
        {
            return Some(item);
        }
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let at = self.at;
        match JournalRecord::parse(rest) {
            Ok((record, length)) => {
                self.at += length;
                Some(SegmentItem::Record(record, at, length))
            }
            Err(RecordDamage::Payload(zone, length)) => {
                self.at += length;
                let zones = vec![zone.to_name()];
                Some(SegmentItem::Damaged { offset: at, length, zones, is_whole: true })
            }
            Err(RecordDamage::Cut(_)) => Some(self.damaged(true)),
            Err(RecordDamage::Label) => Some(self.damaged(false)),
        }
    }
}
