//! Forwarding decisions, without sockets.
