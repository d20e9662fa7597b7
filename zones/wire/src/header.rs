//! The twelve bytes every message begins with (RFC 1035 section 4.1.1, RFC 4035 section 3.1.6 for AD and CD).

use crate::number::Opcode;

/// Bytes of a header.
pub const LENGTH: usize = 12;
/// Set in every response.
pub const QR: u16 = 0x8000;
/// Authoritative answer.
pub const AA: u16 = 0x0400;
/// Truncated.
pub const TC: u16 = 0x0200;
/// Recursion desired.
pub const RD: u16 = 0x0100;
/// Recursion available.
pub const RA: u16 = 0x0080;
/// Authentic data.
pub const AD: u16 = 0x0020;
/// Checking disabled.
pub const CD: u16 = 0x0010;
/// The four bits of the opcode.
pub const OPCODE: u16 = 0x7800;
/// The four lower bits of the response code.
pub const RCODE: u16 = 0x000f;

/// A header as it was read, in host order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MessageHeader {
    /// The message id.
    pub id: u16,
    /// The flags word: QR, opcode, AA, TC, RD, RA, Z, AD, CD, rcode.
    pub flags: u16,
    /// Entries of the question section.
    pub questions: u16,
    /// Records of the answer section.
    pub answers: u16,
    /// Records of the authority section.
    pub authorities: u16,
    /// Records of the additional section.
    pub additionals: u16,
}

impl MessageHeader {
    /// The header of `message`; none if there are fewer than twelve bytes.
    #[inline]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let (words, _) = message.first_chunk::<LENGTH>()?.as_chunks::<2>();
        let &[id, flags, questions, answers, authorities, additionals] = words.first_chunk::<6>()?;
        Some(Self {
            id: u16::from_be_bytes(id),
            flags: u16::from_be_bytes(flags),
            questions: u16::from_be_bytes(questions),
            answers: u16::from_be_bytes(answers),
            authorities: u16::from_be_bytes(authorities),
            additionals: u16::from_be_bytes(additionals),
        })
    }

    /// The twelve bytes.
    #[inline]
    pub fn to_bytes(self) -> [u8; LENGTH] {
        let words = [self.id, self.flags, self.questions, self.answers, self.authorities, self.additionals];
        let mut bytes = [0; LENGTH];
        for (room, word) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *room = word.to_be_bytes();
        }
        bytes
    }

    /// Whether this is a response.
    pub const fn is_response(&self) -> bool {
        self.flags & QR != 0
    }

    /// The opcode.
    pub const fn opcode(&self) -> Opcode {
        Opcode(((self.flags & OPCODE) >> 11) as u8)
    }

    /// The four bits of the response code that stand in the header.
    pub const fn rcode_low(&self) -> u16 {
        self.flags & RCODE
    }
}

/// Overwrites the flags word of `message`; a message too short for it is left alone.
pub fn set_flags(message: &mut [u8], flags: u16) {
    if let Some(at) = message.get_mut(2..4) {
        at.copy_from_slice(&flags.to_be_bytes());
    }
}

/// Overwrites the id of `message`; a message too short for it is left alone.
pub fn set_id(message: &mut [u8], id: u16) {
    if let Some(at) = message.get_mut(..2) {
        at.copy_from_slice(&id.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; LENGTH] = [1, 2, 0xad, 0x95, 3, 4, 5, 6, 7, 8, 9, 10];

    #[test]
    fn each_field_has_its_two_bytes() {
        let header = MessageHeader::parse(&[&BYTES[..], &[0xff; 5]].concat()).unwrap();
        let fields = MessageHeader {
            id: 0x0102,
            flags: 0xad95,
            questions: 0x0304,
            answers: 0x0506,
            authorities: 0x0708,
            additionals: 0x090a,
        };
        assert_eq!((header, header.to_bytes()), (fields, BYTES));
        assert_eq!(MessageHeader::parse(&BYTES[..11]), None);
    }

    #[test]
    fn flags_are_read_bit_by_bit() {
        for (name, flags, is_response, opcode, rcode) in [
            ("none", 0, false, 0, 0),
            ("QR", QR, true, 0, 0),
            ("all but QR", !QR, false, 15, 15),
            ("all", 0xffff, true, 15, 15),
            ("those beside opcode and rcode", AA | TC | RD | RA | 0x40 | AD | CD, false, 0, 0),
            ("UPDATE, NXDOMAIN", QR | 0x2800 | 3, true, 5, 3),
            ("NOTIFY, NOTIMP", 0x2000 | AA | 4, false, 4, 4),
        ] {
            let header = MessageHeader { flags, ..MessageHeader::default() };
            let read = (header.is_response(), header.opcode(), header.rcode_low());
            assert_eq!(read, (is_response, Opcode(opcode), rcode), "{name}");
        }
    }

    #[test]
    fn id_and_flags_are_overwritten_and_nothing_else() {
        let (mut with_id, mut with_flags) = (BYTES, BYTES);
        set_id(&mut with_id, 0xabcd);
        set_flags(&mut with_flags, 0xabcd);
        assert_eq!((&with_id[..2], &with_id[2..]), (&[0xab, 0xcd][..], &BYTES[2..]));
        assert_eq!((&with_flags[..2], &with_flags[4..]), (&BYTES[..2], &BYTES[4..]));
        assert_eq!(with_flags[2..4], [0xab, 0xcd]);
        let mut short = [7; 3];
        set_flags(&mut short, 0);
        assert_eq!(short, [7; 3]);
        set_id(&mut short[..1], 0);
        assert_eq!(short, [7; 3]);
    }
}
