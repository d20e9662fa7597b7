use std::io::Cursor;
use std::sync::Arc;

use rhumb_cache::{
    CredibilityRank, KeptProof, LearntRecords, RecordContent, RecordSet, RecordWalk, SecurityStatus,
};
use rhumb_resolver::ResolverState;
use rhumb_resolver::validate::limits::RELEASED;
use rhumb_wire::{DomainName, Type};

use super::file_error::CacheFileError;
use super::file_head::FileHead;
use super::frames::{FrameKind, FrameReader, FrameWriter, LONGEST};
use super::read::{LoadedFile, read_file};
use super::write::write_to;

const NOW: u32 = 1_000_000;
const WRITTEN: u64 = RELEASED as u64 + 1000;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn set(owner: &str, rtype: Type, rdata: &[u8]) -> RecordSet {
    let records = [rdata].into_iter().collect();
    RecordSet { owner: name(owner), rtype, ttl: 60, records, signatures: [].into_iter().collect() }
}

fn learnt(owner: &str) -> LearntRecords {
    LearntRecords {
        owner: name(owner),
        rtype: Type::A,
        content: RecordContent::Records(set(owner, Type::A, &[192, 0, 2, 1])),
        attached: Box::default(),
        credibility: CredibilityRank::Authoritative,
        security: SecurityStatus::Secure,
        ttl: 300,
        stored: NOW - 100,
    }
}

fn head(trust: &[u8], sources: &[(&str, &str)]) -> FileHead {
    let sources = sources.iter().map(|(domain, source)| (name(domain), (*source).to_owned()));
    FileHead { written: WRITTEN, trust: trust.to_vec(), sources: sources.collect() }
}

fn usual() -> FileHead {
    head(b"keys", &[(".", "iterated"), ("corp.example", "stub 192.0.2.1:53")])
}

/// A file of three names and a proof.
fn file() -> Vec<u8> {
    let state = ResolverState::new(1 << 20);
    for owner in ["a.example", "www.corp.example", "corp.example"] {
        state.records.put(learnt(owner));
    }
    let next = [b"\x01z\x07example\0".as_slice(), &[0, 1, 0x40]].concat();
    let proof = KeptProof { set: Arc::new(set("example", Type::NSEC, &next)), until: NOW + 50 };
    state.proofs.keep(&name("example"), [proof]);
    let (bytes, written) = write_to(Vec::new(), &usual(), &state, NOW, None).unwrap();
    assert_eq!((written.entries, written.bytes), (4, bytes.len() as u64));
    bytes
}

/// What comes of a file under this head, and the names that are known then with what validation found.
fn read(
    bytes: &[u8],
    head: &FileHead,
) -> (Result<LoadedFile, CacheFileError>, Vec<(String, SecurityStatus)>) {
    let state = ResolverState::new(1 << 20);
    let result = read_file(Cursor::new(bytes), head, &state, NOW, 0);
    let all = RecordWalk::new(&state.records).flatten();
    let mut known: Vec<_> = all.map(|learnt| (learnt.owner.to_string(), learnt.security)).collect();
    known.sort_by(|a, b| a.0.cmp(&b.0));
    (result, known)
}

#[test]
fn what_was_written_is_known_again() {
    let (result, known) = read(&file(), &usual());
    assert_eq!(result.unwrap(), LoadedFile { loaded: 4, left_out: 0 });
    assert_eq!(known.len(), 3);
    assert!(known.iter().all(|(_, security)| *security == SecurityStatus::Secure));
    let later = FileHead { written: WRITTEN + 60, ..usual() };
    assert_eq!(read(&file(), &later).0.unwrap(), LoadedFile { loaded: 3, left_out: 1 });
    let much_later = FileHead { written: WRITTEN + 200, ..usual() };
    assert_eq!(read(&file(), &much_later).0.unwrap(), LoadedFile { loaded: 0, left_out: 4 });
}

#[test]
fn what_other_servers_said_is_left_out() {
    let iterated = (".", "iterated");
    for (sources, expected) in [
        (&[iterated, ("corp.example", "stub 192.0.2.9:53")][..], &["a.example."][..]),
        (&[iterated], &["a.example."]),
        (
            &[iterated, ("corp.example", "stub 192.0.2.1:53"), ("a.example", "forwarded 192.0.2.7")],
            &["corp.example.", "www.corp.example."],
        ),
        (&[(".", "forwarded 192.0.2.7"), ("corp.example", "stub 192.0.2.1:53")], &[]),
        (&[], &[]),
    ] {
        let (_, known) = read(&file(), &head(b"keys", sources));
        let owners: Vec<&str> = known.iter().map(|(owner, _)| owner.as_str()).collect();
        assert_eq!(owners, expected, "{sources:?}");
    }
}

