//! The examples of RFC 7541, appendix C, and what no encoder may write.

use super::*;
use crate::huffman::encode_huffman;
use data::{bytes, decoded};
use proptest::prelude::*;

mod data {
    use super::*;

    /// The bytes of a dump such as `4002 0a`.
    pub(super) fn bytes(dump: &str) -> Vec<u8> {
        let digits: Vec<char> = dump.chars().filter(|c| !c.is_whitespace()).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    /// The fields of a block, as `name: value`.
    pub(super) fn decoded(decoder: &mut HeaderDecoder, block: &[u8]) -> Result<Vec<String>, BlockError> {
        let mut fields = Vec::new();
        decoder.decode(block, &mut DecodedStrings::default(), |field| {
            assert_eq!(field.kind, FieldName::of(field.name));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            fields.push(format!("{}: {}", text(field.name), text(field.value)));
        })?;
        Ok(fields)
    }
}

/// The fields of a block, each in a line, and the size of the table behind it.
fn check(decoder: &mut HeaderDecoder, dump: &str, expected: &[&str], size: usize) {
    assert_eq!(decoded(decoder, &bytes(dump)).unwrap(), expected);
    assert_eq!(decoder.table().size(), size, "{expected:?}");
}

#[test]
fn c1_integers() {
    for (dump, bits, expected) in [("0a", 5, 10), ("1f9a0a", 5, 1337), ("2a", 8, 42), ("ff00", 8, 255)] {
        let all = bytes(dump);
        let mut rest = all.as_slice();
        assert_eq!(integer(&mut rest, bits), Ok(expected), "{dump}");
        assert!(rest.is_empty());
    }
    for (dump, error) in [("", BlockError::Cut), ("1f", BlockError::Cut), ("1f80", BlockError::Cut)] {
        assert_eq!(integer(&mut bytes(dump).as_slice(), 5), Err(error), "{dump}");
    }
    assert_eq!(integer(&mut bytes("1f80808001").as_slice(), 5), Err(BlockError::Integer));
    assert_eq!(integer(&mut bytes("1fffff7f").as_slice(), 5), Ok(31 + (1 << 21) - 1));
}

#[test]
fn c2_single_fields() {
    for (dump, field, size) in [
        ("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header", 55),
        ("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", 0),
        ("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", 0),
        ("82", ":method: GET", 0),
    ] {
        check(&mut HeaderDecoder::new(), dump, &[field], size);
    }
}

#[test]
fn c3_requests_without_huffman() {
    let mut decoder = HeaderDecoder::new();
    let start = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    check(&mut decoder, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", &start, 57);
    let second = [&start[..], &["cache-control: no-cache"]].concat();
    check(&mut decoder, "8286 84be 5808 6e6f 2d63 6163 6865", &second, 110);
    let third = [
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
    ];
    let dump = "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65";
    check(&mut decoder, dump, &third, 164);
}

#[test]
fn c4_requests_with_huffman() {
    let mut decoder = HeaderDecoder::new();
    let start = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    check(&mut decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", &start, 57);
    let second = [&start[..], &["cache-control: no-cache"]].concat();
    check(&mut decoder, "8286 84be 5886 a8eb 1064 9cbf", &second, 110);
    let third = [
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
    ];
    let dump = "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf";
    check(&mut decoder, dump, &third, 164);
}

const MONDAY: [&str; 3] =
    ["cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"];

#[test]
fn c5_responses_that_let_go_of_fields() {
    let mut decoder = HeaderDecoder::new();
    assert!(decoder.table.set_limit(256));
    let dump = "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
                2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
                6c65 2e63 6f6d";
    check(&mut decoder, dump, &[&[":status: 302"][..], &MONDAY].concat(), 222);
    check(&mut decoder, "4803 3330 37c1 c0bf", &[&[":status: 307"][..], &MONDAY].concat(), 222);
    let dump = "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0
                5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541
                5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31";
    check(&mut decoder, dump, &LAST, 215);
}

const LAST: [&str; 6] = [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

#[test]
fn c6_responses_with_huffman() {
    let mut decoder = HeaderDecoder::new();
    assert!(decoder.table.set_limit(256));
    let dump = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
                2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
    check(&mut decoder, dump, &[&[":status: 302"][..], &MONDAY].concat(), 222);
    check(&mut decoder, "4883 640e ffc1 c0bf", &[&[":status: 307"][..], &MONDAY].concat(), 222);
    let dump = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
                77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
                9587 3160 65c0 03ed 4ee5 b106 3d50 07";
    check(&mut decoder, dump, &LAST, 215);
}

#[test]
fn what_no_encoder_writes_is_an_error() {
    for (dump, error) in [
        ("80", BlockError::Index),
        ("be", BlockError::Index),
        ("ff8000", BlockError::Index),
        ("7f0001 61", BlockError::Index),
        ("40", BlockError::Cut),
        ("4003 6161", BlockError::Cut),
        ("0401", BlockError::Cut),
        ("0481 06", BlockError::Huffman),
        ("0484 ffff ffff", BlockError::Huffman),
        ("3fe2 1f", BlockError::TableSize),
        ("8220", BlockError::TableSize),
        ("82 3fe1 1f", BlockError::TableSize),
        ("ffff ffff ff", BlockError::Integer),
    ] {
        assert_eq!(decoded(&mut HeaderDecoder::new(), &bytes(dump)), Err(error), "{dump}");
    }
}

#[test]
fn the_size_may_change_at_the_beginning_of_a_block() {
    let mut decoder = HeaderDecoder::new();
    check(&mut decoder, "4101 61", &[":authority: a"], 43);
    // To nothing, and back to all.
    check(&mut decoder, "20 3fe1 1f 82", &[":method: GET"], 0);
    check(&mut decoder, "4101 61", &[":authority: a"], 43);
    check(&mut decoder, "20", &[], 0);
    assert_eq!(decoded(&mut decoder, &bytes("be")), Err(BlockError::Index));
}

#[test]
fn a_name_outlives_the_field_that_had_it() {
    let mut decoder = HeaderDecoder::new();
    let long = "x".repeat(4000);
    let block = [&bytes("4004 6e61 6d65 7f a11e")[..], long.as_bytes()].concat();
    decoded(&mut decoder, &block).unwrap();
    // A second value as long takes the place of the first, from which it has the name.
    let block = [&bytes("7e 7f a11e")[..], long.as_bytes()].concat();
    assert_eq!(decoded(&mut decoder, &block).unwrap(), [format!("name: {long}")]);
    assert_eq!(decoded(&mut decoder, &bytes("be")).unwrap(), [format!("name: {long}")]);
}

/// One of the ways in which a field can be written.
#[derive(Clone, Copy, Debug)]
struct Manner {
    first: u8,
    huffman: bool,
}

fn put_text(text: &[u8], huffman: bool, block: &mut Vec<u8>) {
    let mut coded = text.to_vec();
    if huffman {
        coded.clear();
        encode_huffman(text, &mut coded);
    }
    let first = if huffman { 0x80 } else { 0 };
    if coded.len() < 127 {
        block.push(first | coded.len() as u8);
    } else {
        let rest = coded.len() - 127;
        block.extend_from_slice(&[first | 0x7f, 0x80 | (rest & 0x7f) as u8, (rest >> 7) as u8]);
    }
    block.extend_from_slice(&coded);
}

proptest! {
    #[test]
    fn every_field_comes_back(
        fields in proptest::collection::vec(
            ("[a-z-]{1,20}", proptest::collection::vec(any::<u8>(), 0..300), 0..3_usize, any::<bool>()),
            0..30,
        ),
    ) {
        let mut decoder = HeaderDecoder::new();
        for block in fields.chunks(5) {
            let mut coded = Vec::new();
            for (name, value, first, huffman) in block {
                let manner = Manner { first: [0x40, 0, 0x10][*first], huffman: *huffman };
                coded.push(manner.first);
                put_text(name.as_bytes(), manner.huffman, &mut coded);
                put_text(value, manner.huffman, &mut coded);
            }
            let expected: Vec<_> =
                block.iter().map(|(name, value, ..)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
            prop_assert_eq!(decoded(&mut decoder, &coded).unwrap(), expected);
        }
    }

    #[test]
    fn no_bytes_are_too_much_for_it(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..8)) {
        let mut decoder = HeaderDecoder::new();
        for block in blocks {
            let _ = decoded(&mut decoder, &block);
            prop_assert!(decoder.table().size() <= 4096);
        }
    }
}
