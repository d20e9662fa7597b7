use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::metrics::labels::{ClientFamily, DisplacedState, UpstreamFailure};
use crate::metrics::text::MetricsPage;
use crate::metrics::{MetricSamples, ZoneSample, ZoneState, names};
use rhumb_wire::Transport;

fn page(metrics: &ServerMetrics) -> MetricsPage {
    MetricsPage::read(&metrics.render()).unwrap()
}

const UDP_A: (&str, [(&str, &str); 3]) =
    ("rhumb_dns_requests_total", [("proto", "udp"), ("family", "4"), ("type", "A")]);

fn udp_a(page: &MetricsPage) -> f64 {
    page.value(UDP_A.0, &UDP_A.1).unwrap()
}

#[test]
fn two_threads_add_up_and_stay_when_they_end() {
    let metrics = Arc::new(ServerMetrics::new("1.2.3"));
    let (go, wait) = mpsc::channel::<()>();
    let (done, counted) = mpsc::channel();
    let first = {
        let (metrics, done) = (Arc::clone(&metrics), done.clone());
        thread::spawn(move || {
            let block = metrics.block("udp-0");
            for _ in 0..1000 {
                block.request(Transport::Udp, ClientFamily::V4, 1);
            }
            done.send(()).unwrap();
            wait.recv().unwrap();
        })
    };
    let second = {
        let metrics = Arc::clone(&metrics);
        thread::spawn(move || {
            for _ in 0..234 {
                metrics.with_local(|block| block.request(Transport::Udp, ClientFamily::V4, 1));
            }
            done.send(()).unwrap();
        })
    };
    counted.recv().unwrap();
    counted.recv().unwrap();
    let running = page(&metrics);
    assert!((udp_a(&running) - 1234.0).abs() < f64::EPSILON);
    assert_eq!(running.value("rhumb_thread_requests_total", &[("thread", "udp-0")]), Some(1000.0));
    go.send(()).unwrap();
    first.join().unwrap();
    second.join().unwrap();
    for _ in 0..2 {
        let ended = page(&metrics);
        assert!((udp_a(&ended) - 1234.0).abs() < f64::EPSILON);
        assert_eq!(ended.labels("rhumb_thread_requests_total"), [] as [&str; 0]);
    }
    assert_eq!(metrics.lock_blocks().live.len(), 0);
}

#[test]
fn threads_that_come_and_go_leave_no_blocks_behind() {
    let metrics = Arc::new(ServerMetrics::new("0"));
    for _ in 0..100 {
        let metrics = Arc::clone(&metrics);
        thread::spawn(move || metrics.with_local(CounterBlock::panic)).join().unwrap();
    }
    assert!(metrics.lock_blocks().live.len() <= 1);
    assert_eq!(page(&metrics).value("rhumb_panics_total", &[]), Some(100.0));
}

#[test]
fn one_thread_counts_for_several_owners() {
    let (one, two) = (ServerMetrics::new("1"), ServerMetrics::new("2"));
    for _ in 0..3 {
        one.with_local(|block| {
            block.truncated();
            two.with_local(CounterBlock::truncated);
            one.with_local(CounterBlock::truncated);
        });
        two.with_local(CounterBlock::truncated);
    }
    assert_eq!(page(&one).value("rhumb_dns_truncated_total", &[]), Some(6.0));
    assert_eq!(page(&two).value("rhumb_dns_truncated_total", &[]), Some(6.0));
}

#[test]
fn counts_made_while_a_thread_ends_are_kept() {
    struct AtTheEnd(Arc<ServerMetrics>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            self.0.with_local(CounterBlock::panic);
        }
    }
    thread_local!(static LAST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) });
    let metrics = Arc::new(ServerMetrics::new("0"));
    for block_first in [true, false] {
        let metrics = Arc::clone(&metrics);
        let ending = thread::spawn(move || {
            if block_first {
                metrics.with_local(CounterBlock::truncated);
            }
            LAST.with_borrow_mut(|last| *last = Some(AtTheEnd(Arc::clone(&metrics))));
            metrics.with_local(CounterBlock::truncated);
        });
        ending.join().unwrap();
    }
    let page = page(&metrics);
    assert_eq!(page.value("rhumb_panics_total", &[]), Some(2.0));
    assert_eq!(page.value("rhumb_dns_truncated_total", &[]), Some(3.0));
}

