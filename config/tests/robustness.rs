//! Whatever the bytes: no panic, the same result each time, bounded work.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what panics in a test fails it"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rhumb_config::parse;

const FILE: &str = "x.yaml";

fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Reads twice: the results are the same, every error has a place in the text, and nothing panics.
fn read(text: &str) -> Result<(), TestCaseError> {
    let first = parse(text, Path::new(FILE));
    prop_assert_eq!(&first, &parse(text, Path::new(FILE)));
    if let Err(errors) = first {
        prop_assert!(!errors.errors.is_empty());
        // A line ends at what YAML takes for a line break, which is more than a line feed.
        let breaks = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
        for error in errors.errors {
            prop_assert!(error.place.column > 0);
            prop_assert!(error.place.line as usize <= breaks + 1, "{error}");
            prop_assert!(error.place.line > 0 && !error.message.contains('\n'), "{error}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text(text in any::<String>()) {
        read(&text)?;
    }

    #[test]
    fn text_of_yaml_signs(text in "[-\\[\\]{}:,&*!|>'\"%@#?a0. \n]{0,60}") {
        read(&text)?;
    }

    #[test]
    fn cut_and_changed_examples(
        which in 0_usize..5, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        new in "[-\\[\\]{}:,&*!|>'\"#?a0 \n\t\u{fc}\0]{0,4}",
    ) {
        let example = &examples()[which];
        let mut characters: Vec<char> = example.chars().collect();
        let place = at.index(characters.len());
        characters.splice(place..(place + new.chars().count()).min(characters.len()), new.chars());
        read(&characters.iter().collect::<String>())?;
        let end = cut.index(characters.len());
        read(&characters[..end].iter().collect::<String>())?;
    }

    #[test]
    fn lines_of_examples_in_another_order(
        which in 0_usize..5, order in Just((0..200_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let example = &examples()[which];
        let lines: Vec<_> = example.lines().collect();
        let shuffled: Vec<_> = order.iter().filter_map(|index| lines.get(*index).copied()).collect();
        read(&shuffled.join("\n"))?;
    }
}

#[track_caller]
fn refused(text: &str, words: &str) -> Duration {
    let start = Instant::now();
    let errors = parse(text, Path::new(FILE)).unwrap_err();
    assert!(errors.to_string().contains(words), "{}", errors.errors[0]);
    start.elapsed()
}

#[test]
fn depth_is_bounded() {
    refused(&format!("user: {}{}", "[".repeat(40), "]".repeat(40)), "nested more than 32 levels");
    refused(&format!("user: {}{}", "[".repeat(300), "]".repeat(300)), "more than 256 brackets are open");
    refused(&format!("user: {}", "{a: ".repeat(100)), "");
    refused(&format!("user:\n  {}a", "- ".repeat(1000)), "nested more than 32 levels");
    refused(&format!("user:\n  {}a", "? ".repeat(1000)), "nested more than 32 levels");
    refused("user: &a [*a]\n", "nested more than 32 levels");
}

#[test]
fn aliases_cannot_multiply() {
    let mut bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inside = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "b{level}: &a{level} [{inside}]").unwrap();
    }
    let took = refused(&bomb, "values, aliases counted");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn keys_and_errors_are_bounded() {
    refused(&format!("{}: 1\n", "k".repeat(65)), "a key is longer than 64 characters");
    assert_eq!(parse(&format!("{}: 1\n", "k".repeat(64)), Path::new(FILE)).unwrap_err().errors.len(), 1);
    let mut many = String::new();
    for number in 0..5000 {
        writeln!(many, "key{number}: 1").unwrap();
    }
    let errors = parse(&many, Path::new(FILE)).unwrap_err();
    assert_eq!(errors.errors.len(), 1000);
    let wrong = format!("recursion: {{ allow: [{}] }}\n", "x, ".repeat(5000));
    assert_eq!(parse(&wrong, Path::new(FILE)).unwrap_err().errors.len(), 1000);
    let long = parse(&format!("user: \"{}\"\n", " x".repeat(5000)), Path::new(FILE)).unwrap_err();
    assert!(long.to_string().len() < 300, "{long}");
}

fn forwards(count: usize) -> String {
    let mut text = "forward:\n".to_owned();
    for number in 0..count {
        writeln!(text, "  - domain: d{number}.example\n    upstreams: [192.0.2.1, \"[2001:db8::1]:53\"]")
            .unwrap();
    }
    text
}

fn time(text: &str) -> Duration {
    let start = Instant::now();
    parse(text, Path::new(FILE)).unwrap();
    start.elapsed()
}

/// Work grows with the size of the file, not with its square: ten times the entries, far less than a hundred times
/// the time.
#[test]
fn time_grows_with_size() {
    let (small, large) = (forwards(1000), forwards(10_000));
    let best = |text: &str| (0..3).map(|_| time(text)).min().unwrap();
    let (small, large) = (best(&small), best(&large));
    assert!(large < small * 40, "{small:?} for 1,000 entries, {large:?} for 10,000");
    assert!(large < Duration::from_secs(10), "{large:?}");
}

/// All on one line: columns are not counted anew for each value.
#[test]
fn one_long_line_is_no_worse() {
    let mut text = "zones: [".to_owned();
    for number in 0..10_000 {
        write!(text, "{{name: z{number}, file: f}}, ").unwrap();
    }
    let took = time(&(text + "]\n"));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// What this thread has used of the processor: others may use it too.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// The time that 2n costs divided by that of n, each the least of several.
fn growth(n: usize, text: impl Fn(usize) -> String, work: impl Fn(&str)) -> f64 {
    let least = |text: &str| {
        let once = || {
            let start = cpu_time();
            work(text);
            cpu_time().saturating_sub(start)
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (small, large) = (text(n), text(2 * n));
    least(&large).as_secs_f64() / least(&small).as_secs_f64()
}

/// Twice the size costs at most 2.2 times the time, whatever is wrong; measured again where something else took the processor.
#[track_caller]
fn linear(what: &str, n: usize, text: impl Fn(usize) -> String, work: impl Fn(&str)) {
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(growth(n, &text, &work));
        if seen.last().is_some_and(|growth| *growth <= 2.2) {
            return;
        }
    }
    panic!("{what}: twice the size takes {seen:?} times the time");
}

fn items(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

fn network(number: usize) -> String {
    format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)
}

#[test]
fn every_kind_of_configuration_takes_time_as_its_size() {
    type Text = fn(usize) -> String;
    let kinds: [(&str, usize, Text); 8] = [
        ("networks", 800, |n| format!("recursion: {{ allow: [{}] }}", items(n, network))),
        ("networks that are none", 800, |n| {
            format!("recursion: {{ allow: [{}] }}", items(n, |_| "x".to_owned()))
        }),
        ("domains", 500, |n| {
            format!("forward: [{}]", items(n, |i| format!("{{ domain: d{i}, upstreams: 192.0.2.1 }}")))
        }),
        ("zones given again", 600, |n| {
            format!("zones: [{}]", items(n, |i| format!("{{ name: z{}, file: f }}", i / 2)))
        }),
        ("listeners", 600, |n| {
            format!("listen: [{}]", items(n, |i| format!("{{ address: {} }}", network(i + 1))))
        }),
        ("unknown keys", 800, |n| items(n, |i| format!("key{i}: 1")).replace(", ", "\n")),
        ("keys given again", 1600, |n| "user: a\n".repeat(n)),
        ("one open quote", 50_000, |n| format!("user: \"{}", "a ".repeat(n))),
    ];
    for (what, n, text) in kinds {
        linear(what, n, text, |text| drop(parse(text, Path::new(FILE))));
    }
}

#[test]
fn every_kind_of_list_takes_time_as_its_size() {
    type Text = fn(usize) -> String;
    let kinds: [(&str, Text); 5] = [
        ("one upstream again and again", |n| "192.0.2.53\n".repeat(n)),
        ("upstreams", |n| (0..n).map(|i| network(i) + "\n").collect()),
        ("garbage", |n| "no address\n".repeat(n)),
        ("nameservers", |n| "nameserver ::ffff:192.0.2.1\n".repeat(n)),
        ("one line", |n| "x".repeat(10 * n)),
    ];
    for (what, text) in kinds {
        let both = |text: &str| {
            let _ = rhumb_config::upstream_list::parse_list(text);
            let _ = rhumb_config::upstream_list::parse_resolv_conf(text);
        };
        linear(what, 4000, text, both);
    }
}
