//! Starting, being asked about itself, and ending.

use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::{binary, until};
use rhumb_tests::rig::{Asked, Client, Config, Host, Message, Server, rcode};
use rhumb_tests::{Context, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("running::built_in_default", built_in_default),
    Test::beside("running::sigterm_answers_what_waits", sigterm),
    Test::beside("running::sigterm_ends_at_once_with_nothing_waiting", sigterm_closes),
    Test::beside("running::start_and_stop_leave_nothing", start_and_stop),
    Test::beside("running::health_and_readiness", readiness),
    Test::beside("running::healthcheck", healthcheck),
    Test::beside("running::status_and_stats", status),
    Test::beside("running::explain_names_where_an_answer_came_from", explain),
    Test::beside("running::selftest_asks_every_address", selftest),
];

/// `rhumb run` alone: port 5300 over both families, the example zone, forwarding by resolv.conf, metrics.
fn built_in_default() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    lab.host.etc("resolv.conf", &format!("nameserver {}\n", UP[0]))?;
    let folder = rhumb_tests::rig::Folder::new()?;
    let log = std::fs::File::create(folder.at("log"))?;
    let mut command = lab.host.command(binary());
    let mut child =
        command.arg("run").current_dir(folder.path()).stdout(log.try_clone()?).stderr(log).spawn()?;
    let client = Client::new(&lab.host).time_limit(Duration::from_millis(200));
    let mut failure = None;
    let answers = until(Duration::from_secs(10), || {
        ["127.0.0.1", "::1"].iter().all(|address| {
            let asked = lab.host.socket_address(address, 5300).and_then(|to| {
                let zone = client.ask(to, "www.example.com.", "A")?.data("A");
                let forwarded = client.ask(to, "www.up.example.", "A")?.data("A");
                Ok((zone, forwarded))
            });
            match asked {
                Ok((zone, forwarded)) => zone == ["192.0.2.80"] && forwarded == ["198.18.0.1"],
                Err(problem) => {
                    failure = Some(problem);
                    false
                }
            }
        })
    });
    let metrics = rhumb_tests::rig::http::get(&lab.host, "127.0.0.1:9153".parse()?, "/metrics");
    child.kill()?;
    child.wait()?;
    let log = std::fs::read_to_string(folder.at("log"))?;
    ensure!(answers, "the built-in default does not answer: {failure:?}; its log: {log}");
    ensure_eq!(metrics?.status, 200, "status of /metrics");
    Ok(Outcome::Passed)
}

fn sigterm() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked: &Asked| {
            let line = format!("{} 300 IN A 198.18.0.1", asked.message.name());
            asked.answer(&[&line]).after(Duration::from_millis(800))
        }),
    )?;
    let mut server = lab.start(&config().forward(".", &UP[..1]))?;
    let socket = lab.client.udp_socket(lab.to)?;
    socket.send_to(&Message::query("waits.up.example.", "A").to_wire(), lab.to)?;
    let mut stream = lab.client.tcp(lab.to)?;
    stream.send(&Message::query("waits-too.up.example.", "A").to_wire())?;
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    server.signal(Signal::SIGTERM)?;
    let (wire, _) =
        receive(&socket, Duration::from_secs(5))?.context("the waiting query over UDP got no answer")?;
    ensure_eq!(Message::from_wire(&wire)?.data("A"), ["198.18.0.1"], "answer over UDP after SIGTERM");
    let wire = stream.receive(Duration::from_secs(5))?.context("the waiting query over TCP got no answer")?;
    ensure_eq!(Message::from_wire(&wire)?.data("A"), ["198.18.0.1"], "answer over TCP after SIGTERM");
    ensure_eq!(server.wait(Duration::from_secs(6))?, 0, "exit status after SIGTERM");
    ensure!(begun.elapsed() < Duration::from_secs(3), "it took {:?} to end", begun.elapsed());
    Ok(Outcome::Passed)
}

