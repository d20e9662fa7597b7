//! The bounds of forwarding.

use std::time::Duration;

/// The longest a question is worked on.
pub const DEADLINE: Duration = Duration::from_secs(8);
/// The most messages sent for one question, over all upstreams and transports.
pub const SENDS: usize = 12;
/// The most bytes of replies read for one question.
pub const RECEIVED: usize = 256 * 1024;
/// How long replies may come after the last send if every upstream asked is down.
pub const GRACE: Duration = Duration::from_secs(4);

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
