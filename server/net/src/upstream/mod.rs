//! Asking other servers: a fresh socket with an unpredictable port for each query over UDP, and connections.
//!
//! What an answer must look like is the caller's to judge; here it is only bytes from the right address.

mod connection;
mod connection_failure;
mod connection_state;
mod datagrams;
mod http_connection;
mod kept_streams;
mod message_connection;
mod query_sockets;
mod quic_connection;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod reply_watch;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod reply_watch_portable;
mod request_connection;
mod server_stream;
mod shared_connection;
mod stream_server;

pub use connection::{StreamSendError, UpstreamConnection};
pub use connection_failure::ConnectionFailure;
pub use datagrams::QuerySocket;
pub use kept_streams::KeptStreams;
pub use query_sockets::{QueryExchangeError, QuerySockets, ReceiveVerdict};
pub use server_stream::{ServerConnectError, ServerConnector, ServerStream};
pub use stream_server::{CarriageKind, StreamCarriage, StreamFailure, StreamServer};

#[cfg(test)]
mod encrypted_tests;
#[cfg(test)]
mod kept_streams_tests;
#[cfg(test)]
mod server_stream_tests;
#[cfg(test)]
mod tests;
