//! RDATA between text and bytes, for the types the tests use.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::fail;
use crate::failure::{Context, Failure};
use crate::rig::name;
use crate::rig::record::{type_number, type_text};

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
        43 => &[Part::Short, Part::Byte, Part::Byte, Part::Rest],
        46 => &[
            Part::Type,
            Part::Byte,
            Part::Byte,
            Part::Long,
            Part::Long,
            Part::Long,
            Part::Short,
            Part::Name,
            Part::Rest,
        ],
        47 => &[Part::Name, Part::Types],
        50 => &[Part::Byte, Part::Byte, Part::Short, Part::Counted, Part::Counted, Part::Types],
        64 | 65 => &[Part::Short, Part::Name, Part::Rest],
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Part {
    V4,
    V6,
    Name,
    Byte,
    Short,
    Long,
    Strings,
    /// A type by its mnemonic.
    Type,
    /// A byte string behind its length; in hexadecimal.
    Counted,
    /// What is left, in hexadecimal.
    Rest,
    /// The bit maps of RFC 4034 section 4.1.2.
    Types,
}

/// Reads the words of RDATA; `line` is for the panic where they are wrong.
pub(super) fn from_text(kind: u16, words: &[&str], line: &str) -> Vec<u8> {
    if words.first() == Some(&"\\#") {
        return words.iter().skip(2).flat_map(|word| hexadecimal(word)).collect();
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
            Part::Byte => rdata.push(next().parse().expect(line)),
            Part::Short => rdata.extend(next().parse::<u16>().expect(line).to_be_bytes()),
            Part::Type => rdata.extend(type_number(next()).to_be_bytes()),
            Part::Counted => {
                let bytes = hexadecimal(next());
                rdata.push(bytes.len() as u8);
                rdata.extend(bytes);
            }
            Part::Rest => rdata.extend(words.by_ref().flat_map(|word| hexadecimal(word))),
            Part::Types => panic!("bit maps are only read: {line}"),
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

fn hexadecimal(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal RDATA"))
        .collect()
}

/// The RDATA at `start..end` of a message, its names spelled out.
pub(super) fn from_wire(message: &[u8], kind: u16, start: usize, end: usize) -> Result<Vec<u8>, Failure> {
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
            Part::Byte => 1,
            Part::Short | Part::Type => 2,
            Part::Counted => 1 + usize::from(*message.get(at).context("RDATA cut")?),
            Part::Strings | Part::Rest | Part::Types => end.saturating_sub(at),
        };
        rdata.extend_from_slice(message.get(at..at + length).context("RDATA cut")?);
        at += length;
    }
    if at != end {
        fail!("RDATA of {} is {} bytes off its length", type_text(kind), at.abs_diff(end));
    }
    Ok(rdata)
}

fn known_text(kind: u16, rdata: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for part in shape(kind)? {
        match part {
            Part::Name => words.push(name::from_wire(rdata, &mut at).ok()?),
            Part::V4 => words.push(Ipv4Addr::from(*rdata.get(at..)?.first_chunk::<4>()?).to_string()),
            Part::V6 => words.push(Ipv6Addr::from(*rdata.get(at..)?.first_chunk::<16>()?).to_string()),
            Part::Byte => words.push(rdata.get(at)?.to_string()),
            Part::Short => words.push(u16::from_be_bytes(*rdata.get(at..)?.first_chunk()?).to_string()),
            Part::Type => words.push(type_text(u16::from_be_bytes(*rdata.get(at..)?.first_chunk()?))),
            Part::Counted => {
                let length = usize::from(*rdata.get(at)?);
                words.push(hex(rdata.get(at + 1..at + 1 + length)?));
                at += 1 + length;
            }
            Part::Rest => words.push(hex(rdata.get(at..)?)),
            Part::Types => words.extend(types_in(rdata.get(at..)?)),
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
            Part::Byte => 1,
            Part::Short | Part::Type => 2,
            Part::Name | Part::Strings | Part::Counted | Part::Rest | Part::Types => 0,
        };
    }
    Some(words.join(" "))
}

/// The types of bit maps.
fn types_in(mut maps: &[u8]) -> Vec<String> {
    let mut types = Vec::new();
    while let Some((&[window, length], rest)) = maps.split_first_chunk::<2>() {
        let (map, after) = rest.split_at(usize::from(length).min(rest.len()));
        let bits = (0..map.len() * 8).filter(|bit| map[bit / 8] & 0x80 >> (bit % 8) != 0);
        types.extend(bits.map(|bit| type_text(u16::from(window) << 8 | bit as u16)));
        maps = after;
    }
    types
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// RDATA in presentation form where the type is known, else `\# length hex`.
pub(super) fn text(kind: u16, rdata: &[u8]) -> String {
    known_text(kind, rdata).unwrap_or_else(|| generic(rdata))
}

fn generic(rdata: &[u8]) -> String {
    format!("\\# {} {}", rdata.len(), hex(rdata)).trim_end().to_owned()
}
