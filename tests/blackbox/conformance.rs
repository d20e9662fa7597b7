//! Every answer of the shared conformance set, over the wire.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rhumb_tests::rig::message::{AA, TC};
use rhumb_tests::rig::{Client, Config, Host, Message, Record, Server, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, fail, skip};
use serde_json::Value;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::alone("conformance::authoritative_set", authoritative_set)];

const SETS: &str = "authoritative.jsonl.gz";

/// One zone, one question, one answer.
struct Case {
    id: u64,
    tag: String,
    origin: String,
    zone: String,
    /// Every name of the zone and the question, in lower case.
    names: Vec<String>,
    question: (String, String),
    rcode: String,
    authoritative: bool,
    answer: BTreeSet<String>,
    authority: BTreeSet<String>,
    additional: BTreeSet<String>,
}

/// Where the sets are: `RHUMB_CONFORMANCE`, else beside the repository.
fn folder() -> PathBuf {
    std::env::var_os("RHUMB_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"), PathBuf::from)
}

fn authoritative_set() -> Verdict {
    let file = folder().join(SETS);
    if !file.is_file() {
        skip!("no {} here (RHUMB_CONFORMANCE names its folder)", file.display());
    }
    let unpacked = program::run(Command::new("gzip").arg("-dc").arg(&file), Duration::from_mins(1))?;
    ensure_eq!(unpacked.code, Some(0), "unpacking {}", file.display());
    let cases: Vec<Case> = unpacked.out.lines().map(read_case).collect::<Result<_, _>>()?;
    let groups = group(&cases);
    let (matched, differences) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| -> Result<(), Failure> {
        let runners: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| -> Result<(), Failure> {
                    while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (good, bad) = run_group(&cases, group)?;
                        matched.fetch_add(good, Ordering::Relaxed);
                        differences.lock().unwrap().extend(bad);
                    }
                    Ok(())
                })
            })
            .collect();
        runners
            .into_iter()
            .try_for_each(|runner| runner.join().unwrap_or_else(|_| fail!("a runner panicked")))
    })?;
    let (matched, differences) = (matched.into_inner(), differences.into_inner().unwrap());
    println!("conformance: {matched} of {} match, in {} server runs", cases.len(), groups.len());
    ensure!(
        differences.is_empty() && matched == cases.len(),
        "{matched} of {} match; the first differences:\n{}",
        cases.len(),
        differences[..differences.len().min(5)].join("\n")
    );
    Ok(Outcome::Passed)
}

fn read_case(line: &str) -> Result<Case, Failure> {
    let value: Value = serde_json::from_str(line)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(text).collect() };
    let zone = lines(&value["zone"]);
    let expected = &value["expected"];
    let set =
        |section: &str| lines(&expected[section]).iter().map(|line| Record::from_text(line).key()).collect();
    let name = text(&value["name"]);
    let mut names: Vec<String> = zone.iter().flat_map(|line| names_of(line)).collect();
    names.push(name.to_ascii_lowercase());
    rewrite(&mut names, &zone);
    Ok(Case {
        id: value["id"].as_u64().context("a case without id")?,
        tag: text(&value["tag"]),
        origin: names.first().context("an empty zone")?.clone(),
        zone: zone.join("\n") + "\n",
        names,
        question: (name, text(&value["type"])),
        rcode: text(&expected["rcode"]),
        authoritative: lines(&expected["flags"]).contains(&"AA".to_owned()),
        answer: set("answer"),
        authority: set("authority"),
        additional: set("additional"),
    })
}

/// Owner and the names in RDATA. Those of the SOA are left out: they are the same in every zone and lead nowhere.
fn names_of(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let kind = words.get(3).copied().unwrap_or("");
    let data = words.get(4).filter(|_| ["NS", "CNAME", "DNAME"].contains(&kind));
    words.first().into_iter().chain(data).map(|name| name.to_ascii_lowercase()).collect()
}

