//! How the server is, in words and numbers.

use serde::{Deserialize, Serialize};

use super::anchor_status::TrustAnchorStatus;

/// The state of the whole server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerStatus {
    /// The version of the program.
    pub version: String,
    /// Seconds since the start.
    pub uptime: u64,
    /// The process id, as the server's own namespace numbers it.
    pub pid: u32,
    /// The configuration file; `None` for the built-in default.
    pub config: Option<String>,
    /// How the last reading of the configuration ended, the one at the start included.
    pub last_reload: ReloadOutcome,
    /// Settings that were changed and are in force only after a restart, in words.
    #[serde(default)]
    pub pending_restart: Vec<String>,
    /// The sockets that queries arrive on.
    pub listeners: Vec<ListenerStatus>,
    /// The certificates that clients are shown.
    #[serde(default)]
    pub certificates: Vec<CertificateStatus>,
    /// How many zones there are.
    pub zones: ZoneCount,
    /// Zones that are broken, the first thousand of them.
    #[serde(default)]
    pub broken: Vec<BrokenZoneStatus>,
    /// What makes `/health` or `/ready` 503: threads and tasks that are gone or stuck, listeners that are missing, the end.
    #[serde(default)]
    pub failures: Vec<String>,
    /// The domains that are forwarded.
    pub routes: Vec<RouteStatus>,
    /// The trust anchors that are followed.
    #[serde(default)]
    pub trust_anchors: Vec<TrustAnchorStatus>,
    /// The queries.
    #[serde(default)]
    pub traffic: TrafficStatus,
    /// The cache.
    pub cache: CacheStatus,
    /// What the process has locked itself into, such as `seccomp`.
    pub sandbox: Vec<String>,
    /// The account the process runs as.
    pub user: String,
    /// What an operator should look at, one sentence each.
    pub warnings: Vec<String>,
}

/// How a reload ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReloadOutcome {
    /// Whether it succeeded.
    pub ok: bool,
    /// When it ended, in seconds since 1970.
    pub when: u64,
    /// What was wrong; empty if it succeeded.
    pub errors: Vec<String>,
}

/// One entry of `listen:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListenerStatus {
    /// Address and port.
    pub address: String,
    /// What is spoken there, such as `udp`.
    pub transports: Vec<String>,
    /// UDP threads.
    pub workers: usize,
}

/// A certificate that clients are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateStatus {
    /// Its file, or `self-signed`.
    pub certificate: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// Why its files cannot be used and the last good pair is, if so.
    pub why: Option<String>,
}

/// A zone whose file cannot be served, which keeps the contents it has; or one of other servers with nothing to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BrokenZoneStatus {
    /// Its name.
    pub name: String,
    /// The serial number that is served; `None` if nothing is, so that queries are answered SERVFAIL.
    pub serial: Option<u32>,
    /// What is wrong, each with its place.
    pub problems: Vec<String>,
}

/// How many zones there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneCount {
    /// All of them.
    pub total: usize,
    /// Those whose file could not be loaded the last time it was tried, and those of other servers that have expired or cannot be
    /// transferred.
    pub failed: usize,
}

/// One entry of `forward:`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteStatus {
    /// The domain.
    pub domain: String,
    /// The entry's place, `file:line`.
    pub rule: String,
    /// Which upstream is asked first, such as `fastest`.
    pub policy: String,
    /// Whether none of them answers and nothing stands in for them, so that questions fail.
    #[serde(default)]
    pub is_down: bool,
    /// The upstreams now in use, those of files included.
    pub upstreams: Vec<UpstreamStatus>,
    /// The files that name upstreams.
    pub lists: Vec<ListStatus>,
}

/// One upstream of one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpstreamStatus {
    /// Its address.
    pub address: String,
    /// Whether it is taken to answer.
    pub healthy: bool,
    /// Whether anything was asked of it yet.
    #[serde(default)]
    pub asked: bool,
    /// Whether an operator has taken it out.
    #[serde(default)]
    pub taken_out: bool,
    /// Smoothed round-trip time in milliseconds; `None` before the first answer.
    pub srtt_ms: Option<f64>,
    /// Questions sent to it.
    pub queries: u64,
    /// Those that no answer came to in time.
    pub timeouts: u64,
    /// Why it is taken to be down.
    #[serde(default)]
    pub why: Option<String>,
}

impl ServerStatus {
    /// Whether somebody should look at it: something fails, does not answer or is warned of.
    pub(crate) fn needs_attention(&self) -> bool {
        !self.failures.is_empty()
            || !self.last_reload.ok
            || self.zones.failed > 0
            || !self.warnings.is_empty()
            || self.routes.iter().any(|route| route.is_down)
    }
}

impl UpstreamStatus {
    /// Whether it is asked and does not answer.
    pub(crate) const fn is_down(&self) -> bool {
        !self.taken_out && !self.healthy
    }

    /// In a word or two, and why it is down.
    pub(crate) fn state(&self) -> String {
        match (self.taken_out, self.healthy, &self.why) {
            (true, _, _) => "taken out".to_owned(),
            (false, true, _) if !self.asked => "not asked yet".to_owned(),
            (false, true, _) => "answers".to_owned(),
            (false, false, None) => "down".to_owned(),
            (false, false, Some(why)) => format!("down: {why}"),
        }
    }
}

