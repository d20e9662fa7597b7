//! A request as it came in: header, one question, OPT and TSIG. One pass, no allocation.

use crate::edns::OptRecord;
use crate::header::{self, MessageHeader};
use crate::name::{self, NameRef};
use crate::number::{Class, Opcode, Type};

/// Why a message is no request that can be answered in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Fewer than twelve bytes: nothing to answer.
    #[error("shorter than a header")]
    Short,
    /// QR is set: never to be answered (CVE-2024-2169).
    #[error("a response")]
    Response,
    /// Deserves FORMERR with nothing but the header.
    #[error("malformed: {0}")]
    Malformed(&'static str),
}

/// A request. Borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug)]
pub struct QueryMessage<'a> {
    /// All bytes of the request.
    pub message: &'a [u8],
    /// Its header.
    pub header: MessageHeader,
    /// QNAME, in the case it was asked.
    pub name: NameRef<'a>,
    /// QTYPE.
    pub qtype: Type,
    /// QCLASS.
    pub class: Class,
    /// The OPT record.
    pub edns: Option<OptRecord<'a>>,
    /// Where the TSIG record begins, if it is there; it is then the last record (RFC 8945 section 5.1).
    pub tsig: Option<usize>,
}

impl<'a> QueryMessage<'a> {
    /// Reads a request.
    ///
    /// The question section holds exactly one question (RFC 9619). For the opcode QUERY there is no answer record and, but for
    /// IXFR (RFC 1995 section 3), no authority record. OPT stands at most once, in the additional section, owned
    /// by the root (RFC 6891 section 6.1.1). Bytes after the last record are left alone.
    ///
    /// Errors: see [`QueryError`].
    #[inline]
    pub fn parse(message: &'a [u8]) -> Result<Self, QueryError> {
        let header = MessageHeader::parse(message).ok_or(QueryError::Short)?;
        if header.is_response() {
            return Err(QueryError::Response);
        }
        if header.questions != 1 {
            return Err(QueryError::Malformed("not one question"));
        }
        let name = message
            .get(header::LENGTH..)
            .and_then(|rest| NameRef::parse(rest).ok())
            .ok_or(QueryError::Malformed("the question's name"))?;
        let end = header::LENGTH + name.len() + 4;
        let Some(&[t0, t1, c0, c1]) = message.get(end - 4..end) else {
            return Err(QueryError::Malformed("the question is cut off"));
        };
        let mut query = Self {
            message,
            header,
            name,
            qtype: Type(u16::from_be_bytes([t0, t1])),
            class: Class(u16::from_be_bytes([c0, c1])),
            edns: None,
            tsig: None,
        };
        if header.answers | header.authorities | header.additionals != 0 {
            query.read_records(end)?;
        }
        Ok(query)
    }

    fn read_records(&mut self, mut at: usize) -> Result<(), QueryError> {
        let h = self.header;
        if h.opcode() == Opcode::QUERY
            && (h.answers != 0 || h.authorities > u16::from(self.qtype == Type::IXFR))
        {
            return Err(QueryError::Malformed("records in a query's answer or authority section"));
        }
        let before = u32::from(h.answers) + u32::from(h.authorities);
        for index in 0..before + u32::from(h.additionals) {
            if self.tsig.is_some() {
                return Err(QueryError::Malformed("TSIG is not the last record"));
            }
            let record = Fixed::at(self.message, at)?;
            match Type(record.rtype) {
                Type::OPT => {
                    if index < before || self.edns.is_some() || self.message.get(at) != Some(&0) {
                        return Err(QueryError::Malformed("a misplaced or second OPT"));
                    }
                    let edns = OptRecord::new(record.class, record.ttl, record.rdata);
                    if !edns.options.well_formed() {
                        return Err(QueryError::Malformed("an option runs over the end of OPT"));
                    }
                    self.edns = Some(edns);
                }
                Type::TSIG if index < before => return Err(QueryError::Malformed("a misplaced TSIG")),
                Type::TSIG => self.tsig = Some(at),
                _ => {}
            }
            at = record.end;
        }
        Ok(())
    }

    /// The question as it stands in the message: name, type, class.
    #[inline]
    pub fn question_bytes(&self) -> &'a [u8] {
        self.message.get(header::LENGTH..self.question_end()).unwrap_or(&[])
    }

    /// The offset of the first byte after the question.
    #[inline]
    pub fn question_end(&self) -> usize {
        header::LENGTH + self.name.len() + 4
    }

    /// Whether the client wants DNSSEC records.
    #[inline]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok())
    }

    /// Whether the client wants to know that data are authentic (RFC 6840 section 5.7).
    #[inline]
    pub fn wants_authentic(&self) -> bool {
        self.header.flags & header::AD != 0 || self.dnssec_ok()
    }

    /// Whether the client wants recursion.
    #[inline]
    pub const fn recursion_desired(&self) -> bool {
        self.header.flags & header::RD != 0
    }
}

struct Fixed<'a> {
    rtype: u16,
    class: u16,
    ttl: u32,
    rdata: &'a [u8],
    end: usize,
}

