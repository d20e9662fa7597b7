//! The sections of the configuration, each with its keys.

mod cache;
mod control;
mod cookies;
mod dnssec;
mod forward;
mod keys;
mod listen;
mod log;
mod metrics;
mod rate_limit;
mod recursion;
mod recursion_limits;
mod remotes;
mod secondary;
mod server;
mod stub;
mod transfer_to;
mod update_limits;
mod update_rule;
mod workers;
mod zones;

pub use cache::CacheSettings;
pub use control::ControlSettings;
pub use cookies::CookieSecret;
pub use dnssec::{CalendarDay, DnssecClock, DnssecValidation, NegativeTrustAnchor, TrustAnchors, TrustedKey};
pub use forward::{ForwardEntry, ForwardFallback, ForwardPolicy, UpstreamSource};
pub use keys::{TsigKeyEntry, TsigSecret};
pub use listen::{CertificateSource, HttpListener, ListenEntry};
pub use log::{LogFormat, LogLevel, LogSettings};
pub use metrics::MetricsSettings;
pub use rate_limit::RateLimitSettings;
pub use recursion::{QnameMinimisation, RecursionSettings, RootHints};
pub use recursion_limits::RecursionLimits;
pub use remotes::NamedRemote;
pub use secondary::{SecondaryTerms, SecondaryZone, TimerBounds};
pub use server::ServerSettings;
pub use stub::StubEntry;
pub use transfer_to::TransferRule;
pub use update_limits::UpdateQueueLimits;
pub use update_rule::{UpdateAction, UpdateNames, UpdateNamesError, UpdateRule};
pub use workers::WorkerThreads;
pub use zones::ZoneSource;

pub(crate) use keys::MD5_WARNING;
pub(crate) use remotes::is_remote_name;
pub(crate) use workers::{UserName, WorkerCount};
