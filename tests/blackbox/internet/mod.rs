//! An internet in network namespaces: the root, top-level domains and hosting by NSD, Knot and BIND. rhumb, Unbound and BIND resolve the
//! same questions, and answer the same, or the difference stands in the table of [`differences`].
//!
//! `RHUMB_INTERNET_QUESTIONS=all` asks every name for every type, any other word does so for names that contain it.

mod addresses;
mod contents;
mod differences;
mod expected;
mod hosting;
mod questions;
mod resolvers;
mod signing;
mod zones;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::{Client, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, skip};

use crate::nameservers;
use differences::{Case, TABLE};
use expected::Expected;
use hosting::Hosting;
use questions::{Answered, Question};
use resolvers::OtherResolver;

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::alone("internet::resolves_as_others_do", resolves).lasting(longest)];

/// All questions take a while where datagrams are lost.
fn longest() -> Duration {
    Duration::from_mins(if std::env::var("RHUMB_INTERNET_QUESTIONS").is_ok() { 20 } else { 4 })
}

/// Questions to one resolver at a time.
const AT_A_TIME: usize = 16;
/// The extended error of proofs with too many iterations (RFC 9276 section 3.2).
const TOO_MANY_ITERATIONS: u16 = 27;
/// One in so many questions is asked again where datagrams are lost.
const LOSSY: usize = 5;

/// The internet, and what is asked there.
struct Lab {
    hosting: Hosting,
    client: Client,
    /// Where rhumb is asked.
    to: SocketAddr,
    questions: Vec<Question>,
    begun: Instant,
}

fn missing() -> Vec<&'static str> {
    const TOOLS: [&str; 4] = ["dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey", "ldns-signzone"];
    let tools = TOOLS.into_iter().filter(|tool| program::find(tool).is_none());
    [nameservers::missing(), resolvers::missing(), tools.collect()].concat()
}

fn resolves() -> Verdict {
    let missing = missing();
    if !missing.is_empty() {
        skip!("no {} here", missing.join(", "));
    }
    let questions = match std::env::var("RHUMB_INTERNET_QUESTIONS") {
        Err(_) => questions::some(),
        Ok(all) if all == "all" => questions::about(""),
        Ok(word) => questions::about(&word),
    };
    let begun = Instant::now();
    let hosting = Hosting::start()?;
    let client = Client::new(&hosting.resolvers);
    let to = SocketAddr::new(resolvers::RHUMB.parse()?, 53);
    println!("internet: {} zones are served after {:.1?}", zones::ZONES.len(), begun.elapsed());
    let lab = Lab { hosting, client, to, questions, begun };
    let answers = lab.as_others_do()?;
    if let Some(why) = lab.hosting.lose_datagrams()? {
        skip!("all is answered as others do; {why}");
    }
    lab.with_loss(&answers)?;
    Ok(Outcome::Passed)
}

impl Lab {
    /// Has all resolvers answer. Gives what rhumb answered.
    fn as_others_do(&self) -> Result<Vec<Answered>, Failure> {
        let others = resolvers::start_others(&self.hosting)?;
        let _server = resolvers::start_rhumb(&self.hosting)?;
        let ask = |name: &str, to| {
            let answers = questions::ask_all(&self.client, to, &self.questions, AT_A_TIME);
            println!("internet: {} answers of {name} after {:.1?}", answers.len(), self.begun.elapsed());
            answers
        };
        let (ours, theirs) = thread::scope(|scope| {
            let asking = |other: &OtherResolver| {
                let (name, to) = (other.name, other.to);
                (name, scope.spawn(move || ask(name, to)))
            };
            let theirs: Vec<_> = others.iter().map(asking).collect();
            let ours = ask("rhumb", self.to);
            let join =
                |asking: thread::ScopedJoinHandle<'_, _>| asking.join().expect("a client does not panic");
            (ours, theirs.into_iter().map(|(name, asking)| (name, join(asking))).collect::<Vec<_>>())
        });
        let ours = whole(&self.questions, ours)?;
        let mut problems = unexpected(&self.questions, &ours);
        for (name, theirs) in &theirs {
            problems.extend(compare(name, &self.questions, &ours, theirs));
        }
        tell("as others do", &problems)?;
        iterations_are_told(&self.questions, &ours)?;
        Ok(ours)
    }

