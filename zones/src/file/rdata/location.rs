//! LOC (RFC 1876).

use super::reader::RdataReader;
use crate::file::number::decimal;
use crate::file::scanner::{FileWord, SyntaxError};

/// The equator and the prime meridian in the wire form, in thousandths of a second of arc.
const ZERO: u32 = 1 << 31;
/// Altitudes are given above a place 100 000 m below the reference spheroid, in centimetres.
const BELOW: i64 = 10_000_000;
const FORM: &str = "accepted: D [M [S]] N|S D [M [S]] E|W ALTm [SIZEm [HPm [VPm]]]";

impl RdataReader<'_, '_, '_> {
    pub(super) fn location(&mut self) -> Result<(), SyntaxError> {
        let latitude = self.angle(90, b'N', b'S')?;
        let longitude = self.angle(180, b'E', b'W')?;
        let word = self.scanner.expect("the altitude")?;
        let altitude = centimetres(word)? + BELOW;
        let altitude = u32::try_from(altitude).map_err(|_| word.wrong("the altitude is out of range"))?;
        let mut sizes = [precision(100), precision(1_000_000), precision(1000)];
        for size in &mut sizes {
            let Some(word) = self.scanner.word()? else { break };
            let value = centimetres(word)?;
            *size = u64::try_from(value)
                .ok()
                .filter(|value| *value <= 9_000_000_000)
                .map(precision)
                .ok_or_else(|| word.wrong(format!("{} is out of range", word.shown())))?;
        }
        self.out.push(0);
        self.out.extend(sizes);
        for value in [latitude, longitude, altitude] {
            self.out.extend(value.to_be_bytes());
        }
        Ok(())
    }

    /// Degrees, minutes and seconds up to the letter of the hemisphere.
    fn angle(&mut self, most: u64, plus: u8, minus: u8) -> Result<u32, SyntaxError> {
        let mut parts = [0u64; 3];
        let mut given = 0;
        loop {
            let word = self.scanner.expect("the position")?;
            if let [letter] = word.bytes
                && letter.is_ascii_alphabetic()
            {
                let [degrees, minutes, thousandths] = parts;
                let value = (degrees * 60 + minutes) * 60_000 + thousandths;
                let letter = letter.to_ascii_uppercase();
                let value = u32::try_from(value).ok().filter(|_| given > 0 && value <= most * 3_600_000);
                return match value {
                    Some(value) if letter == plus => Ok(ZERO.wrapping_add(value)),
                    Some(value) if letter == minus => Ok(ZERO.wrapping_sub(value)),
                    _ => Err(word.wrong(FORM)),
                };
            }
            let scale = if given == 2 { 3 } else { 0 };
            let bound = match given {
                0 => most + 1,
                1 => 60,
                _ => 60_000,
            };
            let value = fixed(word.bytes, scale).filter(|value| *value < bound);
            let (Some(place), Some(value)) = (parts.get_mut(given), value) else {
                return Err(word.wrong(FORM));
            };
            *place = value;
            given += 1;
        }
    }
}

/// A decimal number, times ten to the power of `scale`; no more digits behind the point than that.
fn fixed(text: &[u8], scale: usize) -> Option<u64> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, &[][..]),
    };
    if fraction.len() > scale {
        return None;
    }
    let mut digits = whole.to_vec();
    digits.extend_from_slice(fraction);
    digits.extend(std::iter::repeat_n(b'0', scale - fraction.len()));
    decimal(&digits, u64::from(u32::MAX) * 1000)
}

/// A length in metres, `m` behind it or not, in centimetres.
fn centimetres(word: FileWord<'_>) -> Result<i64, SyntaxError> {
    let text = word.bytes.strip_suffix(b"m").unwrap_or(word.bytes);
    let (text, sign) = match text.strip_prefix(b"-") {
        Some(rest) => (rest, -1),
        None => (text, 1),
    };
    let value = fixed(text, 2).and_then(|value| i64::try_from(value).ok());
    value.map(|value| sign * value).ok_or_else(|| word.wrong(FORM))
}

/// A digit and a power of ten (RFC 1876 section 2).
fn precision(mut centimetres: u64) -> u8 {
    let mut power = 0;
    while centimetres >= 10 {
        centimetres /= 10;
        power += 1;
    }
    (centimetres as u8) << 4 | power
}

/// The text of LOC's RDATA; none where it is of another version or length.
pub(super) fn location_text(rdata: &[u8]) -> Option<String> {
    let (&[version, size, horizontal, vertical], rest) = rdata.split_first_chunk::<4>()?;
    let (words, rest) = rest.as_chunks::<4>();
    let &[latitude, longitude, altitude] = words.first_chunk::<3>()?;
    if version != 0 || !rest.is_empty() || words.len() != 3 {
        return None;
    }
    let angle = |bytes: [u8; 4], plus: char, minus: char| {
        let value = i64::from(u32::from_be_bytes(bytes)) - i64::from(ZERO);
        let letter = if value < 0 { minus } else { plus };
        let value = value.unsigned_abs();
        let (degrees, minutes) = (value / 3_600_000, value / 60_000 % 60);
        format!("{degrees} {minutes} {}.{:03} {letter}", value / 1000 % 60, value % 1000)
    };
    let metres = |value: i64| {
        let sign = if value < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}m", value.abs() / 100, value.abs() % 100)
    };
    let length = |byte: u8| Some(metres(i64::from(byte >> 4) * 10i64.checked_pow(u32::from(byte & 15))?));
    let sizes = (length(size)?, length(horizontal)?, length(vertical)?);
    if [size, horizontal, vertical].iter().any(|byte| byte >> 4 > 9 || byte & 15 > 9) {
        return None;
    }
    let altitude = metres(i64::from(u32::from_be_bytes(altitude)) - BELOW);
    let (latitude, longitude) = (angle(latitude, 'N', 'S'), angle(longitude, 'E', 'W'));
    Some(format!("{latitude} {longitude} {altitude} {} {} {}", sizes.0, sizes.1, sizes.2))
}
