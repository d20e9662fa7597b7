//! Iteration: a question from the root down to the servers of its zone.
//!
//! Nothing is believed that lies outside of the zone a server was asked about. What a parent says of a delegation is good to go on
//! by and never an answer. Everything that a question causes is counted against its own budget, see [`limits`].

mod address_progress;
mod anchor_keys;
mod bogus_records;
mod budget;
mod chain_of_trust;
mod clock;
mod clock_doubt;
mod closest_cut;
mod denial_verdict;
mod doubted_cut;
mod failure;
mod iteration;
mod known_denial;
mod known_records;
mod known_steps;
mod last_heard;
pub mod limits;
mod minimised_name;
mod other_servers;
mod proof_terms;
mod question_cost;
mod recall;
mod reply_records;
mod resolution;
mod resolution_failure;
mod resolution_progress;
mod resolution_scope;
mod resolve;
mod resolver_state;
mod root_copy;
mod sentinel;
mod server_addresses;
mod set_signatures;
mod settings;
mod shared_exchange;
mod signature_need;
mod trace;
mod trust_notes;
mod verdict;
mod work_limits;
mod zone_cut;
mod zone_exchange;
mod zone_reply;
mod zone_trust;

pub use anchor_keys::read_anchor_keys;
pub use failure::IterationFailure;
pub use known_steps::known_steps;
pub use question_cost::QuestionCost;
pub use recall::{RecalledQuestion, refer};
pub use resolution::IteratedAnswer;
pub use resolution_failure::ResolutionFailure;
pub use resolution_progress::ResolutionProgress;
pub use resolution_scope::{ForwardZone, ForwardedNames, OwnNames, ResolutionScope};
pub use resolve::{prime, resolve, resolve_traced, resolve_watched};
pub use resolver_state::ResolverState;
pub use root_copy::RootCopy;
pub use settings::{IterationSettings, NameMinimisation, NameServer, StubZone};
pub use trace::{
    AnchorKind, InsecureReason, ReplyMeaning, ResolutionEvent, ResolutionStep, ServersOrigin, TrustFound,
};
pub use work_limits::WorkLimits;

#[cfg(test)]
mod tests;
