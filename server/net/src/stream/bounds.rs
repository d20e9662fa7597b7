//! The bounds of streams of messages, and what happens at each.

use std::io;
use std::time::Duration;

/// The length in front of each message, in bytes.
pub(super) const PREFIX: usize = 2;
/// The longest message with its length, in bytes.
pub(super) const LONGEST: usize = PREFIX + u16::MAX as usize;
/// With this much waiting to be written no further message is taken, in bytes; the last one may be as long again.
pub(super) const FULL: usize = 65_536;

/// How long a peer may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamTimeouts {
    /// For the first whole message, from the connection on.
    pub first: Duration,
    /// Without a message begun, after the first one.
    pub idle: Duration,
    /// For a message to be whole once its first byte is there.
    pub message: Duration,
    /// For the peer to take 16 KiB, or all that waits if it is less.
    pub write: Duration,
}

/// Why there is no use in going on with a stream.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No whole first message in the time for it.
    #[error("no first message in time")]
    First,
    /// Nothing came for the time a connection may be idle.
    #[error("idle for too long")]
    Idle,
    /// A message was begun and not whole in the time for it.
    #[error("a message came too slowly")]
    Slow,
    /// The peer takes what is sent to it too slowly.
    #[error("the peer reads too slowly")]
    Unread,
    /// A message of no bytes, which cannot be one.
    #[error("an empty message")]
    Empty,
    /// The stream ended in the middle of a message.
    #[error("the stream ended within a message")]
    Cut,
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a message was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PushError {
    /// The peer has not taken what waits for it already.
    #[error("too much is waiting to be written")]
    Full,
    /// Longer than two bytes of length can say, or empty.
    #[error("a message of {0} bytes does not fit a stream")]
    Length(usize),
}
