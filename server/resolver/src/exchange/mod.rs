//! One question to one server: the query, its transports, which reply is believable, and what is learnt of the server.
//!
//! A reply is believed only if it comes to the socket its query left from, with the query's id and question, in the very
//! case the question was sent in (RFC 5452 section 9; draft-vixie-dnsext-dns0x20). Anything suspicious is asked again
//! over TCP, an error that may be due to EDNS once more without it. So is a reply that lacks the cookie which the server gave before
//! (RFC 7873 section 5.3). A server that was never heard of is asked without cookie and without EDNS in the end, for some drop
//! such queries; where records are to be signed it is not, since nothing could be believed of such a reply. Which server is asked, and what an answer means, is
//! for the caller to decide.

mod attempt;
mod capabilities;
mod conclude;
mod context;
mod cookie;
mod counters;
mod health;
pub mod limits;
mod places;
mod probe;
mod query;
mod reason;
mod reply;
mod report;
mod rtt;
mod server;
mod server_exchange;
mod store;
mod unusable;

pub(crate) use conclude::{next_progress, ready_progress};
pub use context::LookupContext;
pub use counters::{RCODE_CLASSES, TransportCounts, rcode_class};
pub use places::{QueryPlace, QueryPlaces};
pub use probe::probe;
pub use reason::ExtendedReason;
pub(crate) use reply::whole_rcode;
pub use reply::{AnswerReader, ReadAnswer, RefusedReply};
pub use report::{AttemptObserver, AttemptOutcome, AttemptReport};
pub use server::RemoteServer;
pub use server_exchange::{ExchangeProgress, RetryLimits, RetryPace, ServerExchange};
pub use store::ServerStore;
pub use unusable::UnusableReply;
