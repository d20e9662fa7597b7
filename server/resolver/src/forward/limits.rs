//! The bounds of forwarding.

use std::time::Duration;

/// The longest a question is worked on: clients give up after five seconds.
pub const DEADLINE: Duration = Duration::from_millis(4300);
/// The longest that upstreams are waited for of which each was down before the question came.
pub const DOWN: Duration = Duration::from_millis(1800);
/// A message whose reply is late is sent again no later than so long after the question came, for it takes the place of the one
/// before: a slow upstream has the rest of the time.
pub const RESENDS: Duration = Duration::from_millis(1900);
/// The most messages sent for one question, over all upstreams and transports.
pub const SENDS: usize = 12;
/// The most bytes of replies read for one question.
pub const RECEIVED: usize = 256 * 1024;

/// The most CNAME and DNAME links of an answer.
pub const LINKS: usize = 11;
/// The most records of an `RRset`.
pub const RECORDS_OF_SET: usize = 4096;
/// The most signatures kept with an `RRset`.
pub const SIGNATURES: usize = 8;
/// The most types of one name, where all of them were asked for.
pub const TYPES: usize = 100;
/// The most `RRsets` of NSEC and NSEC3 in an answer.
pub const DENIALS: usize = 32;
/// The most records read of a reply's answer and authority sections.
pub const RECORDS: usize = 6000;
/// The longest TTL believed: a week (RFC 8767 section 4).
pub const TTL: u32 = 604_800;
