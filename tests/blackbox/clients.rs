//! Clients of others must be content: dig, kdig, drill.

use std::time::Duration;

use rhumb_tests::rig::program;
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{config, lab};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("clients::dig", || tool("dig", &["+norec"], "+tcp", "status: NOERROR")),
    Test::beside("clients::kdig", || tool("kdig", &["+norec"], "+tcp", "status: NOERROR")),
    Test::beside("clients::drill", || tool("drill", &["-o", "rd"], "-t", "rcode: NOERROR")),
    Test::beside("clients::dig_follows_truncation_by_itself", dig_retries),
];

/// A client of others asks for several things over UDP and TCP and must be content.
fn tool(name: &str, options: &[&str], tcp: &str, good: &str) -> Verdict {
    let Some(program) = program::find(name) else { skip!("no {name} here") };
    let lab = lab(&config())?;
    let run = |words: &[&str]| -> Result<String, Failure> {
        let mut command = lab.client.host().command(&program);
        let output = program::run(command.args(options).args(words), Duration::from_secs(20))?;
        ensure_eq!(output.code, Some(0), "exit status of {name} {words:?}: {}{}", output.out, output.err);
        Ok(output.out)
    };
    for server in ["@192.0.2.1", "@2001:db8::1"] {
        for extra in [None, Some(tcp)] {
            for (owner, kind, expected) in [
                ("web.zone.test", "A", "192.0.2.81"),
                ("mail.zone.test", "AAAA", "2001:db8::25"),
                ("zone.test", "MX", "mail.zone.test."),
                ("text.zone.test", "TXT", "\"two words\""),
                ("chain.zone.test", "A", "www.zone.test."),
                ("large.zone.test", "A", "198.18.1.100"),
            ] {
                // Not every client asks again over TCP by itself.
                if owner.starts_with("large") && extra.is_none() {
                    continue;
                }
                let words: Vec<&str> = extra.iter().copied().chain([server, owner, kind]).collect();
                let out = run(&words)?;
                ensure!(out.contains(good) && out.contains(expected), "{name} {words:?} printed: {out}");
                for complaint in ["WARNING", "Warning", "malformed", "extra bytes", "mismatch"] {
                    ensure!(!out.contains(complaint), "{name} {words:?} complains: {out}");
                }
            }
        }
    }
    Ok(Outcome::Passed)
}

fn dig_retries() -> Verdict {
    let Some(dig) = program::find("dig") else { skip!("no dig here") };
    let lab = lab(&config())?;
    let mut command = lab.client.host().command(dig);
    command.args(["+norec", "@192.0.2.1", "large.zone.test", "A"]);
    let output = program::run(&mut command, Duration::from_secs(20))?;
    ensure!(output.out.contains("Truncated, retrying in TCP mode"), "dig saw no truncation: {}", output.out);
    ensure!(output.out.contains("ANSWER: 200"), "dig did not get all addresses: {}", output.out);
    Ok(Outcome::Passed)
}
