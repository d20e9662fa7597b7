//! Work that waits for others: through one bounded queue, joined where the question is the same, answered to each client by
//! itself.

mod lookup;
mod pending;
mod prober;
mod queue;
mod resolve_task;
mod upstream_network;
mod waiting_clients;

pub use lookup::Tried;
pub use pending::{Explained, ReplyPath};
pub use prober::probe_upstreams;
pub use queue::ResolveQueue;
pub use resolve_task::ResolveTasks;
pub use upstream_network::UpstreamNetwork;
