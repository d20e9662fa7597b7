//! Requests and responses of DNS over HTTPS.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;

use super::*;

fn target<'a>(method: &'a str, path: &'a str, variables: &'a str) -> DohTarget<'a> {
    DohTarget {
        method: method.as_bytes(),
        path: path.as_bytes(),
        variables: Some(variables.as_bytes()),
        content_type: None,
    }
}

/// Where the query stands, and what it is where that is the target.
fn found(target: DohTarget<'_>) -> Result<(DohRequest, Vec<u8>), u16> {
    let mut query = b"before".to_vec();
    let paths = ["/dns-query".to_owned(), "/other".to_owned()];
    let found = target.request(&paths, &mut query).map_err(DohRejection::status)?;
    Ok((found, if found == DohRequest::Body { Vec::new() } else { query }))
}

#[test]
fn queries_are_found_in_targets() {
    let message = Ok((DohRequest::Target, vec![0, 1, 2, 3, 0xff]));
    for (method, path, variables) in [
        ("GET", "/dns-query", "dns=AAECA_8"),
        ("HEAD", "/other", "ct=x&dns=AAECA_8&dns=AA"),
        ("GET", "/other", "dns=AAECA_8&"),
        ("GET", "/other", "dns=AAECA_8&dns=AA"),
    ] {
        assert_eq!(found(target(method, path, variables)), message, "{variables}");
    }
    for (method, path, variables, status) in [
        ("GET", "/dns-query", "", 400),
        ("GET", "/dns-query", "DNS=AAECA_8", 400),
        ("GET", "/dns-query", "dns=AAECA_8=", 400),
        ("GET", "/dns-query", "dns=AAECA/8", 400),
        ("GET", "/dns-query", "dns=A&dns=AAECA_8", 400),
        ("GET", "/dns-query", "dns=AAECA_9", 400),
        ("GET", "/dns-query/", "dns=AAECA_8", 404),
        ("GET", "/", "dns=AAECA_8", 404),
        ("PUT", "/", "dns=AAECA_8", 404),
        ("get", "/dns-query", "dns=AAECA_8", 405),
        ("DELETE", "/other", "", 405),
        ("OPTIONS", "/other", "", 405),
    ] {
        assert_eq!(found(target(method, path, variables)), Err(status), "{method} {path}?{variables}");
    }
    let none = DohTarget { variables: None, ..target("GET", "/other", "") };
    assert_eq!(found(none), Err(400));
}

proptest! {
    #[test]
    fn every_query_comes_back(query in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut decoded = b"before".to_vec();
        prop_assert_eq!(decode(BASE64URL_NOPAD.encode(&query).as_bytes(), &mut decoded), Some(()));
        prop_assert_eq!(decoded, query);
    }

    /// Digits for the most part, and others among them.
    #[test]
    fn what_is_decoded_is_what_others_decode(text in "[A-Za-z0-9_-]{0,9}[A-Za-z0-9_=/+é -]?[A-Za-z0-9_-]{0,4}") {
        let mut decoded = Vec::new();
        let taken = decode(text.as_bytes(), &mut decoded).map(|()| decoded);
        prop_assert_eq!(taken, BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    }
}

#[test]
fn bodies_have_the_media_type() {
    let with = |content_type| found(DohTarget { content_type, ..target("POST", "/dns-query", "dns=AA") });
    for fine in ["application/dns-message", "Application/DNS-Message ; charset=x", "application/dns-message;"]
    {
        assert_eq!(with(Some(fine.as_bytes())), Ok((DohRequest::Body, Vec::new())), "{fine}");
    }
    for wrong in ["", "application/dns-json", "application/dns-messages", ";application/dns-message"] {
        assert_eq!(with(Some(wrong.as_bytes())), Err(415), "{wrong}");
    }
    assert_eq!(with(None), Err(415));
}

/// Section (1 answer, 2 authority), type, TTL, RDATA.
type Row<'a> = (u8, u16, u32, &'a [u8]);

/// A response with this code and these records.
fn response(rcode: u8, records: &[Row<'_>]) -> Vec<u8> {
    let count = |section| records.iter().filter(|record| record.0 == section).count() as u8;
    let mut message = vec![0, 0, 0x84, rcode, 0, 1, 0, count(1), 0, count(2), 0, 0];
    message.extend_from_slice(b"\x01a\0\0\x01\0\x01");
    for (_, rtype, ttl, rdata) in records {
        message.extend_from_slice(&[0xc0, 12]);
        message.extend_from_slice(&rtype.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message.extend_from_slice(&ttl.to_be_bytes());
        message.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

#[test]
fn freshness_is_the_least_ttl() {
    let mut soa = vec![0; 22];
    soa[21] = 60;
    let soa = soa.as_slice();
    let cases: [(u8, &[Row<'_>], u32); 12] = [
        (0, &[(1, 1, 300, b"abcd"), (1, 1, 200, b"abcd"), (2, 2, 100, b"\0")], 200),
        (0, &[(1, 1, 0, b"abcd")], 0),
        (0, &[(1, 1, 0x8000_0000, b"abcd")], 0),
        (0, &[(2, 6, 3600, soa)], 60),
        (3, &[(2, 6, 30, soa)], 30),
        (3, &[(1, 5, 10, b"\0"), (2, 6, 30, soa)], 10),
        (3, &[], 0),
        (0, &[(2, 2, 100, b"\0")], 0),
        (2, &[(1, 1, 300, b"abcd")], 0),
        (0, &[(1, 5, 300, b"\0"), (2, 6, 3600, soa)], 60),
        (0, &[(1, 5, 300, b"\0"), (2, 6, 30, soa)], 30),
        (3, &[(2, 6, 30, soa), (2, 47, 10, b"\0\0\0\0\0")], 30),
    ];
    for (rcode, records, expected) in cases {
        let message = response(rcode, records);
        assert_eq!(freshness(&message), expected, "{rcode} {records:?}");
        assert!(freshness(&message[..message.len() - 1]) <= expected);
    }
}