/// Nothing waits: the end comes at once, idle connections are closed.
fn sigterm_closes() -> Verdict {
    let (host, client) = Host::pair()?;
    let mut server = Server::start(&host, &Config::new().listen("::").zone("zone.test", SMALL_ZONE))?;
    let mut idle = Client::new(&client).tcp("192.0.2.1:53".parse()?)?;
    idle.ask(&Message::query("www.zone.test.", "A"), Duration::from_secs(2))?;
    let begun = Instant::now();
    server.signal(Signal::SIGTERM)?;
    ensure!(idle.closes_within(Duration::from_secs(3))?, "an idle connection is not closed after SIGTERM");
    ensure_eq!(server.wait(Duration::from_secs(3))?, 0, "exit status after SIGTERM");
    ensure!(
        begun.elapsed() < Duration::from_secs(2),
        "it took {:?} to end with nothing to do",
        begun.elapsed()
    );
    Ok(Outcome::Passed)
}

fn start_and_stop() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE);
    for round in 0..15 {
        let mut server = Server::start(&host, &config)?;
        server.signal(if round % 2 == 0 { Signal::SIGTERM } else { Signal::SIGINT })?;
        ensure_eq!(server.wait(Duration::from_secs(5))?, 0, "exit status in round {round}");
        let left: Vec<String> = std::fs::read_dir(server.folder().path())?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !["rhumb.yaml", "zones", "log", "control.sock"].contains(&name.as_str()))
            .collect();
        ensure!(left.is_empty(), "left over in round {round}: {left:?}");
    }
    // A server that was killed leaves its control socket; the next one takes it over.
    let mut killed = Server::start(&host, &config)?;
    killed.signal(Signal::SIGKILL)?;
    ensure_eq!(killed.wait(Duration::from_secs(5))?, -9, "end by SIGKILL");
    let path = killed.folder().at("control.sock");
    let again =
        Server::start(&host, &config.more(&format!("control: {{ socket: \"{}\" }}", path.display())))?;
    ensure_eq!(again.tell(&["status"])?.code, Some(0), "status after a socket was left over");
    Ok(Outcome::Passed)
}

fn readiness() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE);
    let server = Server::start(&host, &config)?;
    ensure_eq!(server.page("/health")?.status, 200, "status of /health");
    let ready = until(Duration::from_secs(3), || server.page("/ready").is_ok_and(|page| page.status == 200));
    ensure!(ready, "not ready: {}", server.page("/ready")?.body);
    ensure_eq!(server.page("/no-such-page")?.status, 404, "status of a page that is not there");
    drop(server);
    let server = Server::start(&host, &config.clone().zone("broken.test", "not a zone\n"))?;
    ensure_eq!(server.page("/health")?.status, 200, "status of /health with a broken zone");
    let page = server.page("/ready")?;
    ensure_eq!(page.status, 200, "status of /ready with a zone that never loaded");
    ensure!(page.body.contains("broken.test"), "/ready does not say which zone: {}", page.body);
    drop(server);
    // Of a network without anybody in it: the domain is down once a client has asked.
    let server = Server::start(&host, &config.allow_all().forward("down.test", &["127.0.0.99:5353"]))?;
    let client = Client::new(&host);
    let _ = client.udp("127.0.0.1:53".parse()?, &Message::query("www.down.test.", "A"));
    let told = until(Duration::from_secs(10), || {
        server.page("/ready").is_ok_and(|page| page.body.contains("forward down.test.: no upstream answers"))
    });
    let page = server.page("/ready")?;
    ensure!(told, "/ready says nothing of the domain that is down: {}", page.body);
    ensure_eq!(page.status, 200, "status of /ready while an upstream is down");
    ensure_eq!(server.page("/health")?.status, 200, "status of /health while an upstream is down");
    Ok(Outcome::Passed)
}

