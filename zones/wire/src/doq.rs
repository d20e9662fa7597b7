//! What DNS over QUIC says of its streams and how they end (RFC 9250).

use crate::edns::{self, OptRecord};
use crate::header;
use crate::query::QueryMessage;

/// Why a stream or a connection ends before it should (section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoqErrorCode {
    /// No error.
    NoError = 0x0,
    /// The server cannot go on.
    Internal = 0x1,
    /// The client broke the rules.
    Protocol = 0x2,
    /// The client gave the request up.
    RequestCancelled = 0x3,
    /// Too many at once, or for too long.
    ExcessiveLoad = 0x4,
}

/// What is wrong with the bytes of a stream; the connection ends with [`DoqErrorCode::Protocol`] (section 4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum DoqStreamError {
    /// It ended before the message did.
    Short,
    /// More bytes than one message.
    Long,
    /// The id of the message is not 0 (section 4.2.1).
    Id,
    /// An option that QUIC has its own way for (section 5.5.2).
    Keepalive,
}

impl DoqStreamError {
    /// In words, for the end of the connection.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Short => "a stream ended before its message",
            Self::Long => "a stream has more than one message",
            Self::Id => "the id of a message is not 0",
            Self::Keepalive => "a message has the option edns-tcp-keepalive",
        }
    }
}

/// The longest that a stream of a client may be: a message behind its length.
pub const LONGEST_STREAM: usize = 2 + 65_535;

/// The query within all the bytes of a stream.
pub fn query(stream: &[u8]) -> Result<&[u8], DoqStreamError> {
    let (length, message) = stream.split_first_chunk().ok_or(DoqStreamError::Short)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if message.len() > length {
        return Err(DoqStreamError::Long);
    }
    if message.len() < length || length < header::LENGTH {
        return Err(DoqStreamError::Short);
    }
    if !message.starts_with(&[0, 0]) {
        return Err(DoqStreamError::Id);
    }
    let edns = QueryMessage::parse(message).ok().and_then(|query| query.edns);
    let keeps = |edns: OptRecord<'_>| edns.options.into_iter().any(|(code, _)| code == edns::TCP_KEEPALIVE);
    if edns.is_some_and(keeps) { Err(DoqStreamError::Keepalive) } else { Ok(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_one_message_with_id_0() {
        let stream = |length: u16, message: &[u8]| [&length.to_be_bytes(), message].concat();
        let mut message = [7; 14];
        message[..2].fill(0);
        assert_eq!(query(&stream(14, &message)), Ok(message.as_slice()));
        for (wrong, error) in [
            (vec![], DoqStreamError::Short),
            (vec![0], DoqStreamError::Short),
            (stream(0, &[]), DoqStreamError::Short),
            (stream(11, &message[..11]), DoqStreamError::Short),
            (stream(15, &message), DoqStreamError::Short),
            (stream(13, &message), DoqStreamError::Long),
            (stream(0, &message), DoqStreamError::Long),
            (stream(14, &[7; 14]), DoqStreamError::Id),
        ] {
            assert_eq!(query(&wrong), Err(error), "{wrong:?}");
        }
    }

    #[test]
    fn keepalive_is_not_for_quic() {
        let with_option = |code: u8| {
            let mut message =
                b"\0\0\x01\0\0\x01\0\0\0\0\0\x01\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x04\0".to_vec();
            message.extend_from_slice(&[code, 0, 0]);
            [&(message.len() as u16).to_be_bytes(), message.as_slice()].concat()
        };
        assert_eq!(query(&with_option(11)), Err(DoqStreamError::Keepalive));
        assert!(query(&with_option(12)).is_ok());
    }
}
