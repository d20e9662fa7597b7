//! The Huffman code of strings in header blocks (RFC 7541, section 5.2).

/// Bits of the code of each byte, and of the end of a string, which is the last (RFC 7541, appendix B). As codes are given out in the
/// order of length and value, all of them follow from this.
#[rustfmt::skip]
pub(super) const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6,
    6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6,
    6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
    20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23,
    22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22,
    23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22,
    25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
/// The longest code, in bits.
const LONGEST: usize = 30;
/// Codes up to this length are looked up in one step, in bits.
const SHORT: usize = 8;
/// So many of those are decoded before more bits are needed: they are in 32 bits, whatever their length.
const RUN: usize = 4;
/// What follows the last code of a string is shorter than a byte.
const MOST_PADDING: u32 = 7;

/// The value of the end of a string.
const END: u16 = 256;

static TABLE: DecodingTable = DecodingTable::new();

/// A string that is no Huffman code: with the end of a string in it, or a wrong padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a string is not in the Huffman code")]
pub(super) struct HuffmanError;

/// Finds the code at the front of 64 bits.
struct DecodingTable {
    /// By the first eight bits: the byte, and the length of its code; length 0 where that is longer.
    short: [(u8, u8); 1 << SHORT],
    /// All values, in the order of their codes.
    ordered: [u16; 257],
    /// By length: what is larger than any code of it, its bits at the top.
    ends: [u64; LONGEST + 1],
    /// By length: the first code.
    firsts: [u32; LONGEST + 1],
    /// By length: where its values begin in `ordered`.
    places: [u16; LONGEST + 1],
}

impl DecodingTable {
    #[expect(clippy::indexing_slicing, reason = "at compile time, where an index out of bounds is an error")]
    const fn new() -> Self {
        let mut table = Self {
            short: [(0, 0); 1 << SHORT],
            ordered: [0; 257],
            ends: [0; LONGEST + 1],
            firsts: [0; LONGEST + 1],
            places: [0; LONGEST + 1],
        };
        let (mut code, mut place, mut length) = (0_u32, 0, 1);
        while length <= LONGEST {
            code <<= 1;
            table.firsts[length] = code;
            table.places[length] = place as u16;
            let mut value = 0;
            while value < LENGTHS.len() {
                if LENGTHS[value] as usize == length {
                    table.ordered[place] = value as u16;
                    place += 1;
                    let mut same = 0;
                    while length <= SHORT && same < 1 << (SHORT - length) {
                        table.short[((code as usize) << (SHORT - length)) + same] =
                            (value as u8, length as u8);
                        same += 1;
                    }
                    code += 1;
                }
                value += 1;
            }
            table.ends[length] = (code as u64) << (64 - length);
            length += 1;
        }
        table
    }

    /// The value at the front of `bits`, and the length of its code. Only the end of a string is larger than 255.
    #[inline]
    fn first(&self, bits: u64) -> (u16, u32) {
        match self.short.get((bits >> (64 - SHORT)) as usize) {
            Some((byte, length @ 1..)) => (u16::from(*byte), u32::from(*length)),
            _ => self.first_long(bits),
        }
    }

    fn first_long(&self, bits: u64) -> (u16, u32) {
        for length in SHORT + 1..LONGEST {
            if self.ends.get(length).is_some_and(|end| bits < *end)
                && let (Some(first), Some(place)) = (self.firsts.get(length), self.places.get(length))
            {
                let code = (bits >> (64 - length)) as u32;
                let at = usize::from(*place) + code.wrapping_sub(*first) as usize;
                return (self.ordered.get(at).copied().unwrap_or(END), length as u32);
            }
        }
        // Four codes have all 30 bits; the last of them is the end.
        let code = (bits >> (64 - LONGEST)) as usize & 3;
        (self.ordered.get(self.ordered.len() - 4 + code).copied().unwrap_or(END), LONGEST as u32)
    }
}

/// The bits of a string that are not decoded yet.
struct CodedBits<'a> {
    rest: &'a [u8],
    /// Those that come first, at the top; 0 behind them.
    bits: u64,
    /// How many those are.
    held: u32,
}

impl CodedBits<'_> {
    /// Holds 32 bits at least. False: there are not so many in whole groups of four bytes.
    #[inline]
    fn fill_fast(&mut self) -> bool {
        if self.held > 32 {
            return true;
        }
        let Some((next, behind)) = self.rest.split_first_chunk() else { return false };
        self.bits |= u64::from(u32::from_be_bytes(*next)) << (32 - self.held);
        (self.held, self.rest) = (self.held + 32, behind);
        true
    }

    /// Holds a code, where there is one.
    fn fill(&mut self) {
        while self.held < LONGEST as u32
            && let Some((next, behind)) = self.rest.split_first()
        {
            self.bits |= u64::from(*next) << (56 - self.held);
            (self.held, self.rest) = (self.held + 8, behind);
        }
    }

    /// Takes codes as long as they are short, until `run` is full; how many. 32 bits have to be held.
    #[inline]
    fn take_short(&mut self, run: &mut [u8; RUN]) -> usize {
        let (mut bits, mut used, mut count) = (self.bits, 0, 0);
        for place in run {
            let Some((byte, length @ 1..)) = TABLE.short.get((bits >> (64 - SHORT)) as usize) else { break };
            *place = *byte;
            bits <<= length;
            used += u32::from(*length);
            count += 1;
        }
        (self.bits, self.held) = (bits, self.held - used);
        count
    }

    /// Takes one code; none where there is none. Errors: it is the end of a string.
    fn take(&mut self) -> Result<Option<u8>, HuffmanError> {
        let (value, length) = TABLE.first(self.bits);
        if length > self.held {
            return Ok(None);
        }
        self.bits <<= length;
        self.held -= length;
        u8::try_from(value).map(Some).map_err(|_| HuffmanError)
    }
}

