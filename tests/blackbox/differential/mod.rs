//! The differential test: generated zones, served by rhumb and by NSD, Knot and BIND, and thousands of questions. Answers
//! must be the same, or the difference stands in the table of [`known`].
//!
//! The same zones every time, as many as there is time for. `RHUMB_DIFF_SEED` asks for others, `RHUMB_DIFF_SECONDS` for more
//! of them, `RHUMB_DIFF_SHOW` for more differences of each kind to be told. What one peer alone does against rhumb and another
//! is told and no failure.

mod case;
pub(crate) mod chance;
mod exchange;
mod generator;
mod known;
mod name;
mod normal;
mod odd;
mod peers;
mod questions;
mod report;
mod round;
mod signing;
mod small;
mod validated;
mod zone;

use std::time::{Duration, Instant};

use rhumb_tests::{Outcome, Test, Verdict, ensure, skip};

use crate::nameservers;
use report::Report;
use round::Round;
use signing::Key;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::alone("differential::generated_zones", generated_zones)
    .lasting(|| seconds() + Duration::from_mins(3))];

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seconds() -> Duration {
    Duration::from_secs(setting("RHUMB_DIFF_SECONDS").unwrap_or(45))
}

fn generated_zones() -> Verdict {
    let missing = nameservers::missing();
    if !missing.is_empty() {
        skip!("no {} here", missing.join(", "));
    }
    let seed = setting("RHUMB_DIFF_SEED").unwrap_or(1);
    println!("differential: seed {seed}");
    let end = Instant::now() + seconds();
    let key = Key::new()?;
    let mut report = Report::default();
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        let mut round = Round::new(seed + rounds, &key)?;
        round.compare(&mut report)?;
        round.cut_short(&mut report)?;
        round.validate(&key, &mut report)?;
        if rounds == 0 {
            round.ask_oddly(&mut report);
        }
        rounds += 1;
    }
    report.print(rounds);
    ensure!(report.is_clean(), "seed {seed}: {} differences; {}", report.differences(), report.first());
    Ok(Outcome::Passed)
}
