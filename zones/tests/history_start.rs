//! What is known of the version that a history begins with.

#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

use std::path::Path;
use std::sync::Arc;

use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{
    HistoryLimits, HistoryStart, VersionOrigin, ZoneContents, ZoneDifference, ZoneHistory, ZoneVersion,
};

fn contents(serial: u32) -> ZoneContents {
    let origin: DomainName = "zone.test.".parse().unwrap();
    let text =
        format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nn{serial} 60 TXT x\n");
    read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
}

fn origin(time: u64) -> VersionOrigin {
    VersionOrigin { cause: ChangeCause::Transfer, time, who: "".into() }
}

fn step(from: u32, to: u32) -> ZoneVersion {
    let difference = ZoneDifference::between(&contents(from), &contents(to)).unwrap();
    ZoneVersion { difference: Arc::new(difference), origin: origin(to.into()) }
}

#[test]
fn the_start_is_what_came_whole_or_the_last_that_was_dropped() {
    let limits = HistoryLimits { versions: 2, ..HistoryLimits::default() };
    let mut history = ZoneHistory::default();
    assert_eq!(history.start(), None);
    history.begin(origin(10));
    history.push(step(10, 11), limits, 0);
    history.begin(origin(11));
    history.push(step(11, 12), limits, 0);
    assert_eq!(history.start(), Some(&HistoryStart { origin: origin(10), is_whole: true }));
    history.push(step(12, 13), limits, 0);
    assert_eq!(history.start(), Some(&HistoryStart { origin: origin(11), is_whole: false }));
    // After a gap nothing is known.
    history.push(step(20, 21), limits, 0);
    assert_eq!((history.len(), history.start()), (1, None));
}
