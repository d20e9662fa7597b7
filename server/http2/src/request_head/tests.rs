//! Heads that are right, and those that are not.

use super::*;

fn head(fields: &[(&str, &str)]) -> RequestHead {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            let length = text.len();
            if length < 127 {
                block.push(length as u8);
            } else {
                let rest = length - 127;
                block.extend_from_slice(&[0x7f, 0x80 | (rest & 0x7f) as u8, (rest >> 7) as u8]);
            }
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut head = RequestHead::default();
    // What was before leaves nothing.
    head.read(&[0, 1, b'A', 0, 0x83, 0x84, 0x84], &mut HeaderDecoder::new()).unwrap();
    head.read(&block, &mut HeaderDecoder::new()).unwrap();
    head
}

const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "dns.test"), (":path", "/dns-query?dns=AA")];

fn with(more: &[(&str, &str)]) -> Result<(), HeadFault> {
    head(&[&GET, more].concat()).check_request()
}

#[test]
fn what_is_needed_of_a_request_is_kept() {
    let full = head(
        &[
            &GET[..],
            &[
                ("content-type", "application/dns-message"),
                ("content-type", "text/plain"),
                ("x-forwarded-for", "192.0.2.1"),
                ("content-length", "30"),
                ("forwarded", "for=a"),
                ("x-forwarded-for", "192.0.2.2"),
                ("content-encoding", "identity"),
                ("content-length", "30"),
                ("forwarded", ""),
            ],
        ]
        .concat(),
    );
    assert_eq!(full.check_request(), Ok(()));
    assert_eq!((full.method(), full.target()), (&b"GET"[..], &b"/dns-query?dns=AA"[..]));
    assert_eq!(full.content_type(), Some(&b"application/dns-message"[..]));
    assert_eq!(full.content_encoding(), Some(&b"identity"[..]));
    assert_eq!(full.forwarded(), Some(&b"for=a,"[..]));
    assert_eq!(full.forwarded_for(), Some(&b"192.0.2.1,192.0.2.2"[..]));
    assert_eq!(full.content_length(), Some(30));
    assert_eq!(head(&GET).content_type(), None);
}

#[test]
fn fields_without_meaning_are_fine() {
    for more in [
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("host", "other.test"),
        ("accept", "*/*"),
        ("cookie", "a=b"),
        ("x-\u{7e}!", ""),
        ("priority", "u=1, i"),
        ("user-agent", "\u{e4}"),
    ] {
        assert_eq!(with(&[more]), Ok(()), "{more:?}");
    }
    let without_authority = [GET[0], GET[1], GET[3]];
    assert_eq!(head(&without_authority).check_request(), Ok(()));
    assert_eq!(head(&[(":method", "CONNECT"), (":authority", "a:1")]).check_request(), Ok(()));
}

#[test]
fn malformed_requests_are_seen() {
    for more in [
        ("connection", "close"),
        ("proxy-connection", "close"),
        ("keep-alive", "1"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("Accept", "*/*"),
        ("a b", ""),
        ("a\u{7f}", ""),
        ("", "a"),
        ("a:b", ""),
        (":status", "200"),
        (":protocol", "websocket"),
        (":unknown", ""),
        (":path", "/"),
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "dns.test"),
        ("a", "b\n"),
        ("a", "b\0c"),
        ("a", "b\rc"),
        ("a", " b"),
        ("a", "b\t"),
        ("content-length", ""),
        ("content-length", "+1"),
        ("content-length", "1, 1"),
        ("content-length", "99999999999999999999"),
    ] {
        assert_eq!(with(&[more]), Err(HeadFault::Malformed), "{more:?}");
    }
    assert_eq!(with(&[("content-length", "1"), ("content-length", "2")]), Err(HeadFault::Malformed));
    let late = [GET[0], GET[1], ("accept", "*/*"), GET[3]];
    assert_eq!(head(&late).check_request(), Err(HeadFault::Malformed));
    for lacks in [0, 1, 3] {
        let fields: Vec<_> =
            GET.into_iter().enumerate().filter(|(at, _)| *at != lacks).map(|(_, field)| field).collect();
        assert_eq!(head(&fields).check_request(), Err(HeadFault::Malformed), "{lacks}");
    }
    for empty in [0, 3] {
        let mut fields = GET;
        fields[empty].1 = "";
        assert_eq!(head(&fields).check_request(), Err(HeadFault::Malformed), "{empty}");
    }
    let connect = [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")];
    assert_eq!(head(&connect).check_request(), Err(HeadFault::Malformed));
}

#[test]
fn trailers_have_no_pseudo_headers() {
    assert_eq!(head(&[("a", "b")]).check_trailers(), Ok(()));
    assert_eq!(head(&[]).check_trailers(), Ok(()));
    for wrong in [(":path", "/"), (":status", "200"), ("Upper", ""), ("connection", "close")] {
        assert_eq!(head(&[wrong]).check_trailers(), Err(HeadFault::Malformed), "{wrong:?}");
    }
}

#[test]
fn a_head_has_its_length_at_most() {
    let sum: usize = GET.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let longest = "x".repeat(LONGEST_HEAD - sum - 33);
    assert_eq!(with(&[("a", &longest)]), Ok(()));
    assert_eq!(with(&[("a", &longest), ("", "")]), Err(HeadFault::Long));
    assert_eq!(with(&[("a", &(longest + "x"))]), Err(HeadFault::Long));
}
