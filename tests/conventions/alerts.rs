//! Every alert has unit tests: one in which it fires, and one in which it does not. What alerts and dashboards ask for exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::root;

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("deploy/prometheus").join(name)).expect(name)
}

/// The names behind this key, and what stands behind each up to the next.
fn after<'t>(text: &'t str, key: &str) -> Vec<(&'t str, &'t str)> {
    let part = |rest: &'t str| rest.split_once('\n').unwrap_or((rest, ""));
    text.split(key).skip(1).map(part).map(|(name, rest)| (name.trim(), rest)).collect()
}

/// How often each alert is expected to fire, and how often not to.
fn expectations(text: &str) -> BTreeMap<&str, (usize, usize)> {
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (name, rest) in after(text, "- alertname: ") {
        let silent = rest.lines().take(2).any(|line| line.trim() == "exp_alerts: []");
        let counts = found.entry(name).or_default();
        *if silent { &mut counts.1 } else { &mut counts.0 } += 1;
    }
    found
}

#[test]
fn every_alert_is_seen_to_fire_and_not_to_fire() {
    let (rules, tests) = (read("rhumb.rules.yml"), read("rhumb.rules.test.yml"));
    let alerts: Vec<&str> = after(&rules, "- alert: ").into_iter().map(|(name, _)| name).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let expected = expectations(&tests);
    let untested: Vec<_> = alerts
        .iter()
        .filter(|name| !expected.get(**name).is_some_and(|(fires, silent)| *fires > 0 && *silent > 0))
        .collect();
    assert!(untested.is_empty(), "without a test that they fire and one that they do not: {untested:?}");
}

/// Those that the head of the rules explains.
const SEVERITIES: [&str; 2] = ["page", "warn"];

#[test]
fn severities_are_those_that_are_explained() {
    let rules = read("rhumb.rules.yml");
    let used: BTreeSet<&str> =
        after(&rules, "severity: ").into_iter().map(|(rest, _)| rest.trim_end_matches([' ', '}'])).collect();
    // The head of the file itself speaks of both.
    let used: BTreeSet<&str> = used.into_iter().filter(|one| !one.contains(':')).collect();
    assert_eq!(used, BTreeSet::from(SEVERITIES));
}

/// The metrics of the server, with their labels.
fn metrics() -> BTreeMap<String, Vec<String>> {
    let table = std::fs::read_to_string(root().join("server/src/metrics/names.rs")).expect("names.rs");
    let mut found = BTreeMap::new();
    for line in table.lines().filter(|line| {
        [" = Counter \"", " = Gauge \"", " = Histogram \""].iter().any(|kind| line.contains(kind))
    }) {
        let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let Some((name, labels)) = quoted.split_first() else { continue };
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let name = (*name).to_owned();
        if line.contains(" = Histogram ") {
            for end in ["_bucket", "_sum", "_count"] {
                found.insert(format!("{name}{end}"), labels_with_bound(&labels, end));
            }
        }
        found.insert(name, labels);
    }
    assert!(found.len() > 100, "{} metrics", found.len());
    found
}

fn labels_with_bound(labels: &[String], end: &str) -> Vec<String> {
    let bound = (end == "_bucket").then(|| "le".to_owned());
    labels.iter().cloned().chain(bound).collect()
}

/// Each name of a metric of ours in a text, with the labels that its selector names.
fn selected(text: &str) -> Vec<(&str, Vec<&str>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("rhumb_") {
        if text[..at].ends_with(is_word) {
            continue;
        }
        let rest = &text[at..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let selector = rest[end..]
            .strip_prefix('{')
            .and_then(|more| more.split_once('}'))
            .map_or("", |(inside, _)| inside);
        let labels = selector.split(',').filter_map(|part| part.split(['=', '!']).next()).map(str::trim);
        found.push((&rest[..end], labels.filter(|label| !label.is_empty()).collect()));
    }
    found
}

/// Labels that Prometheus gives each series of a target.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

#[test]
fn alerts_and_dashboards_ask_for_metrics_that_exist() {
    let metrics = metrics();
    for file in ["prometheus/rhumb.rules.yml", "prometheus/rhumb.rules.test.yml", "grafana/rhumb.json"] {
        let text = std::fs::read_to_string(root().join("deploy").join(file)).expect(file);
        let selected = selected(&text);
        assert!(selected.len() > 20, "{file}: {}", selected.len());
        for (name, labels) in selected {
            let known = metrics.get(name).unwrap_or_else(|| panic!("{file}: there is no metric {name}"));
            for label in labels {
                let exists = OF_TARGETS.contains(&label) || known.iter().any(|one| one == label);
                assert!(exists, "{file}: {name} has no label {label}");
            }
        }
    }
}

#[test]
fn selectors_are_read() {
    let text = r#"sum(rate(rhumb_a_total{job="x", reason!~"a|b"}[5m])) / rhumb_b and xrhumb_c"#;
    assert_eq!(selected(text), [("rhumb_a_total", vec!["job", "reason"]), ("rhumb_b", vec![])]);
}

#[test]
fn expectations_are_counted() {
    let text = "- alertname: A\n  eval_time: 1m\n  exp_alerts: []\n- alertname: A\n  eval_time: 2m\n  exp_alerts:\n    - x\n- alertname: B\n";
    assert_eq!(expectations(text), BTreeMap::from([("A", (1, 1)), ("B", (1, 0))]));
}
