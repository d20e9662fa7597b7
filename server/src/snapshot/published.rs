//! What a reload publishes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use rhumb_config::ServerConfig;
use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigKeyring;

use super::iteration_plan::IterationPlan;
use super::view::SnapshotView;
use crate::cookies::ServerCookies;
use crate::rate_limit::RateLimit;

/// The values of the configuration that a query looks at.
#[derive(Debug, Clone, Default)]
pub struct QuerySettings {
    /// The most bytes of an answer by UDP.
    pub edns_size: u16,
    /// Whether the addresses of an answer begin with another one each time.
    pub rotates: bool,
    /// The name server identifier, for those who ask (RFC 5001).
    pub nsid: Option<Box<[u8]>>,
    /// What the server says it is called, in the class CH.
    pub identity: Option<Box<str>>,
    /// What the server says it runs, in the class CH.
    pub version: Option<Box<str>>,
    /// Cookies for those who send one.
    pub cookies: Option<ServerCookies>,
    /// The limits of answers by UDP.
    pub rate_limit: Option<RateLimit>,
    /// To whom errors of the zones are to be reported (RFC 9567).
    pub report_channel: Option<DomainName>,
    /// The keys that queries may be signed with.
    pub keys: Arc<TsigKeyring>,
    /// Seconds that idle connections are kept open, told to clients that ask (RFC 7828).
    pub tcp_idle: u16,
    /// One answer in so many is logged; none: no answer is.
    pub query_log: Option<NonZeroU32>,
}

/// What every query is answered by.
#[derive(Debug, Clone)]
pub struct ServerSnapshot {
    /// Counts the snapshots published.
    pub serial: u64,
    /// The configuration that it was built from.
    pub config: Arc<ServerConfig>,
    /// The values that a query looks at.
    pub settings: QuerySettings,
    /// How questions are resolved that no zone answers.
    pub iteration: IterationPlan,
    /// What clients are answered from.
    pub view: SnapshotView,
}

impl ServerSnapshot {
    /// What the client with the address that `client` gives is answered from: for all clients the same. The address is asked for
    /// only where views differ by it.
    #[inline]
    pub const fn view<F: FnOnce() -> IpAddr + Copy>(&self, _client: F) -> &SnapshotView {
        &self.view
    }
}
