//! A log of versions, cut and damaged in any way.

use std::collections::BTreeMap;

use rhumb_wire::DomainName;
use rhumb_zones::journal::{JournalRecord, SegmentItem, SegmentReader, ZoneReplay};

/// Items follow one another without a gap; a record that was read is written to the same bytes; a zone that comes out has the serial
/// that its records say.
pub fn run(input: &[u8]) {
    let mut at = None;
    let mut zones: BTreeMap<DomainName, (ZoneReplay, bool)> = BTreeMap::new();
    for item in SegmentReader::new(input) {
        match item {
            SegmentItem::Record(record, offset, length) => {
                assert!(at.is_none_or(|at| at == offset), "a gap before {offset}");
                at = Some(offset + length);
                let mut written = Vec::new();
                record.write(&mut written);
                let reread = JournalRecord::parse(&written).map(|(again, _)| again);
                assert_eq!(reread.ok(), Some(record));
                let name = record.zone.to_name();
                let (zone, good) = zones.entry(name).or_insert_with(|| (ZoneReplay::new(record.zone), true));
                *good &= zone.take(&record).is_ok();
            }
            SegmentItem::Damaged { offset, length, .. } => {
                assert!(length > 0 && offset + length <= input.len());
                assert!(at.is_none_or(|at| at == offset), "a gap before {offset}");
                at = Some(offset + length);
            }
            SegmentItem::Torn(offset) => {
                assert!(offset <= input.len());
                at = Some(input.len());
            }
        }
    }
    assert!(input.is_empty() || at.is_none_or(|at| at == input.len()), "bytes are left");
    for (name, (zone, good)) in zones {
        if let Some(zone) = zone.finish().filter(|_| good) {
            assert_eq!(zone.contents.apex().to_lowercase(), name.as_ref().to_lowercase());
        }
    }
}