#[test]
fn under_another_trust_all_is_to_be_validated_again() {
    let other = FileHead { trust: b"others".to_vec(), ..usual() };
    let (result, known) = read(&file(), &other);
    assert_eq!(result.unwrap(), LoadedFile { loaded: 3, left_out: 1 }, "the proof is of no use");
    assert!(known.iter().all(|(_, security)| *security == SecurityStatus::Unchecked));
}

#[test]
fn a_clock_that_cannot_be_right_makes_a_file_useless() {
    let before = FileHead { written: WRITTEN - 1, ..usual() };
    assert!(matches!(read(&file(), &before).0, Err(CacheFileError::Later(1))));
    let state = ResolverState::new(1 << 20);
    let early = FileHead { written: u64::from(RELEASED) - 1, ..usual() };
    let (bytes, _) = write_to(Vec::new(), &early, &state, NOW, None).unwrap();
    assert!(matches!(read(&bytes, &usual()).0, Err(CacheFileError::Clock)));
}

#[test]
fn of_a_damaged_file_nothing_is_used() {
    let bytes = file();
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            let (result, known) = read(&bytes, &usual());
            let refused = matches!(result, Err(CacheFileError::Damaged(_) | CacheFileError::Foreign));
            assert!(refused && known.is_empty(), "byte {at}: {result:?}");
        }
    }
    for end in 0..bytes.len() {
        let (result, known) = read(&bytes[..end], &usual());
        assert!(result.is_err() && known.is_empty(), "cut at {end}");
    }
    let longer = [bytes, vec![0]].concat();
    assert!(matches!(read(&longer, &usual()).0, Err(CacheFileError::Damaged(_))));
}

#[test]
fn a_file_without_a_head_is_damaged() {
    let mut frames = FrameWriter::new(Vec::new()).unwrap();
    frames.write(FrameKind::Entries, &[]).unwrap();
    let (bytes, _) = frames.end().unwrap();
    assert!(matches!(read(&bytes, &usual()).0, Err(CacheFileError::Damaged(_))));
}

#[test]
fn entries_that_cannot_be_read_are_left_out() {
    let mut frames = FrameWriter::new(Vec::new()).unwrap();
    frames.write(FrameKind::Head, &usual().to_bytes()).unwrap();
    frames.write(FrameKind::Entries, &[0, 0, 0, 1, 7, 0, 0, 0, 0]).unwrap();
    let (bytes, _) = frames.end().unwrap();
    assert_eq!(read(&bytes, &usual()).0.unwrap(), LoadedFile { loaded: 0, left_out: 2 });
}

#[test]
fn frames_are_bounded() {
    let mut frames = FrameWriter::new(Vec::new()).unwrap();
    frames.write(FrameKind::Entries, &vec![0; LONGEST]).unwrap();
    assert!(frames.write(FrameKind::Entries, &vec![0; LONGEST + 1]).is_err());
    let (bytes, length) = frames.end().unwrap();
    assert_eq!(bytes.len() as u64, length);
    let mut reader = FrameReader::new(&bytes[..]).unwrap();
    assert_eq!(reader.next().unwrap().map(|(_, content)| content.len()), Some(LONGEST));
    // A length that lies asks for no memory.
    let mut lying = bytes;
    lying[16] = 0xff;
    assert!(FrameReader::new(&lying[..]).unwrap().next().is_err());
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let state = ResolverState::new(1 << 20);
    state.records.put(learnt("a.example"));
    let now = std::time::Instant::now();
    let written = write_to(Vec::new(), &usual(), &state, NOW, Some(now));
    assert!(matches!(written, Err(CacheFileError::Late)));
}

#[test]
fn heads_come_back_as_they_were() {
    for head in [usual(), head(b"", &[])] {
        let bytes = head.to_bytes();
        assert_eq!(FileHead::parse(&bytes), Some(head));
        for end in 0..bytes.len() {
            // A source that is left out as a whole cannot be missed: the checksum sees that.
            let _ = FileHead::parse(&bytes[..end]);
        }
    }
}
