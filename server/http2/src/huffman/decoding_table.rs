//! What codes mean, by their bits (RFC 7541, appendix B).

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
/// The shortest code, in bits.
const SHORTEST: usize = 5;
/// Codes up to this length are looked up, in bits: those of letters, digits and what else is usual.
pub(super) const SHORT: usize = 12;

/// The value of the end of a string.
const END: u16 = 256;

pub(super) static TABLE: DecodingTable = DecodingTable::new();

/// What the next bits mean: as many bytes as have short codes there, two at most.
#[derive(Clone, Copy)]
pub(super) struct ShortCodes {
    /// The bytes, the first one lowest.
    pub(super) text: u16,
    /// What their codes have of bits, and what they have themselves times 256: sums of these stay apart. 0 where the next code is long.
    pub(super) lengths: u16,
}

impl ShortCodes {
    const fn new(text: u16, code_bits: usize, text_bits: usize) -> Self {
        Self { text, lengths: (text_bits << 8 | code_bits) as u16 }
    }

    const fn code_bits(self) -> usize {
        self.lengths as usize & 0xff
    }
}

const NO_CODES: ShortCodes = ShortCodes::new(0, 0, 0);

/// Finds the code at the front of 64 bits.
pub(super) struct DecodingTable {
    /// By the first bits.
    short: [ShortCodes; 1 << SHORT],
    /// All values, in the order of their codes.
    pub(super) ordered: [u16; 257],
    /// By length: what is larger than any code of it, its bits at the top.
    ends: [u64; LONGEST + 1],
    /// By length: the first code.
    pub(super) firsts: [u32; LONGEST + 1],
    /// By length: where its values begin in `ordered`.
    pub(super) places: [u16; LONGEST + 1],
}

impl DecodingTable {
    #[expect(clippy::indexing_slicing, reason = "at compile time, where an index out of bounds is an error")]
    const fn new() -> Self {
        let mut table = Self {
            short: [NO_CODES; 1 << SHORT],
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
                            ShortCodes::new(value as u16, length, 8);
                        same += 1;
                    }
                    code += 1;
                }
                value += 1;
            }
            table.ends[length] = (code as u64) << (64 - length);
            length += 1;
        }
        table.short = pairs(&table.short);
        table
    }

    /// What the short codes at the front of `bits` mean.
    #[inline]
    pub(super) fn short(&self, bits: u64) -> ShortCodes {
        self.short.get((bits >> (64 - SHORT)) as usize).copied().unwrap_or(NO_CODES)
    }

    /// The value at the front of `bits`, and the length of its code. Only the end of a string is larger than 255.
    pub(super) fn first(&self, bits: u64) -> (u16, u32) {
        for length in SHORTEST..LONGEST {
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

/// Adds to each single code the one that follows it, where that is whole within the same bits.
#[expect(clippy::indexing_slicing, reason = "at compile time, where an index out of bounds is an error")]
const fn pairs(single: &[ShortCodes; 1 << SHORT]) -> [ShortCodes; 1 << SHORT] {
    let mut pairs = *single;
    let mut at = 0;
    while at < pairs.len() {
        let first = single[at];
        let second = single[(at << first.code_bits()) & (pairs.len() - 1)];
        let code_bits = first.code_bits() + second.code_bits();
        if first.code_bits() > 0 && second.code_bits() > 0 && code_bits <= SHORT {
            pairs[at] = ShortCodes::new(first.text | second.text << 8, code_bits, 16);
        }
        at += 1;
    }
    pairs
}
