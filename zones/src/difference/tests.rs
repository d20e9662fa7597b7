//! Differences of generated zones: applied they give the other version, condensed they say the same.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use rhumb_wire::{DomainName, Type};

use super::{DifferenceRecord, ZoneDifference};
use crate::contents::ZoneContents;
use crate::file::read_zone_bytes;

fn zone(serial: u32, lines: &[String]) -> ZoneContents {
    let origin: DomainName = "zone.test.".parse().unwrap();
    let head = format!("$TTL 300\n@ SOA ns admin {serial} 2 2 60 60\n@ NS ns\nns A 192.0.2.1\n");
    let text = head + &lines.concat();
    read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
}

type Row = (String, u16, u32, Vec<u8>);

fn row(record: DifferenceRecord<'_>) -> Row {
    (record.owner.to_string().to_lowercase(), record.rtype.0, record.ttl, record.rdata.to_vec())
}

fn rows(contents: &ZoneContents) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for set in contents {
        for record in set.records().filter(|record| record.rtype() != Type::SOA) {
            let mut data = Vec::new();
            record.rdata(&mut data);
            rows.insert((
                set.owner().as_ref().to_string().to_lowercase(),
                record.rtype().0,
                record.ttl(),
                data,
            ));
        }
    }
    rows
}

/// What a secondary that has `rows` has afterwards. Each record that is removed is there, and each that is added is not.
fn applied(mut rows: BTreeSet<Row>, difference: &ZoneDifference) -> BTreeSet<Row> {
    for record in difference.removed() {
        assert!(rows.remove(&row(record)), "{record:?}");
    }
    for record in difference.added() {
        assert!(rows.insert(row(record)), "{record:?}");
    }
    rows
}

fn line() -> impl Strategy<Value = String> {
    let owner = prop::sample::select(vec!["@", "a", "b", "b.a", "*.w", "c.b.a", "A"]);
    let data = prop::sample::select(vec![
        "300 A 192.0.2.1",
        "300 A 192.0.2.2",
        "300 MX 1 mx",
        "300 MX 1 a",
        "300 TXT x",
        "300 AAAA ::1",
        "300 MX 1 b.other.",
    ]);
    (owner, data).prop_map(|(owner, data)| format!("{owner} {data}\n"))
}

proptest! {
    #[test]
    fn a_difference_leads_from_one_version_to_the_next(
        versions in prop::collection::vec(prop::collection::vec(line(), 0..12), 2..6)
    ) {
        let versions: Vec<_> = (1..).zip(&versions).map(|(serial, lines)| zone(serial, lines)).collect();
        let steps: Vec<_> = versions
            .windows(2)
            .map(|pair| ZoneDifference::between(&pair[0], &pair[1]).unwrap())
            .collect();
        for (pair, step) in versions.windows(2).zip(&steps) {
            prop_assert_eq!((step.from, step.to), (pair[0].serial(), pair[1].serial()));
            prop_assert_eq!(applied(rows(&pair[0]), step), rows(&pair[1]));
        }
        let whole = ZoneDifference::condense(&steps).unwrap();
        let (first, last) = (&versions[0], versions.last().unwrap());
        prop_assert_eq!((whole.from, whole.to), (first.serial(), last.serial()));
        prop_assert_eq!(applied(rows(first), &whole), rows(last));
        let direct = ZoneDifference::between(first, last).unwrap();
        prop_assert_eq!(whole.record_count(), direct.record_count());
    }
}

#[test]
fn what_comes_and_goes_is_in_no_condensed_difference() {
    let lines = |extra: &str| vec![format!("a 300 A 192.0.2.7\n{extra}")];
    let versions = [zone(1, &lines("")), zone(2, &lines("b 300 TXT x\n")), zone(3, &lines(""))];
    let steps: Vec<_> =
        versions.windows(2).map(|pair| ZoneDifference::between(&pair[0], &pair[1]).unwrap()).collect();
    assert_eq!(steps.iter().map(ZoneDifference::record_count).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(ZoneDifference::condense(&steps).unwrap().record_count(), 0);
    assert_eq!(ZoneDifference::condense([]), None);
}

/// A TTL is part of a record: it is removed with the old one and added with the new one.
#[test]
fn another_ttl_is_another_record() {
    let (old, new) = (zone(1, &["a 300 A 192.0.2.7\n".into()]), zone(2, &["a 60 A 192.0.2.7\n".into()]));
    let difference = ZoneDifference::between(&old, &new).unwrap();
    let ttls =
        |records: &mut dyn Iterator<Item = DifferenceRecord<'_>>| records.map(|r| r.ttl).collect::<Vec<_>>();
    assert_eq!(ttls(&mut difference.removed()), [300]);
    assert_eq!(ttls(&mut difference.added()), [60]);
}
