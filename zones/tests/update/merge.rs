//! A file that changes under a zone that updates change.

use std::collections::BTreeSet;
use std::fmt::Write;

use proptest::prelude::*;
use rhumb_wire::serial;
use rhumb_zones::{FileMerge, MergedSerial, ZoneContents, ZoneDifference};

use super::kit;
use super::message::{apply, lines};

const APEX: &str =
    "example. 300 IN SOA ns.example. admin.example. 7 1 1 1 60\nexample. 300 IN NS ns.other.\n";

fn file(records: &str) -> ZoneContents {
    kit::zone(&format!("{APEX}{records}"))
}

/// What comes of a file that held `old` and now holds `new`.
fn merge(old: &ZoneContents, new: &ZoneContents, served: &ZoneContents) -> FileMerge {
    let difference = ZoneDifference::between(old, new).unwrap();
    FileMerge::merge(old, &difference, served, MergedSerial::Next, serial::next).unwrap()
}

fn updated(contents: ZoneContents, given: &[&str]) -> ZoneContents {
    apply(&contents, given).unwrap().1.map_or(contents, |updated| updated.contents)
}

/// What is served after the file has changed from `old` to `new`, with the file's own apex left out, and what is reported.
fn merged(old: &str, new: &str, updates: &[&str]) -> (Vec<String>, Vec<String>) {
    let (before, after) = (file(old), file(new));
    let served = updated(file(old), updates);
    let merged = merge(&before, &after, &served);
    let conflicts = merged.conflicts.iter().map(ToString::to_string).collect();
    let contents = match merged.updated {
        Some(updated) => {
            assert_eq!(
                (updated.difference.from, updated.difference.to),
                (served.serial(), updated.contents.serial())
            );
            assert!(serial::is_newer(updated.contents.serial(), served.serial()));
            assert_eq!(lines(&served.apply([&updated.difference]).unwrap()), lines(&updated.contents));
            // What was kept and could not be noted as kept is merged once more: nothing comes of it.
            let again = merge(&before, &after, &updated.contents);
            assert!(again.updated.is_none() && again.conflicts.is_empty(), "{again:?}");
            updated.contents
        }
        None => served,
    };
    let all = lines(&contents).into_iter().filter(|line| !line.starts_with("example. NS"));
    (all.collect(), conflicts)
}

#[test]
fn each_side_keeps_what_it_says() {
    for (old, new, updates, wanted) in [
        (
            "",
            "www.example. 60 IN A 192.0.2.1",
            &["add a.example. 60 TXT \"x\""][..],
            &["a.example. TXT \\x01x 60", "www.example. A 192.0.2.1 60"][..],
        ),
        (
            "www.example. 60 IN A 192.0.2.1",
            "",
            &["add www.example. 60 A 192.0.2.9"],
            &["www.example. A 192.0.2.9 60"],
        ),
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 60 IN A 192.0.2.7",
            &["add www.example. 60 A 192.0.2.9"],
            &["www.example. A 192.0.2.7 60", "www.example. A 192.0.2.9 60"],
        ),
        // Both remove, both add the same.
        ("www.example. 60 IN A 192.0.2.1", "", &["delete www.example."], &[]),
        (
            "",
            "www.example. 60 IN A 192.0.2.1",
            &["add www.example. 60 A 192.0.2.1"],
            &["www.example. A 192.0.2.1 60"],
        ),
        // What an update removed stays so while the file does not touch it.
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.1",
            &["delete www.example."],
            &["a.example. A 192.0.2.1 60"],
        ),
        // A TTL of the file.
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 90 IN A 192.0.2.1",
            &["add www.example. 60 A 192.0.2.9"],
            &["www.example. A 192.0.2.1 90", "www.example. A 192.0.2.9 90"],
        ),
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 60 IN CNAME a.example.",
            &[],
            &["www.example. CNAME a.example. 60"],
        ),
        (
            "www.example. 60 IN CNAME a.example.",
            "www.example. 60 IN CNAME b.example.",
            &[],
            &["www.example. CNAME b.example. 60"],
        ),
    ] {
        let (found, conflicts) = merged(old, new, updates);
        assert_eq!(found, wanted, "{old} -> {new}, {updates:?}");
        assert_eq!(conflicts, [""; 0], "{old} -> {new}, {updates:?}");
    }
}

