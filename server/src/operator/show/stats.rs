//! The counters, for people.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::amount::{bytes, utc};
use super::answer::{AnswerStreams, read};
use super::table::TextTable;
use crate::control::command::CommandArguments;
use crate::metrics::names::{MetricKind, MetricSpec, TABLE};

/// The parts of the text, by what the names of their metrics begin with; the last takes the rest.
const SECTIONS: [(&str, &str); 8] = [
    ("rhumb_dns_", "Queries and responses"),
    ("rhumb_tcp_", "TCP connections"),
    ("rhumb_cache_", "Cache"),
    ("rhumb_forward_", "Forwarding"),
    ("rhumb_zone", "Zones"),
    ("rhumb_transfers", "Zone transfers"),
    ("process_", "Process"),
    ("", "Server"),
];

/// A series: its labels and its value.
type LabelledValue = (Vec<(String, String)>, f64);

/// What happened is shown, by subject; what never happened is not, nor are the buckets of histograms: `--json` has them.
pub(in crate::operator) fn stats(
    _: &CommandArguments,
    answer: Value,
    to: &mut AnswerStreams<'_>,
) -> io::Result<()> {
    let mut series: BTreeMap<String, Vec<LabelledValue>> = BTreeMap::new();
    for (name, value) in read::<BTreeMap<String, f64>>(answer)? {
        let (name, labels) = name.split_once('{').unwrap_or((&name, ""));
        series.entry(name.to_owned()).or_default().push((labels_of(labels), value));
    }
    let mut first = true;
    for (prefix, title) in SECTIONS {
        let metrics = TABLE.iter().filter(|metric| section_of(metric.name()) == prefix);
        let rows: Vec<_> = metrics.flat_map(|metric| rows(metric, &series)).collect();
        if rows.is_empty() {
            continue;
        }
        let gap = if first { "" } else { "\n" };
        first = false;
        writeln!(to.out, "{gap}{title}")?;
        let mut table = TextTable::default();
        for (name, value) in rows {
            table.row([&format!("  {name}"), &value]);
        }
        table.write(to.out)?;
    }
    // Those of another version of the server.
    let known = |name: &str| TABLE.iter().any(|metric| name.starts_with(metric.name()));
    let mut others = TextTable::default();
    for (name, values) in series.iter().filter(|(name, _)| !known(name) && !name.ends_with("_bucket")) {
        for (labels, value) in values.iter().filter(|(_, value)| *value != 0.0) {
            others.row([name, &words(labels), &value.to_string()]);
        }
    }
    others.write(to.out)
}

fn section_of(name: &str) -> &'static str {
    SECTIONS.iter().map(|(prefix, _)| *prefix).find(|prefix| name.starts_with(prefix)).unwrap_or("")
}

/// What a metric says, and its values: one row, or a title and a row for each series.
fn rows(metric: &MetricSpec, series: &BTreeMap<String, Vec<LabelledValue>>) -> Vec<(String, String)> {
    let title = metric.help().trim_end_matches('.');
    let values = if metric.kind() == MetricKind::Histogram {
        means(metric.name(), series)
    } else {
        plain_values(metric, series)
    };
    match values.as_slice() {
        [] => Vec::new(),
        [(labels, value)] if labels.is_empty() => vec![(title.to_owned(), value.clone())],
        many => {
            let rows = many.iter().map(|(labels, value)| (format!("  {}", words(labels)), value.clone()));
            std::iter::once((title.to_owned(), String::new())).chain(rows).collect()
        }
    }
}

type ShownValue = (Vec<(String, String)>, String);

fn plain_values(metric: &MetricSpec, series: &BTreeMap<String, Vec<LabelledValue>>) -> Vec<ShownValue> {
    let happened = series.get(metric.name()).into_iter().flatten().filter(|(_, value)| *value != 0.0);
    happened.map(|(labels, value)| (labels.clone(), amount(metric.name(), *value))).collect()
}

