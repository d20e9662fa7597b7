//! Datagrams that are answered from the address they were sent to.
//!
//! A [`DatagramSocket`] is bound once and shared: its own thread receives and answers in batches ([`DatagramBatch`]), blocking, and
//! tasks elsewhere answer later with [`DatagramSocket::send`].

mod batch;
mod datagram;
mod fragmentation;
mod options;
mod outbox;
mod socket;

pub use batch::DatagramBatch;
pub use datagram::ReceivedDatagram;
pub use options::SocketOptions;
pub(crate) use options::{addresses_to_come, unfragmented};
pub use outbox::{DatagramOutbox, OutgoingDatagram};
pub use socket::{DatagramSendError, DatagramSocket, is_too_large};

#[cfg(test)]
mod tests;
