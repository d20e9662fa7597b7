//! Sockets and streams: bytes in, bytes out.
//!
//! This crate knows no more of DNS than that a message on a stream follows its length in two bytes
//! (RFC 1035, section 4.2.2). What it owns is the promise that a datagram is answered from the very address
//! it was sent to ([`udp`], [`LocalAddress`]), the bounds on streams ([`tcp`], [`stream`]), their encryption ([`tls`], [`quic`]), fresh
//! and unpredictable sockets towards other servers ([`upstream`]), and the questions to ask of the routing table ([`route`]).
//!
//! It is also the only crate with `unsafe` code and with code for one operating system only. The former is in
//! `sys.rs`, `process.rs`, `file_writer.rs` and below `udp/` and `upstream/`, the latter in `pktinfo.rs`, `sockaddr.rs` and the files that say so.

mod accept;
#[cfg(target_os = "linux")]
mod address_watch;
mod bind;
mod file_writer;
mod free;
mod local;
pub mod peer;
mod pktinfo;
mod port_owner;
mod process;
pub mod quic;
mod random;
pub mod route;
mod sockaddr;
mod socket_kind;
pub mod stream;
mod sys;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod upstream;

pub use accept::{AcceptEvent, AcceptedConnection, StreamListener, serve_connections, tcp_listener};
#[cfg(target_os = "linux")]
pub use address_watch::AddressWatch;
pub use bind::BindError;
pub use file_writer::has_writer;
pub use free::check_free;
pub use local::LocalAddress;
pub use process::{
    descriptor_limit, fetch, interrupt_nobody, open_descriptors, raise_descriptor_limit, release_memory,
    yield_to_others,
};
pub use random::{random, random_u16};
pub use socket_kind::SocketKind;