/// How many were observed, and their mean.
fn means(name: &str, series: &BTreeMap<String, Vec<LabelledValue>>) -> Vec<ShownValue> {
    let of = |suffix: &str| series.get(&format!("{name}{suffix}")).into_iter().flatten();
    let observed = of("_count").zip(of("_sum")).filter(|((_, count), _)| *count > 0.0);
    observed
        .map(|((labels, count), (_, sum))| {
            let mean = if name.ends_with("_bytes") {
                format!("{:.0} bytes", sum / count)
            } else {
                format!("{:.3} ms", sum / count * 1000.0)
            };
            (labels.clone(), format!("{}, mean {mean}", grouped(*count)))
        })
        .collect()
}

/// A value with its unit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as many bytes or seconds as there are"
)]
fn amount(name: &str, value: f64) -> String {
    if name.ends_with("_bytes") {
        bytes(value as u64)
    } else if name.ends_with("_cpu_seconds_total") {
        format!("{value:.1} s")
    } else if name.ends_with("_seconds") {
        utc(value as u64)
    } else {
        grouped(value)
    }
}

/// A number, its digits in groups of three.
fn grouped(value: f64) -> String {
    let digits = format!("{value}");
    if value.fract() != 0.0 || value < 0.0 {
        return digits;
    }
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The values of labels, such as `udp, IPv4, A`.
fn words(labels: &[(String, String)]) -> String {
    let word = |(name, value): &(String, String)| match name.as_str() {
        "family" => format!("IPv{value}"),
        _ => value.clone(),
    };
    labels.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Labels as the page of metrics writes them: `a="x",b="y"}`.
fn labels_of(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let (mut value, mut escaped, mut end) = (String::new(), false, after.len());
        for (at, c) in after.char_indices() {
            match c {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    end = at;
                    break;
                }
                c => {
                    value.push(c);
                    escaped = false;
                }
            }
        }
        labels.push((name.trim_start_matches(',').to_owned(), value));
        rest = after.get(end + 1..).unwrap_or("");
    }
    labels
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_read_as_they_are_written() {
        let labels = labels_of("a=\"x\\\\\\\"y\",b=\"\",c=\"1,d=2\"}");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(labels, [pair("a", "x\\\"y"), pair("b", ""), pair("c", "1,d=2")]);
        assert!(labels_of("").is_empty() && labels_of("a=\"x").len() == 1);
    }

    #[test]
    fn what_happened_is_shown_in_words() {
        let answer = json!({
            "rhumb_dns_requests_total{proto=\"udp\",family=\"4\",type=\"A\"}": 1_234_567.0,
            "rhumb_dns_requests_total{proto=\"udp\",family=\"6\",type=\"A\"}": 0.0,
            "rhumb_dns_edns_requests_total": 12.0,
            "rhumb_dns_request_duration_seconds_bucket{proto=\"udp\",le=\"1\"}": 4.0,
            "rhumb_dns_request_duration_seconds_sum{proto=\"udp\"}": 0.002,
            "rhumb_dns_request_duration_seconds_count{proto=\"udp\"}": 4.0,
            "rhumb_cache_bytes": 1536.0,
            "rhumb_start_timestamp_seconds": 1_000_000_000.0,
            "rhumb_of_a_later_version{x=\"y\"}": 7.0,
        });
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut to = AnswerStreams { out: &mut out, err: &mut err };
        stats(&CommandArguments::default(), answer, &mut to).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "Queries and responses",
                "Queries whose question could be read",
                "udp, IPv4, A 1,234,567",
                "Time from reading a query to handing its response to the kernel",
                "udp 4, mean 0.500 ms",
                "Queries with an OPT record 12",
                "",
                "Cache",
                "Memory the cache uses 1.5 KiB",
                "",
                "Server",
                "When the server started, in seconds since 1970 2001-09-09 01:46:40 UTC",
                "rhumb_of_a_later_version y 7",
            ]
        );
    }
}
