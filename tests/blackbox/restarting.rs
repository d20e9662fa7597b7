//! What a server that resolves still knows after it was ended, killed or given a broken file.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::internet::{Delegation, authoritative, denial, sized};
use rhumb_tests::rig::message::AD;
use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Config, Folder, Internet, Message, Server, ZoneSigner, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("restarting::after_an_end_what_was_learnt_is_known", ended),
    Test::beside("restarting::killed_under_load", killed),
    Test::beside("restarting::files_that_cannot_be_used", damaged),
    Test::beside("restarting::what_was_flushed_does_not_come_back", flushed),
];

const TIME_LIMIT: Duration = Duration::from_secs(20);
const ZONE: &str = "signed.";
const AT: &str = "198.18.1.1";
const DOMAINS: &[Delegation] =
    &[Delegation { domain: ZONE, address: AT, digests: || vec![signer().digest()] }];

fn signer() -> ZoneSigner {
    ZoneSigner::new(ZONE, 0)
}

/// A signed zone in which every name but `none` has an address.
fn authority(asked: &Asked) -> Act {
    let (zone, name) = (signer(), asked.name());
    let answer = match (name.as_str(), asked.message.kind()) {
        ("signed", kind) if kind == type_number("DNSKEY") => zone.sign(&[zone.key()]),
        (name, kind) if kind == type_number("A") && name != "signed" => {
            zone.sign_lines(&[&format!("{name}. 300 IN A 198.18.1.80")])
        }
        _ => return Act::Reply(denial(asked, ZONE, rcode::NOERROR)),
    };
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// A server that resolves and keeps what it learns in this folder, written so often.
fn config(state: &Folder, keep: &str) -> Config {
    let more = format!("state: \"{}\"\ncache: {{ keep: {keep} }}\n", state.at("state").display());
    Internet::config(true).more(&more)
}

/// An internet and what is asked of its server.
struct Restarted(Internet);

impl Restarted {
    fn start(config: &Config) -> Result<Self, Failure> {
        Internet::start(config, DOMAINS, authority).map(Self)
    }

    /// Asks for the address of a name: it is right, and validated.
    fn is_right(&self, name: &str) -> Result<(), Failure> {
        let query = Message::query(name, "A").edns(1232).dnssec();
        let answer = self.0.client.udp(self.0.to, &query)?.message;
        ensure_eq!(answer.data("A"), ["198.18.1.80"], "{name}: {answer:?}; {}", self.0.server.log_tail());
        ensure!(answer.has(AD), "{name} is not authentic: {answer:?}");
        Ok(())
    }

    /// Ends the server by a signal and starts it again; waits until it has looked at its file.
    fn restart(&mut self, signal: Signal, config: &Config) -> Result<(), Failure> {
        self.0.server.signal(signal)?;
        self.0.server.wait(TIME_LIMIT)?;
        let host = self.0.server.host().clone();
        self.0.server = Server::start(&host, config)?;
        ensure!(self.0.server.logs("ready", TIME_LIMIT), "{}", self.0.server.log_tail());
        Ok(())
    }

    /// The names that the servers of the zone were asked for.
    fn asked(&self) -> BTreeSet<String> {
        self.0.seen().iter().filter(|asked| asked.to.to_string() == AT).map(Asked::name).collect()
    }
}

fn loaded(server: &Server) -> Result<f64, Failure> {
    server.metric("rhumb_cache_file_loaded_entries", &[])
}

/// Whether the server could use the file that it found.
fn refused(server: &Server) -> Result<bool, Failure> {
    Ok(server.metric("rhumb_cache_file_refused_total", &[])? > 0.0)
}

fn ended() -> Verdict {
    let state = Folder::new()?;
    let config = config(&state, "1h");
    let mut internet = Restarted::start(&config)?;
    let names: Vec<String> = (0..50).map(|number| format!("host{number}.signed.")).collect();
    for name in &names {
        internet.is_right(name)?;
    }
    let nothing = internet.0.client.ask(internet.0.to, "host0.signed.", "TXT")?;
    ensure_eq!(nothing.rcode(), rcode::SERVFAIL, "a denial without a proof");
    internet.restart(Signal::SIGTERM, &config)?;
    ensure!(loaded(&internet.0.server)? >= 50.0, "{}", internet.0.server.log_tail());
    internet.0.forget();
    for name in &names {
        internet.is_right(name)?;
    }
    ensure_eq!(internet.asked(), BTreeSet::new(), "what is known is not asked for");
    internet.is_right("more.signed.")?;
    ensure_eq!(internet.asked(), BTreeSet::from(["more.signed".to_owned()]), "what is new is");
    let shown = internet.0.server.tell(&["status"])?.out;
    ensure!(shown.contains("cache file") && shown.contains("from before the start"), "{shown}");
    Ok(Outcome::Passed)
}

fn killed() -> Verdict {
    let state = Folder::new()?;
    let config = config(&state, "1s");
    let mut internet = Restarted::start(&config)?;
    let mut next = 0;
    for round in 0..4 {
        let known = format!("known{round}.signed.");
        internet.is_right(&known)?;
        let before = internet.0.server.metric("rhumb_cache_file_written_seconds", &[])?;
        // What was learnt a while ago is in the file, whatever is learnt while it is written.
        let mut failure = None;
        let written = until(TIME_LIMIT, || {
            for _ in 0..20 {
                next += 1;
                failure = internet.is_right(&format!("load{next}.signed.")).err().or(failure.take());
            }
            let now = internet.0.server.metric("rhumb_cache_file_written_seconds", &[]);
            now.is_ok_and(|now| now > before + 1.0)
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        ensure!(written, "{}", internet.0.server.log_tail());
        internet.restart(Signal::SIGKILL, &config)?;
        ensure!(loaded(&internet.0.server)? > 0.0, "{}", internet.0.server.log_tail());
        ensure!(!refused(&internet.0.server)?, "{}", internet.0.server.log_tail());
        internet.0.forget();
        for earlier in 0..=round {
            internet.is_right(&format!("known{earlier}.signed."))?;
        }
        ensure_eq!(internet.asked(), BTreeSet::new(), "round {round}");
    }
    Ok(Outcome::Passed)
}

fn damaged() -> Verdict {
    let state = Folder::new()?;
    let config = config(&state, "1h");
    let mut internet = Restarted::start(&config)?;
    let file = state.at("state").join("cache");
    for (what, change) in [
        ("is damaged", (|bytes| bytes.truncate(bytes.len() / 2)) as fn(&mut Vec<u8>)),
        ("is damaged", |bytes| bytes.iter_mut().skip(100).take(1).for_each(|byte| *byte ^= 1)),
        ("is no cache file of this version", |bytes| *bytes = b"something else".to_vec()),
        ("is no cache file of this version", Vec::clear),
    ] {
        internet.is_right("www.signed.")?;
        internet.0.server.signal(Signal::SIGTERM)?;
        internet.0.server.wait(TIME_LIMIT)?;
        let mut bytes = fs::read(&file).context("the file of the cache")?;
        ensure!(!file.with_extension("part").exists(), "something is left behind");
        change(&mut bytes);
        fs::write(&file, bytes)?;
        let host = internet.0.server.host().clone();
        internet.0.server = Server::start(&host, &config)?;
        ensure!(
            internet.0.server.logs("the cache begins empty", TIME_LIMIT),
            "{}",
            internet.0.server.log_tail()
        );
        let log = internet.0.server.log();
        ensure_eq!(log.matches("the cache begins empty").count(), 1, "lines: {log}");
        ensure!(log.contains(what), "{what}: {log}");
        ensure!(refused(&internet.0.server)?, "{}", internet.0.server.log_tail());
        ensure!(loaded(&internet.0.server)? < 1.0, "{}", internet.0.server.log_tail());
        ensure!(!file.exists() && file.with_extension("damaged").exists(), "it was not set aside");
    }
    Ok(Outcome::Passed)
}

fn flushed() -> Verdict {
    let state = Folder::new()?;
    let config = config(&state, "1s");
    let mut internet = Restarted::start(&config)?;
    let file = state.at("state").join("cache");
    internet.is_right("gone.signed.")?;
    ensure!(until(TIME_LIMIT, || file.exists()), "{}", internet.0.server.log_tail());
    let done = internet.0.server.tell(&["flush", "signed.", "--subtree"])?;
    ensure_eq!(done.code, Some(0), "{}", done.err);
    internet.restart(Signal::SIGKILL, &config)?;
    internet.0.forget();
    internet.is_right("gone.signed.")?;
    ensure!(internet.asked().contains("gone.signed"), "it came back: {}", internet.0.server.log_tail());
    // Turned off, nothing is left on the disk.
    internet.0.server.rewrite(&self::config(&state, "off"))?;
    internet.0.server.reload()?;
    ensure!(until(TIME_LIMIT, || !file.exists()), "the file stays");
    Ok(Outcome::Passed)
}