#[test]
fn upstream_series_come_and_go_with_their_handles() {
    let metrics = ServerMetrics::new("0");
    let upstream = metrics.upstream("192.0.2.53:53");
    upstream.request(false);
    metrics.upstream("192.0.2.53:53").response(3, Duration::from_millis(2));
    upstream.failure(UpstreamFailure::Timeout);
    upstream.set_healthy(false);
    let label = ("upstream", "192.0.2.53:53");
    let there = page(&metrics);
    assert_eq!(there.value("rhumb_forward_requests_total", &[label]), Some(1.0));
    assert_eq!(there.value("rhumb_forward_responses_total", &[label, ("rcode", "NXDOMAIN")]), Some(1.0));
    assert_eq!(there.value("rhumb_forward_responses_total", &[label, ("rcode", "REFUSED")]), None);
    assert_eq!(there.value("rhumb_forward_timeouts_total", &[label]), Some(1.0));
    let failures = |reason| there.value("rhumb_forward_failures_total", &[label, ("reason", reason)]);
    assert_eq!((failures("timeout"), failures("mismatched")), (Some(1.0), Some(0.0)));
    assert_eq!(there.value("rhumb_forward_tcp_requests_total", &[label]), Some(0.0));
    assert_eq!(there.value("rhumb_forward_healthy", &[label]), Some(0.0));
    assert_eq!(there.value("rhumb_forward_request_duration_seconds_sum", &[label]), Some(0.002));
    drop(upstream);
    let gone = page(&metrics);
    assert_eq!(gone.value("rhumb_forward_requests_total", &[label]), None);
    assert!(!gone.metrics.contains_key("rhumb_forward_healthy"));
}

#[test]
fn labels_are_bounded() {
    let metrics = ServerMetrics::new("0");
    let upstreams: Vec<_> = (0..1000).map(|i| metrics.upstream(&format!("192.0.2.1:{i}"))).collect();
    for upstream in &upstreams {
        upstream.request(false);
    }
    metrics.set_zone_series(3);
    metrics.watch(Arc::new(|out: &mut MetricSamples| {
        for i in 0..10 {
            out.zone(&ZoneSample {
                origin: &format_args!("z{i}."),
                serial: Some(i),
                records: 1,
                ok: i < 8,
                state: if i < 8 { ZoneState::Current } else { ZoneState::Outdated },
                expires: None,
                secondary: None,
            });
        }
    }));
    let full = page(&metrics);
    assert_eq!(full.labels("rhumb_forward_requests_total").len(), MAX_UPSTREAMS + 1);
    assert_eq!(full.value("rhumb_forward_requests_total", &[("upstream", "other")]), Some(744.0));
    assert_eq!(full.labels("rhumb_zone_serial"), ["z0.", "z1.", "z2."]);
    assert_eq!(full.labels("rhumb_zone_ok").len(), 3);
    let states = full.labels("rhumb_zones").into_iter().collect::<Vec<_>>();
    assert_eq!(states.len(), ZoneState::COUNT);
    let zones = |state: ZoneState| full.value("rhumb_zones", &[("state", state.as_str())]);
    assert_eq!((zones(ZoneState::Current), zones(ZoneState::Outdated)), (Some(8.0), Some(2.0)));
    assert!(ZoneState::ALL[2..].iter().filter(|state| **state != ZoneState::Outdated).all(|state| zones(
        *state
    ) == Some(
        0.0
    )));
    assert_eq!(full.value("rhumb_zones_failed", &[]), Some(2.0));
    drop(upstreams);
    // Serial, records and state of seven zones; upstreams are gone by now.
    assert_eq!(page(&metrics).value("rhumb_metrics_series_left_out", &[]), Some(21.0));
    let kept = metrics.upstream("192.0.2.99");
    kept.request(false);
    assert_eq!(page(&metrics).labels("rhumb_forward_requests_total"), ["192.0.2.99"]);
}

