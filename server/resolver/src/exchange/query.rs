//! The query as it goes out.

use rhumb_wire::header::{self, MessageHeader};
use rhumb_wire::{Type, edns};

use super::cookie::SentCookie;
use super::limits;
use crate::question::OutboundQuestion;

/// Bytes of an option's code and length (RFC 6891 section 6.1.2).
const OPTION: usize = 4;
/// Padded queries have a multiple of so many bytes (RFC 8467 section 4.1).
const BLOCK: usize = 128;

/// How a query is written.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryForm {
    /// The flags of its header, but for CD.
    pub(super) flags: u16,
    /// Whether an OPT record is in it.
    pub(super) edns: bool,
    /// The cookie in that.
    pub(super) cookie: Option<SentCookie>,
    /// Whether its name is in mixed case.
    pub(super) case: bool,
    /// Whether it is filled up, so that its length tells nothing of its name; only with EDNS.
    pub(super) padded: bool,
}

/// A query on its way: its bytes and what its reply has to repeat.
#[derive(Debug, Clone)]
pub(super) struct OutgoingQuery {
    pub(super) bytes: Vec<u8>,
    pub(super) id: u16,
    /// Whether an OPT record is in it.
    pub(super) edns: bool,
    /// The cookie in that.
    pub(super) cookie: Option<SentCookie>,
    /// Whether the name has upper-case letters, so that its reply shows if the case is kept.
    pub(super) cased: bool,
    name_length: usize,
}

impl OutgoingQuery {
    /// CD and DO are as asked; in mixed case each letter of the name takes its case from a random bit
    /// (draft-vixie-dnsext-dns0x20).
    pub(super) fn new(question: &OutboundQuestion, form: QueryForm, mut random: impl FnMut() -> u64) -> Self {
        let QueryForm { flags, edns, cookie, case, padded } = form;
        let id = random() as u16;
        let name = question.name.as_ref();
        let checking = if question.checking_disabled { header::CD } else { 0 };
        let head = MessageHeader {
            id,
            flags: flags | checking,
            questions: 1,
            additionals: u16::from(edns),
            ..MessageHeader::default()
        };
        let cookie_length = cookie.as_ref().map_or(0, SentCookie::length);
        let mut bytes = Vec::with_capacity(header::LENGTH + name.len() + 4 + edns::FIXED + cookie_length);
        bytes.extend_from_slice(&head.to_bytes());
        bytes.extend_from_slice(name.as_bytes());
        let cased = case && bytes.get_mut(header::LENGTH..).is_some_and(|name| mix_case(name, &mut random));
        bytes.extend_from_slice(&question.qtype.0.to_be_bytes());
        bytes.extend_from_slice(&question.class.0.to_be_bytes());
        if edns {
            let flags = if question.dnssec_ok { edns::DO } else { 0 };
            bytes.push(0);
            // Behind the root name, type, class, TTL and length of options.
            let unpadded = bytes.len() + 10 + cookie_length;
            let padding = padded.then(|| padding(unpadded));
            let options = (cookie_length + padding.map_or(0, |length| OPTION + length)) as u16;
            for word in [Type::OPT.0, limits::PAYLOAD, 0, flags, options] {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
            if let Some(cookie) = &cookie {
                cookie.write(&mut bytes);
            }
            if let Some(length) = padding {
                bytes.extend_from_slice(&edns::PADDING.to_be_bytes());
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
                bytes.resize(bytes.len() + length, 0);
            }
        }
        Self { bytes, id, edns, cookie: cookie.filter(|_| edns), cased, name_length: name.len() }
    }

    /// The name as it was sent, in wire form.
    pub(super) fn name(&self) -> &[u8] {
        self.bytes.get(header::LENGTH..header::LENGTH + self.name_length).unwrap_or(&[])
    }
}

/// How long the padding of a message is that has so many bytes without it.
const fn padding(unpadded: usize) -> usize {
    (unpadded + OPTION).next_multiple_of(BLOCK) - unpadded - OPTION
}

/// Whether any letter ended up in upper case. Length bytes are below 64 and so are no letters.
fn mix_case(name: &mut [u8], mut random: impl FnMut() -> u64) -> bool {
    let mut upper = false;
    for chunk in name.chunks_mut(64) {
        let mut bits = random();
        for byte in chunk {
            if bits & 1 == 1 && byte.is_ascii_lowercase() {
                byte.make_ascii_uppercase();
                upper = true;
            }
            bits >>= 1;
        }
    }
    upper
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{Class, DomainName, MessageView};

    use super::*;

    fn form(case: bool) -> QueryForm {
        QueryForm { flags: header::RD, edns: true, cookie: None, case, padded: false }
    }

    fn question(name: &str) -> OutboundQuestion {
        OutboundQuestion::new(name.parse::<DomainName>().unwrap().as_ref(), Type::AAAA)
    }

    #[test]
    fn flags_and_edns_are_as_asked() {
        for (dnssec_ok, checking_disabled, edns) in
            [(false, false, true), (true, false, true), (false, true, true), (true, true, false)]
        {
            let q = OutboundQuestion { dnssec_ok, checking_disabled, ..question("www.example") };
            let query = OutgoingQuery::new(&q, QueryForm { edns, ..form(false) }, || 0xabcd);
            let m = MessageView::parse(&query.bytes).unwrap();
            assert_eq!(m.header().id, 0xabcd);
            let cd = if checking_disabled { header::CD } else { 0 };
            assert_eq!(m.header().flags, header::RD | cd);
            let asked = m.question().unwrap().unwrap();
            assert_eq!(
                (asked.name.as_bytes(), asked.qtype, asked.class),
                (query.name(), Type::AAAA, Class::IN)
            );
            let opt = m.edns().unwrap();
            assert_eq!(opt.map(|o| (o.udp_size, o.dnssec_ok())), edns.then_some((1232, dnssec_ok)));
            assert!(!query.cased);
        }
    }

    #[test]
    fn padded_queries_have_whole_blocks() {
        for length in 1..=250 {
            let labels = ["a".repeat(length.min(63)), "b".repeat(60), "c".repeat(60), "d".repeat(60)];
            let name = labels[..=(length / 64)].join(".");
            let form = QueryForm { padded: true, ..form(false) };
            let query = OutgoingQuery::new(&question(&name), form.clone(), || 1);
            assert_eq!(query.bytes.len() % 128, 0, "{length}");
            let edns = MessageView::parse(&query.bytes).unwrap().edns().unwrap();
            assert!(edns.is_some(), "{length}");
            let plain = OutgoingQuery::new(&question(&name), QueryForm { edns: false, ..form }, || 1);
            assert_eq!(plain.bytes.len(), 12 + query.name().len() + 4);
        }
    }

    #[test]
    fn letters_take_the_case_of_random_bits_and_nothing_else_changes() {
        let long = format!("{}.{}.example", "a1-z".repeat(15), "q".repeat(63));
        let mut seed = 7u64;
        let mut bits = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed ^ seed >> 29
        };
        let q = question(&long);
        let query = OutgoingQuery::new(&q, form(true), &mut bits);
        assert!(query.cased);
        assert_ne!(query.name(), q.name.as_ref().as_bytes());
        assert_eq!(query.name().to_ascii_lowercase(), q.name.as_ref().as_bytes());
        // Every chunk of 64 letters gets bits of its own.
        assert!(query.name()[64..].iter().any(u8::is_ascii_uppercase));
        assert!(!OutgoingQuery::new(&question("1.2.3"), form(true), bits).cased);
        assert!(!OutgoingQuery::new(&q, form(true), || 0).cased);
    }
}
