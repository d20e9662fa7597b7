//! Every alert has unit tests: one in which it fires, and one in which it does not.

use std::collections::BTreeMap;

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

#[test]
fn expectations_are_counted() {
    let text = "- alertname: A\n  eval_time: 1m\n  exp_alerts: []\n- alertname: A\n  eval_time: 2m\n  exp_alerts:\n    - x\n- alertname: B\n";
    assert_eq!(expectations(text), BTreeMap::from([("A", (1, 1)), ("B", (1, 0))]));
}
