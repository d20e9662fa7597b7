//! The Huffman code of strings in header blocks (RFC 7541, section 5.2).

mod decoding_table;

use decoding_table::{SHORT, TABLE};

/// Look-ups before more bits are needed.
const RUN: usize = 4;
/// Bits that so many of them use at the most.
const RUN_BITS: u32 = (RUN * SHORT) as u32;
/// What follows the last code of a string is shorter than a byte.
const MOST_PADDING: u32 = 7;

/// A string that is no Huffman code: with the end of a string in it, or a wrong padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a string is not in the Huffman code")]
pub(super) struct HuffmanError;

/// The bits of a string that are not decoded yet.
struct CodedBits<'a> {
    rest: &'a [u8],
    /// Those that come first, at the top. Behind them are bits of what is in `rest`, or 0.
    bits: u64,
    /// How many those are.
    held: u32,
}

impl CodedBits<'_> {
    /// Holds the bits of a run at least, or all there are.
    #[inline]
    fn fill(&mut self) {
        match self.rest.first_chunk() {
            Some(next) => self.hold(*next, usize::MAX),
            None if self.held < RUN_BITS => {
                let mut last = [0; 8];
                last.iter_mut().zip(self.rest).for_each(|(place, byte)| *place = *byte);
                self.hold(last, self.rest.len());
            }
            None => {}
        }
    }

    /// Holds as many of these bytes as there is room for, and `most` of them.
    #[inline]
    fn hold(&mut self, next: [u8; 8], most: usize) {
        let more = ((63 - self.held) as usize / 8).min(most);
        self.bits |= u64::from_be_bytes(next) >> self.held;
        self.held += 8 * more as u32;
        self.rest = self.rest.get(more..).unwrap_or_default();
    }

    /// Takes short codes: what they mean, the first byte lowest, and how many bytes that are.
    #[inline]
    fn take_short(&mut self) -> (u64, usize) {
        let (mut bits, mut text, mut lengths) = (self.bits, 0, 0);
        if self.held >= RUN_BITS {
            for _ in 0..RUN {
                let codes = TABLE.short(bits);
                text |= u64::from(codes.text).wrapping_shl(lengths >> 8);
                // It shifts by the lowest bits of a number alone, as processors do.
                bits = bits.wrapping_shl(codes.lengths.into());
                lengths += u32::from(codes.lengths);
            }
        } else {
            let codes = TABLE.short(bits);
            if u32::from(codes.lengths & 0xff) <= self.held {
                (text, lengths) = (codes.text.into(), codes.lengths.into());
                bits = bits.wrapping_shl(lengths);
            }
        }
        (self.bits, self.held) = (bits, self.held - (lengths & 0xff));
        (text, lengths as usize >> 11)
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
    text.resize(end + coded.len() * 8 / 5 + 2 * RUN, 0);
    let mut coded = CodedBits { rest: coded, bits: 0, held: 0 };
    while let Some(place) = text.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
        coded.fill();
        let (run, count) = coded.take_short();
        *place = run.to_le_bytes();
        end += count;
        if count == 0 {
            let Some(byte) = coded.take()? else { break };
            place[0] = byte;
            end += 1;
        }
    }
    text.truncate(end);
    let padding = !(u64::MAX >> coded.held);
    if coded.held <= MOST_PADDING && coded.bits == padding { Ok(()) } else { Err(HuffmanError) }
}

#[cfg(test)]
pub(super) fn encode_huffman(text: &[u8], coded: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u64, 0_u32);
    let code = |byte: u8| {
        let length = usize::from(decoding_table::LENGTHS[usize::from(byte)]);
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
            let length = usize::from(decoding_table::LENGTHS[value]);
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
