//! Hostile authorities against a server that resolves from the root: what one question costs, and what others notice of it.

use std::time::Duration;

use rhumb_tests::rig::hostile::{self, GOOD, PLAIN, VICTIM};
use rhumb_tests::rig::internet::Delegation;
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::{Act, Asked, Config, Internet, Load, Message, Record, rcode, rng};
use rhumb_tests::{Failure, ensure, ensure_eq};

pub(crate) mod chains;
pub(crate) mod cookies;
pub(crate) mod denials;
pub(crate) mod keys;
pub(crate) mod poison;
pub(crate) mod servers;
pub(crate) mod signatures;
pub(crate) mod slow;
pub(crate) mod spoofing;

/// What a question of an attacker led to.
#[derive(Debug)]
pub(super) struct Toll {
    /// The answer.
    pub(super) reply: Message,
    /// How long it took.
    pub(super) took: Duration,
    /// Queries that all servers got.
    pub(super) queries: usize,
    /// Queries that the victim got.
    pub(super) to_victim: usize,
    /// Signatures checked.
    pub(super) signatures: u32,
    /// Names hashed for NSEC3.
    pub(super) hashes: u32,
}

/// An internet with an attacker, a victim whose names do not exist, and an innocent domain.
pub(super) struct Attack(pub(super) Internet);

impl Attack {
    /// The attacker's servers, and whatever is at addresses that nobody else has, answer by `script`.
    pub(super) fn new(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Result<Self, Failure> {
        Self::with(&Internet::config(false), &[], PLAIN, script)
    }

    pub(super) fn with(
        config: &Config,
        wrapper: &[&str],
        delegations: &'static [Delegation],
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let net = Internet::start_by(config, wrapper, delegations, hostile::with_others(script))?;
        // The root is known, and so are the innocent's servers.
        let warm = net.client.ask(net.to, "www.good.", "A")?;
        ensure_eq!(warm.data("A"), ["198.18.8.80"], "address of the innocent");
        std::thread::sleep(Duration::from_millis(100));
        net.forget();
        Ok(Self(net))
    }

    /// Asks one question of the attacker's, while an innocent client asks fifty a second for what is in the cache and needs another
    /// answer from outside.
    pub(super) fn ask(&self, name: &str, kind: &str) -> Result<Toll, Failure> {
        let Self(net) = self;
        net.forget();
        let before = self.work()?;
        let innocent = vec![Wanted::address("www.good.", "198.18.8.80")];
        let load = Load::start(&net.client, net.to, 50, innocent)?;
        let lasting = net.client.clone().time_limit(Duration::from_secs(12));
        let reply = lasting.udp(net.to, &Message::query(name, kind).edns(1232))?;
        let other =
            net.client.udp(net.to, &Message::query(&format!("n{}.good.", rng::bits()), "A").edns(1232));
        let report = load.stop();
        ensure_eq!(
            (report.lost, report.wrong),
            (0, 0),
            "lost and wrong of {} innocent questions",
            report.sent
        );
        // Other tests run beside most of these, so that single answers are late because of them.
        let late = report.quantile(0.5);
        ensure!(late <= Duration::from_millis(50), "innocent questions took {late:?}");
        let other = other?;
        let right = other.message.data("A") == ["198.18.8.80"];
        ensure!(
            right,
            "answer to an innocent question that goes outside: {:?}, {:?}",
            other.message,
            net.server.log_tail()
        );
        ensure!(other.took <= Duration::from_secs(1), "an innocent question took {:?}", other.took);
        let seen = net.seen();
        let bystanders = seen.iter().filter(|asked| asked.to.to_string() == GOOD);
        let queries = seen.len() - bystanders.count();
        let after = self.work()?;
        Ok(Toll {
            reply: reply.message,
            took: reply.took,
            queries,
            to_victim: net.seen_at(VICTIM),
            signatures: after.0 - before.0,
            hashes: after.1 - before.1,
        })
    }

    /// Signatures checked and names hashed since the start.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    fn work(&self) -> Result<(u32, u32), Failure> {
        let server = &self.0.server;
        let signatures = server.metric("rhumb_resolver_signatures_total", &[])?;
        Ok((signatures as u32, server.metric("rhumb_resolver_hashes_total", &[])? as u32))
    }

    /// CPU time of one question on average, over twenty of different names: `nN.` before `domain`.
    pub(super) fn cpu_of_one(&self, domain: &str) -> Result<Duration, Failure> {
        let Self(net) = self;
        let before = net.server.cpu_time()?;
        for number in 0..20 {
            net.client.udp(net.to, &Message::query(&format!("n{number}.{domain}"), "A").edns(1232))?;
        }
        Ok(net.server.cpu_since(before)? / 20)
    }
}

/// Records given as text.
pub(super) fn records(lines: &[String]) -> Vec<Record> {
    lines.iter().map(|line| Record::from_text(line)).collect()
}

/// SERVFAIL, and in time.
pub(super) fn failed(toll: &Toll) -> Result<(), Failure> {
    ensure_eq!(toll.reply.rcode(), rcode::SERVFAIL, "response code for the attacker's name");
    ensure!(toll.took <= Duration::from_millis(8500), "SERVFAIL after {:?}", toll.took);
    ensure!(toll.reply.extended_error().is_some(), "SERVFAIL without a cause");
    Ok(())
}
