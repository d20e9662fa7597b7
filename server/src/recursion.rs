//! Work that waits for others: through one bounded queue, joined where the question is the same, answered to each client by
//! itself.

mod address_synthesis;
mod anchor_refresh;
mod chain_deadlines;
mod circle_check;
mod clock_check;
mod explained_lookups;
mod failure_back_off;
mod failure_log;
mod forward_attempts;
mod forwarded_updates;
mod iterated_lookup;
mod lookup;
mod lookup_answer;
mod lookup_shares;
mod name_lookup;
mod own_lookups;
mod pending;
mod prober;
mod queue;
mod recalled_answer;
mod reply_path;
mod resolve_task;
mod signature_threads;
mod stream_server;
mod tried;
mod upstream_network;
mod upstream_trouble;
mod waiting_clients;

pub use explained_lookups::{ExplainedLookup, ExplainedLookups};
pub use name_lookup::look_up_names;
pub use prober::probe_upstreams;
pub use queue::ResolveQueue;
pub use reply_path::{ExplainedAnswer, ReplyHop, ReplyPath};
pub use resolve_task::ResolveTasks;
pub use tried::{TriedServer, outcome_words};
pub use upstream_network::UpstreamNetwork;
