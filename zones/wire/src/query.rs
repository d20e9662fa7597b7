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
mod tests;
