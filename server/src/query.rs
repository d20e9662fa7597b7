//! From the bytes of a request to the bytes of its answer, or to the work that waits for one.
//!
//! Nothing here waits, and nothing allocates for an answer that is at hand.

mod admit;
mod ahead;
mod asking;
mod authoritative;
mod bare;
mod cached;
mod chaos;
mod client;
mod count;
mod deny;
mod extras;
mod finish;
mod limit;
mod moment;
mod outcome;
mod pipeline;
mod trace;
mod tsig;
mod waiting;

pub use ahead::look_ahead;
pub use client::Client;
pub use count::{count, count_message};
pub use finish::truncate;
pub use moment::Moment;
pub use outcome::{Job, Outcome, Purpose, Scratch};
pub use pipeline::respond;
pub use trace::Step;
pub use waiting::{answer_waiting, fail_waiting, failure_message};

#[cfg(test)]
mod tests;
