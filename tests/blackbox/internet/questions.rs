//! What all resolvers are asked, and what they answer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rhumb_tests::rig::message::{AD, TC};
use rhumb_tests::rig::record::{Record, type_text};
use rhumb_tests::rig::{Client, Message, Transport, rcode};

use super::contents::next;
use super::expected::Expected;
use super::zones::{Fault, HostedZone, ZONES};

/// One question, and the zone it is about.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) zone: &'static HostedZone,
    pub(super) name: String,
    pub(super) kind: &'static str,
}

/// What a resolver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) code: u16,
    /// The records of the answer without their TTL; of a signature what it covers.
    pub(super) records: BTreeSet<String>,
    /// AD.
    pub(super) secure: bool,
    /// The extended errors and their texts.
    pub(super) errors: Vec<(u16, String)>,
}

/// So many failures because of loss are told.
const SHOWN: usize = 20;

impl Answered {
    /// Whether response code, records and AD are the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        (self.code, &self.records, self.secure) == (other.code, &other.records, other.secure)
    }
}

/// How long failures are remembered where servers could not be reached, and a little more; and how often it is asked again at the most.
const FAILURE_MEMORY: Duration = Duration::from_secs(5);
const ROUNDS: usize = 8;
/// How long a client waits for an answer, and how often it asks (so does dig).
const TIME_LIMIT: Duration = Duration::from_secs(9);
const TRIES: usize = 3;

const NAMES: [&str; 17] = [
    "",
    "www",
    "mail",
    "alias",
    "far",
    "nowhere",
    "x.wild",
    "x.y.wild",
    "*.wild",
    "x.wild-alias",
    "deep",
    "a.b.deep",
    "missing",
    "very.missing",
    "www.old",
    "old",
    "big",
];
const TYPES: [&str; 8] = ["A", "AAAA", "MX", "TXT", "NS", "DS", "DNSKEY", "SOA"];

/// Every name with A and another type in turn.
pub(super) fn some() -> Vec<Question> {
    all(false)
}

/// Every name that contains a word, with every type.
pub(super) fn about(word: &str) -> Vec<Question> {
    let mut questions = all(true);
    questions.retain(|question| question.name.contains(word));
    questions
}

fn all(every: bool) -> Vec<Question> {
    let mut questions = Vec::new();
    for (number, zone) in ZONES.iter().enumerate() {
        // Of those that nobody answers for little is enough, for each takes its time.
        let names: &[&str] = match zone.fault {
            Fault::Unreachable => &["www"],
            _ if zone.is_top() => &["", "missing"],
            _ => &NAMES,
        };
        for (place, label) in names.iter().enumerate() {
            let name = match (*label, zone.origin) {
                ("", origin) => origin.to_owned(),
                (label, ".") => format!("{label}."),
                (label, origin) => format!("{label}.{origin}"),
            };
            let turn = 1 + (number + 3 * place) % (TYPES.len() - 1);
            let chosen = TYPES.iter().enumerate().filter(|&(index, _)| every || index == 0 || index == turn);
            questions.extend(chosen.map(|(_, &kind)| Question { zone, name: name.clone(), kind }));
        }
        // What makes the difference at a delegation and a zone's top is always asked.
        if !every && zone.fault != Fault::Unreachable {
            let more =
                ["DS", "DNSKEY", "NS"].map(|kind| Question { zone, name: zone.origin.to_owned(), kind });
            questions.extend(more);
        }
    }
    questions
}

impl Question {
    /// The zones that the answer is made of: its own, and those to which its aliases lead.
    pub(super) fn zones(&self) -> Vec<&'static HostedZone> {
        let label = self.name.strip_suffix(self.zone.origin).unwrap_or("").trim_end_matches('.');
        let links = match label {
            "far" => 2,
            "nowhere" | "x.wild-alias" | "www.old" | "far2" => 1,
            _ => 0,
        };
        std::iter::successors(Some(self.zone), |zone| Some(next(zone))).take(1 + links).collect()
    }
}

/// Asks a resolver everything, so many questions at a time; no answer where none came.
pub(super) fn ask_all(
    client: &Client,
    to: SocketAddr,
    questions: &[Question],
    at_a_time: usize,
) -> Vec<Option<Answered>> {
    let client = client.clone().time_limit(TIME_LIMIT);
    let answers = Mutex::new(vec![None; questions.len()]);
    let at = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                loop {
                    let index = at.fetch_add(1, Relaxed);
                    let Some(question) = questions.get(index) else { return };
                    let answered = ask(&client, to, question);
                    answers.lock().unwrap()[index] = answered;
                }
            });
        }
    });
    answers.into_inner().unwrap()
}

/// Asks those again that should have resolved and failed. Gives how many there were at first.
pub(super) fn ask_again(
    client: &Client,
    to: SocketAddr,
    questions: &[Question],
    answers: &mut [Option<Answered>],
) -> usize {
    let failed = |answers: &[Option<Answered>]| -> Vec<usize> {
        let failed = |index: &usize| {
            let answer = answers[*index].as_ref();
            match questions[*index].expected() {
                Expected::Resolves => answer.is_none_or(|answer| answer.code == rcode::SERVFAIL),
                // Silence may be told before what is wrong is found.
                Expected::Fails(causes) => {
                    let told =
                        |answer: &Answered| answer.errors.iter().any(|(code, _)| causes.contains(code));
                    answer.is_none_or(|answer| answer.code == rcode::SERVFAIL && !told(answer))
                }
            }
        };
        (0..questions.len()).filter(failed).collect()
    };
    let first = failed(answers);
    for &index in first.iter().take(SHOWN) {
        let (question, errors) = (&questions[index], answers[index].as_ref().map(|answer| &answer.errors));
        println!("internet: {} {} at first: {errors:?}", question.name, question.kind);
    }
    for _ in 0..ROUNDS {
        let left = failed(answers);
        if left.is_empty() {
            break;
        }
        thread::sleep(FAILURE_MEMORY);
        for index in left {
            answers[index] = ask(client, to, &questions[index]);
        }
    }
    first.len()
}

fn ask(client: &Client, to: SocketAddr, question: &Question) -> Option<Answered> {
    let query = Message::query(&question.name, question.kind).dnssec();
    // Where nobody is to be reached, a resolver that says nothing says so once.
    let tries = if question.zone.fault == Fault::Unreachable { 1 } else { TRIES };
    let over = |transport| (0..tries).find_map(|_| client.over(transport, to, &query).ok());
    let reply = over(Transport::Udp)?.message;
    let reply = if reply.has(TC) { over(Transport::Tcp)?.message } else { reply };
    Some(Answered {
        code: reply.rcode(),
        records: reply.answer.iter().map(told).collect(),
        secure: reply.has(AD),
        errors: extended_errors(&reply),
    })
}

fn extended_errors(reply: &Message) -> Vec<(u16, String)> {
    let options = reply.edns.as_ref().map_or(&[][..], |edns| &edns.options);
    let errors = options.iter().filter(|(code, _)| *code == 15);
    let split = errors.filter_map(|(_, data)| data.split_first_chunk());
    split
        .map(|(code, text)| (u16::from_be_bytes(*code), String::from_utf8_lossy(text).into_owned()))
        .collect()
}

fn told(record: &Record) -> String {
    if type_text(record.kind) == "RRSIG" {
        let covered = u16::from_be_bytes([record.rdata[0], record.rdata[1]]);
        return format!("{} RRSIG {}", record.owner, type_text(covered)).to_ascii_lowercase();
    }
    record.key()
}
