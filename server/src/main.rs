//! rhumb: a nameserver, authoritative, recursive and forwarding in one binary.
//!
//! Modules import downwards only: `main > boot > {reload, control} > zone_events > {udp, stream} > recursion > query >
//! snapshot > {metrics, cookies, rate_limit}`.

pub mod boot;
pub mod cli;
pub mod control;
pub mod cookies;
pub mod metrics;
pub mod query;
pub mod rate_limit;
pub mod recursion;
pub mod reload;
pub mod snapshot;
pub mod stream;
pub mod test_hooks;
pub mod udp;
pub mod zone_events;

fn main() -> std::process::ExitCode {
    cli::main()
}
