//! Hexadecimal, base 32 with extended hex alphabet, and base 64 (RFC 4648).

use rhumb_wire::{NameBuf, NameRef};

use super::reader::RdataReader;
use crate::file::scanner::{FileWord, SyntaxError, WordScanner};

pub(super) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Appends the bytes of pairs of digits; none where they are no such pairs.
pub(super) fn hex(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (pairs, rest) = digits.as_chunks::<2>();
    for [high, low] in pairs {
        out.push(hex_digit(*high)? << 4 | hex_digit(*low)?);
    }
    rest.is_empty().then_some(())
}

const fn base32_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'v' => Some(byte - b'a' + 10),
        b'A'..=b'V' => Some(byte - b'A' + 10),
        _ => None,
    }
}

const fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// "No digit" in [`VALUES64`].
const NO_DIGIT: u8 = 0x80;

/// The values of base 64 digits by their bytes.
const VALUES64: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(value) = base64_digit(byte as u8) {
            #[expect(
                clippy::indexing_slicing,
                reason = "256 values for 256 bytes, worked out by the compiler"
            )]
            {
                values[byte] = value;
            }
        }
        byte += 1;
    }
    values
};

/// Appends the bytes of the groups of four digits that `text` begins with, padding not among them; what is left.
fn whole_groups<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let value = |byte: u8| VALUES64.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT);
    let mut rest = text;
    while let Some((group, after)) = rest.split_first_chunk::<4>() {
        let [a, b, c, d] = group.map(value);
        if (a | b | c | d) & NO_DIGIT != 0 {
            break;
        }
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        rest = after;
    }
    rest
}

/// Gathers bits of digits into bytes.
#[derive(Default)]
struct Bits {
    held: u32,
    count: u32,
}

impl Bits {
    fn take(&mut self, digit: u8, bits: u32, out: &mut Vec<u8>) {
        self.held = (self.held << bits | u32::from(digit)) & 0xffff;
        self.count += bits;
        if self.count >= 8 {
            self.count -= 8;
            out.push((self.held >> self.count) as u8);
        }
    }

    /// Whether what is left over is less than a digit and zero.
    const fn is_over(&self, bits: u32) -> bool {
        self.count < bits && self.held & ((1 << self.count) - 1) == 0
    }
}

impl RdataReader<'_, '_, '_> {
    /// Hexadecimal to the end of the record, blanks between; at least so many bytes.
    pub(super) fn rest_hex(&mut self, least: usize) -> Result<(), SyntaxError> {
        let before = self.out.len();
        let mut half: Option<u8> = None;
        let mut last = None;
        while let Some(word) = self.scanner.word()? {
            for &byte in word.bytes {
                let digit = hex_digit(byte)
                    .ok_or_else(|| word.wrong(format!("{} is not hexadecimal", word.shown())))?;
                match half.take() {
                    Some(high) => self.out.push(high << 4 | digit),
                    None => half = Some(digit),
                }
            }
            last = Some(word);
        }
        self.long_enough(before, least, half.is_some(), last, "hexadecimal digits in pairs")
    }

    /// Base 64 to the end of the record, blanks between; one byte at the least.
    pub(super) fn rest_base64(&mut self) -> Result<(), SyntaxError> {
        let before = self.out.len();
        let (mut bits, mut padding, mut digits) = (Bits::default(), 0, 0u64);
        let mut last = None;
        while let Some(word) = self.scanner.word()? {
            // Between groups nothing is held.
            let whole = bits.count == 0 && padding == 0;
            for &byte in if whole { whole_groups(word.bytes, self.out) } else { word.bytes } {
                match base64_digit(byte) {
                    Some(digit) if padding == 0 => bits.take(digit, 6, self.out),
                    None if byte == b'=' => padding += 1,
                    _ => return Err(word.wrong(format!("{} is not base 64", word.shown()))),
                }
                digits += 1;
            }
            last = Some(word);
        }
        let broken = !bits.is_over(6) || !digits.is_multiple_of(4) || padding > 2;
        self.long_enough(before, 1, broken, last, "base 64 in groups of four digits")
    }

    fn long_enough(
        &self,
        before: usize,
        least: usize,
        broken: bool,
        last: Option<FileWord<'_>>,
        what: &str,
    ) -> Result<(), SyntaxError> {
        if !broken && self.out.len() - before >= least {
            return Ok(());
        }
        let at = last.map_or(self.scanner.at().saturating_sub(1), |word| word.at);
        Err(SyntaxError::new(at, format!("{what} are wanted here, to the end of the record")))
    }

    /// NSEC3's salt: hexadecimal without blanks, `-` for none (RFC 5155 section 3.3).
    pub(super) fn salt(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let at = self.out.len();
        self.out.push(0);
        if word.bytes != b"-" {
            hex(word.bytes, self.out).ok_or_else(|| {
                word.wrong(format!("{} is no salt; accepted: hexadecimal, or -", word.shown()))
            })?;
        }
        self.set_length(at, word)
    }

    /// NSEC3's next hash: base 32 without padding (RFC 5155 section 3.3).
    pub(super) fn hash(&mut self, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let at = self.out.len();
        self.out.push(0);
        let mut bits = Bits::default();
        for &byte in word.bytes {
            let digit =
                base32_digit(byte).ok_or_else(|| word.wrong(format!("{} is not base 32", word.shown())))?;
            bits.take(digit, 5, self.out);
        }
        if word.bytes.is_empty() || !bits.is_over(5) {
            return Err(word.wrong(format!("{} is not base 32", word.shown())));
        }
        self.set_length(at, word)
    }

    /// Fills in the length byte at `at`.
    pub(super) fn set_length(&mut self, at: usize, word: FileWord<'_>) -> Result<(), SyntaxError> {
        let length =
            u8::try_from(self.out.len() - at - 1).map_err(|_| word.wrong("at most 255 bytes fit here"))?;
        if let Some(place) = self.out.get_mut(at) {
            *place = length;
        }
        Ok(())
    }
}

/// The bytes of base 64 in one piece; none where it is no such.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut scanner, mut name) = (WordScanner::new(text), NameBuf::new());
    RdataReader::new(&mut scanner, NameRef::ROOT, &mut out, &mut name).rest_base64().ok()?;
    Some(out)
}

/// The digits of base 64, with padding.
pub(super) fn base64_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut held = [0u8; 4];
        for (place, byte) in held.iter_mut().skip(1).zip(chunk) {
            *place = *byte;
        }
        let value = u32::from_be_bytes(held);
        for digit in 0..4 {
            let index = (value >> (18 - 6 * digit)) as usize & 63;
            let shown = digit <= chunk.len();
            text.push(if shown { DIGITS.get(index).map_or('=', |&byte| byte as char) } else { '=' });
        }
    }
    text
}

/// The digits of base 32 with extended hex alphabet, without padding.
pub(super) fn base32_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let (mut held, mut count) = (0u32, 0);
    let mut text = String::new();
    let mut push_digit = |value: u32| text.extend(DIGITS.get(value as usize & 31).map(|&byte| byte as char));
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push_digit(held >> count);
        }
        held &= (1 << count) - 1;
    }
    if count > 0 {
        push_digit(held << (5 - count));
    }
    text
}

pub(super) fn hex_text(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
