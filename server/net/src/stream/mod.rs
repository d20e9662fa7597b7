//! Messages on a stream, each behind its length in two bytes (RFC 1035, section 4.2.2; RFC 7766, section 8), over
//! anything that reads and writes.
//!
//! [`Reader`] and [`Writer`] hold the bounds: time for the first message, for each message, between messages, and
//! for the peer to take its answers; memory that grows with what arrived and not with what was announced.

mod reader;
mod writer;

pub use reader::{Frame, ReadError, Reader, Timeouts};
pub use writer::{PushError, WriteError, Writer};

/// The length in front of each message, in bytes.
const PREFIX: usize = 2;
/// The longest message with its length, in bytes.
const LONGEST: usize = PREFIX + u16::MAX as usize;
/// What a quiet connection keeps of a buffer, in bytes.
const KEPT: usize = 4096;

#[cfg(test)]
mod tests;
