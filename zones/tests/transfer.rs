//! Zones as sequences of messages: every record once, the SOA first and last, nothing that a reader would refuse.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::sync::Arc;

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{
    Class, DomainName, MessageSection, MessageView, MessageWriter, NameBuf, Type, header, rdata,
};
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::{
    OutboundDifference, OutboundTransfer, TransferError, ZoneBuilder, ZoneContents, ZoneDifference,
};

/// Owner, type, TTL, RDATA in full.
type Row = (String, Type, u32, Vec<u8>);

/// All messages of a transfer, at most `limit` bytes each; a question in all of them or in the first alone.
fn messages(contents: &Arc<ZoneContents>, limit: usize, all: bool) -> Result<Vec<Vec<u8>>, TransferError> {
    let mut transfer = OutboundTransfer::new(Arc::clone(contents));
    let mut compression = NameCompression::default();
    let mut messages = Vec::new();
    while !transfer.is_done() {
        let mut buffer = vec![0xee; 65_535];
        let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
        if all || messages.is_empty() {
            w.question(contents.apex(), Type::AXFR, Class::IN).unwrap();
        }
        transfer.write(&mut w)?;
        assert!(w.counted(MessageSection::Answer) > 0, "no message is empty");
        let length = w.finish(7, header::QR | header::AA);
        buffer.truncate(length);
        messages.push(buffer);
    }
    Ok(messages)
}

fn rows(message: &[u8]) -> Vec<Row> {
    let parsed = MessageView::parse(message).unwrap();
    let row = |record: Result<rhumb_wire::MessageRecord<'_>, _>| {
        let record = record.unwrap();
        assert_eq!((record.section, record.class), (MessageSection::Answer, Class::IN));
        let (mut owner, mut data) = (NameBuf::new(), Vec::new());
        record.owner(&mut owner).unwrap();
        rdata::expand(&record, &mut data).unwrap();
        (owner.as_ref().to_string().to_lowercase(), record.rtype, record.ttl, data)
    };
    parsed.records().map(row).collect()
}

/// The records of `contents` as its own walk gives them.
fn expected(contents: &ZoneContents) -> Vec<Row> {
    let mut rows = Vec::new();
    for set in contents {
        for record in set.records().chain(set.signatures()) {
            let mut data = Vec::new();
            record.rdata(&mut data);
            rows.push((set.owner().as_ref().to_string().to_lowercase(), record.rtype(), record.ttl(), data));
        }
    }
    rows
}

fn check(contents: ZoneContents, limit: usize) {
    let contents = Arc::new(contents);
    for all in [true, false] {
        let messages = messages(&contents, limit, all).unwrap();
        let mut got: Vec<Row> = messages.iter().flat_map(|message| rows(message)).collect();
        let (first, last) = (got.remove(0), got.pop().unwrap());
        assert_eq!((first.1, &first), (Type::SOA, &last));
        let mut wanted = expected(&contents);
        let soa = wanted.iter().position(|row| row.1 == Type::SOA).unwrap();
        assert_eq!(wanted.remove(soa), first);
        assert!(got.iter().all(|row| row.1 != Type::SOA), "the SOA stands at both ends alone");
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted, "{} at {limit}", contents.apex());
    }
}

fn zone(origin: &str, text: &str) -> ZoneContents {
    let origin: DomainName = origin.parse().unwrap();
    read_zone_bytes(origin.as_ref(), Path::new("zone"), text.as_bytes()).unwrap().contents
}

const ZONES: [(&str, &str); 5] = [
    ("plain.test.", include_str!("../../tests/fuzz/zones/plain.zone")),
    ("a.plain.test.", include_str!("../../tests/fuzz/zones/sub.zone")),
    ("nsec.test.", include_str!("../../tests/fuzz/zones/nsec.zone")),
    ("nsec3.test.", include_str!("../../tests/fuzz/zones/nsec3.zone")),
    (".", ". 60 SOA a. b. 1 2 3 4 5\n. NS a.\na. A 192.0.2.1\nx.y. MX 1 x.y.\nx.y. MX 2 y.\ny. NS q.x.y.\n"),
];

#[test]
fn every_record_comes_once() {
    for (origin, text) in ZONES {
        for limit in [512, 600, 1000, 4096, 65_535] {
            check(zone(origin, text), limit);
        }
    }
}

/// Sets that fit no message are split, also those with names, and a record that needs a large message gets one.
#[test]
fn large_sets_and_records() {
    let apex: DomainName = "big.test.".parse().unwrap();
    let mut builder = ZoneBuilder::new(apex.as_ref());
    let mut add = |owner: &str, rtype, data: &[u8]| {
        let owner: DomainName = owner.parse().unwrap();
        builder.add(owner.as_ref(), rtype, 300, data, 0).unwrap();
    };
    add("big.test.", Type::SOA, &[[0; 2].as_slice(), &[0, 0, 0, 9].repeat(5)].concat());
    for n in 0..3000_u32 {
        add("many.big.test.", Type::A, &n.to_be_bytes());
        let host: DomainName = format!("host{n}.in.big.test.").parse().unwrap();
        add("big.test.", Type::NS, host.as_ref().as_bytes());
        add("mail.big.test.", Type::MX, &[&[0, 1][..], host.as_ref().as_bytes()].concat());
        add(&format!("n{n}.big.test."), Type::A, &n.to_be_bytes());
    }
    add("wide.big.test.", Type(65_280), &vec![7; 40_000]);
    add("wide.big.test.", Type(65_281), &vec![8; 65_000]);
    let contents = builder.finish().unwrap().0;
    let all = messages(&Arc::new(contents), 65_535, false).unwrap();
    let longest = |message: &&Vec<u8>| message.len() > 16_384;
    assert_eq!(all.iter().filter(longest).count(), 2, "the two that need it");
    assert!(all.len() < 30, "{}", all.len());
    assert!(MessageView::parse(&all[1]).unwrap().question().unwrap().is_none());
    let mut builder = ZoneBuilder::new(apex.as_ref());
    builder.add(apex.as_ref(), Type::SOA, 1, &[[0; 2].as_slice(), &[0; 20]].concat(), 0).unwrap();
    builder.add(apex.as_ref(), Type::NS, 1, b"\x01a\0", 0).unwrap();
    builder.add(apex.as_ref(), Type(65_280), 1, &vec![1; 65_535], 0).unwrap();
    let contents = Arc::new(builder.finish().unwrap().0);
    assert_eq!(messages(&contents, 65_535, false).unwrap_err(), TransferError::RecordSize);
}