/// Adds the names that the DNAME records of the zone make of those that are there: a server that has their zone too would
/// go on with them.
fn rewrite(names: &mut Vec<String>, zone: &[String]) {
    let rules: Vec<(String, &str)> = zone
        .iter()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words.get(3) == Some(&"DNAME"))
                .then(|| Some((format!(".{}", words.first()?), *words.get(4)?)))?
        })
        .collect();
    let mut at = 0;
    while at < names.len() && names.len() < 200 {
        for (below, target) in &rules {
            if let Some(first) = names[at].strip_suffix(&below.to_ascii_lowercase()) {
                let made = format!("{first}.{}", target.to_ascii_lowercase());
                if made.len() < 255 && !names.contains(&made) {
                    names.push(made);
                }
            }
        }
        at += 1;
    }
}

/// A name and everything above it, without the root.
fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let current = rest.filter(|name| !name.is_empty() && *name != ".")?;
        rest = current.split_once('.').map(|(_, above)| above);
        Some(current)
    })
}

/// Cases that share a server: no name of one at or below the origin of another.
fn group(cases: &[Case]) -> Vec<Vec<usize>> {
    #[derive(Default)]
    struct Group<'a> {
        members: Vec<usize>,
        origins: HashSet<&'a str>,
        above: HashSet<&'a str>,
    }
    let mut groups: Vec<Group> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let above: HashSet<&str> = case.names.iter().flat_map(|name| ancestors(name)).collect();
        let fits = |group: &Group| {
            !group.above.contains(case.origin.as_str())
                && above.iter().all(|name| !group.origins.contains(name))
        };
        let position = groups.iter().position(fits).unwrap_or_else(|| {
            groups.push(Group::default());
            groups.len() - 1
        });
        let group = &mut groups[position];
        group.members.push(index);
        group.origins.insert(&case.origin);
        group.above.extend(above);
    }
    groups.into_iter().map(|group| group.members).collect()
}

/// How many of a group match, and the others in words.
fn run_group(cases: &[Case], group: &[usize]) -> Result<(usize, Vec<String>), Failure> {
    let host = Host::new()?;
    let zones = group.iter().map(|&index| {
        let case = &cases[index];
        (case.origin.trim_end_matches('.').to_owned(), case.zone.clone())
    });
    let config = Config::new().listen("127.0.0.1").zone_folder("set", zones).more("workers: 1");
    let _server = Server::start(&host, &config)?;
    let client = Client::new(&host);
    let to: SocketAddr = "127.0.0.1:53".parse()?;
    let mut differences = Vec::new();
    for &index in group {
        let case = &cases[index];
        let mut query = Message::query(&case.question.0, &case.question.1).no_recursion();
        // The names come back as the question wrote them; the rig compares that too.
        query.questions[0].0.make_ascii_lowercase();
        let answer = client.udp(to, &query)?.message;
        if let Some(difference) = compare(case, &answer) {
            differences.push(difference);
        }
    }
    Ok((group.len() - differences.len(), differences))
}

fn compare(case: &Case, found: &Message) -> Option<String> {
    let codes: HashMap<u16, &str> = HashMap::from([
        (0, "NOERROR"),
        (1, "FORMERR"),
        (2, "SERVFAIL"),
        (3, "NXDOMAIN"),
        (5, "REFUSED"),
        (6, "YXDOMAIN"),
    ]);
    let keys = |records: &[Record]| -> BTreeSet<String> { records.iter().map(Record::key).collect() };
    let mut text = String::new();
    let code = codes.get(&found.rcode()).copied().unwrap_or("another");
    if code != case.rcode {
        let _ = write!(text, " rcode {code} instead of {};", case.rcode);
    }
    if found.has(AA) != case.authoritative || found.has(TC) {
        let _ = write!(text, " flags {:#06x}, AA should be {};", found.flags, case.authoritative);
    }
    let answer = keys(&found.answer);
    let authority_counts = answer.is_empty() || case.answer.is_empty();
    for (title, found, expected, counts) in [
        ("answer", answer, &case.answer, true),
        ("authority", keys(&found.authority), &case.authority, authority_counts),
        ("additional", keys(&found.additional), &case.additional, true),
    ] {
        if counts && found != *expected {
            let _ = write!(text, " {title} {found:?} instead of {expected:?};");
        }
    }
    let (name, kind) = &case.question;
    (!text.is_empty()).then(|| format!("case {} ({}) {name} {kind}:{text}\n{}", case.id, case.tag, case.zone))
}