#[test]
fn beyond_the_bound_each_counts_for_itself_and_the_page_has_sums() {
    let metrics = ServerMetrics::new("0");
    let label = |number: u64| format!("192.0.2.1:{number}");
    let before = page(&metrics).value("rhumb_metrics_series_left_out", &[]);
    let upstreams: Vec<_> = (0..300).map(|number| metrics.upstream(&label(number))).collect();
    let lists: Vec<_> = (0..300).map(|number| metrics.list(&label(number))).collect();
    let certificates: Vec<_> = (0..300).map(|number| metrics.certificate(&label(number))).collect();
    for (number, certificate) in (0..).zip(&certificates) {
        certificate.set(Some(5000 - number), number != 299);
        for _ in 0..number {
            upstreams[usize::try_from(number).unwrap()].request(false);
        }
    }
    upstreams[299].failure(UpstreamFailure::Timeout);
    for (number, upstream) in (0..).zip(&upstreams) {
        assert_eq!(upstream.requests(), number, "{number}");
        assert_eq!(upstream.timeouts(), u64::from(number == 299), "{number}");
    }
    let value = |name: &str, kind: &str| page(&metrics).value(name, &[(kind, "other")]);
    assert_eq!(value("rhumb_forward_requests_total", "upstream"), Some(12_210.0));
    assert_eq!(value("rhumb_certificate_expires_seconds", "certificate"), Some(4701.0));
    assert_eq!(value("rhumb_certificate_ok", "certificate"), Some(0.0));
    assert_eq!(value("rhumb_forward_list_ok", "file"), Some(1.0));
    // The health of all is that of the worst that is asked, whoever was looked at last.
    for (down, taken_out, healthy) in [(None, None, 1.0), (Some(270), None, 0.0), (Some(270), Some(270), 1.0)]
    {
        for (number, upstream) in upstreams.iter().enumerate() {
            upstream.set_healthy(Some(number) != down);
            upstream.set_taken_out(Some(number) == taken_out);
        }
        assert_eq!(value("rhumb_forward_healthy", "upstream"), Some(healthy), "{down:?} {taken_out:?}");
    }
    // A later one does not push an earlier one off the page.
    let _later = metrics.upstream("10.0.0.1:53");
    let full = page(&metrics);
    assert_eq!(full.value("rhumb_forward_requests_total", &[("upstream", "192.0.2.1:255")]), Some(255.0));
    assert_eq!(full.value("rhumb_forward_requests_total", &[("upstream", "10.0.0.1:53")]), None);
    let left_out = full.value("rhumb_metrics_series_left_out", &[]);
    assert!(left_out > before && left_out > Some(44.0 * 10.0), "{left_out:?}");
    lists[299].set_ok(false);
    assert_eq!(value("rhumb_forward_list_ok", "file"), Some(0.0));
    drop((upstreams, lists, certificates));
    let left = page(&metrics);
    assert_eq!(left.value("rhumb_metrics_series_left_out", &[]), before);
    assert_eq!(left.labels("rhumb_forward_requests_total"), ["10.0.0.1:53"]);
}

