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
        assert_eq!(name(text).to_string(), shown);
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
