//! Resource records between text and bytes, for the types the tests use.

use std::fmt;

use crate::fail;
use crate::failure::{Context, Failure};
use crate::rig::{name, rdata};

const TYPES: [(&str, u16); 23] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("OPT", 41),
    ("DS", 43),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3", 50),
    ("NSEC3PARAM", 51),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("AXFR", 252),
    ("ANY", 255),
];

/// The number of a type given by mnemonic or as `TYPE123` (RFC 3597). Panics on an unknown one: a mistake in a test.
pub fn type_number(mnemonic: &str) -> u16 {
    let known = TYPES.iter().find(|(text, _)| text.eq_ignore_ascii_case(mnemonic)).map(|&(_, number)| number);
    known
        .or_else(|| mnemonic.strip_prefix("TYPE").and_then(|number| number.parse().ok()))
        .unwrap_or_else(|| panic!("the rig knows no type {mnemonic}"))
}

/// The mnemonic of a type, or `TYPE123`.
pub fn type_text(number: u16) -> String {
    TYPES
        .iter()
        .find(|&&(_, known)| known == number)
        .map_or_else(|| format!("TYPE{number}"), |(text, _)| (*text).to_owned())
}

/// One record, its RDATA without compression.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Record {
    /// Owner in presentation form with the final dot, case kept.
    pub owner: String,
    /// TYPE.
    pub kind: u16,
    /// CLASS.
    pub class: u16,
    /// TTL in seconds.
    pub ttl: u32,
    /// RDATA, names in it spelled out.
    pub rdata: Vec<u8>,
}

impl Record {
    /// Reads `owner ttl IN TYPE rdata…`. Panics where the line is wrong: it stands in a test.
    pub fn from_text(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_else(|| panic!("record too short: {line}"));
        let owner = next().to_owned();
        let ttl = next().parse().unwrap_or_else(|_| panic!("no TTL in: {line}"));
        assert_eq!(next(), "IN", "class in: {line}");
        let kind = type_number(next());
        let rest: Vec<&str> = words.collect();
        let owner = if owner.ends_with('.') { owner } else { owner + "." };
        Self { owner, kind, class: 1, ttl, rdata: rdata::from_text(kind, &rest, line) }
    }

    /// Reads one record at `*at` and moves `*at` behind it.
    pub fn from_wire(message: &[u8], at: &mut usize) -> Result<Self, Failure> {
        let owner = name::from_wire(message, at)?;
        let fixed = message.get(*at..*at + 10).context("record header cut")?;
        let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let class = u16::from_be_bytes([fixed[2], fixed[3]]);
        let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let start = *at + 10;
        let end = start + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        if end > message.len() {
            fail!("RDATA of {owner} {} runs out of the message", type_text(kind));
        }
        *at = end;
        Ok(Self { owner, kind, class, ttl, rdata: rdata::from_wire(message, kind, start, end)? })
    }

    /// Appends the record to a message.
    pub fn to_wire(&self, message: &mut Vec<u8>) {
        message.extend(name::to_wire(&self.owner));
        message.extend(self.kind.to_be_bytes());
        message.extend(self.class.to_be_bytes());
        message.extend(self.ttl.to_be_bytes());
        message.extend((self.rdata.len() as u16).to_be_bytes());
        message.extend_from_slice(&self.rdata);
    }

    /// The RDATA in presentation form where the type is known, else `\# length hex`.
    pub fn data(&self) -> String {
        rdata::text(self.kind, &self.rdata)
    }

    /// `owner TYPE rdata` in lower case: for comparing without TTL and case.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.owner, type_text(self.kind), self.data()).to_ascii_lowercase()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} IN {} {}", self.owner, self.ttl, type_text(self.kind), self.data())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wire_text() {
        for line in [
            "www.example. 300 IN A 192.0.2.1",
            "www.example. 300 IN AAAA 2001:db8::1",
            "example. 60 IN SOA ns.example. host.example. 1 2 3 4 5",
            "example. 60 IN MX 10 mail.example.",
            "example. 60 IN TXT \"one\" \"two\"",
            "_a._tcp.example. 60 IN SRV 1 2 53 ns.example.",
            "example. 60 IN DS 7 13 2 0123456789abcdef",
            "example. 60 IN HTTPS 1 . 00010003026832",
            "example. 60 IN TYPE999 \\# 3 0a0b0c",
        ] {
            let record = Record::from_text(line);
            let mut wire = Vec::new();
            record.to_wire(&mut wire);
            let mut at = 0;
            let back = Record::from_wire(&wire, &mut at).unwrap();
            assert_eq!((back.to_string().as_str(), at), (line, wire.len()));
        }
    }
}
