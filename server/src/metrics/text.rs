//! A reader of the text format, for tests: strict where Prometheus' own is, and more so about order and repetition.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

/// Names and values, in order.
type Labels = Vec<(String, String)>;
/// A series: its name, with the suffix of a histogram, and its labels.
type Series = (String, Labels);

/// A page that was read without a complaint.
#[derive(Debug, Default)]
pub(super) struct MetricsPage {
    /// Type and help of each metric, by name.
    pub(super) metrics: BTreeMap<String, (String, String)>,
    series: BTreeMap<Series, f64>,
}

impl MetricsPage {
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.get(&(name.to_owned(), labels)).copied()
    }

    /// Values of the last label of every series of this name.
    pub(super) fn labels(&self, name: &str) -> Vec<&str> {
        let of_name = self.series.keys().filter(|(series, _)| series == name);
        of_name.filter_map(|(_, labels)| labels.last().map(|(_, value)| value.as_str())).collect()
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let mut current = String::new();
        let mut help = BTreeMap::new();
        if !text.ends_with('\n') {
            return Err("no newline at the end".to_owned());
        }
        for line in text.split_terminator('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, text) = rest.split_once(' ').ok_or("HELP without text")?;
                if help.insert(name.to_owned(), text.to_owned()).is_some() {
                    return Err(format!("second HELP of {name}"));
                }
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or("TYPE without a type")?;
                let help = help.get(name).cloned().ok_or(format!("no HELP for {name}"))?;
                if page.metrics.insert(name.to_owned(), (kind.to_owned(), help)).is_some() {
                    return Err(format!("second TYPE of {name}"));
                }
                name.clone_into(&mut current);
            } else {
                let (series, value) = sample(line)?;
                let (kind, _) = page.metrics.get(&current).ok_or("a sample before any TYPE")?;
                belongs(&series.0, &current, kind)?;
                if page.series.insert(series, value).is_some() {
                    return Err(format!("twice: {line:?}"));
                }
            }
        }
        page.check_histograms()?;
        Ok(page)
    }

    fn check_histograms(&self) -> Result<(), String> {
        for (name, _) in self.metrics.iter().filter(|(_, (kind, _))| kind == "histogram") {
            let mut counts: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            for ((_, labels), value) in
                self.series.iter().filter(|((n, _), _)| *n == format!("{name}_bucket"))
            {
                let (rest, bound) = labels.split_at(labels.len() - 1);
                let bound = bound[0].1.replace("+Inf", "inf").parse::<f64>().map_err(|e| e.to_string())?;
                counts.entry(rest.to_vec()).or_default().push((bound, *value));
            }
            for (labels, mut buckets) in counts {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                let count = self.series.get(&(format!("{name}_count"), labels.clone())).ok_or("no count")?;
                self.series.get(&(format!("{name}_sum"), labels)).ok_or("no sum")?;
                if !buckets.is_sorted_by(|a, b| a.1 <= b.1)
                    || buckets.last() != Some(&(f64::INFINITY, *count))
                {
                    return Err(format!("buckets of {name}: {buckets:?}, count {count}"));
                }
            }
        }
        Ok(())
    }
}

fn belongs(series: &str, metric: &str, kind: &str) -> Result<(), String> {
    let suffix = series.strip_prefix(metric).ok_or(format!("{series} under {metric}"))?;
    let good = match kind {
        "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
        "counter" | "gauge" => suffix.is_empty(),
        _ => false,
    };
    if good { Ok(()) } else { Err(format!("{series} under the {kind} {metric}")) }
}

fn sample(line: &str) -> Result<(Series, f64), String> {
    let mut rest = line.chars().peekable();
    let name = word(&mut rest)?;
    let mut labels = Vec::new();
    if rest.next_if_eq(&'{').is_some() {
        loop {
            let label = word(&mut rest)?;
            if rest.next() != Some('=') || rest.next() != Some('"') {
                return Err(format!("no =\" in {line:?}"));
            }
            labels.push((label, quoted(&mut rest)?));
            match rest.next() {
                Some(',') => {}
                Some('}') => break,
                _ => return Err(format!("neither , nor }} in {line:?}")),
            }
        }
    }
    let distinct: BTreeSet<&String> = labels.iter().map(|(name, _)| name).collect();
    if distinct.len() != labels.len() {
        return Err(format!("a label twice in {line:?}"));
    }
    if rest.next() != Some(' ') {
        return Err(format!("no space before the value in {line:?}"));
    }
    let value = rest.collect::<String>().parse().map_err(|_| format!("no number in {line:?}"))?;
    Ok(((name, labels), value))
}

fn word(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        word.push(c);
    }
    if word.starts_with(|c: char| !c.is_ascii_digit()) { Ok(word) } else { Err(format!("no name: {word:?}")) }
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match rest.next().ok_or("no closing quote")? {
            '"' => return Ok(text),
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some(c @ ('\\' | '"')) => text.push(c),
                other => return Err(format!("escape of {other:?}")),
            },
            '\0' => return Err("a NUL".to_owned()),
            c => text.push(c),
        }
    }
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let head = "# HELP a b\n# TYPE a gauge\n";
    for bad in [
        "a 1",
        "a{b=\"c} 1\n",
        "a{b=\"c\\d\"} 1\n",
        "a{b=\"c\"d\"} 1\n",
        "a{b=\"\",b=\"\"} 1\n",
        "a 1\na 2\n",
        "b 1\n",
        "a x\n",
        "a{b=\"x\ny\"} 1\n",
        "# TYPE a gauge\n",
    ] {
        assert!(MetricsPage::read(&format!("{head}{bad}")).is_err(), "{bad:?}");
    }
    let good = MetricsPage::read(&format!("{head}a{{b=\"c\\\\d\\\"\\n\"}} 1.5\na 2\n")).unwrap();
    assert_eq!(good.value("a", &[("b", "c\\d\"\n")]), Some(1.5));
    let histogram =
        "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\n";
    assert!(MetricsPage::read(&format!("{histogram}h_count 3\n")).is_ok());
    assert!(MetricsPage::read(&format!("{histogram}h_count 4\n")).is_err());
}
