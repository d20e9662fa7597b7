use super::*;
use crate::DomainName;
use crate::message::MessageView;

/// What was taken back is not there, not counted, and no name points to it.
#[test]
fn records_are_taken_back() {
    let (mut buffer, mut compression) = ([0; 128], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 128, &mut compression);
    let [asked, other]: [DomainName; 2] = ["www.test", "mail.other"].map(|name| name.parse().unwrap());
    w.question(asked.as_ref(), Type::A, Class::IN).unwrap();
    let put = |w: &mut MessageWriter<'_, '_>, name: &DomainName| {
        w.record(MessageSection::Answer, name.as_ref(), Type::A, Class::IN, 5, |w| w.bytes(&[1, 2, 3, 4]))
            .unwrap();
    };
    let (mark, before) = (w.mark(), w.written().to_vec());
    put(&mut w, &other);
    w.rollback(mark);
    assert_eq!(w.written(), before);
    put(&mut w, &other);
    let length = w.finish(1, 0);
    let message = MessageView::parse(&buffer[..length]).unwrap();
    let mut owner = crate::NameBuf::new();
    let owners: Vec<String> = message
        .records()
        .map(|record| {
            record.unwrap().owner(&mut owner).unwrap();
            owner.as_ref().to_string()
        })
        .collect();
    assert_eq!(owners, ["mail.other."]);
}

#[test]
fn what_is_written_can_be_overwritten_and_nothing_else() {
    let mut buffer = [0xee; 64];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 64, &mut compression);
    w.question(NameRef::ROOT, Type::A, Class::IN).unwrap();
    w.record(MessageSection::Answer, NameRef::ROOT, Type::A, Class::IN, 1, |w| w.bytes(&[1, 2, 3, 4]))
        .unwrap();
    let at = w.len();
    w.patch_u32(at - 10, 600);
    w.patch_u16(at - 2, 0x0506);
    w.patch_u16(at - 1, 0xffff);
    w.patch_u32(at, u32::MAX);
    w.count_many(MessageSection::Additional, 0);
    let length = w.finish(1, 0);
    assert_eq!(buffer[at..], [0xee; 64][at..]);
    let message = MessageView::parse(&buffer[..length]).unwrap();
    let record = message.records().next().unwrap().unwrap();
    assert_eq!((record.ttl, record.rdata), (600, &[1, 2, 5, 6][..]));
}

#[test]
fn room_is_what_the_limit_leaves() {
    let (mut buffer, mut compression) = ([0; 64], NameCompression::default());
    for (limit, held_to) in [(40, 40), (64, 64), (65, 64), (usize::MAX, 64), (12, 12)] {
        let w = MessageWriter::new(&mut buffer, limit, &mut compression);
        assert_eq!(
            (w.limit(), w.room(), w.len(), w.is_empty()),
            (held_to, held_to - 12, 12, true),
            "{limit}"
        );
    }
    let mut w = MessageWriter::new(&mut buffer, 20, &mut compression);
    w.bytes(&[1; 5]).unwrap();
    assert_eq!((w.room(), w.len(), w.is_empty()), (3, 17, false));
    assert_eq!(w.bytes(&[2; 4]), Err(BufferFull));
    assert_eq!((w.room(), w.written()[12..].to_vec()), (3, vec![1; 5]));
    w.bytes(&[2; 3]).unwrap();
    assert_eq!((w.room(), w.u8(9)), (0, Err(BufferFull)));
    for (limit, held_to, room) in [(21, 21, 1), (19, 19, 0), (1000, 64, 44)] {
        w.set_limit(limit);
        assert_eq!((w.limit(), w.room()), (held_to, room), "{limit}");
    }
    let mut large = vec![0; 70_000];
    let mut w = MessageWriter::new(&mut large, 70_000, &mut compression);
    assert_eq!(w.limit(), 65_535);
    w.set_limit(70_000);
    assert_eq!(w.limit(), 65_535);
}

