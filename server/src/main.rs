//! rhumb: a nameserver, authoritative, recursive and forwarding in one binary.
//!
//! Modules import downwards only: `main > cli > boot > operator > reload > listen > recursion > {query, zone_events,
//! forwarding, cache_file, trust_anchors} > snapshot > {control, metrics, cookies, rate_limit, change} > supervision`.

pub mod boot;
pub mod cache_file;
pub mod change;
pub mod cli;
pub mod control;
pub mod cookies;
pub mod forwarding;
pub mod listen;
pub mod log_lines;
pub mod metrics;
pub mod operator;
pub mod query;
mod query_log;
pub mod rate_limit;
pub mod recursion;
pub mod reload;
pub mod snapshot;
pub mod supervision;
pub mod test_hooks;
pub mod trust_anchors;
pub mod zone_events;

/// Large buffers of short life stand among small pieces that are kept for days. jemalloc keeps these apart: a cache takes half of
/// what it takes with glibc.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