/// Appends what `coded` means to `text`, at most 8/5 of its length. Errors: it is no such code (RFC 7541, section 5.2), and what was
/// appended means nothing.
pub(super) fn decode_huffman(coded: &[u8], text: &mut Vec<u8>) -> Result<(), HuffmanError> {
    let mut end = text.len();
    // With room for a whole run behind the last byte.
    text.resize(end + coded.len() * 8 / 5 + RUN, 0);
    let mut coded = CodedBits { rest: coded, bits: 0, held: 0 };
    while coded.fill_fast()
        && let Some(run) = text.get_mut(end..).and_then(<[u8]>::first_chunk_mut)
    {
        let count = coded.take_short(run);
        end += count;
        if count == 0
            && let Some(byte) = coded.take()?
        {
            run[0] = byte;
            end += 1;
        }
    }
    text.truncate(end);
    loop {
        coded.fill();
        let Some(byte) = coded.take()? else { break };
        text.push(byte);
    }
    let padding = !(u64::MAX >> coded.held);
    if coded.held <= MOST_PADDING && coded.bits == padding { Ok(()) } else { Err(HuffmanError) }
}

#[cfg(test)]
pub(super) fn encode_huffman(text: &[u8], coded: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u64, 0_u32);
    let code = |byte: u8| {
        let length = usize::from(LENGTHS[usize::from(byte)]);
        let at = TABLE.ordered.iter().position(|value| *value == u16::from(byte)).unwrap();
        (u64::from(TABLE.firsts[length]) + (at - usize::from(TABLE.places[length])) as u64, length as u32)
    };
    for byte in text {
        let (code, length) = code(*byte);
        bits |= code << (64 - held - length);
        held += length;
        while held >= 8 {
            coded.push((bits >> 56) as u8);
            bits <<= 8;
            held -= 8;
        }
    }
    if held > 0 {
        coded.push((bits >> 56) as u8 | 0xff >> held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, HuffmanError> {
        let mut text = Vec::new();
        decode_huffman(coded, &mut text).map(|()| text)
    }

    #[test]
    fn codes_are_those_of_the_appendix() {
        let code = |value: usize| {
            let length = usize::from(LENGTHS[value]);
            let at = TABLE.ordered.iter().position(|ordered| usize::from(*ordered) == value).unwrap();
            TABLE.firsts[length] + (at - usize::from(TABLE.places[length])) as u32
        };
        for (value, expected) in [
            (0, 0x1ff8),
            (10, 0x3fff_fffc),
            (22, 0x3fff_fffe),
            (usize::from(b'0'), 0),
            (usize::from(b'a'), 3),
            (usize::from(b' '), 0x14),
            (usize::from(b'-'), 0x16),
            (usize::from(b'Z'), 0xfd),
            (usize::from(b'_'), 0x22),
            (usize::from(b'~'), 0x1ffd),
            (127, 0x0fff_fffc),
            (128, 0xf_ffe6),
            (200, 0x03ff_ffe2),
            (255, 0x03ff_ffee),
            (256, 0x3fff_ffff),
        ] {
            assert_eq!(code(value), expected, "{value}");
        }
    }

    #[test]
    fn padding_is_a_part_of_the_end() {
        // RFC 7541, appendix C.4.1.
        let example = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&example).unwrap(), b"www.example.com");
        assert_eq!(decoded(&[]).unwrap(), b"");
        // `0` has five bits, so three of padding; `&` has eight.
        assert_eq!(decoded(&[0b0000_0111]).unwrap(), b"0");
        assert_eq!(decoded(&[0b1111_1000]).unwrap(), b"&");
        for wrong in [
            &[0b0000_0110][..],
            &[0b1111_1111],
            &[0b1111_1000, 0b1111_1111],
            &[0b1111_1111, 0b1111_1111, 0b1111_1111, 0b1111_1111],
            &[0b1111_1111, 0b1111_1111, 0b1111_1111, 0b1111_1111, 0b1111_1111],
            &[0b0000_0111, 0b1111_1111, 0b1111_1111, 0b1111_1111, 0b1111_1111],
        ] {
            assert_eq!(decoded(wrong), Err(HuffmanError), "{wrong:x?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut coded = Vec::new();
            encode_huffman(&text, &mut coded);
            prop_assert_eq!(decoded(&coded), Ok(text));
        }

        #[test]
        fn what_is_decoded_has_that_code(coded in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(text) = decoded(&coded) {
                let mut again = Vec::new();
                encode_huffman(&text, &mut again);
                prop_assert_eq!(again, coded);
            }
        }
    }
}
