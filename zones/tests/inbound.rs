//! Transfers that come in: what was sent is what is there afterwards, and what is wrong with a stream is told and changes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::sync::Arc;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, DomainName, MessageSection, MessageWriter, Rcode, Type, header};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{
    AddError, InboundError, InboundLimits, InboundProgress, InboundResult, InboundTransfer,
    OutboundDifference, OutboundTransfer, ZoneContents, ZoneDifference,
};

mod kit;

const LIMITS: InboundLimits = InboundLimits { records: 100_000, bytes: 1 << 24 };

fn zone(origin: &str, text: &str) -> ZoneContents {
    let origin: DomainName = origin.parse().unwrap();
    read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
}

/// Messages that `write` fills until it says that it is done.
fn messages(limit: usize, mut write: impl FnMut(&mut MessageWriter<'_, '_>) -> bool) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut compression = NameCompression::default();
    let mut done = false;
    while !done {
        let mut buffer = vec![0; 65_535];
        let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
        done = write(&mut w);
        let length = w.finish(7, header::QR | header::AA);
        buffer.truncate(length);
        messages.push(buffer);
    }
    messages
}

fn whole(contents: &Arc<ZoneContents>, limit: usize) -> Vec<Vec<u8>> {
    let mut transfer = OutboundTransfer::new(Arc::clone(contents));
    messages(limit, |w| {
        transfer.write(w).unwrap();
        transfer.is_done()
    })
}

fn difference(old: &ZoneContents, new: &ZoneContents, limit: usize) -> Vec<Vec<u8>> {
    let mut transfer = OutboundDifference::new(Arc::new(ZoneDifference::between(old, new).unwrap()));
    messages(limit, |w| {
        transfer.write(w).unwrap();
        transfer.is_done()
    })
}

/// What comes of a stream for a client that has `base`.
fn received(
    apex: &str,
    base: Option<&Arc<ZoneContents>>,
    stream: &[Vec<u8>],
    limits: InboundLimits,
) -> Result<InboundResult, InboundError> {
    let apex: DomainName = apex.parse().unwrap();
    let mut transfer = InboundTransfer::new(apex.as_ref(), base.cloned(), limits);
    for (index, message) in stream.iter().enumerate() {
        let complete = transfer.message(message)? == InboundProgress::Complete;
        assert!(!complete || index + 1 == stream.len(), "complete after {} of {}", index + 1, stream.len());
    }
    transfer.finish()
}

/// Whether two versions have the same records.
fn same(one: &ZoneContents, other: &ZoneContents) -> bool {
    one.record_count() == other.record_count() && ZoneDifference::between(one, other).unwrap().is_empty()
}

#[test]
fn what_is_sent_is_what_is_there() {
    for (origin, text) in [
        ("plain.test.", include_str!("../../tests/fuzz/zones/plain.zone")),
        ("nsec.test.", include_str!("../../tests/fuzz/zones/nsec.zone")),
        ("nsec3.test.", include_str!("../../tests/fuzz/zones/nsec3.zone")),
    ] {
        let contents = Arc::new(zone(origin, text));
        for limit in [600, 65_535] {
            // Also in answer to a request for the difference to something else.
            for base in [None, Some(Arc::new(zone(origin, "@ 60 SOA a b 0 1 1 1 1\n@ 60 NS ns.other.\n")))] {
                let result = received(origin, base.as_ref(), &whole(&contents, limit), LIMITS);
                let Ok(InboundResult::Contents { contents: got, difference: None, .. }) = result else {
                    panic!("{origin} {limit}: {result:?}")
                };
                assert!(same(&contents, &got), "{origin} {limit}");
            }
        }
    }
}

#[test]
fn differences_lead_to_the_next_version() {
    let version = |serial: u32, hosts: std::ops::Range<u32>| {
        let host = |n| format!("h{n} 60 MX 1 mail.h{n}\nx.h{n} 60 A 192.0.2.1\n");
        let hosts = hosts.map(host).collect::<Vec<_>>().concat();
        let head = format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n");
        Arc::new(zone("zone.test.", &(head + &hosts)))
    };
    let (old, new) = (version(u32::MAX, 0..300), version(7, 150..400));
    for limit in [600, 65_535] {
        let result = received("zone.test.", Some(&old), &difference(&old, &new, limit), LIMITS);
        let Ok(InboundResult::Contents { contents, difference: Some(_), .. }) = result else {
            panic!("{result:?}")
        };
        assert!(same(&new, &contents), "{limit}");
    }
    let result = received("zone.test.", None, &whole(&new, 600), InboundLimits { records: 100, ..LIMITS });
    assert_eq!(result.unwrap_err(), InboundError::TooLarge);
    let result = received("zone.test.", None, &whole(&new, 600), InboundLimits { bytes: 2000, ..LIMITS });
    assert_eq!(result.unwrap_err(), InboundError::TooLarge);
}

