//! The bounds of iteration. Each is counted against the client's question, through everything that is asked on its behalf.

use std::time::Duration;

/// Seconds from the times of the root's signatures that a clock may be off before it is taken to be wrong: longer than the root's keys are
/// signed for.
pub const CLOCK_MARGIN: u32 = 30 * 86_400;

/// The longest a question is worked on.
pub const DEADLINE: Duration = Duration::from_secs(8);
/// The most messages sent for one question in all.
pub const SENDS: usize = 200;
/// The most messages sent to the servers of one zone for one of its names.
pub const SENDS_OF_FETCH: usize = 16;
/// The longest that the servers of one zone are asked for one of its names.
pub const FETCH: Duration = Duration::from_secs(5);
/// The same for a name that is shortened: where nothing is heard of it the whole one is asked for, while clients still wait.
pub const FETCH_SHORTENED: Duration = Duration::from_millis(2500);
/// How long nothing was heard of servers that are taken to be silent, though they are still waited for.
pub const SILENCE: Duration = Duration::from_millis(1500);
/// How old a question is at least before they are, where the network is known to be there: clients wait for five seconds as a rule.
pub const SLOW_SERVER_WAIT: Duration = Duration::from_millis(4500);
/// The most bytes of replies read for one question.
pub const RECEIVED: usize = 256 * 1024;
/// How deep questions for the addresses of nameservers may lead to further ones.
pub const DEPTH: usize = 8;
/// The most CNAME and DNAME links followed.
pub const LINKS: usize = 11;
/// The most nameservers used of a delegation.
pub const NAME_SERVERS: usize = 13;
/// The most addresses used of a nameserver.
pub const ADDRESSES: usize = 6;
/// The most addresses of nameservers that may be looked for in vain for one question.
pub const FAILED_ADDRESSES: usize = 5;
/// How long it is remembered that the address of a nameserver cannot be found.
pub const FAILURE_MEMORY: Duration = Duration::from_secs(5);
/// The most failures that are remembered.
pub const FAILURES: usize = 16_384;
/// How often the root is asked for its servers (RFC 9609), at most.
pub const PRIME_EVERY: Duration = Duration::from_hours(12);
/// Labels that are added one by one to a minimised name (RFC 9156 section 2.3).
pub const SINGLE_LABELS: usize = 4;
/// The most minimised names asked for on the way to one name (RFC 9156 section 2.3).
pub const MINIMISED: usize = 10;

/// The most records of an `RRset`.
pub const RECORDS_OF_SET: usize = 256;
/// The most signatures kept with an `RRset`.
pub const SIGNATURES: usize = 8;
/// The most records read of a reply.
pub const RECORDS: usize = 1024;
/// The most types of one name, where all of them were asked for.
pub const TYPES: usize = 100;
/// The most `RRsets` of NSEC and NSEC3 kept of a reply.
pub const DENIALS: usize = 32;
/// The longest TTL believed, in seconds: a week (RFC 8767 section 4).
pub const TTL: u32 = 604_800;
/// The longest TTL of a denial, in seconds (RFC 2308 section 5).
pub const DENIAL_TTL: u32 = 10_800;
/// The TTL of a denial without SOA, in seconds.
pub const BARE_DENIAL_TTL: u32 = 5;