#[test]
fn the_file_holds_where_both_say_something_else() {
    let taken = |what: &str, file: &str, rdata: &str| {
        format!("{what}: the file says {file}, an update had set {rdata}")
    };
    for (old, new, updates, wanted, conflicts) in [
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 60 IN A 192.0.2.7",
            &["delete www.example. A", "add www.example. 60 A 192.0.2.9"][..],
            &["www.example. A 192.0.2.7 60"][..],
            taken("www.example. A", "192.0.2.7", "192.0.2.9"),
        ),
        (
            "",
            "www.example. 60 IN CNAME a.example.",
            &["add www.example. 60 A 192.0.2.9"],
            &["www.example. CNAME a.example. 60"],
            taken("www.example. A", "CNAME a.example.", "192.0.2.9"),
        ),
        (
            "",
            "www.example. 60 IN A 192.0.2.1",
            &["add www.example. 60 CNAME a.example."],
            &["www.example. A 192.0.2.1 60"],
            taken("www.example. CNAME", "A 192.0.2.1", "a.example."),
        ),
        (
            "www.example. 60 IN CNAME a.example.",
            "www.example. 60 IN CNAME b.example.",
            &["add www.example. 60 CNAME c.example."],
            &["www.example. CNAME b.example. 60"],
            taken("www.example. CNAME", "b.example.", "c.example."),
        ),
        (
            "www.example. 60 IN A 192.0.2.1",
            "www.example. 60 IN CNAME b.example.",
            &["add www.example. 60 TXT \"x\""],
            &["www.example. CNAME b.example. 60"],
            taken("www.example. TXT", "CNAME b.example.", "\"x\""),
        ),
        (
            "",
            "d.example. 60 IN DNAME a.example.",
            &["add d.example. 60 DNAME b.example."],
            &["d.example. DNAME a.example. 60"],
            taken("d.example. DNAME", "a.example.", "b.example."),
        ),
    ] {
        let (found, reported) = merged(old, new, updates);
        assert_eq!(found, wanted, "{old} -> {new}, {updates:?}");
        assert_eq!(reported, [conflicts], "{old} -> {new}, {updates:?}");
    }
}

#[test]
fn the_serial_of_the_file_means_nothing() {
    let with = |soa: &str| kit::zone(&format!("example. {soa}\nexample. 300 IN NS ns.other.\n"));
    let old = with("300 IN SOA ns.example. admin.example. 7 1 1 1 60");
    let served =
        updated(with("300 IN SOA ns.example. admin.example. 7 1 1 1 60"), &["add a.example. 60 A 192.0.2.1"]);
    for (soa, serial, refresh) in [
        ("300 IN SOA ns.example. admin.example. 100 1 1 1 60", 8, 1),
        ("300 IN SOA ns.example. admin.example. 3 1 1 1 60", 8, 1),
        ("300 IN SOA ns.example. admin.example. 7 5 1 1 60", 9, 5),
        ("60 IN SOA ns.example. other.example. 1 1 1 1 60", 9, 1),
    ] {
        let merged = merge(&old, &with(soa), &served);
        let contents = merged.updated.map(|updated| updated.contents);
        let contents = contents.as_ref().unwrap_or(&served);
        assert_eq!(
            (contents.serial(), contents.soa_timers().unwrap().refresh.as_secs()),
            (serial, refresh),
            "{soa}"
        );
    }
}

#[test]
fn a_newer_serial_of_the_file_is_taken_where_it_counts() {
    let with = |serial: u32, more: &str| {
        kit::zone(&format!(
            "example. 300 IN SOA ns.example. admin.example. {serial} 1 1 1 60\nexample. 300 IN NS ns.other.\n{more}"
        ))
    };
    let record = "www.example. 60 IN A 192.0.2.1\n";
    for (old, new, served, more, expected) in [
        (7, 9, 7, "", 9),
        (7, 9, 8, record, 9),
        (7, 9, 20, record, 21),
        (7, 9, 20, "", 20),
        (7, 7, 7, record, 8),
        (7, 7, 5, record, 6),
        (9, 3, 9, record, 10),
    ] {
        let (old_file, new_file, served) = (with(old, ""), with(new, more), with(served, ""));
        let difference = ZoneDifference::between(&old_file, &new_file).unwrap();
        let merged =
            FileMerge::merge(&old_file, &difference, &served, MergedSerial::File, serial::next).unwrap();
        let serial = merged.updated.map_or(served.serial(), |updated| updated.contents.serial());
        assert_eq!(serial, expected, "{old} -> {new}, served {}", served.serial());
    }
}

