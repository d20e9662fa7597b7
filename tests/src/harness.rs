//! Runs the registered tests, two at a time where they allow it, and counts them.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, Verdict};
use crate::rig::{Namespace, folder, netns, server};

/// One black-box test.
#[derive(Clone, Copy)]
pub struct Test {
    /// `file::what_it_shows`.
    pub name: &'static str,
    /// The test itself.
    pub run: fn() -> Verdict,
    /// It measures time or needs the whole machine: nothing else runs beside it.
    pub alone: bool,
    /// How long it may take before it counts as failed.
    pub longest: fn() -> Duration,
}

impl Test {
    /// A test that may run beside another one.
    pub const fn beside(name: &'static str, run: fn() -> Verdict) -> Self {
        Self { name, run, alone: false, longest: || LONGEST }
    }

    /// A test during which no other one runs.
    pub const fn alone(name: &'static str, run: fn() -> Verdict) -> Self {
        Self { name, run, alone: true, longest: || LONGEST }
    }

    /// The same test, which may take so long.
    #[must_use]
    pub const fn lasting(self, longest: fn() -> Duration) -> Self {
        Self { longest, ..self }
    }
}

/// How long a test may take if it does not say so itself.
const LONGEST: Duration = Duration::from_mins(4);

#[derive(Default)]
struct Totals {
    passed: usize,
    failed: usize,
    skipped: usize,
}

struct Arguments {
    list: bool,
    jobs: usize,
    filters: Vec<String>,
}

/// Runs those of `tests` whose name contains one of the words on the command line; all of them without a word.
///
/// `--list` prints the names instead, `--jobs N` sets how many run at once (default 2). Failure if one test failed or a
/// word names none.
pub fn main(tests: &[&[Test]]) -> ExitCode {
    let arguments = match read_arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\nusage: blackbox [--list] [--jobs N] [WORD...]");
            return ExitCode::from(2);
        }
    };
    let chosen: Vec<Test> = tests
        .iter()
        .flat_map(|group| group.iter().copied())
        .filter(|test| {
            arguments.filters.is_empty()
                || arguments.filters.iter().any(|word| test.name.contains(word.as_str()))
        })
        .collect();
    if arguments.list {
        for test in &chosen {
            println!("{}{}", test.name, if test.alone { " (alone)" } else { "" });
        }
        return ExitCode::SUCCESS;
    }
    if chosen.is_empty() {
        eprintln!("no test has a name with {:?}", arguments.filters);
        return ExitCode::from(2);
    }
    netns::sweep();
    folder::sweep(false);
    let totals = match Namespace::new() {
        Ok(_) => {
            raise_descriptor_limit();
            run_all(&chosen, arguments.jobs)
        }
        Err(failure) => {
            for test in &chosen {
                println!("skipped {}: no network namespaces here ({failure})", test.name);
            }
            Totals { skipped: chosen.len(), ..Totals::default() }
        }
    };
    folder::sweep(true);
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    // A test that never ended holds its thread; leaving the process does not wait for it.
    std::process::exit(i32::from(totals.failed > 0));
}

/// Some tests hold thousands of connections.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard);
    }
}

fn read_arguments(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { list: false, jobs: 2, filters: Vec::new() };
    let mut words = words;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => arguments.list = true,
            "--jobs" => {
                let count = words.next().and_then(|count| count.parse().ok());
                arguments.jobs = count.filter(|&count| count > 0).ok_or("--jobs takes a number from 1")?;
            }
            _ if word.starts_with("--") => return Err(format!("unknown option {word}")),
            _ => arguments.filters.push(word),
        }
    }
    Ok(arguments)
}

fn run_all(tests: &[Test], jobs: usize) -> Totals {
    let (alone, beside): (Vec<Test>, Vec<Test>) = tests.iter().partition(|test| test.alone);
    let totals = Arc::new(Mutex::new(Totals::default()));
    run_queue(beside, jobs, &totals);
    run_queue(alone, 1, &totals);
    let mut totals = totals.lock().unwrap();
    std::mem::take(&mut *totals)
}

fn run_queue(tests: Vec<Test>, jobs: usize, totals: &Arc<Mutex<Totals>>) {
    let queue = Arc::new(Mutex::new(VecDeque::from(tests)));
    let runners: Vec<_> = (0..jobs)
        .map(|_| {
            let (queue, totals) = (Arc::clone(&queue), Arc::clone(totals));
            thread::spawn(move || {
                while let Some(test) = { queue.lock().unwrap().pop_front() } {
                    report(test, &totals);
                }
            })
        })
        .collect();
    for runner in runners {
        let _ = runner.join();
    }
}

fn report(test: Test, totals: &Mutex<Totals>) {
    let begun = Instant::now();
    let verdict = run_one(test);
    let seconds = begun.elapsed().as_secs_f64();
    let mut totals = totals.lock().unwrap();
    match verdict {
        Ok(Outcome::Passed) => {
            totals.passed += 1;
            println!("ok {} {seconds:.2}s", test.name);
        }
        Ok(Outcome::Skipped(why)) => {
            totals.skipped += 1;
            println!("skipped {}: {why}", test.name);
        }
        Err(failure) => {
            totals.failed += 1;
            println!("FAILED {}: {failure}", test.name);
        }
    }
}

fn run_one(test: Test) -> Verdict {
    let (done, ended) = channel();
    let spawned = thread::Builder::new().name(test.name.to_owned()).spawn(move || run_caught(test, &done));
    if let Err(error) = spawned {
        return Err(Failure::new(format!("no thread to run it: {error}")));
    }
    let longest = (test.longest)();
    match ended.recv_timeout(longest) {
        Ok(verdict) => verdict,
        Err(RecvTimeoutError::Timeout) => Err(Failure::new(format!("no end after {} s", longest.as_secs()))),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::new("its thread ended without a verdict")),
    }
}

fn run_caught(test: Test, done: &Sender<Verdict>) {
    let verdict = catch_unwind(AssertUnwindSafe(test.run))
        .unwrap_or_else(|panic| Err(Failure::new(format!("panicked: {}", panic_text(panic.as_ref())))));
    // No server may panic, whatever a test does to it.
    let verdict = match server::take_panics().first() {
        Some(panic) if verdict.is_ok() => Err(Failure::new(format!("the server panicked: {panic}"))),
        _ => verdict,
    };
    let _ = done.send(verdict);
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        let test = Test::beside("harness::panics", || panic!("seven"));
        assert_eq!(run_one(test).unwrap_err().to_string(), "panicked: seven");
    }

    #[test]
    fn every_ending_is_counted() {
        let tests = [
            Test::beside("a", || Ok(Outcome::Passed)),
            Test::alone("b", || Ok(Outcome::Skipped("no tool".to_owned()))),
            Test::beside("c", || Err(Failure::new("wrong"))),
            Test::alone("d", || Ok(Outcome::Passed)),
        ];
        let totals = run_all(&tests, 2);
        assert_eq!((totals.passed, totals.failed, totals.skipped), (2, 1, 1));
    }

    #[test]
    fn arguments_are_words_and_options() {
        let words = ["--jobs", "4", "row44", "listening"].map(str::to_owned);
        let read = read_arguments(words.into_iter()).unwrap();
        assert_eq!((read.jobs, read.filters.len(), read.list), (4, 2, false));
        assert!(read_arguments(["--jobs".to_owned(), "0".to_owned()].into_iter()).is_err());
        assert!(read_arguments(["--verbose".to_owned()].into_iter()).is_err());
    }
}