fn healthcheck() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen("127.0.0.1").zone("zone.test", SMALL_ZONE);
    let mut server = Server::start(&host, &config)?;
    let good = server.tell(&["healthcheck"])?;
    ensure_eq!(good.code, Some(0), "healthcheck of a running server: {}{}", good.out, good.err);
    server.signal(Signal::SIGSTOP)?;
    let hung = server.tell(&["healthcheck"])?;
    server.signal(Signal::SIGCONT)?;
    ensure_eq!(hung.code, Some(1), "healthcheck of a server that hangs: {}{}", hung.out, hung.err);
    server.signal(Signal::SIGTERM)?;
    server.wait(Duration::from_secs(6))?;
    let gone = server.tell(&["healthcheck"])?;
    ensure_eq!(gone.code, Some(1), "healthcheck of a server that ended: {}{}", gone.out, gone.err);
    Ok(Outcome::Passed)
}

fn status() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().zone("zone.test", SMALL_ZONE).forward(".", &UP[..1]))?;
    lab.addresses("www.up.example.")?;
    let status = server.tell(&["status"])?;
    ensure_eq!(status.code, Some(0), "exit status of status: {}", status.err);
    for part in ["53", UP[0], "zone"] {
        ensure!(status.out.contains(part), "status does not name {part}: {}", status.out);
    }
    let stats = server.tell(&["stats"])?;
    ensure_eq!(stats.code, Some(0), "exit status of stats: {}", stats.err);
    ensure!(stats.out.lines().count() >= 3, "stats says {}", stats.out);
    let zones = server.tell(&["zone", "list"])?;
    ensure!(
        zones.code == Some(0) && zones.out.contains("zone.test"),
        "zone list: {}{}",
        zones.out,
        zones.err
    );
    // The same by HTTP over the unix socket, which belongs to its owner alone.
    let socket = server.folder().at("control.sock");
    let mode = std::fs::metadata(&socket)?.permissions().mode() & 0o777;
    ensure_eq!(mode, 0o600, "mode of the control socket");
    let answer = rhumb_tests::rig::http::over_unix(&socket, "GET", "/status")?;
    ensure_eq!(answer.status, 200, "status over HTTP");
    serde_json::from_str::<serde_json::Value>(&answer.body).context("status over HTTP as JSON")?;
    Ok(Outcome::Passed)
}

fn explain() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let server = lab.start(&config().zone("zone.test", SMALL_ZONE).forward(".", &UP[..1]))?;
    for (name, parts) in [
        ("www.zone.test", &["zone.test", "198.18.0.80"][..]),
        ("www.up.example", &[UP[0], "198.18.0.1", "rhumb.yaml:"]),
        ("localhost", &["127.0.0.1"]),
    ] {
        let output = server.tell(&["explain", name, "A"])?;
        ensure_eq!(output.code, Some(0), "exit status of explain {name}: {}", output.err);
        for part in parts {
            ensure!(output.out.contains(part), "explain {name} does not name {part}: {}", output.out);
        }
    }
    let cached = server.tell(&["explain", "www.up.example", "A"])?;
    ensure!(cached.out.contains("cache"), "explain of a cached name: {}", cached.out);
    let json = server.tell(&["explain", "www.zone.test", "A", "--json"])?;
    serde_json::from_str::<serde_json::Value>(&json.out).context("explain --json")?;
    let stranger = server.tell(&["explain", "www.up.example", "A", "--from", "192.0.2.77"])?;
    ensure_eq!(stranger.code, Some(0), "exit status of explain --from: {}", stranger.err);
    Ok(Outcome::Passed)
}

fn selftest() -> Verdict {
    let (host, client) = Host::pair()?;
    host.address("lo", "198.51.100.1/32")?;
    let server = Server::start(&host, &Config::new().listen("::").zone("zone.test", SMALL_ZONE))?;
    let output = server.tell(&["selftest"])?;
    ensure_eq!(output.code, Some(0), "exit status of selftest: {}{}", output.out, output.err);
    for address in ["127.0.0.1", "192.0.2.1", "198.51.100.1", "2001:db8::1", "fe80::1"] {
        ensure!(output.out.contains(address), "selftest did not ask {address}: {}", output.out);
    }
    let answer = Client::new(&client).ask("192.0.2.1:53".parse()?, "www.zone.test.", "A")?;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "response code afterwards");
    Ok(Outcome::Passed)
}