/// A file that names upstreams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListStatus {
    /// The file.
    pub file: String,
    /// Whether the list in use is what the file holds now.
    pub ok: bool,
    /// Why not: what is wrong with the file.
    pub why: Option<String>,
}

/// The queries. The load is that of the last minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrafficStatus {
    /// Queries since the start.
    pub queries: u64,
    /// Answers with SERVFAIL since the start.
    pub servfail: u64,
    /// Queries a second; `None` in the first seconds.
    pub queries_per_second: Option<f64>,
    /// The time that half of the queries took at most, in milliseconds, by the bounds of the metric.
    pub median_ms: Option<f64>,
    /// The time that all but one in a hundred took at most.
    pub slowest_hundredth_ms: Option<f64>,
    /// Queries that wait for an answer from elsewhere.
    pub waiting: u64,
    /// Stream connections.
    pub connections: u64,
}

/// The cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheStatus {
    /// Entries in it.
    pub entries: u64,
    /// Bytes in use.
    pub bytes: u64,
    /// Bytes it may use.
    pub size: u64,
    /// Hits among all look-ups since the start, from 0 to 1; `None` before the first.
    pub hit_ratio: Option<f64>,
    /// The file that it is kept in over a restart, if there is a folder for the state.
    pub file: Option<CacheFileStatus>,
}

/// The file that the cache is kept in over a restart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CacheFileStatus {
    /// Entries taken from it at the start.
    pub loaded: u64,
    /// When it was last written, in seconds since 1970; `None` before the first time.
    pub written: Option<u64>,
    /// Entries in it.
    pub entries: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Times that it could not be written.
    pub failures: u64,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneStatus {
    /// Its name.
    pub name: String,
    /// The serial number of its SOA; `None` if it never loaded.
    pub serial: Option<u32>,
    /// How many records it has.
    pub records: u64,
    /// How many records of its file were left out, each with a warning in the log.
    #[serde(default)]
    pub left_out: u64,
    /// Whether what is served is what the file holds now.
    pub ok: bool,
    /// Why not: what is wrong with the file, or why there is nothing of a zone of other servers.
    pub trouble: Option<String>,
    /// The zone file; `None` for the built-in example.
    pub file: Option<String>,
    /// When the contents now served were loaded, in seconds since 1970; `None` if it never loaded.
    pub loaded: Option<u64>,
    /// The place of the entry of `zones:` that names it, `file:line`.
    pub rule: String,
    /// Of a zone of other servers.
    #[serde(default)]
    pub secondary: Option<SecondaryZoneStatus>,
    /// Of a zone whose parent is told of new CDS, CDNSKEY and CSYNC records: the last message about each.
    #[serde(default)]
    pub parent: Option<Vec<ParentNoticeStatus>>,
    /// Its versions, and who has them.
    #[serde(default)]
    pub versions: ZoneVersionsStatus,
}

/// A message to the parent of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParentNoticeStatus {
    /// What it was about: `CDS`, which stands for CDNSKEY as well, or `CSYNC`.
    pub r#type: String,
    /// Whom the parent wants to be told; `None` where that was not found.
    pub server: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// The versions of a zone, and who has them. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneVersionsStatus {
    /// `primary`, `secondary`, or `example` for the built-in one.
    pub role: String,
    /// The serial in the file or at the primary, where it is known.
    pub source: Option<u32>,
    /// What made the version that is served: `file`, `transfer`, `update` or `command`.
    pub cause: Option<String>,
    /// Who did, where the cause does not say it all.
    pub who: String,
    /// When.
    pub time: u64,
    /// Earlier versions that can be started from.
    pub earlier: usize,
    /// Bytes that their differences take.
    pub bytes: usize,
    /// Whether an operator has updates refused.
    pub frozen: bool,
    /// Clients that have asked for transfers, the last one at the end.
    pub clients: Vec<TransferClientStatus>,
}

/// A client that has asked for a transfer of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferClientStatus {
    /// Its address.
    pub address: String,
    /// When it asked last, in seconds since 1970.
    pub time: u64,
    /// The serial that it had, if it said so.
    pub had: Option<u32>,
    /// The serial that was served then.
    pub serial: u32,
}

/// How a zone of other servers is. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecondaryZoneStatus {
    /// Its primaries, in the order they are asked.
    pub primaries: Vec<String>,
    /// The primary that last had it.
    pub primary: Option<String>,
    /// The serial there.
    pub primary_serial: Option<u32>,
    /// When it was last found to be that of a primary.
    pub checked: Option<u64>,
    /// When a primary is asked next.
    pub next: u64,
    /// Until when it may be served.
    pub expires: Option<u64>,
    /// Whether it is served no more.
    pub is_expired: bool,
    /// Why the last look failed, if it did.
    pub failure: Option<String>,
    /// How many failed in a row.
    pub failures: u32,
    /// The primary whose differences are not asked for, because they failed three times in a row.
    pub whole_only: Option<String>,
}
