//! Replies of NOERROR or NXDOMAIN that answer nothing.

/// Why a reply cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnusableReply {
    /// It cannot be read, or a record of the answer breaks the rules of its type.
    #[error("malformed")]
    Malformed,
    /// It is none: not a response, truncated, or of another response code.
    #[error("no answer")]
    NoAnswer,
    /// It does not say which question it answers.
    #[error("no question in it")]
    NoQuestion,
    /// It is the reply to something else.
    #[error("a reply to another question")]
    Mismatch,
    /// It sends us elsewhere instead of answering: to a zone whose name has so many labels.
    #[error("a referral")]
    Referral(u8),
    /// The server does not have the zone: it has no answer, and its referral does not lead downwards (RFC 9499 section 7, lame
    /// delegation).
    #[error("neither an answer nor a referral downwards")]
    Lame,
    /// It has records, none of which belongs to the question.
    #[error("records of other names only")]
    Unrelated,
    /// It denies the name and has records of it.
    #[error("the denied name has records")]
    Contradiction,
    /// Its CNAMEs lead back to where they were.
    #[error("a loop of CNAMEs")]
    Loop,
    /// It has more than eleven CNAME or DNAME links.
    #[error("too many CNAMEs in a row")]
    TooManyLinks,
    /// A CNAME that its DNAME does not give, or a DNAME that makes a name too long (RFC 6672 section 2.2).
    #[error("a DNAME and its CNAME do not agree")]
    Dname,
    /// More records, types or proofs than an honest answer has.
    #[error("too many records")]
    TooMany,
    /// Its own form has more than 65535 bytes.
    #[error("too long")]
    TooLong,
}
