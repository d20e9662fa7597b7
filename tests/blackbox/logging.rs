//! What is logged: each event once, with its cause.

use std::time::Duration;

use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Server, rcode};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("logging::an_upstream_that_goes_and_comes_back", upstream),
    Test::beside("logging::the_first_servfail_of_a_name", servfail),
];

/// How many lines hold this.
pub(crate) fn lines(server: &Server, text: &str) -> usize {
    server.log().lines().filter(|line| line.contains(text)).count()
}

fn comes(server: &Server, text: &str) -> Result<(), Failure> {
    ensure!(server.logs(text, Duration::from_secs(20)), "not in the log: {text}: {}", server.log_tail());
    Ok(())
}

/// Two domains share an upstream that falls silent; one of them has another. Nothing listens at a third.
fn upstream() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, every_name("198.18.0.1"))?;
    let _second = lab.upstream(1, every_name("198.18.0.2"))?;
    let config = config().forward("one.example", &UP[..1]).forward("two.example", &UP[..2]);
    let server = lab.start(&config.forward("dead.example", &UP[2..3]))?;
    lab.addresses("a.one.example.")?;
    first.follow(script(|_| Act::Silent));
    let down = format!("upstream {}:53 is down: no reply in time (for one.example., two.example.)", UP[0]);
    let mut number = 0;
    let logged = until(Duration::from_secs(20), || {
        number += 1;
        let _ = lab.addresses(&format!("n{number}.one.example."));
        lines(&server, &down) > 0
    });
    ensure!(logged, "not in the log: {down}: {}", server.log_tail());
    let fails = "forwarding of one.example. fails: none of its upstreams answers";
    comes(&server, fails)?;
    for number in 0..3 {
        lab.addresses(&format!("n{number}.dead.example."))?;
    }
    comes(&server, &format!("upstream {}:53 is down: nothing listens there (for dead.example.)", UP[2]))?;
    first.follow(every_name("198.18.0.1"));
    let up = format!("upstream {}:53 is up again (for one.example., two.example.)", UP[0]);
    comes(&server, &up)?;
    comes(&server, "forwarding of one.example. works again")?;
    for text in [&*down, fails, &up, "forwarding of one.example. works again"] {
        ensure_eq!(lines(&server, text), 1, "lines with {text}");
    }
    ensure_eq!(
        lines(&server, "forwarding of two.example."),
        0,
        "lines of a domain that had an upstream left"
    );
    Ok(Outcome::Passed)
}

fn servfail() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked| {
            if asked.name().starts_with("good") {
                return asked.answer(&[&format!("{} 1 IN A 198.18.0.1", asked.message.name())]);
            }
            asked.code(rcode::SERVFAIL)
        }),
    )?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    for _ in 0..2 {
        for name in ["good.up.example.", "bad.up.example.", "b\\032d.up.example."] {
            lab.client.ask(lab.to, name, "A")?;
        }
        // The failure is forgotten, and asked for again.
        ensure_eq!(server.tell(&["flush"])?.code, Some(0), "exit status of flush");
    }
    let line = format!("SERVFAIL for bad.up.example. A: every upstream failed; {}:53 over udp", UP[0]);
    comes(&server, &line)?;
    ensure_eq!(lines(&server, "SERVFAIL for bad.up.example."), 1, "lines for a name that failed twice");
    ensure_eq!(lines(&server, "SERVFAIL for good"), 0, "lines for a name that did not fail");
    // However many fail, the log stays readable.
    for number in 0..50 {
        lab.client.ask(lab.to, &format!("n{number}.up.example."), "A")?;
    }
    ensure!(lines(&server, "SERVFAIL for ") <= 20, "{} lines", lines(&server, "SERVFAIL for "));
    Ok(Outcome::Passed)
}
