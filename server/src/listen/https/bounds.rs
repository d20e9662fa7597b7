//! What clients may have of the server, by either version of HTTP.

use std::time::Duration;

use rhumb_http2::STREAM_WINDOW;

/// The longest query, in bytes.
pub(super) const LONGEST: usize = 65_535;
/// Longer bodies than this are large, in bytes. By HTTP/2 no more comes until there is room for it.
pub(super) const LARGE: usize = STREAM_WINDOW as usize;
/// Large bodies that are read at a time on a connection.
pub(super) const LARGE_BODIES: usize = 2;
/// Bytes that are read, and passed over, of a body without a query.
pub(super) const PASSED_OVER: usize = 256 << 10;
/// Bytes of answers of a connection that wait to be sent; with more, further requests wait.
pub(super) const MOST_UNSENT: usize = 128 << 10;
/// How long a body may take to be whole.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a request may take: its body, its look-up, and those before it.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection has to say that it ends.
pub(super) const CLOSING_TIME: Duration = Duration::from_secs(1);
/// How long queries have to be answered once the server stops: as long as it waits for them.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(5);
