//! Values that others own, collected at scrape time, as Prometheus' own types.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::time::Duration;

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric as Series, MetricFamily, MetricType,
};

use super::histogram::{BOUNDS, HistogramReading, float};
use super::labels::ZoneState;
use super::names::{self, MetricKind, MetricSpec};
use super::sizes::SizeReading;

/// Most series of one metric, zones aside; a page stays readable and its size bounded.
const MAX_SERIES: usize = 10_000;
/// Most characters of a label value; an origin in presentation format has at most 1004.
const MAX_LABEL: usize = 1024;

/// An owner of values that is asked for them at each scrape.
///
/// Asked on the thread that serves the page: what it does should take microseconds, and no lock the query path waits on.
pub trait SampleSource: Send + Sync {
    /// Puts its values of this moment into `out`.
    fn sample(&self, out: &mut MetricSamples);
}

impl<F: Fn(&mut MetricSamples) + Send + Sync> SampleSource for F {
    fn sample(&self, out: &mut MetricSamples) {
        self(out);
    }
}

/// What is known of one zone.
#[derive(Clone, Copy)]
pub struct ZoneSample<'a> {
    /// The origin in presentation format; written out only when the zone gets series of its own.
    pub origin: &'a dyn Display,
    /// Serial of the SOA record served; none before the first good load.
    pub serial: Option<u32>,
    /// Resource records served.
    pub records: u64,
    /// Whether the last load went well.
    pub ok: bool,
    /// How it is served.
    pub state: ZoneState,
    /// When the first signature expires, in seconds since 1970; none for a zone without signatures.
    pub expires: Option<u64>,
    /// Of a zone of other servers.
    pub secondary: Option<SecondarySample>,
}

/// What is known of a zone of other servers. Times are in seconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub struct SecondarySample {
    /// Seconds between two looks at the primaries; 0: not known.
    pub interval: u64,
    /// Seconds that it may be served without its primaries; 0: not known.
    pub lifetime: u64,
    /// When it was last found to be that of a primary.
    pub checked: Option<u64>,
    /// When it is served no more.
    pub expires: Option<u64>,
    /// Serial at the primary that was last asked.
    pub primary_serial: Option<u32>,
}

impl ZoneSample<'_> {
    /// The series of a zone; those without a value are not there.
    fn values(&self) -> [(&'static MetricSpec, Option<u64>); 9] {
        let of_primaries = self.secondary.unwrap_or_default();
        let SecondarySample { interval, lifetime, checked, expires, primary_serial } = of_primaries;
        [
            (&names::ZONE_SERIAL, self.serial.map(u64::from)),
            (&names::ZONE_RECORDS, Some(self.records)),
            (&names::ZONE_OK, Some(u64::from(self.ok))),
            (&names::ZONE_EXPIRES, self.expires),
            (&names::ZONE_REFRESH, Some(interval).filter(|interval| *interval > 0)),
            (&names::ZONE_CHECKED, checked),
            (&names::ZONE_EXPIRE, expires),
            (&names::ZONE_LIFETIME, Some(lifetime).filter(|lifetime| *lifetime > 0)),
            (&names::ZONE_PRIMARY_SERIAL, primary_serial.map(u64::from)),
        ]
    }
}

struct Family {
    metric: &'static MetricSpec,
    series: Vec<Series>,
    seen: HashSet<Vec<String>>,
}

/// The page being filled: every series once, each metric with no more of them than its bound.
pub struct MetricSamples {
    families: BTreeMap<&'static str, Family>,
    zone_series: usize,
    zones: [u64; ZoneState::COUNT],
    zones_failed: u64,
    left_out: u64,
}

impl MetricSamples {
    pub(super) fn new(zone_series: usize) -> Self {
        Self {
            families: BTreeMap::new(),
            zone_series,
            zones: [0; ZoneState::COUNT],
            zones_failed: 0,
            left_out: 0,
        }
    }

    /// A counter's or gauge's value; `labels` in the order of [`MetricSpec::labels`].
    ///
    /// A series that was given already, one with a wrong number of labels and one past the metric's bound are left out
    /// and counted as such.
    pub fn set(&mut self, metric: &'static MetricSpec, labels: &[&str], value: u64) {
        self.set_float(metric, labels, float(value));
    }