#[test]
fn numbers_are_written_the_highest_byte_first() {
    let (mut buffer, mut compression) = ([0; 64], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 64, &mut compression);
    w.u8(0x12).unwrap();
    w.u16(0x3456).unwrap();
    w.u32(0x789a_bcde).unwrap();
    w.append(&[1, 2]).unwrap().fill(0xf0);
    assert_eq!(w.written()[12..], [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0xf0]);
    w.cut(14);
    assert_eq!((w.len(), w.written()[12..].to_vec()), (14, vec![0x12, 0x34]));
    w.cut(20);
    assert_eq!(w.len(), 14);
    w.cut(3);
    assert_eq!(w.len(), 12);
}

/// What does not fit by a byte leaves nothing behind: no byte, no count, no name that others point to.
#[test]
fn what_does_not_fit_is_not_there() {
    let [asked, other]: [DomainName; 2] = ["www.test", "mail.test"].map(|name| name.parse().unwrap());
    // The question ends at 26, the compressed name at 33.
    for (limit, fits) in [(33, true), (32, false), (28, false)] {
        let (mut buffer, mut compression) = ([0; 128], NameCompression::default());
        let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
        w.question(asked.as_ref(), Type::A, Class::IN).unwrap();
        assert_eq!(w.name(other.as_ref()).is_ok(), fits, "name at {limit}");
        assert_eq!(w.len(), if fits { 33 } else { 26 }, "name at {limit}");
        w.set_limit(128);
        w.cut(26);
        w.name(other.as_ref()).unwrap();
        assert_eq!(w.written()[26..], *b"\x04mail\xc0\x10", "again after {limit}");
    }
    for (limit, fits) in [(26 + 7 + 14, true), (26 + 7 + 13, false), (26 + 7 + 9, false), (30, false)] {
        let (mut buffer, mut compression) = ([0; 128], NameCompression::default());
        let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
        w.question(asked.as_ref(), Type::A, Class::IN).unwrap();
        let done = w.record(MessageSection::Additional, other.as_ref(), Type::A, Class::IN, 5, |w| {
            w.bytes(&[1, 2, 3, 4])
        });
        assert_eq!((done.is_ok(), w.len()), (fits, if fits { limit } else { 26 }), "record at {limit}");
        assert_eq!(w.counted(MessageSection::Additional), u16::from(fits), "record at {limit}");
    }
}

#[test]
fn the_header_has_the_counts_of_each_section() {
    let (mut buffer, mut compression) = ([0; 128], NameCompression::default());
    let mut w = MessageWriter::new(&mut buffer, 128, &mut compression);
    let name: DomainName = "a.test".parse().unwrap();
    w.question(name.as_ref(), Type::MX, Class::CH).unwrap();
    let end = w.len();
    w.name_plain(name.as_ref()).unwrap();
    assert_eq!(w.written()[end..], *name.as_ref().as_bytes(), "in full, though it stands in the question");
    w.count_many(MessageSection::Answer, 2);
    w.count_many(MessageSection::Answer, 0x0300);
    w.count(MessageSection::Authority);
    w.count_many(MessageSection::Additional, u16::MAX);
    w.count(MessageSection::Additional);
    let counted = [MessageSection::Question, MessageSection::Answer, MessageSection::Authority]
        .map(|section| w.counted(section));
    assert_eq!((counted, w.counted(MessageSection::Additional)), ([1, 0x0302, 1], u16::MAX));
    let length = w.finish(0x1234, header::QR | header::AA);
    assert_eq!(buffer[..12], [0x12, 0x34, 0x84, 0, 0, 1, 3, 2, 0, 1, 0xff, 0xff]);
    assert_eq!((length, &buffer[12..24]), (end + 8, &b"\x01a\x04test\0\0\x0f\0\x03"[..]));
}

#[test]
fn a_length_is_that_of_what_stands_behind_it() {
    let (mut buffer, mut compression) = (vec![0; 1024], NameCompression::default());
    for length in [0, 1, 255, 256, 700] {
        let mut w = MessageWriter::new(&mut buffer, 1024, &mut compression);
        w.u8(7).unwrap();
        w.with_length(|w| w.bytes(&vec![9; length])).unwrap();
        assert_eq!(w.len(), 12 + 1 + 2 + length);
        assert_eq!(w.written()[12..15], [7, (length / 256) as u8, (length % 256) as u8], "{length}");
    }
}
