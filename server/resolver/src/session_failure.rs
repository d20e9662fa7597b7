//! Why there is no encrypted session with a server.

/// Why there is no encrypted session with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SessionFailure {
    /// The certificate is not for its name or address.
    #[error("its certificate is for another name")]
    WrongName,
    /// The certificate is too old.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is too young, or the clock of this host is wrong.
    #[error("its certificate is not valid yet")]
    NotValidYet,
    /// The certificate leads to none that is trusted.
    #[error("the issuer of its certificate is not trusted")]
    UnknownIssuer,
    /// The key is none of those that are pinned.
    #[error("its key is none of the pinned ones")]
    PinMismatch,
    /// The certificate is wrong in another way.
    #[error("its certificate cannot be used")]
    Certificate,
    /// There is nothing to judge the certificate by.
    #[error("there are no root certificates to judge its certificate by")]
    NoRoots,
    /// The handshake was not done in time.
    #[error("its handshake was not done in time")]
    Stalled,
    /// The server ended the handshake.
    #[error("it ended the handshake")]
    Ended,
    /// The server speaks another protocol or another version of it.
    #[error("it does not speak the protocol")]
    Incompatible,
}

impl SessionFailure {
    /// Whether the next try will fail likewise, unless someone changes something.
    pub const fn is_lasting(self) -> bool {
        !matches!(self, Self::Stalled | Self::Ended)
    }
}
