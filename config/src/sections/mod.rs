//! The sections of the configuration, each with its keys.

mod cache;
mod control;
mod cookies;
mod forward;
mod listen;
mod log;
mod metrics;
mod rate_limit;
mod recursion;
mod server;
mod workers;
mod zones;

pub use cache::CacheSettings;
pub use control::Control;
pub use cookies::CookieSecret;
pub use forward::{Forward, Policy, UpstreamSource};
pub use listen::Listen;
pub use log::{Log, LogFormat, LogLevel};
pub use metrics::MetricsSettings;
pub use rate_limit::RateLimit;
pub use recursion::Recursion;
pub use server::ServerSettings;
pub use workers::Workers;
pub use zones::ZoneSource;

pub(crate) use workers::{UserName, WorkerCount};
