//! The server's side of QUIC (RFC 9000): streams of clients, answered from the address that was asked, on wildcard sockets too.
//!
//! Early data is not taken, datagrams of the application are not offered, and what a client may make the server hold has bounds.

mod connection;
mod endpoint;
mod error;
mod reset_key;
mod session;

pub use connection::{QuicConnection, QuicStream};
pub use endpoint::{IncomingQuic, QuicEndpoint, bind};
pub use error::StreamClosed;

#[cfg(test)]
mod tests;
