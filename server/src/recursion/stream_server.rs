//! Servers and failures of connections, as the network and the resolver call them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rhumb_net::tls::client::{ServerTrust, TlsFailure, TlsServer};
use rhumb_net::upstream::{ConnectionFailure, StreamCarriage, StreamFailure, StreamServer};
use rhumb_resolver::{ExchangeError, ServerIdentity, SessionFailure};
use rhumb_wire::Transport;

/// The server that is asked by `transport`, from `source` where one is given.
pub(super) fn stream_server(
    server: &ServerIdentity,
    transport: Transport,
    source: Option<IpAddr>,
) -> StreamServer {
    let tls = || TlsServer {
        name: server.name.clone(),
        protocol: transport.protocols().first().copied().unwrap_or_default(),
        trust: server.trust.as_ref().map_or_else(ServerTrust::default, |trust| ServerTrust {
            authorities: trust.authorities.clone(),
            pins: trust.pins.as_slice().into(),
            verified: trust.verified,
        }),
    };
    let carriage = match transport {
        // A datagram that does not do is followed by TCP.
        Transport::Udp | Transport::Tcp => StreamCarriage::Tcp,
        Transport::Tls => StreamCarriage::Tls(tls()),
        Transport::Https => {
            StreamCarriage::Https(tls(), server.path.clone().unwrap_or_else(|| Arc::from("/")))
        }
        Transport::Quic => StreamCarriage::Quic(tls()),
    };
    StreamServer { address: server.address, source, carriage }
}

/// What went wrong, as the resolver calls it.
pub(super) fn stream_error(StreamFailure { cause, shared }: StreamFailure) -> ExchangeError {
    let error = match cause {
        ConnectionFailure::Timeout => ExchangeError::Timeout,
        ConnectionFailure::Session(failure) => ExchangeError::Session(session_failure(failure)),
        ConnectionFailure::Closed => ExchangeError::Closed,
        ConnectionFailure::HttpStatus(status) => ExchangeError::HttpStatus(status),
        ConnectionFailure::NoMessage => ExchangeError::NoMessage,
        ConnectionFailure::Full => ExchangeError::ServerFull,
        ConnectionFailure::System(kind) => classified(kind.into()),
    };
    if shared { ExchangeError::Shared(Box::new(error)) } else { error }
}

/// An error of the system, as the resolver calls it.
pub(super) fn classified(error: io::Error) -> ExchangeError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => ExchangeError::Refused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
            ExchangeError::Unreachable
        }
        io::ErrorKind::TimedOut => ExchangeError::Timeout,
        _ => ExchangeError::Io(error),
    }
}

const fn session_failure(failure: TlsFailure) -> SessionFailure {
    match failure {
        TlsFailure::WrongName => SessionFailure::WrongName,
        TlsFailure::Expired => SessionFailure::Expired,
        TlsFailure::NotValidYet => SessionFailure::NotValidYet,
        TlsFailure::UnknownIssuer => SessionFailure::UnknownIssuer,
        TlsFailure::PinMismatch => SessionFailure::PinMismatch,
        TlsFailure::Certificate => SessionFailure::Certificate,
        TlsFailure::NoRoots => SessionFailure::NoRoots,
        TlsFailure::Stalled => SessionFailure::Stalled,
        TlsFailure::Ended => SessionFailure::Ended,
        TlsFailure::Incompatible => SessionFailure::Incompatible,
    }
}