#[test]
fn an_upstream_that_is_taken_out_is_neither_well_nor_down() {
    let metrics = ServerMetrics::new("0");
    let upstream = metrics.upstream("192.0.2.53:53");
    let label = ("upstream", "192.0.2.53:53");
    for (healthy, taken_out, expected) in [
        (true, false, (Some(1.0), Some(0.0))),
        (false, false, (Some(0.0), Some(0.0))),
        (false, true, (None, Some(1.0))),
        (true, true, (None, Some(1.0))),
        (false, false, (Some(0.0), Some(0.0))),
    ] {
        upstream.set_healthy(healthy);
        upstream.set_taken_out(taken_out);
        let page = page(&metrics);
        let seen =
            ["rhumb_forward_healthy", "rhumb_forward_taken_out"].map(|name| page.value(name, &[label]));
        assert_eq!((seen[0], seen[1]), expected, "{healthy} {taken_out}");
    }
}

#[test]
fn what_would_break_the_page_is_left_out() {
    let metrics = ServerMetrics::new("0");
    metrics.watch(Arc::new(|out: &mut MetricSamples| {
        out.set(&names::CACHE_BYTES, &[], 5);
        out.set(&names::CACHE_BYTES, &[], 6);
        out.set(&names::CACHE_BYTES, &["too many"], 7);
        out.set_float(&names::CACHE_ENTRIES, &[], f64::NAN);
        out.set(&names::FORWARD_DURATION, &["not a histogram"], 1);
        for i in 0..10_001 {
            out.set(&names::FORWARD_HEALTHY, &[&i.to_string()], 1);
        }
    }));
    let page = page(&metrics);
    assert_eq!(page.value("rhumb_cache_bytes", &[]), Some(5.0));
    assert!(!page.metrics.contains_key("rhumb_cache_entries"));
    assert_eq!(page.labels("rhumb_forward_healthy").len(), 10_000);
    assert_eq!(page.value("rhumb_metrics_series_left_out", &[]), Some(5.0));
}

#[test]
fn gauges_follow_their_holders() {
    let metrics = ServerMetrics::new("0");
    let held = (
        metrics.clients().connection(Transport::Tcp),
        metrics.clients().connection(Transport::Tls),
        metrics.waiting(),
    );
    metrics.refused(RefuseReason::Client);
    metrics.clients().displaced(DisplacedState::Idle);
    let open = page(&metrics);
    assert_eq!(open.value("rhumb_tcp_connections", &[]), Some(2.0));
    assert_eq!(open.value("rhumb_connections", &[("proto", "tls")]), Some(1.0));
    assert_eq!(open.value("rhumb_forward_waiting", &[]), Some(1.0));
    assert_eq!(open.value("rhumb_tcp_refused_total", &[("reason", "client")]), Some(1.0));
    assert_eq!(open.value("rhumb_tcp_displaced_total", &[("state", "idle")]), Some(1.0));
    assert_eq!(open.value("rhumb_tcp_displaced_total", &[("state", "silent")]), Some(0.0));
    drop(held);
    let closed = page(&metrics);
    assert_eq!(closed.value("rhumb_tcp_connections", &[]), Some(0.0));
    assert_eq!(closed.value("rhumb_tcp_accepted_total", &[]), Some(2.0));
    assert_eq!(closed.value("rhumb_forward_waiting", &[]), Some(0.0));
}

#[test]
fn a_failed_reload_shows_until_one_goes_well() {
    let metrics = ServerMetrics::new("0");
    metrics.loaded.store(1, Relaxed);
    let success = |metrics: &ServerMetrics| page(metrics).value("rhumb_reload_success", &[]);
    assert_eq!(success(&metrics), Some(1.0));
    metrics.reload(ReloadResult::Failed);
    assert_eq!(success(&metrics), Some(0.0));
    assert_eq!(page(&metrics).value("rhumb_reload_timestamp_seconds", &[]), Some(1.0));
    metrics.reload(ReloadResult::Unchanged);
    assert_eq!(success(&metrics), Some(1.0));
    assert!(page(&metrics).value("rhumb_reload_timestamp_seconds", &[]) > Some(1e9));
    assert_eq!(page(&metrics).value("rhumb_reload_total", &[("result", "failed")]), Some(1.0));
}
