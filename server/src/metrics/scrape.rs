//! The page of a scrape: the threads' blocks summed, the owners asked, all of it as text.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use prometheus::TextEncoder;
use prometheus::core::Collector as _;
use prometheus::proto::{MetricFamily, MetricType};

use rhumb_resolver::validate::limits::RELEASED;
use rhumb_wire::Transport;

use super::block::CounterBlock;
use super::cache_file_figures::CacheFileReading;
use super::handles::UpstreamMetrics;
use super::histogram::float;
use super::labelled_handles::HeldFigures;
use super::labels::{
    AccessList, AnswerSecurity, CacheEvent, ClientFamily, DomainSource, DropReason, LookupResult,
    NotifyInResult, NotifyResult, RcodeLabel, RefuseReason, ReloadResult, ResponseSource, SuspiciousReply,
    TsigReason, TypeLabel, UpdateResult, UpstreamFailure, WorkBound,
};
use super::names;
use super::registry::{ServerMetrics, unix_seconds};
use super::samples::MetricSamples;

/// The content type of [`ServerMetrics::render`].
pub(super) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

impl ServerMetrics {
    /// The page in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        let families = self.all_families();
        let mut page = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut page) {
            tracing::error!(%error, "the metrics page is cut short");
        }
        page
    }

    /// What the page shows, in order of the names.
    pub(super) fn all_families(&self) -> Vec<MetricFamily> {
        let mut families = self.families();
        families.extend(self.process_families());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        families
    }

    fn families(&self) -> Vec<MetricFamily> {
        let mut out = MetricSamples::new(self.zone_series.load(Relaxed));
        let (total, threads) = self.sum();
        sample_block(&total, &mut out);
        self.sample_workers(&total, &mut out);
        for (name, requests) in &threads {
            out.set(&names::THREAD_REQUESTS, &[name], *requests);
        }
        self.sample_streams(&mut out);
        self.sample_forwarding(&mut out);
        self.sample_resolver(&mut out);
        self.sample_process(&mut out);
        for source in self.sources() {
            source.sample(&mut out);
        }
        out.finish()
    }

    fn sample_workers(&self, total: &CounterBlock, out: &mut MetricSamples) {
        let workers = self.workers();
        out.set(&names::PANICS, &[], total.read_panics().wrapping_add(workers.panics()));
        for (kind, restarts) in workers.restarts() {
            out.set(&names::WORKER_RESTARTS, &[kind], restarts);
        }
        out.set(&names::WORKERS_FAILED, &[], u64::try_from(workers.failures().len()).unwrap_or(u64::MAX));
    }

    fn sample_streams(&self, out: &mut MetricSamples) {
        self.clients.sample(out);
        for (reason, count) in RefuseReason::ALL.iter().zip(&self.tcp_refused) {
            out.set(&names::TCP_REFUSED, &[reason.as_str()], count.load(Relaxed));
        }
        for HeldFigures { label, figures, stands_for } in self.certificates.held() {
            let before = out.series();
            let (expires, ok) = figures.read();
            if let Some(expires) = expires {
                out.set(&names::CERTIFICATE_EXPIRES, &[&label], expires);
            }
            out.set(&names::CERTIFICATE_OK, &[&label], u64::from(ok));
            out.stand_for(stands_for, before);
        }
        self.transfers.sample("out", out);
        self.received.sample("in", out);
        out.set(&names::TRANSFER_MISFITS, &[], self.transfer_misfits.load(Relaxed));
        out.set(&names::TRANSFER_INVALID, &[], self.transfer_invalid.load(Relaxed));
        for (result, count) in NotifyResult::ALL.iter().zip(&self.notifies) {
            out.set(&names::NOTIFY, &["out", result.as_str()], count.load(Relaxed));
        }
        for (result, count) in NotifyInResult::ALL.iter().zip(&self.notified) {
            out.set(&names::NOTIFY, &["in", result.as_str()], count.load(Relaxed));
        }
        if let Some(log) = self.state_log.get() {
            let (bytes, is_writable, syncs) = log.read();
            out.set(&names::LOG_BYTES, &[], bytes);
            out.set(&names::LOG_WRITABLE, &[], u64::from(is_writable));
            out.histogram(&names::LOG_SYNC, &[], &syncs);
        }
        if let Some(file) = self.cache_file.get() {
            sample_cache_file(file.read(), out);
        }
        for (result, count) in UpdateResult::ALL.iter().zip(&self.updates) {
            out.set(&names::UPDATES, &[result.as_str()], count.load(Relaxed));
        }
        out.histogram(&names::UPDATE_TIME, &[], &self.update_times.read());
        for (reason, count) in TsigReason::ALL.iter().zip(&self.tsig_errors) {
            out.set(&names::TSIG_ERRORS, &[reason.as_str()], count.load(Relaxed));
        }
    }

    fn sample_resolver(&self, out: &mut MetricSamples) {
        out.set(&names::RESOLVER_REQUESTS, &[], self.resolver_requests.load(Relaxed));
        let wrong = unix_seconds() < u64::from(RELEASED) || self.clock_wrong.load(Relaxed);
        out.set(&names::CLOCK_WRONG, &[], u64::from(wrong));
        for (security, count) in AnswerSecurity::ALL.iter().zip(&self.resolver_answers) {
            out.set(&names::RESOLVER_ANSWERS, &[security.as_str()], count.load(Relaxed));
        }
        out.set(&names::RESOLVER_SIGNATURES, &[], self.resolver_signatures.load(Relaxed));
        out.set(&names::RESOLVER_HASHES, &[], self.resolver_hashes.load(Relaxed));
        for (reply, count) in SuspiciousReply::ALL.iter().zip(&self.suspicious) {
            out.set(&names::RESOLVER_SUSPICIOUS, &[reply.as_str()], count.load(Relaxed));
        }
        for (bound, count) in WorkBound::ALL.iter().zip(&self.resolver_bounds) {
            out.set(&names::RESOLVER_BOUNDS, &[bound.as_str()], count.load(Relaxed));
        }
    }

    fn sample_forwarding(&self, out: &mut MetricSamples) {
        out.set(&names::FORWARD_WAITING, &[], self.waiting.load(Relaxed));
        for HeldFigures { label, figures, stands_for } in self.upstreams.held() {
            let before = out.series();
            sample_upstream(&label, &figures, stands_for > 0, out);
            out.stand_for(stands_for, before);
        }
        self.sample_domains(out);
        for HeldFigures { label, figures, stands_for } in self.lists.held() {
            let before = out.series();
            out.set(&names::FORWARD_LIST_OK, &[&label], u64::from(figures.read_ok()));
            out.set(&names::FORWARD_LIST_CHANGES, &[&label], figures.read_changes());
            out.stand_for(stands_for, before);
        }
    }

    fn sample_domains(&self, out: &mut MetricSamples) {
        for HeldFigures { label, figures: domain, stands_for } in self.domains.held() {
            let (label, before) = (label.as_str(), out.series());
            for result in LookupResult::ALL {
                out.set(&names::DOMAIN_LOOKUPS, &[label, result.as_str()], domain.read_lookups(*result));
            }
            for source in DomainSource::ALL {
                let labels = [label, source.as_str()];
                out.set(&names::DOMAIN_ANSWERS, &labels, domain.read_answers(*source));
            }
            out.set(&names::DOMAIN_PRIVATE, &[label], domain.read_private_answers());
            out.histogram(&names::DOMAIN_DURATION, &[label], &domain.read_durations());
            out.stand_for(stands_for, before);
        }
    }

    fn sample_process(&self, out: &mut MetricSamples) {
        for (result, count) in ReloadResult::ALL.iter().zip(&self.reloads) {
            out.set(&names::RELOADS, &[result.as_str()], count.load(Relaxed));
        }
        out.set(&names::RELOAD_SUCCESS, &[], u64::from(!self.reload_failed.load(Relaxed)));
        out.set(&names::RELOAD_TIMESTAMP, &[], self.loaded.load(Relaxed));
        out.set(&names::BUILD_INFO, &[&self.version], 1);
        out.set(&names::START_TIMESTAMP, &[], self.started);
    }

    /// The process collector's metrics. A gauge of zero is one `/proc` would not tell (file descriptors of a process
    /// that forbids core dumps, for one): better absent than wrong.
    fn process_families(&self) -> Vec<MetricFamily> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut families = process.collect();
        families.retain(|family| {
            family.get_field_type() != MetricType::GAUGE
                || family.get_metric().iter().any(|series| series.get_gauge().get_value() > float(0))
        });
        families
    }
}

