//! What can be wrong with a TSIG record, for those who ask and for those who answer.

use crate::message::ReadError;

/// What the error field of a TSIG record says (RFC 8945 section 3). The response code beside it is NOTAUTH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TsigError {
    /// 16: the MAC is not that of the message.
    #[error("BADSIG: the MAC is not that of the message")]
    BadSignature,
    /// 17: the key or its algorithm is not known.
    #[error("BADKEY: the key or its algorithm is not known")]
    BadKey,
    /// 18: the clocks differ by more than the fudge.
    #[error("BADTIME: the clocks differ by more than the fudge")]
    BadTime,
    /// 22: the MAC is shorter than what is accepted for the key.
    #[error("BADTRUNC: the MAC is shorter than what is accepted for the key")]
    BadTruncation,
}

impl TsigError {
    /// The number in the error field.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadSignature => 16,
            Self::BadKey => 17,
            Self::BadTime => 18,
            Self::BadTruncation => 22,
        }
    }

    /// The error of a number.
    pub fn from_code(code: u16) -> Option<Self> {
        let all = [Self::BadSignature, Self::BadKey, Self::BadTime, Self::BadTruncation];
        all.into_iter().find(|error| error.code() == code)
    }
}

/// Why a message with TSIG deserves FORMERR (RFC 8945 sections 5.2 and 5.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TsigFormatError {
    /// The message cannot be read as far as its TSIG.
    #[error("the message cannot be read: {0}")]
    Message(#[from] ReadError),
    /// It stands in another section, something comes after it, or there are two.
    #[error("TSIG is not the last record of the additional section, or not the only one")]
    Position,
    /// Its class is not ANY, or its TTL not 0.
    #[error("the class of TSIG is not ANY or its TTL not 0")]
    Fixed,
    /// Its RDATA is cut off, too long, or has a compressed name.
    #[error("RDATA of TSIG is malformed")]
    Rdata,
    /// The MAC is longer than the algorithm makes it, or shorter than any may be.
    #[error("the MAC has a length that its algorithm does not allow")]
    MacLength,
}

/// Why a response is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The record is malformed.
    #[error(transparent)]
    Format(#[from] TsigFormatError),
    /// A message that has to be signed is not.
    #[error("the response is not signed")]
    NotSigned,
    /// It is signed by another key or with another algorithm.
    #[error("the response is signed with another key")]
    OtherKey,
    /// The MAC is not that of the message.
    #[error("the MAC of the response is wrong")]
    BadSignature,
    /// The MAC is shorter than what is accepted for the key.
    #[error("the MAC of the response is shorter than what is accepted for the key")]
    BadTruncation,
    /// It was signed at a time that differs by more than the fudge.
    #[error("the response was signed at another time")]
    BadTime,
    /// The server refuses the signature of the request. The message itself is not signed: anybody may have sent it.
    #[error("the server answers {0}, unsigned")]
    Rejected(TsigError),
    /// The server refuses the signature of the request, and has signed that.
    #[error("the server answers {error}")]
    RejectedSigned {
        /// What it says.
        error: TsigError,
        /// The server's clock in seconds since 1970, where it says it: with BADTIME.
        server_time: Option<u64>,
    },
}