/// Lines of records, in one message.
fn stream(lines: &[&str]) -> Vec<u8> {
    let mut compression = NameCompression::default();
    let mut buffer = vec![0; 65_535];
    let mut w = MessageWriter::new(&mut buffer, 65_535, &mut compression);
    for text in lines {
        let line = kit::line(text);
        w.record(MessageSection::Answer, line.owner.as_ref(), line.rtype, Class::IN, line.ttl, |w| {
            w.bytes(&line.rdata)
        })
        .unwrap();
    }
    let length = w.finish(7, header::QR | header::AA);
    buffer.truncate(length);
    buffer
}

const SOA4: &str = "zone.test. 60 IN SOA ns. a. 4 1 1 1 1";
const SOA5: &str = "zone.test. 60 IN SOA ns. a. 5 1 1 1 1";
const SOA6: &str = "zone.test. 60 IN SOA ns. a. 6 1 1 1 1";
const OTHER6: &str = "zone.test. 60 IN SOA ns. a. 6 1 1 1 9";
const SOA7: &str = "zone.test. 60 IN SOA ns. a. 7 1 1 1 1";
/// The same, in the case of a name that the message had before.
const CASE6: &str = "zone.test. 60 IN SOA NS. A. 6 1 1 1 1";
const NS: &str = "zone.test. 60 IN NS ns.other.";
const OLD: &str = "a.zone.test. 60 IN A 192.0.2.1";
const NEW: &str = "a.zone.test. 60 IN A 192.0.2.2";
const ELSEWHERE: &str = "a.zone.other. 60 IN A 192.0.2.2";

#[test]
fn what_is_wrong_with_a_stream_is_told() {
    let base =
        Arc::new(zone("zone.test.", "@ 60 SOA ns. a. 5 1 1 1 1\n@ 60 NS ns.other.\na 60 A 192.0.2.1\n"));
    let apex: DomainName = "zone.test.".parse().unwrap();
    let host: DomainName = "a.zone.test.".parse().unwrap();
    let out_of_step = |expected, found| Err(InboundError::OutOfStep { expected, found });
    let unfit = || Err(InboundError::Unfit(host.clone(), Type::A));
    let outside = || Err(InboundError::Record("a.zone.other.".parse().unwrap(), AddError::OutOfZone));
    for (lines, expected) in [
        (&[SOA5][..], Ok("up to date")),
        (&[SOA6], Err(InboundError::SoaAlone)),
        (&[SOA4], Err(InboundError::OlderSerial { theirs: 4, ours: 5 })),
        (&[SOA6, SOA5, OLD, SOA6, NEW, SOA6], Ok("difference 6")),
        (&[SOA7, SOA5, OLD, SOA6, NEW, SOA6, NEW, SOA7, OLD, SOA7], Ok("difference 7")),
        (&[SOA6, SOA5, SOA6, SOA6], Ok("difference 6")),
        (&[SOA6, NS, NEW, SOA6], Ok("whole 6")),
        (&[CASE6, NS, NEW, SOA6], Ok("whole 6")),
        (&[SOA6, NS, NEW, CASE6], Ok("whole 6")),
        (&[CASE6, SOA5, OLD, SOA6, NEW, SOA6], Ok("difference 6")),
        (&[SOA6, SOA4, OLD, SOA6, NEW, SOA6], out_of_step(5, 4)),
        (&[SOA7, SOA5, OLD, SOA6, NEW, SOA5], out_of_step(6, 5)),
        (&[SOA7, SOA5, OLD, SOA6, NEW, SOA7], out_of_step(6, 7)),
        (&[SOA6, SOA5, NEW, SOA6, SOA6], unfit()),
        (&[SOA6, SOA5, SOA6, OLD, SOA6], unfit()),
        (&[SOA6, SOA5, OLD, SOA6, NEW, OTHER6], Err(InboundError::LastSoa)),
        (&[SOA6, NS, OTHER6], Err(InboundError::LastSoa)),
        (&[SOA6, NS, SOA6, NS], Err(InboundError::Surplus)),
        (&[SOA6, SOA5, OLD, SOA6, NEW, SOA6, SOA6], Err(InboundError::Surplus)),
        (&[SOA6, SOA5, OLD, SOA6, NEW], Err(InboundError::Incomplete)),
        (&[SOA6, NS], Err(InboundError::Incomplete)),
        (&[NS, SOA6], Err(InboundError::FirstRecord)),
        (&[], Err(InboundError::FirstRecord)),
        (&[SOA6, NS, ELSEWHERE, SOA6], outside()),
        (&[SOA6, SOA5, SOA6, ELSEWHERE, SOA6], outside()),
    ] {
        let result =
            received("zone.test.", Some(&base), &[stream(lines)], LIMITS).map(|result| match result {
                InboundResult::UpToDate => "up to date".to_owned(),
                InboundResult::Contents { contents, difference, .. } => {
                    format!(
                        "{} {}",
                        if difference.is_none() { "whole" } else { "difference" },
                        contents.serial()
                    )
                }
            });
        assert_eq!(result, expected.map(str::to_owned), "{lines:?}");
    }
    // A name that has an alias has nothing else.
    let alias = "a.zone.test. 60 IN CNAME b.other.";
    let result = received("zone.test.", None, &[stream(&[SOA6, NS, NEW, alias, SOA6])], LIMITS);
    assert!(matches!(result, Err(InboundError::Zone(_))), "{result:?}");
    // A difference to those who asked for the whole zone.
    let result = received("zone.test.", None, &[stream(&[SOA6, SOA5, OLD, SOA6, NEW, SOA6])], LIMITS);
    assert_eq!(result.unwrap_err(), InboundError::LastSoa);
    let mut transfer = InboundTransfer::new(apex.as_ref(), Some(base), LIMITS);
    let mut refused = stream(&[]);
    refused.splice(3..4, [5]);
    assert_eq!(transfer.message(&refused), Err(InboundError::Refused(Rcode::REFUSED)));
    let mut query = stream(&[SOA6]);
    query.splice(2..3, [0]);
    assert_eq!(transfer.message(&query), Err(InboundError::Message));
    assert_eq!(transfer.message(&[1, 2, 3]), Err(InboundError::Message));
}