impl<'a> Fixed<'a> {
    fn at(message: &'a [u8], at: usize) -> Result<Self, QueryError> {
        let cut = QueryError::Malformed("a record is cut off");
        let owner_end =
            name::skip(message, at).map_err(|_| QueryError::Malformed("a record's owner name"))?;
        let (&[t0, t1, c0, c1, l0, l1, l2, l3, r0, r1], rest) =
            message.get(owner_end..).and_then(<[u8]>::split_first_chunk::<10>).ok_or(cut)?;
        let length = usize::from(u16::from_be_bytes([r0, r1]));
        Ok(Self {
            rtype: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            rdata: rest.get(..length).ok_or(cut)?,
            end: owner_end + 10 + length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03wWw\x00\x00\x01\x00\x01";

    fn with(counts: [u8; 8], tail: &[u8]) -> Vec<u8> {
        let mut m = ASKED.to_vec();
        m[4..12].copy_from_slice(&counts);
        m.extend_from_slice(tail);
        m
    }
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";

    #[test]
    fn a_plain_question() {
        let q = QueryMessage::parse(ASKED).unwrap();
        assert_eq!((q.name.to_string().as_str(), q.qtype, q.class), ("wWw.", Type::A, Class::IN));
        assert!(q.recursion_desired() && q.edns.is_none());
        assert_eq!(q.question_bytes(), &ASKED[12..]);
    }

    #[test]
    fn edns_is_found() {
        let m = with([0, 1, 0, 0, 0, 0, 0, 1], OPT);
        let edns = QueryMessage::parse(&m).unwrap().edns.unwrap();
        assert_eq!((edns.udp_size, edns.dnssec_ok(), edns.version), (1232, true, 0));
    }

    #[test]
    fn faults_are_told_apart() {
        assert_eq!(QueryMessage::parse(&ASKED[..11]).unwrap_err(), QueryError::Short);
        let mut response = ASKED.to_vec();
        response[2] |= 0x80;
        assert_eq!(QueryMessage::parse(&response).unwrap_err(), QueryError::Response);
        let two = [OPT, OPT].concat();
        for (counts, tail) in [
            ([0, 0, 0, 0, 0, 0, 0, 0], &b""[..]),
            ([0, 2, 0, 0, 0, 0, 0, 0], b""),
            ([0, 1, 0, 1, 0, 0, 0, 0], OPT),
            ([0, 1, 0, 0, 0, 1, 0, 0], OPT),
            ([0, 1, 0, 0, 0, 0, 0, 2], &two),
            ([0, 1, 0, 0, 0, 0, 0, 2], OPT),
            ([0, 1, 0, 0, 0, 0, 255, 255], OPT),
            ([0, 1, 0, 0, 0, 0, 0, 1], b"\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x03\0\x09x"),
            ([0, 1, 0, 0, 0, 0, 0, 2], b"\0\0\xfa\0\xff\0\0\0\0\0\0\0\0\x01\0\xff\0\0\0\0\0\0"),
        ] {
            assert!(
                matches!(QueryMessage::parse(&with(counts, tail)), Err(QueryError::Malformed(_))),
                "{counts:?}"
            );
        }
    }

    const TSIG: &[u8] = b"\0\0\xfa\0\xff\0\0\0\0\0\0";
    const TXT: &[u8] = b"\x01x\0\0\x10\0\x01\0\0\0\x05\0\x04\x03abc";

    /// Other opcodes have records before the additional section.
    fn notify(counts: [u8; 8], tail: &[u8]) -> Vec<u8> {
        let mut message = with(counts, tail);
        message[2] |= 4 << 3;
        message
    }

    #[test]
    fn records_before_opt_are_passed_over() {
        for message in [
            with([0, 1, 0, 0, 0, 0, 0, 2], &[TXT, OPT].concat()),
            with([0, 1, 0, 0, 0, 0, 0, 2], &[OPT, TXT].concat()),
            notify([0, 1, 0, 2, 0, 0, 0, 2], &[TXT, TXT, TXT, OPT].concat()),
            notify([0, 1, 0, 1, 0, 1, 0, 1], &[TXT, TXT, OPT].concat()),
        ] {
            let query = QueryMessage::parse(&message).unwrap();
            assert_eq!(query.edns.map(|edns| edns.udp_size), Some(1232));
        }
        let signed = with([0, 1, 0, 0, 0, 0, 0, 2], &[OPT, TSIG].concat());
        let query = QueryMessage::parse(&signed).unwrap();
        assert_eq!((query.tsig, query.edns.is_some()), (Some(signed.len() - TSIG.len()), true));
    }

    #[test]
    fn opt_and_tsig_stand_in_the_additional_section_alone() {
        for message in [
            notify([0, 1, 0, 1, 0, 0, 0, 0], OPT),
            notify([0, 1, 0, 0, 0, 1, 0, 1], &[OPT, TXT].concat()),
            notify([0, 1, 0, 1, 0, 0, 0, 1], &[TSIG, TXT].concat()),
            notify([0, 1, 0, 1, 0, 1, 0, 0], &[TXT, TSIG].concat()),
        ] {
            assert!(matches!(QueryMessage::parse(&message), Err(QueryError::Malformed(_))), "{message:?}");
        }
    }

    #[test]
    fn those_who_want_authentic_data_say_so_by_either_bit() {
        let plain = QueryMessage::parse(ASKED).unwrap();
        assert!(!plain.wants_authentic());
        let mut authentic = ASKED.to_vec();
        authentic[3] |= 0x20;
        assert!(QueryMessage::parse(&authentic).unwrap().wants_authentic());
        assert!(QueryMessage::parse(&with([0, 1, 0, 0, 0, 0, 0, 1], OPT)).unwrap().wants_authentic());
        let without_do = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
        assert!(!QueryMessage::parse(&with([0, 1, 0, 0, 0, 0, 0, 1], without_do)).unwrap().wants_authentic());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok(q) = QueryMessage::parse(&bytes) {
                assert_eq!(q.question_bytes().len(), q.name.len() + 4);
            }
        }
    }
}
