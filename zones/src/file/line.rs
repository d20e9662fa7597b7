//! The words of a line that has nothing unusual, eight bytes at a time.

use rhumb_wire::Type;

use super::number;
use crate::fold;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// A line, from some word on to the end of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineRest<'t>(pub(super) &'t [u8]);

impl<'t> LineRest<'t> {
    #[inline]
    pub(super) const fn skip_blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// The next word, and again in one integer where it has less than eight bytes. Empty at the end of the line, none
    /// near the end of the text.
    #[inline]
    pub(super) fn word(&mut self) -> Option<(&'t [u8], u64)> {
        self.skip_blanks();
        let mut length = 0;
        let mut packed = 0;
        loop {
            let chunk = u64::from_le_bytes(*self.0.get(length..)?.first_chunk()?);
            // The lowest place that is marked is right: borrows go upwards.
            let ends = chunk.wrapping_sub(0x21 * ONES) & !chunk & HIGH;
            if ends != 0 {
                let bits = ends.trailing_zeros() & !7;
                if length == 0 {
                    packed = chunk & !(u64::MAX << bits);
                }
                length += bits as usize / 8;
                break;
            }
            length += 8;
        }
        let (word, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((word, packed))
    }

    /// TTL and class in either order, both optional, and the type. None: something else stands there.
    #[inline]
    pub(super) fn ttl_and_type(&mut self) -> Option<(Option<u32>, Type)> {
        let (mut ttl, mut class) = (None, false);
        loop {
            let (word, packed) = self.word()?;
            let packed = fold::lower(packed);
            if packed == pack(b"in") && !class {
                class = true;
            } else if let Some(rtype) = frequent_type(packed) {
                return Some((ttl, rtype));
            } else if ttl.is_none() && word.first().is_some_and(u8::is_ascii_digit) {
                ttl = Some(number::ttl(word)?);
            } else {
                return None;
            }
        }
    }

    /// Goes behind the end of the line. None: there is something left.
    #[inline]
    pub(super) const fn end(mut self) -> Option<Self> {
        self.skip_blanks();
        match self.0 {
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => Some(Self(rest)),
            _ => None,
        }
    }
}

/// Whether a word can be read as a name: it has no byte that means something to the scanner, and no escape.
#[inline]
pub(super) fn is_plain_name(word: &[u8]) -> bool {
    let (chunks, rest) = word.as_chunks::<8>();
    let odd = chunks.iter().fold(0, |odd, chunk| odd | odd_bytes(u64::from_le_bytes(*chunk)));
    let mut last = [b'a'; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    !word.is_empty() && odd | odd_bytes(u64::from_le_bytes(last)) == 0
}

/// Not zero if one of eight bytes is below `*`, or `;`, a backslash or DEL.
#[inline]
const fn odd_bytes(word: u64) -> u64 {
    let below = word.wrapping_sub(0x2a * ONES) & !word;
    let (a, b, c) = (word ^ (0x3b * ONES), word ^ (0x5c * ONES), word ^ (0x7f * ONES));
    let equal = a.wrapping_sub(ONES) & !a | b.wrapping_sub(ONES) & !b | c.wrapping_sub(ONES) & !c;
    (below | equal) & HIGH
}

/// Up to seven bytes in one word, as [`LineRest::word`] has them.
const fn pack(bytes: &[u8]) -> u64 {
    let (mut word, mut shift, mut rest) = (0, 0, bytes);
    while let [byte, tail @ ..] = rest {
        word |= (*byte as u64) << shift;
        shift += 8;
        rest = tail;
    }
    word
}

/// The types that are worth a comparison of one word each.
#[inline]
fn frequent_type(lower: u64) -> Option<Type> {
    const TYPES: [(u64, Type); 16] = [
        (pack(b"a"), Type::A),
        (pack(b"aaaa"), Type::AAAA),
        (pack(b"ns"), Type::NS),
        (pack(b"cname"), Type::CNAME),
        (pack(b"rrsig"), Type::RRSIG),
        (pack(b"nsec3"), Type::NSEC3),
        (pack(b"ds"), Type::DS),
        (pack(b"mx"), Type::MX),
        (pack(b"txt"), Type::TXT),
        (pack(b"ptr"), Type::PTR),
        (pack(b"nsec"), Type::NSEC),
        (pack(b"srv"), Type::SRV),
        (pack(b"soa"), Type::SOA),
        (pack(b"https"), Type::HTTPS),
        (pack(b"caa"), Type::CAA),
        (pack(b"tlsa"), Type::TLSA),
    ];
    TYPES.iter().find(|(word, _)| *word == lower).map(|(_, rtype)| *rtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_end_at_blanks() {
        let mut line = LineRest(b"a.example \t IN\tverylongword1234567 x\r\n0123456789");
        assert_eq!(line.word(), Some((b"a.example".as_slice(), 0)));
        assert_eq!(line.word(), Some((b"IN".as_slice(), pack(b"IN"))));
        assert_eq!(line.word(), Some((b"verylongword1234567".as_slice(), 0)));
        assert_eq!(line.end().map(|line| line.0), None);
        assert_eq!(line.word(), Some((b"x".as_slice(), pack(b"x"))));
        assert_eq!(line.end().map(|line| line.0), Some(b"0123456789".as_slice()));
        assert_eq!(LineRest(b"seven12\n").word(), Some((b"seven12".as_slice(), pack(b"seven12"))));
        assert_eq!(LineRest(b"seven12").word(), None);
    }

    #[test]
    fn heads() {
        let read = |text: &[u8]| LineRest(&[text, b" 192.0.2.1\n"].concat()).ttl_and_type();
        assert_eq!(read(b"IN A"), Some((None, Type::A)));
        assert_eq!(read(b"1h in aaaa"), Some((Some(3600), Type::AAAA)));
        assert_eq!(read(b"IN 60 Mx"), Some((Some(60), Type::MX)));
        for text in ["IN IN A", "60 60 A", "CH A", "TYPE1", "IN (A", "60;A"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_names_have_no_odd_byte(word in proptest::collection::vec(any::<u8>(), 0..20)) {
            let odd = |byte: &u8| *byte < b'*' || [b';', b'\\', 0x7f].contains(byte);
            prop_assert_eq!(is_plain_name(&word), !word.is_empty() && !word.iter().any(odd));
        }
    }
}