/// The series of one upstream, or of several that share them.
fn sample_upstream(label: &str, upstream: &UpstreamMetrics, is_shared: bool, out: &mut MetricSamples) {
    out.set(&names::FORWARD_REQUESTS, &[label], upstream.requests());
    out.set(&names::FORWARD_TCP_REQUESTS, &[label], upstream.read_stream_requests());
    let timeouts = upstream.timeouts();
    out.set(&names::FORWARD_TIMEOUTS, &[label], timeouts);
    for reason in UpstreamFailure::ALL {
        let failures = upstream.read_failure(*reason);
        out.set(&names::FORWARD_FAILURES, &[label, reason.as_str()], failures);
    }
    let taken_out = upstream.read_taken_out();
    out.set(&names::FORWARD_TAKEN_OUT, &[label], u64::from(taken_out));
    // Nobody asks it, so that nobody knows; of several it is said of those that are asked.
    if !taken_out || is_shared {
        out.set(&names::FORWARD_HEALTHY, &[label], u64::from(upstream.read_healthy()));
    }
    out.histogram(&names::FORWARD_DURATION, &[label], &upstream.read_durations());
    for rcode in RcodeLabel::ALL {
        // Twenty codes times every upstream: those never seen would be most of the page.
        let count = upstream.read_response(*rcode);
        if count > 0 || matches!(rcode, RcodeLabel::NoError) {
            out.set(&names::FORWARD_RESPONSES, &[label, rcode.as_str()], count);
        }
    }
}

