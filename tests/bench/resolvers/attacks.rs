//! The same hostile authority before three resolvers.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::hostile::{self, ATTACKER, GOOD, HostileZone, VICTIM};
use rhumb_tests::rig::internet::{anchor, hints, hosts, serve};
use rhumb_tests::rig::load::Wanted;
use rhumb_tests::rig::peer::{ResolverSettings, ResolverSoftware};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Client, Folder, Host, Internet, Load, Message, Server, Upstream};
use rhumb_tests::{Context, Failure, ensure};

use crate::running::{Running, name_of, softwares};

/// Where the resolver is asked.
const ADDRESS: &str = "192.0.2.1";
/// How long an answer is waited for; some give none.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// How often the same is asked again.
const AGAIN: usize = 20;
/// Names of a domain that does not answer: so many a second, for so many seconds.
const FLOOD: (u32, u32) = (500, 5);

struct Bench {
    authority: Upstream,
    client: Client,
    to: SocketAddr,
    resolver: Running,
    _folder: Folder,
    _host: Host,
}

/// Runs the attacks whose title contains a word, and prints a table.
pub(crate) fn run(word: &str) -> Result<(), Failure> {
    println!(
        "{:44} {:8} {:>8} {:>9} {:>7} {:>9} {:>8} {:>6} {:>16} {:>9}",
        "attack",
        "resolver",
        "queries",
        "to victim",
        "again",
        "CPU ms",
        "answer",
        "rcode",
        "innocent",
        "p99 ms"
    );
    for zone in hostile::ZONES.iter().filter(|zone| zone.title.contains(word)) {
        for software in softwares() {
            one_question(zone, software)?;
        }
    }
    if "41 random names of a silent domain".contains(word) {
        for software in softwares() {
            flood(software)?;
        }
    }
    Ok(())
}

impl Bench {
    /// Starts the resolver, and has it learn where the innocent is.
    fn start(
        software: Option<ResolverSoftware>,
        signed: bool,
        script: fn(&Asked) -> Act,
    ) -> Result<Self, Failure> {
        let (host, people) = hosts()?;
        let delegations = if signed { hostile::SIGNED } else { hostile::PLAIN };
        let authority = serve(&people, delegations, hostile::with_others(script))?;
        let (folder, anchor) = (Folder::new()?, anchor());
        let resolver = match software {
            None => Running::Rhumb(Server::start(&host, &Internet::config(signed))?),
            Some(software) => {
                let settings = ResolverSettings {
                    home: folder.path(),
                    address: ADDRESS,
                    hints: &hints(),
                    anchor: signed.then_some(&anchor),
                };
                Running::Other(software.start(&host, &settings)?)
            }
        };
        let bench = Self {
            authority,
            client: Client::new(&people),
            to: SocketAddr::new(ADDRESS.parse()?, 53),
            resolver,
            _folder: folder,
            _host: host,
        };
        let knows = || {
            let answer = bench.client.ask(bench.to, "www.good.", "A");
            answer.is_ok_and(|answer| answer.data("A") == ["198.18.8.80"])
        };
        ensure!(until(Duration::from_secs(15), knows), "the innocent's name does not resolve");
        thread::sleep(Duration::from_millis(500));
        bench.authority.forget();
        Ok(bench)
    }

    /// CPU time of all threads so far (proc(5), schedstat).
    fn cpu(&self) -> Result<Duration, Failure> {
        let pid = self.resolver.pid();
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let spent = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            nanoseconds += spent.unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Fifty questions a second for what is in the cache.
    fn innocent(&self) -> Result<Load, Failure> {
        Load::start(&self.client, self.to, 50, vec![Wanted::address("www.good.", "198.18.8.80")])
    }

    /// Queries to the attacker and whatever it names, and to the victim.
    fn queries(&self) -> (usize, usize) {
        let seen = self.authority.seen();
        let victim = seen.iter().filter(|asked| asked.to.to_string() == VICTIM).count();
        (seen.iter().filter(|asked| asked.to.to_string() != GOOD).count(), victim)
    }

    /// CPU time of the innocent's questions in one second.
    fn usual(&self) -> Result<f64, Failure> {
        let (before, begun, load) = (self.cpu()?, Instant::now(), self.innocent()?);
        thread::sleep(Duration::from_secs(1));
        load.stop();
        Ok(self.cpu()?.saturating_sub(before).as_secs_f64() / begun.elapsed().as_secs_f64())
    }
}

fn one_question(zone: &HostileZone, software: Option<ResolverSoftware>) -> Result<(), Failure> {
    let bench = Bench::start(software, zone.signed, zone.script)?;
    let usual = bench.usual()?;
    let query = Message::query(&(zone.name)(), "A").edns(1232);
    let (before, begun, load) = (bench.cpu()?, Instant::now(), bench.innocent()?);
    let answer = bench.client.clone().time_limit(TIME_LIMIT).udp(bench.to, &query);
    thread::sleep(Duration::from_millis(500));
    let report = load.stop();
    let spent = bench.cpu()?.saturating_sub(before).as_secs_f64() - usual * begun.elapsed().as_secs_f64();
    let (queries, to_victim) = bench.queries();
    bench.authority.forget();
    let brief = bench.client.clone().time_limit(Duration::from_secs(2));
    thread::scope(|scope| {
        for _ in 0..AGAIN {
            scope.spawn(|| brief.udp(bench.to, &query).is_ok());
        }
    });
    let again = bench.queries().0;
    let (took, code) = answer.as_ref().map_or_else(
        |_| ("none".to_owned(), "-".to_owned()),
        |reply| (format!("{:.2} s", reply.took.as_secs_f64()), reply.message.rcode().to_string()),
    );
    println!(
        "{:44} {:8} {queries:8} {to_victim:9} {again:7} {:9.1} {took:>8} {code:>6} {:>10}/{:<5} {:9.1}",
        zone.title,
        name_of(software),
        spent.max(0.0) * 1000.0,
        report.answered - report.wrong,
        report.sent,
        report.quantile(0.99).as_secs_f64() * 1000.0
    );
    Ok(())
}

/// Random names of a domain whose servers are silent; the innocent's names are asked for meanwhile.
fn flood(software: Option<ResolverSoftware>) -> Result<(), Failure> {
    let silent = |asked: &Asked| if asked.to.to_string() == ATTACKER { Act::Silent } else { asked.code(5) };
    let bench = Bench::start(software, false, silent)?;
    let usual = bench.usual()?;
    let socket = bench.client.udp_socket(bench.to)?;
    let (before, begun, load) = (bench.cpu()?, Instant::now(), bench.innocent()?);
    let (rate, seconds) = FLOOD;
    for number in 0..rate * seconds {
        let query = Message::query(&format!("n{number}.attack."), "A").to_wire();
        socket.send_to(&query, bench.to).context("the flood")?;
        let due = Duration::from_secs_f64(f64::from(number) / f64::from(rate));
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    let report = load.stop();
    let spent = bench.cpu()?.saturating_sub(before).as_secs_f64() - usual * begun.elapsed().as_secs_f64();
    println!(
        "{:44} {:8} {:8} {:9} {:>7} {:9.1} {:>8} {:>6} {:>10}/{:<5} {:9.1}",
        "41 random names of a silent domain",
        name_of(software),
        bench.queries().0,
        0,
        "-",
        spent.max(0.0) * 1000.0,
        "-",
        "-",
        report.answered - report.wrong,
        report.sent,
        report.quantile(0.99).as_secs_f64() * 1000.0
    );
    Ok(())
}
