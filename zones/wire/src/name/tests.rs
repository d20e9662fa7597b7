use std::cmp::Ordering;

use super::*;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
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