fn sample_cache_file(file: CacheFileReading, out: &mut MetricSamples) {
    out.set(&names::CACHE_FILE_LOADED, &[], file.loaded);
    out.set(&names::CACHE_FILE_LEFT_OUT, &[], file.left_out);
    out.set(&names::CACHE_FILE_REFUSED, &[], file.refused);
    out.set(&names::CACHE_FILE_ENTRIES, &[], file.entries);
    out.set(&names::CACHE_FILE_BYTES, &[], file.bytes);
    out.set(&names::CACHE_FILE_WRITTEN, &[], file.written);
    out.set(&names::CACHE_FILE_FAILURES, &[], file.failures);
}

fn sample_block(total: &CounterBlock, out: &mut MetricSamples) {
    for transport in Transport::ALL {
        let requests =
            |family| TypeLabel::ALL.iter().map(move |qtype| total.read_request(transport, family, *qtype));
        // The encrypted ones have series once there is a query.
        if transport.is_encrypted()
            && ClientFamily::ALL.iter().flat_map(|family| requests(*family)).all(|count| count == 0)
        {
            continue;
        }
        for family in ClientFamily::ALL {
            for qtype in TypeLabel::ALL {
                let labels = [transport.name(), family.as_str(), qtype.as_str()];
                out.set(&names::DNS_REQUESTS, &labels, total.read_request(transport, *family, *qtype));
            }
        }
        if let Some(reading) = total.read_duration(transport) {
            out.histogram(&names::DNS_DURATION, &[transport.name()], &reading);
        }
        if let Some((requests, responses)) = total.read_sizes(transport) {
            out.size_histogram(&names::DNS_REQUEST_SIZE, &[transport.name()], &requests);
            out.size_histogram(&names::DNS_RESPONSE_SIZE, &[transport.name()], &responses);
        }
    }
    for rcode in RcodeLabel::ALL {
        out.set(&names::DNS_RESPONSES, &[rcode.as_str()], total.read_response(*rcode));
    }
    for source in ResponseSource::ALL {
        out.set(&names::DNS_ANSWERS, &[source.as_str()], total.read_source(*source));
    }
    for list in AccessList::ALL {
        out.set(&names::DNS_REFUSED, &[list.as_str()], total.read_refused(*list));
    }
    for reason in DropReason::ALL {
        out.set(&names::DNS_DROPPED, &[reason.as_str()], total.read_dropped(*reason));
    }
    for event in CacheEvent::ALL {
        let metric = match event {
            CacheEvent::Hit => &names::CACHE_HITS,
            CacheEvent::Miss => &names::CACHE_MISSES,
            CacheEvent::Stale => &names::CACHE_STALE,
            CacheEvent::Prefetch => &names::CACHE_PREFETCH,
        };
        out.set(metric, &[], total.read_cache(*event));
    }
    out.set(&names::DNS_TRUNCATED, &[], total.read_truncated());
    out.set(&names::DNS_SLIPPED, &[], total.read_slipped());
    out.set(&names::DNS_EDNS, &[], total.read_edns());
    out.set(&names::DNS_DO, &[], total.read_dnssec_ok());
}

#[cfg(test)]
mod tests;
