use std::cmp::Ordering;

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

#[test]
fn names_in_messages_are_passed_over_to_the_byte() {
    // Labels of these lengths, and the root label.
    let bytes = |lengths: &[u8]| -> Vec<u8> {
        let labels = lengths.iter().flat_map(|&length| [&[length][..], &vec![b'a'; length.into()]].concat());
        labels.chain([0]).collect()
    };
    for (message, end) in [
        (bytes(&[]), Ok(1)),
        (bytes(&[63, 63, 63, 61]), Ok(255)),
        (bytes(&[63, 63, 63, 62]), Err(NameError::TooLong)),
        (bytes(&[63, 63, 63, 63, 63]), Err(NameError::TooLong)),
        (vec![1, b'a', 0xc0, 0], Ok(4)),
        (vec![1, b'a', 0xc0], Err(NameError::Short)),
        (vec![1, b'a', 0x40, 0], Err(NameError::LabelType)),
        (vec![3, b'a'], Err(NameError::Short)),
        (vec![1, b'a'], Err(NameError::Short)),
    ] {
        assert_eq!(skip(&message, 0), end, "{message:?}");
        let behind = [&[7; 5][..], &message].concat();
        assert_eq!(skip(&behind, 5), end.map(|end| end + 5), "{message:?} at 5");
    }
    let mut buffer = NameBuf::new();
    buffer.set_lowercase(name("A.Test").as_ref());
    assert_eq!(format!("{buffer:?}"), "a.test.");
}

/// Whatever byte stands in a text, it is read as it would be behind an escape.
#[test]
fn every_byte_of_a_text_is_read_alike() {
    let origin = name("origin.test");
    for byte in (0..=u8::MAX).filter(|byte| !b".\\".contains(byte)) {
        for before in 0..12 {
            let plain = [&b"abcdefghijkl"[..before], &[byte], b"x.tail"].concat();
            let escaped = [&b"abcdefghijkl"[..before], format!("\\{byte:03}").as_bytes(), b"x.tail"].concat();
            let [plain, escaped] = [plain, escaped].map(|text| {
                let mut name = NameBuf::new();
                name.set_text(&text, origin.as_ref()).unwrap();
                name.as_ref().as_bytes().to_vec()
            });
            assert_eq!(plain, escaped, "{byte} behind {before}");
        }
    }
}

#[test]
fn labels_are_counted() {
    for (text, labels, first) in [(".", 0, None), ("com", 1, Some("com")), ("a.b.example.com", 4, Some("a"))]
    {
        let name = name(text);
        let name = name.as_ref();
        assert_eq!((name.label_count(), name.labels().count()), (labels, labels), "{text}");
        assert_eq!(name.first_label(), first.map(str::as_bytes), "{text}");
    }
    assert_eq!(format!("{:?}", name("a\\.b.c")), "a\\.b.c.");
}