#[test]
fn large_sets_keep_every_record() {
    let mut text = String::from("@ 60 SOA a b 1 2 3 4 5\n");
    for n in 0..2500 {
        let lines = format!("@ NS n{n}.some.where\nx.y MX {n} x.y\nx.y TXT \"{n}\"\nh{n} A 192.0.2.1\n");
        text += &lines;
    }
    for limit in [700, 65_535] {
        check(zone("big.test.", &text), limit);
    }
}

/// What is served meanwhile changes nothing for a transfer under way, and the contents go with its end.
#[test]
fn a_transfer_holds_its_contents_and_nothing_else() {
    let contents = Arc::new(zone(ZONES[0].0, ZONES[0].1));
    let transfer = OutboundTransfer::new(Arc::clone(&contents));
    assert_eq!(Arc::strong_count(&contents), 2);
    drop(transfer);
    assert_eq!(Arc::strong_count(&contents), 1);
}

/// A difference in as many messages as it needs: both SOA records before what goes and what comes, the new one at both ends.
#[test]
fn differences_come_in_order() {
    let lines = |hosts: std::ops::Range<u32>| -> String {
        let host = |n| format!("h{n} 60 MX 1 mail.h{n}\nh{n} 60 TXT {}\n", "x".repeat(200));
        hosts.map(host).collect::<Vec<_>>().concat()
    };
    let version = |serial: u32, hosts| {
        zone(
            "zone.test.",
            &format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n{}", lines(hosts)),
        )
    };
    let (old, new) = (version(1, 0..200), version(2, 100..300));
    let difference = Arc::new(ZoneDifference::between(&old, &new).unwrap());
    assert_eq!(difference.record_count(), 400);
    for limit in [512, 1232, 65_535] {
        let mut transfer = OutboundDifference::new(Arc::clone(&difference));
        let mut compression = NameCompression::default();
        let (mut got, mut messages) = (Vec::new(), 0);
        while !transfer.is_done() {
            let mut buffer = vec![0xee; 65_535];
            let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
            transfer.write(&mut w).unwrap();
            let length = w.finish(7, header::QR | header::AA);
            assert!(length <= limit.min(16_383), "{length} of {limit}");
            got.extend(rows(&buffer[..length]));
            messages += 1;
        }
        let soa: Vec<usize> = (0..got.len()).filter(|at| got[*at].1 == Type::SOA).collect();
        assert_eq!(soa, [0, 1, 202, 403], "{messages} messages of {limit}");
        assert_eq!((&got[0], &got[0]), (&got[202], &got[403]));
        let sorted = |rows: &[Row]| {
            let mut rows = rows.to_vec();
            rows.sort();
            rows
        };
        let without = |contents: &ZoneContents, other: &ZoneContents| {
            let others = expected(other);
            let rows: Vec<Row> = expected(contents).into_iter().filter(|row| !others.contains(row)).collect();
            sorted(&rows.into_iter().filter(|row| row.1 != Type::SOA).collect::<Vec<_>>())
        };
        assert_eq!(sorted(&got[2..202]), without(&old, &new));
        assert_eq!(sorted(&got[203..403]), without(&new, &old));
    }
}

/// The last SOA, each difference with the SOA before and after it, and the last SOA (RFC 1995 section 4).
#[test]
fn differences_go_one_by_one() {
    let version = |serial: u32| {
        let text = format!("@ 60 SOA ns admin {serial} 2 2 60 60\n@ 60 NS ns\nns 60 A 192.0.2.{serial}\n");
        zone("zone.test.", &text)
    };
    let versions: Vec<ZoneContents> = (1..=3).map(version).collect();
    let steps =
        versions.windows(2).map(|pair| Arc::new(ZoneDifference::between(&pair[0], &pair[1]).unwrap()));
    let steps: Vec<_> = steps.collect();
    assert!(OutboundDifference::of_steps(Vec::new()).is_none());
    for limit in [160, 512, 65_535] {
        let mut transfer = OutboundDifference::of_steps(steps.clone()).unwrap();
        assert_eq!(transfer.from_serial(), 1);
        let (mut compression, mut got) = (NameCompression::default(), Vec::new());
        while !transfer.is_done() {
            let mut buffer = vec![0xee; 65_535];
            let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
            transfer.write(&mut w).unwrap();
            let length = w.finish(7, header::QR | header::AA);
            got.extend(rows(&buffer[..length]));
        }
        let told: Vec<String> = got
            .iter()
            .map(|row| match row.1 {
                Type::SOA => format!("SOA {}", row.3[row.3.len() - 17]),
                rtype => format!("{rtype} {}", row.3[3]),
            })
            .collect();
        let expected = ["SOA 3", "SOA 1", "A 1", "SOA 2", "A 2", "SOA 2", "A 2", "SOA 3", "A 3", "SOA 3"];
        assert_eq!(told, expected, "{limit}");
    }
}
