//! A whole message: every record read, written out again and read once more.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::edns::{EdnsOptions, MAX_OPTIONS};
use rhumb_wire::{Class, DomainName, MessageView, MessageWriter, NameBuf, NameRef, Type, rdata};

/// One record with its names expanded, its RDATA in canonical form.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    section: rhumb_wire::MessageSection,
    owner: DomainName,
    rtype: Type,
    class: Class,
    ttl: u32,
    rdata: Vec<u8>,
}

/// Reads `input` as a message in whole. What can be read completely must be the same after it was written and read again.
pub fn message(input: &[u8]) {
    let Ok(message) = MessageView::parse(input) else { return };
    if let Ok(Some(question)) = message.question() {
        check_name(question.name);
    }
    if let Ok(Some(edns)) = message.edns() {
        check_options(edns.options);
    }
    let Some(entries) = entries(&message) else { return };
    let mut buffer = vec![0; usize::from(u16::MAX)];
    if let Some(length) = write(&message, &entries, &mut buffer) {
        let written = buffer.get(..length).unwrap_or(&[]);
        let again = MessageView::parse(written).ok().and_then(|message| self::entries(&message));
        assert_eq!(again.as_ref(), Some(&entries), "written: {written:02x?}");
    }
}

/// Its records, or nothing if one of them cannot be read.
pub fn entries(message: &MessageView<'_>) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    for record in message.records() {
        let record = record.ok()?;
        let mut owner = NameBuf::new();
        record.owner(&mut owner).ok()?;
        check_name(owner.as_ref());
        let mut expanded = Vec::new();
        rdata::expand(&record, &mut expanded).ok()?;
        assert!(rdata::check(record.rtype, &expanded).is_ok(), "{:?} {expanded:02x?}", record.rtype);
        rdata::make_canonical(record.rtype, &mut expanded);
        assert!(rdata::check(record.rtype, &expanded).is_ok(), "canonical {expanded:02x?}");
        entries.push(Entry {
            section: record.section,
            owner: owner.as_ref().to_name(),
            rtype: record.rtype,
            class: record.class,
            ttl: record.ttl,
            rdata: expanded,
        });
    }
    Some(entries)
}

/// The length of the message with these records, or nothing if they have no room.
fn write(message: &MessageView<'_>, entries: &[Entry], buffer: &mut [u8]) -> Option<usize> {
    let mut compression = NameCompression::default();
    let limit = buffer.len();
    let mut w = MessageWriter::new(buffer, limit, &mut compression);
    if let Ok(Some(question)) = message.question() {
        w.question(question.name, question.qtype, question.class).ok()?;
    }
    for entry in entries {
        w.record(entry.section, entry.owner.as_ref(), entry.rtype, entry.class, entry.ttl, |w| {
            rdata::write(w, entry.rtype, &entry.rdata)
        })
        .ok()?;
    }
    let header = message.header();
    Some(w.finish(header.id, header.flags))
}

/// A name keeps the bounds of RFC 1035 section 2.3.4 and is the same after it was text.
pub fn check_name(name: NameRef<'_>) {
    assert!(name.len() <= 255 && name.label_count() <= 127, "{name:?}");
    assert!(name.labels().all(|label| (1..=63).contains(&label.len())), "{name:?}");
    let text = name.to_string();
    let mut read = NameBuf::new();
    assert!(read.set_text(text.as_bytes(), NameRef::ROOT).is_ok(), "{text}");
    assert_eq!(read.as_ref().as_bytes(), name.as_bytes(), "{text}");
}

/// Options are few, and lie within the RDATA.
pub fn check_options(options: EdnsOptions<'_>) {
    assert!(options.into_iter().count() <= MAX_OPTIONS);
    for (code, _) in options {
        assert!(options.find(code).is_some());
    }
}
