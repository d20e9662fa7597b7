//! From the bytes of a request to the bytes of its answer, or to the work that waits for one.
//!
//! Nothing here waits, and nothing allocates for an answer that is at hand.

mod admit;
mod authoritative;
mod cached;
mod client;
mod count;
mod finish;
mod moment;
mod outcome;
mod pipeline;
mod trace;
mod waiting;

pub use client::Client;
pub use count::{count_request, count_response};
pub use finish::truncate;
pub use moment::Moment;
pub use outcome::{Job, Outcome, Purpose, Scratch};
pub use pipeline::respond;
pub use trace::Step;
pub use waiting::{answer_waiting, fail_waiting, failure_message};
