//! Everything a query is answered by, at one moment: settings, access, zones and routes.
//!
//! A snapshot never changes; a reload publishes the next one by one swap. What lives longer than a snapshot - zone contents,
//! upstream health, the cache - hangs behind an `Arc` that the next snapshot takes over.

mod access;
mod built_in;
mod files;
mod incomplete;
mod live;
mod origin;
pub mod retired;
mod route;
mod view;
mod zone;

use std::net::IpAddr;
use std::sync::Arc;

use rhumb_config::Config;
use rhumb_wire::Name;

use crate::cookies::ServerCookies;
use crate::rate_limit::RateLimit;

pub use access::{ClientAccess, LocalNetworks};
pub use built_in::built_in_zones;
pub use files::{FileMark, FileRead};
pub use incomplete::{CONFIRM, WRITER_BOUND, incomplete_file};
pub use live::{ServerClock, ServerState, cache_limits};
pub use origin::{ZONE_SUFFIX, ZoneFile, ZoneOrigin, zone_of_file};
pub use route::{ListSource, Route, RouteEntry, RouteServices, RouteState, RouteUpstream};
pub use view::{Authority, SnapshotView};
pub use zone::{StaleVersion, Zone, ZoneEntry, ZoneTrouble};

/// The values of the configuration that a query looks at.
#[derive(Debug, Clone, Default)]
pub struct QuerySettings {
    /// The most bytes of an answer by UDP.
    pub edns_size: u16,
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
    pub report_channel: Option<Name>,
    /// Seconds that idle connections are kept open, told to clients that ask (RFC 7828).
    pub tcp_idle: u16,
    /// Whether each query is logged.
    pub log_queries: bool,
}

/// What every query is answered by.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Counts the snapshots published.
    pub serial: u64,
    /// The configuration that it was built from.
    pub config: Arc<Config>,
    /// The values that a query looks at.
    pub settings: QuerySettings,
    /// What clients are answered from.
    pub view: SnapshotView,
}

impl Snapshot {
    /// What the client with the address that `client` gives is answered from: for all clients the same. The address is asked for
    /// only where views differ by it.
    #[inline]
    pub const fn view<F: FnOnce() -> IpAddr + Copy>(&self, _client: F) -> &SnapshotView {
        &self.view
    }
}
