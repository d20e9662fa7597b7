//! RDATA that stands alone.

use rhumb_wire::{NameBuf, NameRef, Type};

use super::rdata::RdataReader;
use super::scanner::WordScanner;

/// Reads the text of one RDATA of this type, whose names without a final dot are relative to `origin`, into wire form without
/// compression.
///
/// Errors: what is wrong, in words.
pub fn parse_rdata(rtype: Type, text: &str, origin: NameRef<'_>) -> Result<Vec<u8>, String> {
    // As behind an owner that is left out.
    let line = format!(" {text}\n");
    let mut scanner = WordScanner::new(line.as_bytes());
    let (mut out, mut name) = (Vec::new(), NameBuf::new());
    scanner.begin();
    let read = RdataReader::new(&mut scanner, origin, &mut out, &mut name).read(rtype);
    read.map_err(|wrong| wrong.message)?;
    match scanner.begin() {
        None => Ok(out),
        Some(_) => Err("more than one line".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rdata_is_read() {
        for (rtype, text, wire) in [
            (Type::A, "192.0.2.1", &[192, 0, 2, 1][..]),
            (Type::TXT, "\"a b\" c", b"\x03a b\x01c"),
            (Type::MX, "10 mail.test.", b"\x00\x0a\x04mail\x04test\x00"),
            (Type::CNAME, "a", b"\x01a\x00"),
            (Type(65280), "\\# 2 abcd", &[0xab, 0xcd]),
        ] {
            assert_eq!(parse_rdata(rtype, text, NameRef::ROOT).as_deref(), Ok(wire), "{text}");
        }
        for (rtype, text) in [
            (Type::A, ""),
            (Type::A, "192.0.2"),
            (Type::A, "192.0.2.1 192.0.2.2"),
            (Type::A, "192.0.2.1\n@ A 192.0.2.2"),
            (Type::TXT, "\"a"),
            (Type(65280), "abcd"),
        ] {
            assert!(parse_rdata(rtype, text, NameRef::ROOT).is_err(), "{text}");
        }
    }
}
