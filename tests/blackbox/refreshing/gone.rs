//! One primary of ten that is gone: the zones of the others come as fast as without it.

use std::time::{Duration, Instant};

use rhumb_tests::rig::script::{Act, Asked, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Server, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure};

use super::hostile::reply;

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::beside("refreshing::gone::one_primary_holds_up_its_own_zones_alone", one_of_ten)
        .lasting(|| Duration::from_secs(240 + zones() as u64 / 50))];

const PRIMARIES: usize = 10;
/// The longest that a run may take, by hand too.
const LONGEST: Duration = Duration::from_mins(5);
const AXFR: u16 = 252;

/// What is wrong with the last of the primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Connections are refused.
    Closed,
    /// Connections are made, and nothing is answered.
    Silent,
    /// Nobody has its address.
    Nowhere,
}

/// How many zones there are; each primary has a tenth.
fn zones() -> usize {
    std::env::var("RHUMB_TEST_ZONES").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

fn address(primary: usize) -> String {
    format!("192.0.2.{}", primary + 10)
}

/// A zone of two records.
fn answer(asked: &Asked) -> Act {
    let name = asked.message.name();
    let soa = format!("{name} 60 IN SOA . . 1 86400 86400 864000 60");
    let ns = format!("{name} 60 IN NS ns.test.");
    let lines = if asked.message.kind() == AXFR { vec![soa.clone(), ns, soa] } else { vec![soa] };
    reply(asked, &lines)
}

fn config(state: &Folder) -> Config {
    let remote = |primary| format!("  - {{ name: p{primary}, addresses: \"{}\" }}\n", address(primary));
    let remotes = (0..PRIMARIES).map(remote).collect::<Vec<_>>().concat();
    let zone = |zone| format!("  - {{ name: z{zone}.test, primaries: [p{}] }}\n", zone % PRIMARIES);
    let zones = (0..zones()).map(zone).collect::<Vec<_>>().concat();
    let state = state.at("state");
    let text = format!("state: \"{}\"\nremotes:\n{remotes}zones:\n{zones}", state.display());
    Config::new().listen("::").more(&text)
}

/// From the start of a server without contents: how long until the others' zones had all been asked for. They are all served then.
fn run(fault: Fault) -> Result<Duration, Failure> {
    let (host, others) = Host::pair()?;
    let (mut upstreams, mut gone) = (Vec::new(), None);
    for primary in 0..PRIMARIES {
        let is_gone = fault != Fault::None && primary == PRIMARIES - 1;
        if !is_gone || fault != Fault::Nowhere {
            others.address("eth0", &format!("{}/24", address(primary)))?;
        }
        match (is_gone, fault) {
            (false, _) => upstreams.push(Upstream::start(&others, &address(primary), script(answer))?),
            (true, Fault::Silent) => {
                gone = Some(Upstream::start(&others, &address(primary), script(|_| Act::Silent))?);
            }
            (true, _) => {}
        }
    }
    let state = Folder::new()?;
    let begun = Instant::now();
    let server = Server::start(&host, &config(&state))?;
    let living: Vec<usize> = (0..zones()).filter(|zone| zone % PRIMARIES < PRIMARIES - 1).collect();
    let asked = |upstream: &Upstream| upstream.seen().len();
    let others_asked = || upstreams.iter().take(PRIMARIES - 1).map(asked).sum::<usize>();
    ensure!(until(LONGEST, || others_asked() >= living.len()), "{fault:?}: {}", server.log_tail());
    let seen = upstreams.iter().take(PRIMARIES - 1).flat_map(Upstream::seen);
    let last = seen.map(|asked| asked.at).max().context("nothing was asked")?;
    let client = Client::new(&others).time_limit(Duration::from_secs(5));
    for zone in living.iter().step_by(living.len().div_ceil(100)) {
        let is_served = || {
            let answer =
                client.ask("192.0.2.1:53".parse().expect("an address"), &format!("z{zone}.test."), "NS");
            answer.is_ok_and(|answer| answer.data("NS") == ["ns.test."])
        };
        ensure!(until(Duration::from_secs(10), is_served), "{fault:?}: z{zone}: {}", server.log_tail());
    }
    if let Some(gone) = gone {
        let (times, took) = (gone.seen().len(), begun.elapsed());
        // It is given thirty seconds for an answer.
        ensure!(took > Duration::from_secs(30) || times <= 8, "it was asked {times} times within {took:?}");
        ensure!(times > 0, "its zones are not asked for");
    }
    Ok(last.saturating_duration_since(begun))
}

/// Whatever is wrong with it. By hand, with more zones, the times are told.
fn one_of_ten() -> Verdict {
    let mut without = Duration::ZERO;
    for fault in [Fault::None, Fault::Closed, Fault::Silent, Fault::Nowhere] {
        let took = run(fault)?;
        if fault == Fault::None {
            without = took;
        }
        if std::env::var_os("RHUMB_TEST_ZONES").is_some() {
            let share = took.as_secs_f64() / without.as_secs_f64();
            println!("{fault:?}: {took:.2?} until the others' zones were there, {share:.3} of that without");
        }
    }
    Ok(Outcome::Passed)
}
