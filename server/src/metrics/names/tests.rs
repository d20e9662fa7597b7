use std::collections::BTreeSet;

use super::*;
use crate::metrics::text::MetricsPage;
use crate::metrics::{MetricSamples, SecondarySample, ServerMetrics, ZoneSample, ZoneState};

#[test]
fn names_follow_the_conventions() {
    let mut seen = BTreeSet::new();
    for metric in TABLE {
        assert!(seen.insert(metric.name()), "{} twice", metric.name());
        let known = metric.name().starts_with("rhumb_") || metric.name().starts_with("process_");
        assert!(known, "{}", metric.name());
        assert_eq!(
            metric.name().ends_with("_total"),
            metric.kind() == MetricKind::Counter,
            "{}",
            metric.name()
        );
        assert!(
            metric.help().ends_with('.') && !metric.help().contains(['|', '\n', '\\']),
            "{}",
            metric.help()
        );
        for label in metric.labels() {
            let allowed = [
                "proto",
                "family",
                "type",
                "rcode",
                "reason",
                "thread",
                "upstream",
                "domain",
                "source",
                "list",
                "file",
                "folder",
                "zone",
                "result",
                "version",
                "worker",
                "direction",
                "kind",
                "certificate",
                "security",
                "bound",
                "state",
                "group",
            ];
            assert!(allowed.contains(label), "{label}: is its number of values bounded?");
        }
    }
}

#[test]
fn the_table_and_a_scrape_agree() {
    let metrics = ServerMetrics::new("0.0.0");
    let held = (
        metrics.block("udp-0"),
        metrics.upstream("192.0.2.1"),
        metrics.domain("."),
        metrics.list("/etc/resolv.conf"),
        metrics.certificate("self-signed"),
        metrics.state_log(),
        metrics.cache_file(),
    );
    held.4.set(Some(1), true);
    drop(metrics.workers().register("udp", "udp 127.0.0.1:53/0"));
    metrics.watch(std::sync::Arc::new(|out: &mut MetricSamples| {
        out.set(&CACHE_ENTRIES, &[], 1);
        out.set(&CACHE_BYTES, &[], 1);
        out.set(&CACHE_SIZE, &[], 1);
        out.set(&CACHE_EVICTIONS, &[], 1);
        out.set(&DOMAIN_UPSTREAMS, &["."], 1);
        out.set(&DOMAIN_HEALTHY, &["."], 1);
        out.set(&DOMAIN_FALLBACK, &["."], 0);
        out.set(&CONFIG_HASH, &[], 1);
        out.set(&ZONE_FOLDER_OK, &["/etc/rhumb/zones"], 1);
        out.set(&ANCHOR_KEYS, &[".", "valid"], 1);
        out.set(&ANCHOR_REFRESHED, &["."], 1);
        out.set(&ANCHOR_FAILURES, &[], 1);
        out.set(&ANCHOR_FILE_FAILURES, &[], 1);
        out.set(&LOCAL_ROOT_OK, &[], 1);
        out.set(&LOG_DROPPED, &[], 1);
        out.set(&QUERY_LOG_DROPPED, &[], 1);
        out.set(&UNDER_WAY, &[], 1);
        out.set(&UPSTREAM_CONNECTIONS, &["tcp"], 1);
        out.zone(&ZoneSample {
            origin: &"example.com.",
            serial: Some(7),
            records: 3,
            ok: true,
            state: ZoneState::Current,
            expires: Some(9),
            secondary: Some(SecondarySample {
                interval: 1,
                lifetime: 5,
                checked: Some(2),
                expires: Some(3),
                primary_serial: Some(4),
            }),
        });
    }));
    let page = MetricsPage::read(&metrics.render()).unwrap();
    drop(held);
    let scraped: BTreeSet<&str> = page.metrics.keys().map(String::as_str).collect();
    let table: BTreeSet<&str> = TABLE.iter().map(|metric| metric.name()).collect();
    assert_eq!(scraped, table);
    for metric in TABLE {
        let (kind, help) = &page.metrics[metric.name()];
        assert_eq!(kind, metric.kind().as_str(), "{}", metric.name());
        assert_eq!(help, metric.help(), "{}", metric.name());
    }
}

#[test]
fn every_metric_is_a_row() {
    let table = table_markdown();
    assert_eq!(table.lines().count(), TABLE.len() + 2);
    assert!(table.lines().all(|line| line.matches('|').count() == 5), "{table}");
    assert!(table.contains(
        "| `rhumb_dns_requests_total` | counter | `proto`, `family`, `type` | Queries whose question could be read. |\n"
    ));
}