#[test]
fn text_is_read_and_written() {
    for (text, shown) in [
        (".", "."),
        ("example.com", "example.com."),
        ("Example.COM.", "Example.COM."),
        ("a\\.b.c", "a\\.b.c."),
        ("\\065b.c", "Ab.c."),
        ("x\\000y.c", "x\\000y.c."),
        ("*.wild", "*.wild."),
    ] {
        let read = name(text);
        assert_eq!((read.to_string().as_str(), format!("{read:?}").as_str()), (shown, shown));
        assert_eq!(
            (read.as_ref().to_string().as_str(), format!("{:?}", read.as_ref()).as_str()),
            (shown, shown)
        );
    }
    for (text, error) in [
        ("a..b", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        ("", NameError::EmptyLabel),
        ("a\\", NameError::Escape),
        ("a\\25", NameError::Escape),
        ("a\\256", NameError::Escape),
        (&"a".repeat(64), NameError::LabelTooLong),
        (&"abc.".repeat(64), NameError::TooLong),
    ] {
        assert_eq!(text.parse::<DomainName>(), Err(error), "{text}");
    }
    assert_eq!(name(&"abc.".repeat(63)).as_ref().len(), 253);
}

#[test]
fn case_does_not_count_and_labels_do() {
    assert_eq!(name("WWW.example"), name("www.EXAMPLE"));
    assert!(name("a.b.example").as_ref().is_at_or_below(name("B.EXAMPLE").as_ref()));
    assert!(name("b.example").as_ref().is_at_or_below(name("b.example").as_ref()));
    assert!(!name("xb.example").as_ref().is_at_or_below(name("b.example").as_ref()));
    assert!(!name("example").as_ref().is_at_or_below(name("b.example").as_ref()));
    // `\001b` as the end of a label has the same bytes as the label `b`.
    assert!(!name("x\\001b.example").as_ref().is_at_or_below(name("b.example").as_ref()));
}

#[test]
fn canonical_order_of_rfc_4034() {
    assert!(name("a.example") < name("z.example") && name("z.example") > name("a.example"));
    let sorted = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        "\\001.z.example",
        "*.z.example",
        "\\200.z.example",
    ];
    for pair in sorted.windows(2) {
        assert_eq!(name(pair[0]).as_ref().canonical_cmp(name(pair[1]).as_ref()), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn pointers_go_backwards_only() {
    let mut into = NameBuf::new();
    let message = b"\x01a\x00\x01b\xc0\x00\xc0\x03";
    assert_eq!(expand(message, 3, &mut into), Ok(7));
    assert_eq!(into.as_ref().to_string(), "b.a.");
    assert_eq!(expand(message, 7, &mut into), Ok(9));
    assert_eq!(into.as_ref().to_string(), "b.a.");
    for bad in
        [&b"\xc0\x00"[..], b"\x01a\xc0\x00", b"\xc0\x02\x00", b"\x40a\x00", b"\x01a", b"\xc0", b"\x80\x00"]
    {
        assert!(expand(bad, 0, &mut into).is_err(), "{bad:?}");
    }
}

#[test]
fn a_name_grown_by_pointers_is_held_to_255_bytes() {
    let mut message = vec![63u8];
    message.extend([b'a'; 63]);
    message.push(0);
    for step in 0..4u16 {
        let target = if step == 0 { 0 } else { 65 + (step - 1) * 66 };
        message.push(63);
        message.extend([b'b'; 63]);
        message.extend((0xc000u16 | target).to_be_bytes());
    }
    let mut into = NameBuf::new();
    assert!(expand(&message, 65 + 66, &mut into).is_ok());
    assert_eq!(expand(&message, 65 + 3 * 66, &mut into), Err(NameError::TooLong));
}

#[test]
fn names_are_read_from_the_start_of_bytes() {
    let labels = |lengths: &[u8]| -> Vec<u8> {
        let labels = lengths.iter().flat_map(|&length| [&[length][..], &vec![b'a'; length.into()]].concat());
        labels.chain([0]).collect()
    };
    for (case, bytes, length) in [
        ("the root", labels(&[]), Ok(1)),
        ("the longest", labels(&[63, 63, 63, 61]), Ok(255)),
        ("a byte longer", labels(&[63, 63, 63, 62]), Err(NameError::TooLong)),
        ("a pointer", vec![1, b'a', 0xc0, 0], Err(NameError::Pointer)),
        ("a label of 64", vec![64], Err(NameError::LabelType)),
        ("a label of type 2", vec![0xbf], Err(NameError::LabelType)),
        ("without an end", vec![1, b'a'], Err(NameError::Short)),
        ("a cut label", vec![2, b'a'], Err(NameError::Short)),
        ("nothing", vec![], Err(NameError::Short)),
    ] {
        let read = |bytes: &[u8]| NameRef::parse(bytes).map(|name| (name.len(), name.as_bytes().to_vec()));
        let wanted = length.map(|length| (length, bytes.clone()));
        assert_eq!(read(&bytes), wanted, "{case}");
        if length.is_ok() {
            assert_eq!(read(&[&bytes[..], b"behind"].concat()), wanted, "{case}, more behind it");
        }
    }
}

#[test]
fn names_are_taken_apart() {
    let name = name("a.*.Example");
    let name = name.as_ref();
    for (labels, rest) in [(0, "a.*.Example."), (1, "*.Example."), (2, "Example."), (3, "."), (9, ".")] {
        assert_eq!(name.skip_labels(labels).to_string(), rest, "{labels}");
    }
    assert_eq!(name.parent().map(|parent| parent.to_string()), Some("*.Example.".into()));
    assert_eq!(NameRef::ROOT.parent(), None);
    assert_eq!([name, NameRef::ROOT, DomainName::root().as_ref()].map(NameRef::is_root), [false, true, true]);
    assert_eq!([0, 1, 2].map(|labels| name.skip_labels(labels).is_wildcard()), [false, true, false]);
    let labels: Vec<&[u8]> = name.labels().collect();
    assert_eq!(labels, [&b"a"[..], b"*", b"Example"]);
    let (offsets, count) = name.label_offsets();
    assert_eq!(offsets[..count], [0, 2, 4]);
    assert_eq!(NameRef::ROOT.label_offsets().1, 0);
    let shown = |name: DomainName| name.to_string();
    assert_eq!([name.to_name(), name.to_lowercase()].map(shown), ["a.*.Example.", "a.*.example."]);
}

#[test]
fn subtrees_end_at_labels() {
    for (one, other, below) in [
        ("a.example", ".", true),
        (".", ".", true),
        (".", "a", false),
        ("b.a.example", "a.example", true),
        ("c.b.a.example", "A.EXAMPLE", true),
        ("a.example", "b.example", false),
        ("b.example", "a.b.example", false),
        ("aa.example", "a.example", false),
        ("xx\\001a.example", "a.example", false),
        ("\\001a.a.example", "a.example", true),
    ] {
        assert_eq!(name(one).as_ref().is_at_or_below(name(other).as_ref()), below, "{one} under {other}");
    }
}

/// Equality, order and hash of owned names and of views are one.
#[test]
fn names_are_compared_in_one_way() {
    use std::hash::BuildHasher;
    let hasher = std::hash::RandomState::new();
    let texts = [".", "a", "A", "b", "a.b", "A.B", "b.a", "aa", "a.a", "a\\000", "\\000a", "ab", "a.b.c"];
    for (one, other) in texts.iter().flat_map(|one| texts.map(|other| (*one, other))) {
        let (a, b) = (name(one), name(other));
        let same = one.eq_ignore_ascii_case(other);
        assert_eq!((a == b, a.as_ref() == b.as_ref()), (same, same), "{one} {other}");
        let reversed = |text: &str| -> Vec<Vec<u8>> {
            let name = name(text);
            let mut labels: Vec<_> = name.as_ref().labels().map(<[u8]>::to_ascii_lowercase).collect();
            labels.reverse();
            labels
        };
        let order = reversed(one).cmp(&reversed(other));
        assert_eq!((a.cmp(&b), a.as_ref().cmp(&b.as_ref())), (order, order), "{one} {other}");
        let partly = (a.partial_cmp(&b), a.as_ref().partial_cmp(&b.as_ref()));
        assert_eq!(partly, (Some(order), Some(order)), "{one} {other}");
        let hashes =
            (hasher.hash_one(&a) == hasher.hash_one(&b), hasher.hash_one(&a) == hasher.hash_one(b.as_ref()));
        assert_eq!(hashes, (same, same), "{one} {other}");
    }
}

#[test]
fn names_are_made_label_by_label_up_to_255_bytes() {
    let mut made = NameBuf::new();
    assert_eq!(made.as_ref(), NameRef::ROOT, "before anything is there");
    for (label, error) in [(&[][..], NameError::EmptyLabel), (&[b'x'; 64], NameError::LabelTooLong)] {
        assert_eq!(made.push_label(label), Err(error));
    }
    for _ in 0..3 {
        made.push_label(&[b'x'; 63]).unwrap();
    }
    assert_eq!(made.as_ref(), NameRef::ROOT, "not finished");
    // 192 bytes are there; the root label needs one.
    assert_eq!(made.push_label(&[b'y'; 62]), Err(NameError::TooLong));
    made.push_label(&[b'y'; 61]).unwrap();
    let before = made;
    assert_eq!(made.finish(name("a").as_ref()), Err(NameError::TooLong));
    made.finish(NameRef::ROOT).unwrap();
    assert_eq!((made.as_ref().len(), made.as_ref().label_count()), (255, 4));
    let labels: Vec<&[u8]> = made.as_ref().labels().collect();
    assert_eq!(labels, [&[b'x'; 63][..], &[b'x'; 63], &[b'x'; 63], &[b'y'; 61]]);
    assert_eq!(before.length, 254);
    made.clear();
    made.push_label(b"Ab").unwrap();
    made.finish(name("Example").as_ref()).unwrap();
    assert_eq!(made.as_ref().to_string(), "Ab.Example.");
    made.set_lowercase(name("Q.Z").as_ref());
    assert_eq!(made.as_ref().to_string(), "q.z.");
    let parent = name("Example");
    assert_eq!(DomainName::prepend(b"A.b", parent.as_ref()).unwrap().to_string(), "A\\.b.Example.");
    assert_eq!(DomainName::prepend(b"", parent.as_ref()), Err(NameError::EmptyLabel));
}

#[test]
fn texts_are_relative_to_an_origin() {
    let origin = name("Origin.test");
    let longest = name(&"abc.".repeat(62));
    for (text, origin, read) in [
        ("@", &origin, Ok("Origin.test.")),
        (".", &origin, Ok(".")),
        ("", &origin, Err(NameError::EmptyLabel)),
        ("a", &origin, Ok("a.Origin.test.")),
        ("a.", &origin, Ok("a.")),
        ("a.b", &origin, Ok("a.b.Origin.test.")),
        ("\\097.b", &origin, Ok("a.b.Origin.test.")),
        ("\\097.b.", &origin, Ok("a.b.")),
        ("a\\.", &origin, Ok("a\\..Origin.test.")),
        ("a\\@", &origin, Ok("a\\@.Origin.test.")),
        ("..", &origin, Err(NameError::EmptyLabel)),
        ("\\097..", &origin, Err(NameError::EmptyLabel)),
        ("a\\2x5", &origin, Err(NameError::Escape)),
        ("a\\25x", &origin, Err(NameError::Escape)),
        ("a\\255", &origin, Ok("a\\255.Origin.test.")),
        ("12345", &longest, Ok("")),
        ("123456", &longest, Err(NameError::TooLong)),
        ("\\0492345", &longest, Ok("")),
        ("\\04923456", &longest, Err(NameError::TooLong)),
    ] {
        let mut made = NameBuf::new();
        let result = made.set_text(text.as_bytes(), origin.as_ref()).map(|()| made.as_ref().to_string());
        match read {
            Ok("") => assert_eq!(made.as_ref().len(), 255, "{text}"),
            read => assert_eq!(result, read.map(str::to_owned), "{text}"),
        }
    }
    for (length, fits) in [(63, true), (64, false)] {
        for text in [&b"x"[..], b"\\120"] {
            let label = [text, &vec![b'x'; length - 1]].concat();
            assert_eq!(NameBuf::new().set_text(&label, origin.as_ref()).is_ok(), fits, "{length}");
        }
    }
}

/// Which bytes have to stand behind a backslash so that a text is read back.
#[test]
fn what_is_shown_is_read_back() {
    for byte in 0..=u8::MAX {
        let name = DomainName::prepend(&[b'x', byte], name("test").as_ref()).unwrap();
        let shown = name.to_string();
        let plain = byte.is_ascii_graphic();
        let quoted = b".\\\"();@$".contains(&byte);
        let length = if quoted {
            2
        } else if plain {
            1
        } else {
            4
        };
        assert_eq!(shown.len(), 1 + length + 6, "{shown}");
        let back: DomainName = shown.parse().unwrap();
        assert_eq!(back.as_ref().as_bytes(), name.as_ref().as_bytes(), "{shown}");
    }
}

#[test]
fn pointers_are_followed_so_often_and_no_more() {
    // The root, and pointers to what stands before them.
    let mut message = vec![0];
    for _ in 0..130 {
        let before = if message.len() == 1 { 0 } else { message.len() as u16 - 2 };
        message.extend((0xc000 | before).to_be_bytes());
    }
    let mut into = NameBuf::new();
    assert_eq!(expand(&message, 1 + 126 * 2, &mut into), Ok(1 + 127 * 2));
    assert_eq!(into.as_ref(), NameRef::ROOT);
    assert_eq!(expand(&message, 1 + 127 * 2, &mut into), Err(NameError::Pointer));
    // A pointer into the run of labels that it ends.
    assert_eq!(expand(b"\x01a\x01b\xc0\x02", 0, &mut into), Err(NameError::Pointer));
    assert_eq!(expand(b"\0\x01a\x01b\xc0\x01", 3, &mut into), Err(NameError::Pointer));
    assert_eq!(expand(b"\0\x01a\xc0\0\x01b\xc0\x01", 5, &mut into), Ok(9));
    assert_eq!(into.as_ref().to_string(), "b.a.");
    // The fourteen bits of a pointer.
    let far = [&vec![7; 0x1234][..], &[1, b'x', 0], &[7; 10], &[0xd2, 0x34]].concat();
    assert_eq!(expand(&far, far.len() - 2, &mut into), Ok(far.len()));
    assert_eq!(into.as_ref().to_string(), "x.");
}
