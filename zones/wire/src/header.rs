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
