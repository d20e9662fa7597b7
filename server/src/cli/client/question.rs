//! The question that shows whether a nameserver is there: the SOA record of the root, no recursion desired, so that nobody
//! else has to be asked. Any response to it counts.

use std::io;

use rhumb_net::random_u16;

/// Bytes of the question.
pub(super) const LENGTH: usize = 17;

/// One question, with an id that nobody can guess.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProbeQuestion {
    id: [u8; 2],
}

impl ProbeQuestion {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { id: random_u16()?.to_be_bytes() })
    }

    /// The message: a header with one question (RFC 1035 section 4.1), `.`, SOA, IN.
    pub(super) fn message(self) -> [u8; LENGTH] {
        let [high, low] = self.id;
        [high, low, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1]
    }

    /// The message behind its length, as streams carry it (RFC 1035 section 4.2.2).
    pub(super) fn framed(self) -> [u8; LENGTH + 2] {
        let mut framed = [0; LENGTH + 2];
        let (length, message) = framed.split_at_mut(2);
        length.copy_from_slice(&(LENGTH as u16).to_be_bytes());
        message.copy_from_slice(&self.message());
        framed
    }

    /// Whether this is a response to the question: a header with its id and QR set. A refusal has no more than that.
    pub(super) fn is_answered_by(self, message: &[u8]) -> bool {
        message.len() >= 12
            && message.starts_with(&self.id)
            && message.get(2).is_some_and(|flags| flags & 0x80 != 0)
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::{Class, QueryMessage, Type};

    use super::*;

    #[test]
    fn the_question_is_one() {
        let message = ProbeQuestion { id: [0x12, 0x34] }.message();
        let query = QueryMessage::parse(&message).unwrap();
        assert_eq!(query.header.id, 0x1234);
        assert_eq!((query.name.to_string().as_str(), query.qtype, query.class), (".", Type::SOA, Class::IN));
        assert!(!query.recursion_desired());
        assert_eq!(query.question_end(), LENGTH);
        let framed = ProbeQuestion { id: [0x12, 0x34] }.framed();
        assert_eq!((&framed[..2], &framed[2..]), (&[0, 17][..], &message[..]));
    }

    #[test]
    fn responses_are_told_from_the_rest() {
        let question = ProbeQuestion { id: [0x12, 0x34] };
        let refused = [0x12, 0x34, 0x80, 0x05, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(question.is_answered_by(&refused));
        assert!(!question.is_answered_by(&refused[..11]));
        assert!(!question.is_answered_by(&question.message()));
        assert!(!ProbeQuestion { id: [0x12, 0x35] }.is_answered_by(&refused));
    }
}
