//! Figures of the server for its own status: typed, without a page in between.

use prometheus::proto::{Metric as Series, MetricFamily, MetricType};

use super::histogram::{BOUNDS, float};
use super::labels::{CacheEvent, RcodeLabel};
use super::registry::ServerMetrics;
use rhumb_wire::Transport;

/// Sums over all threads since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficFigures {
    /// Queries whose question could be read.
    pub queries: u64,
    /// Responses with the code SERVFAIL.
    pub servfail: u64,
    /// Queries that the cache had a fresh answer for.
    pub cache_hits: u64,
    /// Queries that the cache had no answer for.
    pub cache_misses: u64,
    /// Clients' queries that wait for an answer from elsewhere now.
    pub waiting: u64,
    /// Stream connections open now.
    pub connections: u64,
    /// Queries by the time they took, by the bounds of the metric; the last has none.
    pub(crate) durations: [u64; BOUNDS.len() + 1],
}

impl TrafficFigures {
    /// Hits among all look-ups in the cache, from 0 to 1; none before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        let asked = self.cache_hits.saturating_add(self.cache_misses);
        (asked > 0).then(|| float(self.cache_hits) / float(asked))
    }

    /// The time, in seconds, that this share of the queries since `earlier` took at most; a bound of the metric's buckets. None
    /// where there were no queries, or where it is beyond the last bound.
    pub fn quantile_since(&self, earlier: &Self, share: f64) -> Option<f64> {
        let counts: Vec<u64> = self
            .durations
            .iter()
            .zip(&earlier.durations)
            .map(|(now, then)| now.wrapping_sub(*then))
            .collect();
        let total = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let mut below = 0_u64;
        for (bound, count) in BOUNDS.iter().zip(counts) {
            below = below.saturating_add(count);
            if total > 0 && float(below) >= float(total) * share {
                return Some(bound.as_secs_f64());
            }
        }
        None
    }
}

impl ServerMetrics {
    /// The sums of this moment.
    pub fn traffic(&self) -> TrafficFigures {
        let (total, _) = self.sum();
        let mut durations = [0; BOUNDS.len() + 1];
        for transport in Transport::ALL {
            let Some(reading) = total.read_duration(transport) else { continue };
            for (sum, count) in durations.iter_mut().zip(reading.buckets) {
                *sum = u64::wrapping_add(*sum, count);
            }
        }
        TrafficFigures {
            queries: total.read_all_requests(),
            servfail: total.read_response(RcodeLabel::ServFail),
            cache_hits: total.read_cache(CacheEvent::Hit),
            cache_misses: total.read_cache(CacheEvent::Miss),
            waiting: self.waiting.load(std::sync::atomic::Ordering::Relaxed),
            connections: self.clients.open(),
            durations,
        }
    }

    /// Every series of the page with its value, called as there: name, labels in braces.
    pub fn series(&self) -> Vec<(String, f64)> {
        self.all_families().iter().flat_map(series_of).collect()
    }
}

fn series_of(family: &MetricFamily) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    for series in family.get_metric() {
        let plain = || called(family.name(), series, None);
        match family.get_field_type() {
            MetricType::COUNTER => {
                found.push((plain(), series.get_counter().get_value()));
            }
            MetricType::GAUGE => {
                found.push((plain(), series.get_gauge().get_value()));
            }
            MetricType::HISTOGRAM => {
                let histogram = series.get_histogram();
                let named = |suffix: &str| called(&format!("{}{suffix}", family.name()), series, None);
                for bucket in histogram.get_bucket() {
                    let name = format!("{}_bucket", family.name());
                    let bound = bucket.upper_bound().to_string();
                    found.push((called(&name, series, Some(&bound)), float(bucket.cumulative_count())));
                }
                found.push((named("_sum"), histogram.get_sample_sum()));
                found.push((named("_count"), float(histogram.get_sample_count())));
            }
            _ => {}
        }
    }
    found
}

fn called(name: &str, series: &Series, bound: Option<&str>) -> String {
    let labels = series.get_label().iter().map(|label| (label.name(), label.value()));
    let labels: Vec<String> = labels
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(label, value)| format!("{label}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn served(counts: &[(u64, u64)]) -> ServerMetrics {
        let metrics = ServerMetrics::new("1");
        metrics.with_local(|block| {
            for (micros, count) in counts {
                block.duration(Transport::Udp, Duration::from_micros(*micros), *count);
            }
        });
        metrics
    }

    #[test]
    fn quantiles_are_those_between_two_moments() {
        let metrics = served(&[(8, 98), (80, 1), (9_000_000, 1)]);
        let (none, now) = (TrafficFigures::default(), metrics.traffic());
        assert_eq!(now.quantile_since(&none, 0.5), Some(0.000_01));
        assert_eq!(now.quantile_since(&none, 0.99), Some(0.000_1));
        assert_eq!(now.quantile_since(&none, 1.0), None);
        assert_eq!(now.quantile_since(&now, 0.5), None);
        metrics.with_local(|block| block.duration(Transport::Tcp, Duration::from_millis(40), 3));
        assert_eq!(metrics.traffic().quantile_since(&now, 0.5), Some(0.05));
    }

    #[test]
    fn hits_among_look_ups() {
        let figures =
            |cache_hits, cache_misses| TrafficFigures { cache_hits, cache_misses, ..Default::default() };
        assert_eq!(figures(0, 0).hit_ratio(), None);
        assert_eq!(figures(3, 1).hit_ratio(), Some(0.75));
    }

    #[test]
    fn series_are_called_as_on_the_page() {
        let metrics = served(&[(8, 2)]);
        let _list = metrics.list("a\"b\\c");
        let page = metrics.render();
        let series = metrics.series();
        // The process' own figures move between two looks.
        for (name, _) in series.iter().filter(|(name, _)| !name.starts_with("process_")) {
            assert!(page.contains(&format!("\n{name} ")), "{name}");
        }
        // One line of the page besides: the last bucket of each histogram, +Inf, is its count.
        let lines =
            page.lines().filter(|line| !line.starts_with('#') && !line.contains("le=\"+Inf\"")).count();
        assert_eq!(series.len(), lines);
    }
}
