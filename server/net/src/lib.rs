//! Sockets and streams: bytes in, bytes out.