/// What is kept of several steps leads to the same zone, though they write the same record in several ways.
#[test]
fn several_steps_are_one_difference() {
    let base = zone("zone.test.", "@ 60 SOA ns. a. 5 1 1 1 1\n@ 60 NS ns.other.\na 60 A 192.0.2.1\n");
    let base = Arc::new(base);
    let mail = |ttl: u32, name: &str| format!("a.zone.test. {ttl} IN MX 10 {name}.other.");
    let (upper, lower, other_ttl) = (mail(60, "MAIL"), mail(60, "mail"), mail(30, "mail"));
    for (first, second) in [
        (vec![SOA6, &upper], vec![&*lower, SOA7]),
        (vec![SOA6, &upper], vec![&*other_ttl, SOA7]),
        (vec![SOA6, &upper], vec![&*lower, SOA7, &other_ttl]),
        (vec![OLD, SOA6, &upper], vec![&*lower, SOA7, OLD]),
    ] {
        let lines = [&[SOA7, SOA5][..], &first, &[SOA6], &second, &[SOA7]].concat();
        let result = received("zone.test.", Some(&base), &[stream(&lines)], LIMITS);
        let Ok(InboundResult::Contents { contents, difference: Some(difference), .. }) = result else {
            panic!("{lines:?}: {result:?}")
        };
        let replayed = base.apply([&difference]);
        assert!(replayed.is_ok_and(|replayed| same(&replayed, &contents)), "{lines:?}");
        assert_eq!(difference, ZoneDifference::between(&base, &contents).unwrap(), "{lines:?}");
    }
}

/// What does not fit is passed over where that is wanted, and what comes of it is the difference that is told on.
#[test]
fn misfits_are_passed_over() {
    let base =
        Arc::new(zone("zone.test.", "@ 60 SOA ns. a. 5 1 1 1 1\n@ 60 NS ns.other.\na 60 A 192.0.2.1\n"));
    let apex: DomainName = "zone.test.".parse().unwrap();
    for (lines, expected, records) in [
        (&[SOA6, SOA5, OLD, SOA6, NEW, SOA6][..], 0, "a 60 A 192.0.2.2\n"),
        (&[SOA6, SOA5, NEW, SOA6, SOA6], 1, "a 60 A 192.0.2.1\n"),
        (&[SOA6, SOA5, SOA6, OLD, SOA6], 1, "a 60 A 192.0.2.1\n"),
        (
            &[SOA7, SOA5, NEW, SOA6, OLD, SOA6, OLD, SOA7, OLD, NEW, SOA7],
            2,
            "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n",
        ),
    ] {
        let mut transfer = InboundTransfer::new(apex.as_ref(), Some(Arc::clone(&base)), LIMITS);
        transfer.pass_misfits();
        assert_eq!(transfer.message(&stream(lines)), Ok(InboundProgress::Complete), "{lines:?}");
        let Ok(InboundResult::Contents { contents, difference: Some(difference), misfits }) =
            transfer.finish()
        else {
            panic!("{lines:?}")
        };
        let serial = contents.serial();
        let wanted =
            zone("zone.test.", &format!("@ 60 SOA ns. a. {serial} 1 1 1 1\n@ 60 NS ns.other.\n{records}"));
        assert!(same(&wanted, &contents), "{lines:?}");
        assert_eq!(misfits, expected, "{lines:?}");
        assert_eq!(difference, ZoneDifference::between(&base, &contents).unwrap(), "{lines:?}");
    }
    let mut transfer = InboundTransfer::new(apex.as_ref(), Some(base), LIMITS);
    transfer.pass_misfits();
    transfer.message(&stream(&[SOA6, SOA5, SOA6, ELSEWHERE, SOA6])).unwrap();
    assert!(
        matches!(transfer.finish(), Err(InboundError::Record(_, AddError::OutOfZone))),
        "outside the zone"
    );
}
