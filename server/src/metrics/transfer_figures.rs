//! What is shown of zone transfers in one direction.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::histogram::SharedHistogram;
use super::labels::{TransferKind, TransferResult};
use super::names;
use super::samples::MetricSamples;

/// Transfers of one kind.
#[derive(Debug, Default)]
struct KindFigures {
    results: [AtomicU64; TransferResult::COUNT],
    times: SharedHistogram,
    bytes: AtomicU64,
}

/// Zone transfers in one direction, by kind.
#[derive(Debug, Default)]
pub struct TransferFigures([KindFigures; TransferKind::COUNT]);

impl TransferFigures {
    /// A transfer ended after so long.
    pub fn ended(&self, kind: TransferKind, result: TransferResult, took: Duration) {
        let Some(figures) = self.0.get(kind.index()) else { return };
        if let Some(counter) = figures.results.get(result.index()) {
            counter.fetch_add(1, Relaxed);
        }
        // What an aborted one took says how long the other end was waited for, and not how fast transfers are.
        if result == TransferResult::Complete {
            figures.times.observe(took);
        }
    }

    /// So many bytes of a message of a transfer were written or read.
    pub fn passed(&self, kind: TransferKind, bytes: u64) {
        if let Some(figures) = self.0.get(kind.index()) {
            figures.bytes.fetch_add(bytes, Relaxed);
        }
    }

    pub(super) fn sample(&self, direction: &str, out: &mut MetricSamples) {
        for (kind, figures) in TransferKind::ALL.iter().zip(&self.0) {
            let labels = [direction, kind.as_str()];
            out.set(&names::TRANSFER_BYTES, &labels, figures.bytes.load(Relaxed));
            out.histogram(&names::TRANSFER_TIME, &labels, &figures.times.read());
            for (result, count) in TransferResult::ALL.iter().zip(&figures.results) {
                let labels = [direction, kind.as_str(), result.as_str()];
                out.set(&names::TRANSFERS, &labels, count.load(Relaxed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::text::MetricsPage;
    use crate::metrics::{ServerMetrics, TransferKind, TransferResult};
    use std::time::Duration;

    #[test]
    fn each_direction_and_kind_has_its_own() {
        let metrics = ServerMetrics::new("0");
        let mut all = Vec::new();
        for (direction, figures) in [("in", metrics.received()), ("out", metrics.transferred())] {
            all.extend(TransferKind::ALL.iter().map(|kind| (direction, figures, *kind)));
        }
        for (count, (_, figures, kind)) in (1_u32..).zip(&all) {
            for _ in 0..count {
                figures.passed(*kind, 100);
                figures.ended(*kind, TransferResult::Complete, Duration::from_millis(500));
            }
            figures.ended(*kind, TransferResult::Aborted, Duration::from_hours(1));
        }
        let page = MetricsPage::read(&metrics.render()).unwrap();
        for (count, (direction, _, kind)) in (1_u32..).zip(&all) {
            let labels = [("direction", *direction), ("kind", kind.as_str())];
            let result =
                |result| page.value("rhumb_transfers_total", &[labels[0], labels[1], ("result", result)]);
            let count = f64::from(count);
            assert_eq!(page.value("rhumb_transfer_bytes_total", &labels), Some(100.0 * count));
            assert_eq!(page.value("rhumb_transfer_seconds_count", &labels), Some(count));
            assert_eq!(page.value("rhumb_transfer_seconds_sum", &labels), Some(0.5 * count));
            assert_eq!((result("complete"), result("aborted")), (Some(count), Some(1.0)));
        }
    }
}