    /// Has rhumb answer some of it again, nothing in its cache; the answers must be the same.
    fn with_loss(&self, before: &[Answered]) -> Result<(), Failure> {
        let _server = resolvers::start_rhumb(&self.hosting)?;
        let step = if std::env::var("RHUMB_INTERNET_QUESTIONS").is_ok() { 1 } else { LOSSY };
        let questions: Vec<Question> = self.questions.iter().step_by(step).cloned().collect();
        let mut answers = questions::ask_all(&self.client, self.to, &questions, AT_A_TIME);
        let again = questions::ask_again(&self.client, self.to, &questions, &mut answers);
        let (count, after) = (questions.len(), self.begun.elapsed());
        println!(
            "internet: {count} answers of rhumb, with loss, after {after:.1?}; {again} were asked for again"
        );
        // A few have all of their messages lost.
        ensure!(again * 25 <= count.max(100), "{again} of {count} questions failed because of loss");
        let answers = whole(&questions, answers)?;
        let mut problems = unexpected(&questions, &answers);
        for ((question, before), now) in questions.iter().zip(before.iter().step_by(step)).zip(&answers) {
            if !before.says_the_same(now) {
                problems.push(format!("{} {}: {before:?}, with loss {now:?}", question.name, question.kind));
            }
        }
        tell("with a fifth of all datagrams lost", &problems)
    }
}

/// Every answer of rhumb; it is a failure if there is none.
fn whole(questions: &[Question], answers: Vec<Option<Answered>>) -> Result<Vec<Answered>, Failure> {
    let answers = questions.iter().zip(answers);
    answers
        .map(|(question, answer)| answer.context(format!("no answer to {} {}", question.name, question.kind)))
        .collect()
}

/// That clients are told of proofs with more iterations than are followed, unless the proof was known before.
fn iterations_are_told(questions: &[Question], answers: &[Answered]) -> Result<(), Failure> {
    let told = |answer: &Answered| answer.errors.iter().any(|(code, _)| *code == TOO_MANY_ITERATIONS);
    let (mut denied, mut of_them, mut others) = (0, 0, 0);
    for (question, answer) in questions.iter().zip(answers) {
        if question.zone.origin != "much-iterated.net." {
            others += usize::from(told(answer) && question.zones().len() == 1);
        } else if question.is_denied() && question.name != question.zone.origin {
            denied += 1;
            of_them += usize::from(told(answer));
        }
    }
    println!("internet: iterations are told with {of_them} of {denied} denials");
    ensure!(2 * of_them >= denied, "iterations are told with {of_them} of {denied} denials");
    ensure!(others == 0, "{others} answers of other zones tell of iterations");
    Ok(())
}

/// What rhumb should have answered otherwise, whatever others say.
fn unexpected(questions: &[Question], answers: &[Answered]) -> Vec<String> {
    let wrong = questions.iter().zip(answers).filter(|(question, answer)| match question.expected() {
        Expected::Resolves => ![rcode::NOERROR, rcode::NXDOMAIN].contains(&answer.code),
        Expected::Fails(causes) => {
            let told = answer.errors.iter().any(|(code, _)| causes.contains(code));
            answer.code != rcode::SERVFAIL || !told
        }
    });
    wrong
        .map(|(question, answer)| {
            format!(
                "{} {}: {:?} is expected, not {answer:?}",
                question.name,
                question.kind,
                question.expected()
            )
        })
        .collect()
}

/// The differences that nothing explains; those that are explained are counted.
fn compare(
    name: &str,
    questions: &[Question],
    ours: &[Answered],
    theirs: &[Option<Answered>],
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    for ((question, ours), theirs) in questions.iter().zip(ours).zip(theirs) {
        if theirs.as_ref().is_some_and(|theirs| theirs.says_the_same(ours)) {
            continue;
        }
        let case = Case { question, ours, theirs: theirs.as_ref() };
        match TABLE.iter().find(|known| known.who.contains(&name) && (known.when)(&case)) {
            Some(known) => *explained.entry(known.what).or_default() += 1,
            None => problems
                .push(format!("{} {}: rhumb {ours:?}, {name} {theirs:?}", question.name, question.kind)),
        }
    }
    for (what, count) in explained {
        let section = TABLE.iter().find(|known| known.what == what).map_or("", |known| known.section);
        println!("internet: {name} differs {count} times: {what} ({section})");
    }
    problems
}

fn tell(what: &str, problems: &[String]) -> Result<(), Failure> {
    for problem in problems {
        println!("internet: {problem}");
    }
    ensure!(problems.is_empty(), "{} answers are not {what}; the first: {}", problems.len(), problems[0]);
    Ok(())
}
