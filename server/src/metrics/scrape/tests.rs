use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::metrics::text::MetricsPage;
use crate::metrics::{ListMetrics, ResponseSource, UpstreamMetrics, ZoneSample, ZoneState};

/// As a page shows a label: what is not text replaced, control characters too, cut at its longest.
fn shown(label: &str) -> String {
    let clean = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    label.chars().map(clean).take(1024).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_label_text_is_read_back(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        text in "([\\PC\\n\"\\\\{}=,\\x00-\\x1f]|a\\n){0,40}",
        long in "x{1000,1100}",
    ) {
        let octets = String::from_utf8_lossy(&octets).into_owned();
        let labels = [octets, text, long];
        let metrics = ServerMetrics::new(&labels[1]);
        let held: Vec<_> = labels.iter().map(|label| (metrics.upstream(label), metrics.list(label))).collect();
        let zones = labels.clone();
        metrics.watch(Arc::new(move |out: &mut MetricSamples| {
            for origin in &zones {
                out.zone(&ZoneSample { origin, serial: Some(1), records: 2, ok: true, state: ZoneState::Current, expires: None, secondary: None });
            }
        }));
        let page = MetricsPage::read(&metrics.render()).map_err(TestCaseError::fail)?;
        drop(held);
        for label in &labels {
            let label = shown(label);
            prop_assert_eq!(page.value("rhumb_forward_healthy", &[("upstream", &label)]), Some(1.0));
            prop_assert_eq!(page.value("rhumb_forward_list_ok", &[("file", &label)]), Some(1.0));
            prop_assert_eq!(page.value("rhumb_zone_serial", &[("zone", &label)]), Some(1.0));
        }
        prop_assert_eq!(page.value("rhumb_build_info", &[("version", &shown(&labels[1]))]), Some(1.0));
    }
}

fn busy() -> (ServerMetrics, Arc<UpstreamMetrics>, Arc<ListMetrics>) {
    let metrics = ServerMetrics::new("1.2.3");
    metrics.with_local(|block| {
        block.request(Transport::Udp, ClientFamily::V6, 28);
        block.response(0, ResponseSource::Zone);
        block.duration(Transport::Udp, Duration::from_micros(3), 1);
        block.cache(CacheEvent::Miss);
        block.dropped(DropReason::Response);
    });
    let upstream = metrics.upstream("tls://192.0.2.1#\"name\"\\\n");
    upstream.response(0, Duration::from_millis(20));
    let list = metrics.list("/etc/resolv.conf");
    metrics.watch(Arc::new(|out: &mut MetricSamples| {
        out.set(&names::CACHE_ENTRIES, &[], 10);
        out.set(&names::CACHE_BYTES, &[], 1 << 20);
        out.set(&names::CACHE_SIZE, &[], 1 << 28);
        out.set(&names::CACHE_EVICTIONS, &[], 0);
        out.zone(&ZoneSample {
            origin: &"\\\"quoted\\000.example.",
            serial: Some(u32::MAX),
            records: 1,
            ok: true,
            state: ZoneState::Current,
            expires: Some(u64::from(u32::MAX)),
            secondary: None,
        });
    }));
    (metrics, upstream, list)
}

#[test]
fn promtool_has_nothing_to_say() {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        println!("skipped: promtool missing");
        return;
    };
    let (metrics, _upstream, _list) = busy();
    promtool.stdin.take().unwrap().write_all(metrics.render().as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    assert!(said.status.success());
}
