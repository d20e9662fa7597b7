//! What is written is read by the decoder, which is tried on the examples of RFC 7541.

use super::*;
use crate::header_decoder::{DecodedStrings, HeaderDecoder};
use proptest::prelude::*;

const DNS: (ResponseField, &[u8]) = (ResponseField::ContentType, b"application/dns-message");

fn decoded(decoder: &mut HeaderDecoder, block: &[u8]) -> Vec<String> {
    let mut fields = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    decoder
        .decode(block, &mut DecodedStrings::default(), |field| {
            fields.push(format!("{}: {}", text(field.name), text(field.value)));
        })
        .unwrap();
    fields
}

fn encoded(encoder: &mut ResponseEncoder, status: u16, fields: &[(ResponseField, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode(status, fields, &mut block);
    block
}

#[test]
fn what_stays_the_same_has_one_byte() {
    let (mut encoder, mut decoder) = (ResponseEncoder::new(), HeaderDecoder::new());
    let fields = [DNS, (ResponseField::CacheControl, b"max-age=300"), (ResponseField::ContentLength, b"46")];
    let lines = [
        ":status: 200",
        "content-type: application/dns-message",
        "cache-control: max-age=300",
        "content-length: 46",
    ];
    let first = encoded(&mut encoder, 200, &fields);
    assert_eq!(decoded(&mut decoder, &first), lines);
    let second = encoded(&mut encoder, 200, &fields);
    assert_eq!(decoded(&mut decoder, &second), lines);
    assert_eq!(second.len(), 1 + 1 + 14 + 5);
}

#[test]
fn every_status_and_field_is_read() {
    let mut decoder = HeaderDecoder::new();
    for status in [200, 400, 404, 405, 408, 413, 415, 431, 503] {
        let allow = (ResponseField::Allow, &b"GET, HEAD, POST"[..]);
        let block = encoded(&mut ResponseEncoder::new(), status, &[allow]);
        assert_eq!(
            decoded(&mut decoder, &block),
            [format!(":status: {status}"), "allow: GET, HEAD, POST".into()]
        );
    }
}

#[test]
fn a_client_that_remembers_nothing_is_told_all() {
    let mut encoder = ResponseEncoder::new();
    encoded(&mut encoder, 200, &[DNS]);
    encoder.set_limit((0, 0));
    let block = encoded(&mut encoder, 200, &[DNS]);
    assert_eq!(block[..2], [0x20, 0x88]);
    assert_eq!(encoded(&mut encoder, 200, &[DNS]).len(), block.len() - 1);
    // Up again, and no further than what this side needs.
    encoder.set_limit((1 << 20, 1 << 20));
    assert_eq!(encoded(&mut encoder, 200, &[DNS])[..3], [0x3f, 0xe1, 0x1f]);
    encoder.set_limit((1 << 20, 1 << 20));
    assert_eq!(encoded(&mut encoder, 200, &[DNS]).len(), 2);
    // Down and up between two heads: both are said.
    encoder.set_limit((10, 4096));
    assert_eq!(encoded(&mut encoder, 200, &[DNS])[..4], [0x2a, 0x3f, 0xe1, 0x1f]);
}

proptest! {
    /// Dates and limits that change at any time.
    #[test]
    fn both_sides_remember_the_same(
        steps in proptest::collection::vec((0..4_u8, 0..3_u8, proptest::option::of((0..400_u32, 0..5000_u32))), 1..200),
    ) {
        let (mut encoder, mut decoder) = (ResponseEncoder::new(), HeaderDecoder::new());
        for (date, kind, limit) in steps {
            if let Some((least, last)) = limit {
                encoder.set_limit((least.min(last), last));
            }
            let date = format!("Mon, 21 Oct 2013 20:13:2{date} GMT");
            let kind = ["application/dns-message", "text/plain; charset=utf-8", "x"][usize::from(kind)];
            let fields = [(ResponseField::ContentType, kind.as_bytes()), (ResponseField::Date, date.as_bytes())];
            let block = encoded(&mut encoder, 200, &fields);
            let lines = decoded(&mut decoder, &block);
            prop_assert_eq!(lines, [":status: 200".to_owned(), format!("content-type: {kind}"), format!("date: {date}")]);
            prop_assert_eq!(encoder.size, decoder.table().size());
        }
    }
}
