//! Every metric there is: name, type, labels, help. The scrape and the table in the documentation both come from here.

use std::fmt::Write as _;

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Never falls while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets, with their sum and count.
    Histogram,
}

impl MetricKind {
    /// As the text format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric. The values of this type are the statics of this file and no others.
#[derive(Debug)]
pub struct MetricSpec {
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
}

impl MetricSpec {
    /// The full name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its type.
    pub const fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Names of its labels, in the order their values are given.
    pub const fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    /// One sentence for people.
    pub const fn help(&self) -> &'static str {
        self.help
    }
}

macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub static $id: MetricSpec = MetricSpec { name: $name, kind: MetricKind::$kind, labels: &[$($label),*], help: $help };
        )+

        /// All of them, in the order of the documentation.
        pub static TABLE: &[&MetricSpec] = &[$(&$id),+];
    };
}

metrics! {
    DNS_REQUESTS = Counter "rhumb_dns_requests_total" ["proto", "family", "type"]
        "Queries whose question could be read.";
    DNS_RESPONSES = Counter "rhumb_dns_responses_total" ["rcode"]
        "Responses made, by response code.";
    DNS_ANSWERS = Counter "rhumb_dns_answers_total" ["source"]
        "Responses made, by where the answer comes from.";
    DNS_REFUSED = Counter "rhumb_dns_refused_total" ["list"]
        "Queries refused by an access list, by the key of the list.";
    DNS_REQUEST_SIZE = Histogram "rhumb_dns_request_size_bytes" ["proto"]
        "Size of queries whose question could be read, without the length field of streams.";
    DNS_RESPONSE_SIZE = Histogram "rhumb_dns_response_size_bytes" ["proto"]
        "Size of responses, without the length field of streams; messages of zone transfers are not in it.";
    DNS_DURATION = Histogram "rhumb_dns_request_duration_seconds" ["proto"]
        "Time from reading a query to handing its response to the kernel.";
    DNS_DROPPED = Counter "rhumb_dns_dropped_total" ["reason"]
        "Queries and responses dropped, by reason.";
    DNS_TRUNCATED = Counter "rhumb_dns_truncated_total" []
        "Responses sent with TC set.";
    DNS_SLIPPED = Counter "rhumb_dns_slipped_total" []
        "Responses over the limit of their rate that were sent empty, with TC or BADCOOKIE.";
    DNS_EDNS = Counter "rhumb_dns_edns_requests_total" []
        "Queries with an OPT record.";
    DNS_DO = Counter "rhumb_dns_do_requests_total" []
        "Queries with the DO bit set.";
    THREAD_REQUESTS = Counter "rhumb_thread_requests_total" ["thread"]
        "Queries read by each I/O thread that runs now.";
    PANICS = Counter "rhumb_panics_total" []
        "Panics caught; the thread or task went on or was started again.";
    WORKER_RESTARTS = Counter "rhumb_worker_restarts_total" ["worker"]
        "Threads and tasks of the server that panicked and were started again, by what they do.";
    WORKERS_FAILED = Gauge "rhumb_workers_failed" []
        "Threads and tasks of the server that are gone for good or stuck; /health fails while there are any.";

    TCP_CONNECTIONS = Gauge "rhumb_tcp_connections" []
        "Stream connections open now.";
    TCP_ACCEPTED = Counter "rhumb_tcp_accepted_total" []
        "Stream connections served.";
    TCP_REFUSED = Counter "rhumb_tcp_refused_total" ["reason"]
        "Stream connections closed as soon as they were accepted, and times that none could be, by reason.";
    TCP_DISPLACED = Counter "rhumb_tcp_displaced_total" ["state"]
        "Connections ended to make room for others: those that had asked nothing (silent), and those that rested (idle).";

    TLS_HANDSHAKES = Counter "rhumb_tls_handshakes_total" ["proto", "result"]
        "TLS handshakes with clients: full, resumed, or why there is no session.";
    TLS_SESSIONS = Counter "rhumb_tls_sessions_total" ["proto", "version", "group"]
        "TLS sessions with clients, by version and by the group that keys were exchanged in.";
    PROXY_HEADERS = Counter "rhumb_proxy_headers_total" ["proto", "result"]
        "Headers of the PROXY protocol, where a listener takes them: those that were taken, and what was refused.";
    CONNECTIONS = Gauge "rhumb_connections" ["proto"]
        "Connections of clients that are open now.";
    STREAMS = Counter "rhumb_streams_total" ["proto"]
        "Requests by HTTPS and streams of QUIC, one for each query.";
    STREAM_ERRORS = Counter "rhumb_stream_errors_total" ["proto", "kind"]
        "Requests by HTTPS and streams of QUIC without an answer, by kind of error.";
    CERTIFICATE_EXPIRES = Gauge "rhumb_certificate_expires_seconds" ["certificate"]
        "When the certificate that clients are shown expires, in seconds since 1970.";
    CERTIFICATE_OK = Gauge "rhumb_certificate_ok" ["certificate"]
        "1 when the certificate in use, or what a `client-ca` has, is that of its files, 0 when they cannot be used and the last good one is.";

    TRANSFERS = Counter "rhumb_transfers_total" ["direction", "kind", "result"]
        "Zone transfers, by direction (in, out), kind (axfr, ixfr) and result.";
    TRANSFER_TIME = Histogram "rhumb_transfer_seconds" ["direction", "kind"]
        "Time that complete zone transfers took, by direction (in, out) and kind (axfr, ixfr).";
    TRANSFER_BYTES = Counter "rhumb_transfer_bytes_total" ["direction", "kind"]
        "Bytes of the messages of zone transfers, also of those that were aborted, by direction (in, out) and kind (axfr, ixfr).";

    NOTIFY = Counter "rhumb_notify_total" ["direction", "result"]
        "NOTIFY messages, by direction (in, out) and what came of them.";
    TRANSFER_MISFITS = Counter "rhumb_transfer_misfits_total" []
        "Records of differences from primaries that did not fit and were passed over.";
    TRANSFER_INVALID = Counter "rhumb_transfer_invalid_total" []
        "Versions from primaries that were refused because their own keys do not prove all of them.";
    UPDATES = Counter "rhumb_updates_total" ["result"]
        "Dynamic updates of zones, by what came of them.";
    UPDATE_TIME = Histogram "rhumb_update_seconds" []
        "Time from the receipt of a dynamic update that may be carried out to its answer.";
    TSIG_ERRORS = Counter "rhumb_tsig_errors_total" ["reason"]
        "Requests whose signature was not accepted, by what is wrong with it.";

    LOG_BYTES = Gauge "rhumb_log_bytes" []
        "Bytes of the logs in which versions of zones are kept.";
    LOG_WRITABLE = Gauge "rhumb_log_writable" []
        "1 when the last version of a zone could be kept, 0 when the disk did not take it.";
    LOG_SYNC = Histogram "rhumb_log_sync_seconds" []
        "Time the disk took to take what was written to the log.";

    CACHE_ENTRIES = Gauge "rhumb_cache_entries" []
        "Entries in the cache.";
    CACHE_BYTES = Gauge "rhumb_cache_bytes" []
        "Memory the cache uses.";
    CACHE_SIZE = Gauge "rhumb_cache_size_bytes" []
        "Memory the cache may use.";
    CACHE_HITS = Counter "rhumb_cache_hits_total" []
        "Queries answered from the cache within the TTL; those and the misses are all that were looked up in it.";
    CACHE_MISSES = Counter "rhumb_cache_misses_total" []
        "Queries the cache had no answer for within the TTL, those answered by a stale one among them.";
    CACHE_STALE = Counter "rhumb_cache_stale_total" []
        "Queries answered past the TTL, each counted once; they are misses as well.";
    CACHE_PREFETCH = Counter "rhumb_cache_prefetch_total" []
        "Entries asked for again ahead of their expiry; the queries that saw it come are hits as well.";
    CACHE_EVICTIONS = Counter "rhumb_cache_evictions_total" []
        "Entries that made room for others.";
    CACHE_FILE_LOADED = Gauge "rhumb_cache_file_loaded_entries" []
        "Entries that were taken from the cache file at the start.";
    CACHE_FILE_LEFT_OUT = Gauge "rhumb_cache_file_left_out_entries" []
        "Entries of the cache file that were of no use at the start: too old, or of servers that are no longer asked.";
    CACHE_FILE_REFUSED = Counter "rhumb_cache_file_refused_total" []
        "Cache files that could not be used at the start: damaged, of another version, or written later than now.";
    CACHE_FILE_ENTRIES = Gauge "rhumb_cache_file_entries" []
        "Entries in the cache file as it was last written.";
    CACHE_FILE_BYTES = Gauge "rhumb_cache_file_bytes" []
        "Size of the cache file as it was last written.";
    CACHE_FILE_WRITTEN = Gauge "rhumb_cache_file_written_seconds" []
        "When the cache file was last written, in seconds since 1970; 0 before the first time.";
    CACHE_FILE_FAILURES = Counter "rhumb_cache_file_failures_total" []
        "Times that the cache file could not be written; the one before stays.";

    FORWARD_REQUESTS = Counter "rhumb_forward_requests_total" ["upstream"]
        "Queries sent to an upstream, repeats included, probes of one that is down not.";
    FORWARD_TCP_REQUESTS = Counter "rhumb_forward_tcp_requests_total" ["upstream"]
        "Queries sent to an upstream over TCP, TLS, HTTPS or QUIC.";
    FORWARD_RESPONSES = Counter "rhumb_forward_responses_total" ["upstream", "rcode"]
        "Responses of an upstream that were accepted, by response code.";
    FORWARD_DURATION = Histogram "rhumb_forward_request_duration_seconds" ["upstream"]
        "Time an upstream took to answer.";
    FORWARD_TIMEOUTS = Counter "rhumb_forward_timeouts_total" ["upstream"]
        "Queries an upstream did not answer in time.";
    FORWARD_FAILURES = Counter "rhumb_forward_failures_total" ["upstream", "reason"]
        "Queries to an upstream that brought nothing usable, by reason; time-outs are among them.";
    FORWARD_HEALTHY = Gauge "rhumb_forward_healthy" ["upstream"]
        "1 when an upstream is thought to answer, 0 when it is passed over; absent while it is taken out.";
    FORWARD_TAKEN_OUT = Gauge "rhumb_forward_taken_out" ["upstream"]
        "1 when an operator has taken an upstream out, so that it is neither asked nor probed.";
    DOMAIN_UPSTREAMS = Gauge "rhumb_forward_domain_upstreams" ["domain"]
        "Upstreams of a forwarded domain that may be asked.";
    DOMAIN_HEALTHY = Gauge "rhumb_forward_domain_healthy_upstreams" ["domain"]
        "Upstreams of a forwarded domain that are thought to answer.";
    DOMAIN_FALLBACK = Gauge "rhumb_forward_domain_fallback" ["domain"]
        "1 when a forwarded domain is resolved from the root where its upstreams fail.";
    DOMAIN_LOOKUPS = Counter "rhumb_forward_domain_lookups_total" ["domain", "result"]
        "Look-ups through a forwarded domain, by result; equal questions at one time are one.";
    DOMAIN_ANSWERS = Counter "rhumb_forward_domain_answers_total" ["domain", "source"]
        "Look-ups through a forwarded domain that were answered, by who gave the answer.";
    DOMAIN_PRIVATE = Counter "rhumb_forward_domain_private_answers_total" ["domain"]
        "Answers through a forwarded domain that were emptied for a private address in them (rebinding-protection).";
    DOMAIN_DURATION = Histogram "rhumb_forward_domain_lookup_duration_seconds" ["domain"]
        "Time a look-up through a forwarded domain took.";
    FORWARD_WAITING = Gauge "rhumb_forward_waiting" []
        "Client queries that wait for an answer from elsewhere.";
    FORWARD_LIST_OK = Gauge "rhumb_forward_list_ok" ["file"]
        "1 when the upstream list of this file is the one in use, 0 when it is unusable and the last good one is.";
    FORWARD_LIST_CHANGES = Counter "rhumb_forward_list_changes_total" ["file"]
        "Changes of this file that changed the list of upstreams.";

    UPSTREAM_CONNECTIONS = Gauge "rhumb_upstream_connections" ["proto"]
        "Connections to other servers, upstreams among them, that are open and shared.";
    UNDER_WAY = Gauge "rhumb_resolver_queries_under_way" []
        "Queries to other servers, upstreams among them, whose reply is waited for.";
    RESOLVER_REQUESTS = Counter "rhumb_resolver_requests_total" []
        "Queries sent to authoritative servers, repeats included.";
    RESOLVER_ANSWERS = Counter "rhumb_resolver_answers_total" ["security"]
        "Questions resolved by authoritative servers, or by upstreams whose answers are validated, by what validation found.";
    RESOLVER_SIGNATURES = Counter "rhumb_resolver_signatures_total" []
        "Signatures checked to validate answers.";
    RESOLVER_HASHES = Counter "rhumb_resolver_hashes_total" []
        "Names hashed for NSEC3 to validate answers.";
    RESOLVER_BOUNDS = Counter "rhumb_resolver_bounds_total" ["bound"]
        "Times that a question met a bound of its work, or of that of all questions, by bound.";

    RESOLVER_SUSPICIOUS = Counter "rhumb_resolver_suspicious_replies_total" ["reason"]
        "Datagrams of other servers, upstreams among them, after which a question was asked again over TCP.";

    ANCHOR_KEYS = Gauge "rhumb_trust_anchor_keys" ["zone", "state"]
        "Keys of trust anchors that are followed, by state (pending, valid, missing, revoked, removed).";
    ANCHOR_REFRESHED = Gauge "rhumb_trust_anchor_refreshed_seconds" ["zone"]
        "When the keys of a trust anchor were last refreshed, in seconds since 1970; 0 before the first time.";
    ANCHOR_FAILURES = Counter "rhumb_trust_anchor_failures_total" []
        "Times that the keys of a trust anchor could not be refreshed.";
    ANCHOR_FILE_FAILURES = Counter "rhumb_trust_anchor_file_failures_total" []
        "Times that the file of trust anchors could not be read or written.";

    LOCAL_ROOT_OK = Gauge "rhumb_local_root_ok" []
        "1 when the copy of the root on this host is used as its file has it, 0 when it is damaged, too old or bogus.";

    CLOCK_WRONG = Gauge "rhumb_clock_wrong" []
        "1 when the clock of this host is plainly wrong: before the release of this version, or far from the times that the root's keys are signed for.";

    ZONES = Gauge "rhumb_zones" ["state"]
        "Zones configured, by state; each is in one.";
    ZONES_FAILED = Gauge "rhumb_zones_failed" []
        "Zones whose last load failed, which serve their old contents if they have any, and zones of other servers that have expired or cannot be had.";
    ZONE_SERIAL = Gauge "rhumb_zone_serial" ["zone"]
        "Serial of the SOA record that is served.";
    ZONE_RECORDS = Gauge "rhumb_zone_records" ["zone"]
        "Resource records in the zone.";
    ZONE_OK = Gauge "rhumb_zone_ok" ["zone"]
        "1 when the last load of the zone went well, 0 when it failed or there is nothing of the zone to serve.";
    ZONE_REFRESH = Gauge "rhumb_zone_refresh_seconds" ["zone"]
        "Seconds between two looks at the primaries of a zone.";
    ZONE_CHECKED = Gauge "rhumb_zone_checked_seconds" ["zone"]
        "When a zone was last found to be that of a primary, in seconds since 1970.";
    ZONE_EXPIRE = Gauge "rhumb_zone_expire_seconds" ["zone"]
        "When a zone is served no more unless a primary has it before, in seconds since 1970.";
    ZONE_LIFETIME = Gauge "rhumb_zone_lifetime_seconds" ["zone"]
        "Seconds that a zone may be served after the last time that a primary had it.";
    ZONE_PRIMARY_SERIAL = Gauge "rhumb_zone_primary_serial" ["zone"]
        "Serial at the primary that was last asked.";
    ZONE_FOLDER_OK = Gauge "rhumb_zone_folder_ok" ["folder"]
        "1 when this folder of zones could be listed, 0 when it could not and its zones stay as they are.";
    ZONE_EXPIRES = Gauge "rhumb_zone_signature_expires_seconds" ["zone"]
        "When the first signature of a signed zone expires, in seconds since 1970.";

    RELOADS = Counter "rhumb_reload_total" ["result"]
        "Reloads of the configuration, by result.";
    RELOAD_SUCCESS = Gauge "rhumb_reload_success" []
        "1 when the last reload went well, 0 when it failed and the old configuration stays in force.";
    RELOAD_TIMESTAMP = Gauge "rhumb_reload_timestamp_seconds" []
        "When a configuration was last loaded well, in seconds since 1970.";
    CONFIG_HASH = Gauge "rhumb_config_hash" []
        "48 bits of a hash over what is in force: values, upstreams, serials of zones; equal on servers that are alike.";

    LOG_DROPPED = Counter "rhumb_log_dropped_total" []
        "Lines of the log, those of queries aside, that were left out because standard error is not read.";
    QUERY_LOG_DROPPED = Counter "rhumb_query_log_dropped_total" []
        "Answers without their line in the query log because the log is read too slowly.";

    BUILD_INFO = Gauge "rhumb_build_info" ["version"]
        "Always 1; the label tells what runs.";
    START_TIMESTAMP = Gauge "rhumb_start_timestamp_seconds" []
        "When the server started, in seconds since 1970.";
    SERIES_LEFT_OUT = Gauge "rhumb_metrics_series_left_out" []
        "Series that are not on this page because a metric has too many, those that the label other stands for among them.";

    PROCESS_CPU = Counter "process_cpu_seconds_total" []
        "Total user and system CPU time spent in seconds.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" []
        "Number of open file descriptors.";
    PROCESS_MAX_FDS = Gauge "process_max_fds" []
        "Maximum number of open file descriptors.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" []
        "Virtual memory size in bytes.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" []
        "Resident memory size in bytes.";
    PROCESS_START = Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds.";
    PROCESS_THREADS = Gauge "process_threads" []
        "Number of OS threads in the process.";
}

/// The documentation's table of all metrics, as Markdown.
pub fn table_markdown() -> String {
    let mut out = String::from("| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n");
    for metric in TABLE {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind.as_str(),
            labels.join(", "),
            metric.help
        );
    }
    out
}

#[cfg(test)]
mod tests;