#[test]
fn a_zone_gets_another_serial() {
    let zone = file("www.example. 60 IN A 192.0.2.1\n");
    let updated = zone.with_serial(3).unwrap();
    assert_eq!((updated.difference.from, updated.difference.to, updated.contents.serial()), (7, 3, 3));
    assert_eq!(updated.difference.record_count(), 0);
    assert!(zone.with_serial(7).is_err(), "it has it already");
}

fn records() -> impl Strategy<Value = String> {
    let owner = prop::sample::select(vec!["a", "b", "c.b"]);
    let data = prop::sample::select(vec![
        "A 192.0.2.1",
        "A 192.0.2.2",
        "TXT \"x\"",
        "MX 10 a.example.",
        "CNAME a.example.",
        "DNAME b.example.",
    ]);
    let ttl = prop::sample::select(vec![60, 300]);
    prop::collection::vec((owner, ttl, data), 0..8).prop_map(|records| {
        let mut alias: BTreeSet<&str> = BTreeSet::new();
        let mut other: BTreeSet<&str> = BTreeSet::new();
        let mut text = String::new();
        for (owner, ttl, data) in records {
            let is_alias = data.starts_with("CNAME");
            if is_alias && (other.contains(owner) || !alias.insert(owner))
                || !is_alias && alias.contains(owner)
            {
                continue;
            }
            if !is_alias {
                other.insert(owner);
            }
            writeln!(text, "{owner}.example. {ttl} IN {data}").unwrap();
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Without updates the zone is the file; without a new file it is what it was; and a record that only one side touches is as that
    /// side says.
    #[test]
    fn nobody_loses_what_the_other_did_not_touch(old in records(), new in records(), other in records()) {
        let (was, is, served) = (file(&old), file(&new), file(&other));
        let rows = |contents: &ZoneContents| -> BTreeSet<String> {
            let record = |line: String| line.rsplit_once(' ').map(|(record, _)| record.to_owned()).unwrap();
            lines(contents).into_iter().map(record).collect()
        };
        let plain = merge(&was, &is, &was);
        let plain_lines = plain.updated.map_or_else(|| lines(&was), |updated| lines(&updated.contents));
        prop_assert_eq!(plain_lines, lines(&is));
        prop_assert!(plain.conflicts.is_empty());
        let same = merge(&was, &was, &served);
        prop_assert!(same.updated.is_none() && same.conflicts.is_empty());
        let merged = merge(&was, &is, &served);
        let dropped: BTreeSet<String> = merged.conflicts.iter()
            .flat_map(|conflict| conflict.dropped.iter().map(|rdata| {
                kit::show(conflict.owner.as_ref(), conflict.rtype, rdata)
            }))
            .collect();
        let result = merged.updated.as_ref().map_or(&served, |updated| &updated.contents);
        let (was, is, before, after) = (rows(&was), rows(&is), rows(&served), rows(result));
        let added: BTreeSet<_> = is.difference(&was).collect();
        for record in &added {
            prop_assert!(after.contains(*record), "the file adds {}", record);
        }
        for record in was.difference(&is) {
            prop_assert!(!after.contains(record), "the file removes {}", record);
        }
        for record in before.difference(&was).filter(|record| !is.contains(*record)) {
            prop_assert!(after.contains(record) || dropped.contains(record), "an update added {}", record);
        }
        for record in was.intersection(&is).filter(|record| !before.contains(*record)) {
            prop_assert!(!after.contains(record), "an update removed {}", record);
        }
        let again = merge(&file(&old), &file(&new), result);
        prop_assert!(again.updated.is_none() && again.conflicts.is_empty(), "{:?}", again);
    }
}