    /// The same for values with a fraction; one that is not finite is left out.
    pub fn set_float(&mut self, metric: &'static MetricSpec, labels: &[&str], value: f64) {
        if !value.is_finite() {
            self.left_out += 1;
            return;
        }
        let mut series = Series::default();
        match metric.kind() {
            MetricKind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                series.set_counter(counter);
            }
            MetricKind::Gauge => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                series.set_gauge(gauge);
            }
            MetricKind::Histogram => {
                self.left_out += 1;
                return;
            }
        }
        self.add(metric, labels, series);
    }

    pub(super) fn histogram(
        &mut self,
        metric: &'static MetricSpec,
        labels: &[&str],
        reading: &HistogramReading,
    ) {
        let bounded = BOUNDS.iter().map(Duration::as_secs_f64).zip(reading.buckets);
        let beyond = reading.buckets.last().copied().unwrap_or(0);
        self.add(metric, labels, histogram_of(bounded, beyond, reading.sum));
    }

    pub(super) fn size_histogram(
        &mut self,
        metric: &'static MetricSpec,
        labels: &[&str],
        reading: &SizeReading,
    ) {
        self.add(metric, labels, histogram_of(reading.bounded(), 0, float(reading.sum)));
    }

    /// How many series there are by now.
    pub(super) fn series(&self) -> u64 {
        let series: usize = self.families.values().map(|family| family.series.len()).sum();
        u64::try_from(series).unwrap_or(u64::MAX)
    }

    /// The series since there were so many stand for those of `others`, which have none.
    pub(super) fn stand_for(&mut self, others: u64, since: u64) {
        self.left_out += self.series().saturating_sub(since).saturating_mul(others);
    }

    /// One zone: counted always, with series of its own for as many zones as the setting allows.
    pub fn zone(&mut self, zone: &ZoneSample<'_>) {
        if let Some(count) = self.zones.get_mut(zone.state.index()) {
            *count += 1;
        }
        self.zones_failed += u64::from(!zone.ok);
        let values = zone.values();
        let values = values.iter().filter_map(|(metric, value)| Some((*metric, (*value)?)));
        if self.zones.iter().sum::<u64>() > u64::try_from(self.zone_series).unwrap_or(u64::MAX) {
            self.left_out += u64::try_from(values.count()).unwrap_or(u64::MAX);
            return;
        }
        let origin = zone.origin.to_string();
        values.for_each(|(metric, value)| self.set(metric, &[&origin], value));
    }

    fn add(&mut self, metric: &'static MetricSpec, labels: &[&str], mut series: Series) {
        let values: Vec<String> = labels.iter().map(|label| label_text(label)).collect();
        let most = if metric.labels() == ["zone"] { self.zone_series } else { MAX_SERIES };
        let family = match self.families.entry(metric.name()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Family { metric, series: Vec::new(), seen: HashSet::new() }),
        };
        if values.len() != metric.labels().len()
            || family.series.len() >= most
            || family.seen.contains(&values)
        {
            self.left_out += 1;
            return;
        }
        series
            .set_label(metric.labels().iter().zip(&values).map(|(name, value)| pair(name, value)).collect());
        family.seen.insert(values);
        family.series.push(series);
    }

    /// Closes the page: metrics in order of their names, those without a series left away.
    pub(super) fn finish(mut self) -> Vec<MetricFamily> {
        let (zones, failed, left_out) = (self.zones, self.zones_failed, self.left_out);
        for (state, count) in ZoneState::ALL.iter().zip(zones) {
            self.set(&names::ZONES, &[state.as_str()], count);
        }
        self.set(&names::ZONES_FAILED, &[], failed);
        self.set(&names::SERIES_LEFT_OUT, &[], left_out);
        self.families.into_values().filter(|family| !family.series.is_empty()).map(Family::finish).collect()
    }
}

/// A histogram of these upper bounds and counts, and what is above the last bound.
fn histogram_of(bounded: impl Iterator<Item = (f64, u64)>, beyond: u64, sum: f64) -> Series {
    let mut total = 0_u64;
    let mut buckets = Vec::new();
    for (bound, count) in bounded {
        total = total.wrapping_add(count);
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(total);
        buckets.push(bucket);
    }
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    // The total comes from the buckets themselves, so that the page agrees with itself while threads count on.
    histogram.set_sample_count(total.wrapping_add(beyond));
    histogram.set_sample_sum(sum);
    let mut series = Series::default();
    series.set_histogram(histogram);
    series
}

impl Family {
    fn finish(self) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.metric.name().to_owned());
        family.set_help(self.metric.help().to_owned());
        family.set_field_type(match self.metric.kind() {
            MetricKind::Counter => MetricType::COUNTER,
            MetricKind::Gauge => MetricType::GAUGE,
            MetricKind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(self.series);
        family
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// Bounds a label's length and replaces control characters: Prometheus' own reader stops at a NUL, and a terminal that
/// shows the page obeys the rest. Quotes, backslashes and newlines are escaped when the page is written.
fn label_text(text: &str) -> String {
    let clean =
        |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(MAX_LABEL).map(clean).collect()
}
