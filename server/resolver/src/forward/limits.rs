//! The bounds of forwarding, in one place.

use std::time::Duration;

/// The longest a question is worked on.
pub const DEADLINE: Duration = Duration::from_secs(8);
/// The most messages sent for one question, over all upstreams and transports.
pub const SENDS: usize = 12;
/// The most messages sent for one question to one upstream over one transport (RFC 9520 section 3.1).
pub const SENDS_EACH: u8 = 3;
/// The most bytes of replies read for one question.
pub const RECEIVED: usize = 256 * 1024;
/// Datagrams that are no reply, after which a socket is given up.
pub const STRAYS: u32 = 8;

/// The UDP payload size told to upstreams (RFC 9715 section 3.2).
pub const PAYLOAD: u16 = 1232;

/// How long the first reply of an upstream over UDP is waited for before another one is asked as well.
pub const UDP_UNKNOWN: Duration = Duration::from_millis(800);
/// The same over TCP.
pub const TCP_UNKNOWN: Duration = Duration::from_millis(1500);
/// The same where the upstream is down, or untried while others are known.
pub const DOUBTFUL: Duration = Duration::from_millis(400);
/// The least that is waited, however fast an upstream was so far.
pub const UDP_LEAST: Duration = Duration::from_millis(250);
/// The same over TCP.
pub const TCP_LEAST: Duration = Duration::from_millis(500);
/// The most that is waited before another upstream is asked as well.
pub const MOST: Duration = Duration::from_secs(2);
/// How long replies may come after the last send if every upstream asked is down.
pub const GRACE: Duration = Duration::from_secs(4);
/// Pause before an upstream that refused a connection is asked once more; grows with each refusal.
pub const PAUSE: Duration = Duration::from_millis(250);

/// Failures in a row after which an upstream is down.
pub const FAILURES: u32 = 3;
/// Pause before an upstream that is down is tried again; doubles with each try.
pub const PROBE_LEAST: Duration = Duration::from_secs(1);
/// The most it doubles to.
pub const PROBE_MOST: Duration = Duration::from_secs(30);
/// Policy "fastest": how often an upstream that is not the fastest is measured.
pub const EXPLORE: Duration = Duration::from_secs(50);

/// How long an upstream is asked without EDNS once it answered so and not with it.
pub const EDNS_MEMORY: Duration = Duration::from_mins(15);
/// How long an upstream that does not keep the case of names is asked in lower case.
pub const CASE_MEMORY: Duration = Duration::from_hours(1);
/// Replies in another case in a row after which no TCP is needed to believe it.
pub const CASE_MISSES: u32 = 3;

/// The most CNAME and DNAME links of an answer.
pub const LINKS: usize = 11;
/// The most records of an `RRset`.
pub const RECORDS_OF_SET: usize = 256;
/// The most signatures kept with an `RRset`.
pub const SIGNATURES: usize = 8;
/// The most types of one name, where all of them were asked for.
pub const TYPES: usize = 100;
/// The most `RRsets` of NSEC and NSEC3 in an answer.
pub const DENIALS: usize = 32;
/// The most records read of a reply's answer and authority sections.
pub const RECORDS: usize = 1024;
/// The longest TTL believed: a week (RFC 8767 section 4).
pub const TTL: u32 = 604_800;
