//! A received message, above all the response of an upstream: sections and records in order, nothing copied.

use crate::edns::OptRecord;
use crate::header::{self, MessageHeader};
use crate::name::{self, NameBuf, NameError, NameRef};
use crate::number::{Class, Rcode, Type};
use crate::section::MessageSection;

/// The fewest bytes a question can have: root, type, class.
const LEAST_QUESTION: usize = 5;
/// The fewest bytes a record can have: root, type, class, TTL, length.
const LEAST_RECORD: usize = 11;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Fewer bytes than a header, or than the counts of the header ask for at the least.
    #[error("shorter than its header says")]
    Short,
    /// A name in it.
    #[error("a name: {0}")]
    Name(#[from] NameError),
    /// A record runs over the end.
    #[error("a record runs over the end of the message")]
    Record,
    /// More than one question.
    #[error("more than one question")]
    Questions,
    /// Two OPT records, or one outside the additional section.
    #[error("a misplaced or second OPT")]
    Opt,
}

/// A message whose header and counts are sound; the records are checked as they are walked.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    bytes: &'a [u8],
    header: MessageHeader,
    records: usize,
}

/// The question of a message.
#[derive(Clone, Copy, Debug)]
pub struct MessageQuestion<'a> {
    /// QNAME.
    pub name: NameRef<'a>,
    /// QTYPE.
    pub qtype: Type,
    /// QCLASS.
    pub class: Class,
}

impl<'a> MessageView<'a> {
    /// Checks the header, the counts against the length, and skips the question.
    ///
    /// Errors: `Short`, `Questions`, `Name`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let header = MessageHeader::parse(bytes).ok_or(ReadError::Short)?;
        let records =
            usize::from(header.answers) + usize::from(header.authorities) + usize::from(header.additionals);
        let least = header::LENGTH + usize::from(header.questions) * LEAST_QUESTION + records * LEAST_RECORD;
        if bytes.len() < least {
            return Err(ReadError::Short);
        }
        let records = match header.questions {
            0 => header::LENGTH,
            1 => name::skip(bytes, header::LENGTH)? + 4,
            _ => return Err(ReadError::Questions),
        };
        if records > bytes.len() {
            return Err(ReadError::Short);
        }
        Ok(Self { bytes, header, records })
    }

    /// All of its bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its header.
    pub const fn header(&self) -> MessageHeader {
        self.header
    }

    /// The question; none where the section is empty. Errors: `Name` (a question's name is never compressed).
    pub fn question(&self) -> Result<Option<MessageQuestion<'a>>, ReadError> {
        if self.header.questions == 0 {
            return Ok(None);
        }
        let name = NameRef::parse(self.bytes.get(header::LENGTH..).ok_or(ReadError::Short)?)?;
        let at = header::LENGTH + name.len();
        match self.bytes.get(at..at + 4) {
            Some(&[a, b, c, d]) => Ok(Some(MessageQuestion {
                name,
                qtype: Type(u16::from_be_bytes([a, b])),
                class: Class(u16::from_be_bytes([c, d])),
            })),
            _ => Err(ReadError::Short),
        }
    }

    /// The records of all sections in order. After an error there is nothing more.
    pub const fn records(&self) -> MessageRecords<'a> {
        MessageRecords {
            bytes: self.bytes,
            at: self.records,
            left: [self.header.answers, self.header.authorities, self.header.additionals],
        }
    }

    /// The OPT record. Errors: everything of [`ReadError`], for all records are walked.
    pub fn edns(&self) -> Result<Option<OptRecord<'a>>, ReadError> {
        let mut found = None;
        for record in self.records() {
            let record = record?;
            if record.rtype != Type::OPT {
                continue;
            }
            if found.is_some() || record.section != MessageSection::Additional {
                return Err(ReadError::Opt);
            }
            found = Some(OptRecord::new(record.class.0, record.ttl, record.rdata));
        }
        Ok(found)
    }

    /// The response code, its upper bits from OPT included. Errors: as [`Self::edns`].
    pub fn rcode(&self) -> Result<Rcode, ReadError> {
        let high = self.edns()?.map_or(0, |edns| u16::from(edns.rcode_high));
        Ok(Rcode(high << 4 | self.header.rcode_low()))
    }
}

/// One record of a message.
#[derive(Clone, Copy, Debug)]
pub struct MessageRecord<'a> {
    /// The section it stands in.
    pub section: MessageSection,
    /// TYPE.
    pub rtype: Type,
    /// CLASS.
    pub class: Class,
    /// TTL in seconds, as given; values with the top bit set are to be read as 0 (RFC 2181 section 8).
    pub ttl: u32,
    /// RDATA as it stands there, compressed names and all.
    pub rdata: &'a [u8],
    /// Offset of the RDATA in the message.
    pub rdata_at: usize,
    /// Offset of the owner name in the message.
    pub owner_at: usize,
    message: &'a [u8],
}

impl<'a> MessageRecord<'a> {
    /// Writes the owner name out. Errors: see [`name::expand`].
    pub fn owner(&self, into: &mut NameBuf) -> Result<(), NameError> {
        name::expand(self.message, self.owner_at, into).map(|_| ())
    }

    /// The message it stands in.
    pub const fn message(&self) -> &'a [u8] {
        self.message
    }

    /// Offset of the TTL's four bytes in the message.
    pub const fn ttl_at(&self) -> usize {
        self.rdata_at - 6
    }
}

/// Walks the records of a message.
#[derive(Clone, Debug)]
pub struct MessageRecords<'a> {
    bytes: &'a [u8],
    at: usize,
    left: [u16; 3],
}

impl<'a> MessageRecords<'a> {
    fn read(&mut self, section: MessageSection) -> Result<MessageRecord<'a>, ReadError> {
        let owner_at = self.at;
        let fixed = name::skip(self.bytes, owner_at)?;
        let (&[t0, t1, c0, c1, l0, l1, l2, l3, r0, r1], rest) =
            self.bytes.get(fixed..).and_then(<[u8]>::split_first_chunk::<10>).ok_or(ReadError::Record)?;
        let length = usize::from(u16::from_be_bytes([r0, r1]));
        let rdata = rest.get(..length).ok_or(ReadError::Record)?;
        self.at = fixed + 10 + length;
        Ok(MessageRecord {
            section,
            rtype: Type(u16::from_be_bytes([t0, t1])),
            class: Class(u16::from_be_bytes([c0, c1])),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            rdata,
            rdata_at: fixed + 10,
            owner_at,
            message: self.bytes,
        })
    }

    /// The offset after the last record walked.
    pub const fn offset(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for MessageRecords<'a> {
    type Item = Result<MessageRecord<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        const SECTIONS: [MessageSection; 3] =
            [MessageSection::Answer, MessageSection::Authority, MessageSection::Additional];
        let (left, section) = self.left.iter_mut().zip(SECTIONS).find(|(left, _)| **left > 0)?;
        *left -= 1;
        let record = self.read(section);
        if record.is_err() {
            self.left = [0; 3];
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests;
