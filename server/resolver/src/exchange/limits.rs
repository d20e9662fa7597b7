//! The bounds of asking one server.

use std::time::Duration;

/// The most messages sent for one question to one server over one transport (RFC 9520 section 3.1).
pub const SENDS_EACH: u8 = 3;
/// Datagrams that are no reply, after which a socket is given up.
pub const STRAYS: u32 = 8;
/// The most bytes taken of the text of an extended error.
pub const REASON: usize = 100;
/// The UDP payload size that servers are told (RFC 9715 section 3.2).
pub const PAYLOAD: u16 = 1232;

/// How long the first reply of a server over UDP, or whatever it is asked by first, is waited for before the query is sent again, or to another one.
pub const UDP_UNKNOWN: Duration = Duration::from_millis(800);
/// The same over a stream to a server that is asked by UDP first.
pub const STREAM_UNKNOWN: Duration = Duration::from_millis(1500);
/// The same where the server is down, or untried while others are known.
pub const DOUBTFUL: Duration = Duration::from_millis(400);
/// The least that is waited, however fast a server was so far.
pub const UDP_LEAST: Duration = Duration::from_millis(250);
/// The same over a stream.
pub const STREAM_LEAST: Duration = Duration::from_millis(500);
/// The most that is waited.
pub const MOST: Duration = Duration::from_secs(2);
/// Pause before a server that refused a connection is asked once more; grows with each refusal.
pub const PAUSE: Duration = Duration::from_millis(250);

/// Failures in a row after which a server is down.
pub const FAILURES: u32 = 3;
/// Failures in a row after which a server gets no more than a trial now and then.
pub const SILENT_FAILURES: u32 = 12;
/// How often it gets one.
pub const TRIAL: Duration = Duration::from_millis(250);
/// Pause before a server that is down is probed; doubles with each probe.
pub const PROBE_LEAST: Duration = Duration::from_secs(1);
/// The most it doubles to.
pub const PROBE_MOST: Duration = Duration::from_secs(15);
/// How long a probe waits for its reply, and the most messages it sends.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// The most messages of a probe.
pub const PROBE_SENDS: usize = 3;
/// How often a server that is not the fastest of its list is measured.
pub const EXPLORE: Duration = Duration::from_secs(50);

/// How long a server is asked without EDNS once it answers so and not with it. Queries with DO have EDNS all the same.
pub const EDNS_MEMORY: Duration = Duration::from_mins(1);
/// Questions in a row that were answered without EDNS alone, after which the server is taken to have none: one that
/// refuses a single name, or loses its way for a moment, has it.
pub const EDNS_MISSES: u32 = 3;
/// How long a server is asked without EDNS first that did not reply to queries with it.
pub const DROPPED_EDNS_MEMORY: Duration = Duration::from_mins(1);
/// How long a client cookie is used with one server (RFC 9018 section 3).
pub const COOKIE_LIFE: Duration = Duration::from_hours(1);
/// How long a server is asked without cookies that lost the ability, or does not reply to queries with them.
pub const COOKIE_OFF: Duration = Duration::from_mins(10);
/// Replies in a row over a stream without the cookie that the server gave before, after which it is asked without.
pub const COOKIE_MISSES: u32 = 3;
/// How long a server that does not keep the case of names is asked in lower case.
pub const CASE_MEMORY: Duration = Duration::from_hours(1);
/// Replies in another case in a row after which no TCP is needed to believe it.
pub const CASE_MISSES: u32 = 3;

/// The most queries to one server that are under way at a time: more than one route may ask, since a forwarder may be silent for one domain
/// and answer for the others.
pub const UNDER_WAY_OF_SERVER: usize = 4096;
/// The most queries to all servers that are under way at a time; each holds a socket.
pub const UNDER_WAY: usize = 8192;

/// The most servers that are remembered without being in use.
pub const SERVERS: usize = 16_384;
