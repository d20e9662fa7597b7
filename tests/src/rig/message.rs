//! DNS messages as the rig writes and reads them (RFC 1035 section 4, RFC 6891).

use std::fmt;

use crate::fail;
use crate::failure::{Context, Failure};
use crate::rig::name;
use crate::rig::record::{Record, type_number, type_text};

/// The response codes the tests name.
pub mod rcode {
    /// No error.
    pub const NOERROR: u16 = 0;
    /// The query could not be read.
    pub const FORMERR: u16 = 1;
    /// The server failed.
    pub const SERVFAIL: u16 = 2;
    /// No such name.
    pub const NXDOMAIN: u16 = 3;
    /// Not implemented.
    pub const NOTIMP: u16 = 4;
    /// Refused.
    pub const REFUSED: u16 = 5;
    /// EDNS version unknown.
    pub const BADVERS: u16 = 16;
}

/// QR: a response.
pub const QR: u16 = 0x8000;
/// AA: authoritative.
pub const AA: u16 = 0x0400;
/// TC: truncated.
pub const TC: u16 = 0x0200;
/// RD: recursion desired.
pub const RD: u16 = 0x0100;
/// RA: recursion available.
pub const RA: u16 = 0x0080;
/// AD.
pub const AD: u16 = 0x0020;

/// The OPT record (RFC 6891).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edns {
    /// Largest UDP payload the sender takes, bytes.
    pub size: u16,
    /// EDNS version.
    pub version: u8,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// Upper eight bits of the response code.
    pub extended_rcode: u8,
    /// Code and data of each option.
    pub options: Vec<(u16, Vec<u8>)>,
}

impl Edns {
    /// Version 0, this payload size, nothing else.
    pub fn with_size(size: u16) -> Self {
        Self { size, version: 0, dnssec_ok: false, extended_rcode: 0, options: Vec::new() }
    }
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Message id.
    pub id: u16,
    /// The sixteen bits behind the id.
    pub flags: u16,
    /// Name, type, class of each question.
    pub questions: Vec<(String, u16, u16)>,
    /// Answer section.
    pub answer: Vec<Record>,
    /// Authority section.
    pub authority: Vec<Record>,
    /// Additional section without OPT.
    pub additional: Vec<Record>,
    /// The OPT record.
    pub edns: Option<Edns>,
}

impl Message {
    /// A query for `name` and a type by mnemonic, class IN, RD set, id zero (a client fills it in).
    pub fn query(name: &str, kind: &str) -> Self {
        Self {
            id: 0,
            flags: RD,
            questions: vec![(name.to_owned(), type_number(kind), 1)],
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns: None,
        }
    }

    /// The same query with this EDNS payload size.
    #[must_use]
    pub fn edns(mut self, size: u16) -> Self {
        self.edns = Some(Edns::with_size(size));
        self
    }

    /// The same query with DO set (payload size 1232 where none was chosen).
    #[must_use]
    pub fn dnssec(mut self) -> Self {
        self.edns.get_or_insert_with(|| Edns::with_size(1232)).dnssec_ok = true;
        self
    }

    /// The same query with one more EDNS option (payload size 1232 where none was chosen).
    #[must_use]
    pub fn option(mut self, code: u16, data: &[u8]) -> Self {
        self.edns.get_or_insert_with(|| Edns::with_size(1232)).options.push((code, data.to_vec()));
        self
    }

    /// The same query with RD clear.
    #[must_use]
    pub fn no_recursion(mut self) -> Self {
        self.flags &= !RD;
        self
    }

    /// An answer to `query`: same id and question, RD copied, QR and RA set, EDNS if it was there.
    pub fn reply_to(query: &Self) -> Self {
        Self {
            id: query.id,
            flags: QR | RA | query.flags & RD,
            questions: query.questions.clone(),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns: query.edns.as_ref().map(|_| Edns::with_size(1232)),
        }
    }

    /// The same answer with these records, given as text.
    #[must_use]
    pub fn answers(mut self, lines: &[&str]) -> Self {
        self.answer.extend(lines.iter().map(|line| Record::from_text(line)));
        self
    }

    /// The same answer with these authority records, given as text.
    #[must_use]
    pub fn authorities(mut self, lines: &[&str]) -> Self {
        self.authority.extend(lines.iter().map(|line| Record::from_text(line)));
        self
    }

    /// The same answer with this response code.
    #[must_use]
    pub fn with_rcode(mut self, code: u16) -> Self {
        self.flags = self.flags & !0xf | code & 0xf;
        self
    }

    /// Response code with the upper bits of EDNS.
    pub fn rcode(&self) -> u16 {
        self.flags & 0xf | self.edns.as_ref().map_or(0, |edns| u16::from(edns.extended_rcode) << 4)
    }

    /// Whether a flag of this module is set.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The first question's name; empty without a question.
    pub fn name(&self) -> &str {
        self.questions.first().map_or("", |question| question.0.as_str())
    }

    /// The first question's type; 0 without a question.
    pub fn kind(&self) -> u16 {
        self.questions.first().map_or(0, |question| question.1)
    }

    /// The RDATA texts of the answer records of one type, in their order.
    pub fn data(&self, kind: &str) -> Vec<String> {
        let kind = type_number(kind);
        self.answer.iter().filter(|record| record.kind == kind).map(Record::data).collect()
    }

