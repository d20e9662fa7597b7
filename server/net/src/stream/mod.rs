//! Messages on a stream, each behind its length in two bytes (RFC 1035, section 4.2.2; RFC 7766, section 8), over
//! anything that reads and writes.
//!
//! [`MessageStream`] takes all that one read brought, gives out each whole message, and sends all their answers with one
//! write. The room for both is the thread's; a connection holds only what could not be finished at once: the part of
//! a message, and the answers its peer does not take. So one that is quiet holds nothing.
//!
//! [`ByteStream`] does the same for bytes whose parts are told apart elsewhere.
//!
//! The bounds are here too: time for the first message, for each message, between messages, and for the peer to take
//! its answers; memory that grows with what arrived and not with what was announced.

mod bounds;
mod byte_stream;
mod deadline_timer;
mod message_stream;
mod outgoing_messages;
mod receive_buffer;
mod send_queue;

pub use bounds::{PushError, StreamError, StreamTimeouts};
pub use byte_stream::{ByteStream, is_long_output};
pub use message_stream::{MessageStream, ReadExpectation, ReadOutcome};
pub use outgoing_messages::OutgoingMessages;

#[cfg(test)]
mod tests;
