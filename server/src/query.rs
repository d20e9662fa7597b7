//! From the bytes of a request to the bytes of its answer, or to the work that waits for one.
//!
//! Nothing here waits, and nothing allocates for an answer that is at hand.

mod admit;
mod admitted;
mod ahead;
mod alias_scan;
mod authoritative;
mod cached;
mod chaos;
mod client;
mod context;
mod count;
mod deny;
mod discovery;
mod edns_context;
mod follow;
mod kept_reason;
mod limit;
mod link_parts;
mod log;
mod notified;
mod outcome;
mod pipeline;
mod remade_answer;
mod response;
mod rotate;
mod transfer;
mod tsig;
mod updated;
mod waiting;

pub use ahead::look_ahead;
pub use alias_scan::{check_aliases, is_own_name, is_whole};
pub use client::QueryClient;
pub use context::QueryContext;
pub use count::{count, count_waiting};
pub use deny::respond_incomplete;
pub use kept_reason::{CIRCLE, PRIVATE_ADDRESS, add_reason};
pub use link_parts::LinkAnswer;
pub use log::{log_answer, log_waiting};
pub use outcome::{
    ForwardedUpdate, IncompleteResponse, MessageSource, QueryOutcome, QueryScratch, ResolveWork, TraceStep,
    UpdateWork, WaitingClient, WaitingQuery, WaitingWork,
};
pub use pipeline::{respond, respond_truncated};
pub use waiting::{
    WaitedResponse, WaitingStep, answer_update, answer_waiting, fail_waiting, failure_message,
    follow_waiting, truncate_waiting,
};

#[cfg(test)]
mod tests;