    /// The info code of the first Extended DNS Error (RFC 8914).
    pub fn extended_error(&self) -> Option<u16> {
        let option = self.edns.as_ref()?.options.iter().find(|(code, _)| *code == 15)?;
        Some(u16::from_be_bytes(*option.1.first_chunk()?))
    }

    /// The message as bytes, without compression.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(64);
        let additional = self.additional.len() + usize::from(self.edns.is_some());
        for field in [
            self.id,
            self.flags,
            self.questions.len() as u16,
            self.answer.len() as u16,
            self.authority.len() as u16,
            additional as u16,
        ] {
            wire.extend(field.to_be_bytes());
        }
        for (owner, kind, class) in &self.questions {
            wire.extend(name::to_wire(owner));
            wire.extend(kind.to_be_bytes());
            wire.extend(class.to_be_bytes());
        }
        for record in self.answer.iter().chain(&self.authority).chain(&self.additional) {
            record.to_wire(&mut wire);
        }
        if let Some(edns) = &self.edns {
            opt_record(edns).to_wire(&mut wire);
        }
        wire
    }

    /// Reads a message; everything must fit and nothing may be left over.
    pub fn from_wire(wire: &[u8]) -> Result<Self, Failure> {
        let header = wire.first_chunk::<12>().context("shorter than a header")?;
        let field = |at: usize| u16::from_be_bytes([header[2 * at], header[2 * at + 1]]);
        let mut at = 12;
        let mut questions = Vec::new();
        for _ in 0..field(2) {
            let owner = name::from_wire(wire, &mut at)?;
            let rest = wire.get(at..at + 4).context("question cut")?;
            questions.push((
                owner,
                u16::from_be_bytes([rest[0], rest[1]]),
                u16::from_be_bytes([rest[2], rest[3]]),
            ));
            at += 4;
        }
        let mut section = |count: u16| -> Result<Vec<Record>, Failure> {
            (0..count).map(|_| Record::from_wire(wire, &mut at)).collect()
        };
        let (answer, authority, mut additional) =
            (section(field(3))?, section(field(4))?, section(field(5))?);
        if at != wire.len() {
            fail!("{} bytes behind the last record", wire.len() - at);
        }
        let mut edns = None;
        if let Some(position) = additional.iter().position(|record| record.kind == 41) {
            edns = Some(read_opt(&additional.remove(position))?);
        }
        Ok(Self { id: field(0), flags: field(1), questions, answer, authority, additional, edns })
    }
}

fn opt_record(edns: &Edns) -> Record {
    let mut rdata = Vec::new();
    for (code, data) in &edns.options {
        rdata.extend(code.to_be_bytes());
        rdata.extend((data.len() as u16).to_be_bytes());
        rdata.extend_from_slice(data);
    }
    let ttl =
        u32::from_be_bytes([edns.extended_rcode, edns.version, if edns.dnssec_ok { 0x80 } else { 0 }, 0]);
    Record { owner: ".".to_owned(), kind: 41, class: edns.size, ttl, rdata }
}

fn read_opt(record: &Record) -> Result<Edns, Failure> {
    let [extended_rcode, version, high, _] = record.ttl.to_be_bytes();
    let mut options = Vec::new();
    let mut rest = record.rdata.as_slice();
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let data = tail.get(..length).context("EDNS option cut")?;
        options.push((u16::from_be_bytes([head[0], head[1]]), data.to_vec()));
        rest = &tail[length..];
    }
    if !rest.is_empty() {
        fail!("{} bytes behind the last EDNS option", rest.len());
    }
    Ok(Edns { size: record.class, version, dnssec_ok: high & 0x80 != 0, extended_rcode, options })
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{} {} rcode {} flags {:#06x}",
            self.name(),
            type_text(self.kind()),
            self.rcode(),
            self.flags
        )?;
        for (title, section) in
            [("answer", &self.answer), ("authority", &self.authority), ("additional", &self.additional)]
        {
            if !section.is_empty() {
                write!(f, "; {title} {section:?}")?;
            }
        }
        for (_, data) in self.edns.iter().flat_map(|edns| &edns.options).filter(|(code, _)| *code == 15) {
            let (code, text) = data.split_at_checked(2).unwrap_or((data, &[]));
            let code = code.iter().fold(0, |all, byte| all << 8 | u16::from(*byte));
            write!(f, "; EDE {code} {}", String::from_utf8_lossy(text))?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_its_wire_form() {
        let query = Message::query("www.example.", "A").option(3, b"").option(15, &[0, 18, b'x']);
        let reply = Message {
            additional: vec![Record::from_text("ns.example. 1 IN AAAA ::1")],
            edns: query.edns.clone(),
            ..Message::reply_to(&query)
        }
        .answers(&["www.example. 5 IN A 192.0.2.7"])
        .authorities(&["example. 5 IN NS ns.example."])
        .with_rcode(rcode::REFUSED);
        let back = Message::from_wire(&reply.to_wire()).unwrap();
        assert_eq!(back, reply);
        assert_eq!((back.rcode(), back.extended_error()), (rcode::REFUSED, Some(18)));
        assert_eq!(back.data("A"), ["192.0.2.7"]);
    }

    #[test]
    fn leftovers_and_cuts_are_seen() {
        let mut wire = Message::query("a.", "A").to_wire();
        assert!(Message::from_wire(&wire[..wire.len() - 1]).is_err());
        wire.push(0);
        assert!(Message::from_wire(&wire).is_err());
    }
}
