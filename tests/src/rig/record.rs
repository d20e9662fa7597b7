//! Resource records between text and bytes, for the types the tests use.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::fail;
use crate::failure::{Context, Failure};
use crate::rig::name;

const TYPES: [(&str, u16); 19] = [
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
    ("DNAME", 39),
    ("OPT", 41),
    ("DS", 43),
    ("RRSIG", 46),
    ("DNSKEY", 48),
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
        Self { owner, kind, class: 1, ttl, rdata: rdata_from_text(kind, &rest, line) }
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
        Ok(Self { owner, kind, class, ttl, rdata: rdata_from_wire(message, kind, start, end)? })
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
        rdata_text(self.kind, &self.rdata).unwrap_or_else(|| generic(&self.rdata))
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

/// What the RDATA of a type is made of; `None` for a type the rig takes as it is.
fn shape(kind: u16) -> Option<&'static [Part]> {
    Some(match kind {
        1 => &[Part::V4],
        2 | 5 | 12 | 39 => &[Part::Name],
        6 => &[Part::Name, Part::Name, Part::Long, Part::Long, Part::Long, Part::Long, Part::Long],
        15 => &[Part::Short, Part::Name],
        16 | 13 => &[Part::Strings],
        28 => &[Part::V6],
        33 => &[Part::Short, Part::Short, Part::Short, Part::Name],
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Part {
    V4,
    V6,
    Name,
    Short,
    Long,
    Strings,
}

fn rdata_from_text(kind: u16, words: &[&str], line: &str) -> Vec<u8> {
    if words.first() == Some(&"\\#") {
        let digits: String = words.iter().skip(2).copied().collect();
        return (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal RDATA"))
            .collect();
    }
    let parts = shape(kind).unwrap_or_else(|| panic!("no text form known: {line}"));
    let mut rdata = Vec::new();
    let mut words = words.iter();
    for part in parts {
        let mut next = || words.next().unwrap_or_else(|| panic!("RDATA too short: {line}"));
        match part {
            Part::V4 => rdata.extend(next().parse::<Ipv4Addr>().expect(line).octets()),
            Part::V6 => rdata.extend(next().parse::<Ipv6Addr>().expect(line).octets()),
            Part::Name => rdata.extend(name::to_wire(next())),
            Part::Short => rdata.extend(next().parse::<u16>().expect(line).to_be_bytes()),
            Part::Long => rdata.extend(next().parse::<u32>().expect(line).to_be_bytes()),
            Part::Strings => {
                for word in words.by_ref() {
                    let word = word.trim_matches('"');
                    rdata.push(word.len() as u8);
                    rdata.extend_from_slice(word.as_bytes());
                }
            }
        }
    }
    rdata
}

fn rdata_from_wire(message: &[u8], kind: u16, start: usize, end: usize) -> Result<Vec<u8>, Failure> {
    let Some(parts) = shape(kind).filter(|_| start < end) else { return Ok(message[start..end].to_vec()) };
    let mut rdata = Vec::new();
    let mut at = start;
    for part in parts {
        let length = match part {
            Part::Name => {
                rdata.extend(name::to_wire(&name::from_wire(message, &mut at)?));
                continue;
            }
            Part::V4 | Part::Long => 4,
            Part::V6 => 16,
            Part::Short => 2,
            Part::Strings => end - at,
        };
        rdata.extend_from_slice(message.get(at..at + length).context("RDATA cut")?);
        at += length;
    }
    if at != end {
        fail!("RDATA of {} is {} bytes off its length", type_text(kind), at.abs_diff(end));
    }
    Ok(rdata)
}

fn rdata_text(kind: u16, rdata: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for part in shape(kind)? {
        match part {
            Part::Name => words.push(name::from_wire(rdata, &mut at).ok()?),
            Part::V4 => words.push(Ipv4Addr::from(*rdata.get(at..)?.first_chunk::<4>()?).to_string()),
            Part::V6 => words.push(Ipv6Addr::from(*rdata.get(at..)?.first_chunk::<16>()?).to_string()),
            Part::Short => words.push(u16::from_be_bytes(*rdata.get(at..)?.first_chunk()?).to_string()),
            Part::Long => words.push(u32::from_be_bytes(*rdata.get(at..)?.first_chunk()?).to_string()),
            Part::Strings => {
                while let Some(&length) = rdata.get(at) {
                    let string = rdata.get(at + 1..at + 1 + usize::from(length))?;
                    words.push(format!("\"{}\"", string.escape_ascii()));
                    at += 1 + usize::from(length);
                }
            }
        }
        at += match part {
            Part::V4 | Part::Long => 4,
            Part::V6 => 16,
            Part::Short => 2,
            Part::Name | Part::Strings => 0,
        };
    }
    Some(words.join(" "))
}

fn generic(rdata: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("\\# {} ", rdata.len());
    for byte in rdata {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text.trim_end().to_owned()
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
