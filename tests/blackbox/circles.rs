//! Upstreams that ask this server again.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Host, Message, Reply, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("circles::two_servers_that_forward_to_each_other", two_servers),
    Test::beside("circles::through_a_forwarder_that_changes_ids_and_case", relayed),
    Test::beside("circles::through_dnsmasq", dnsmasq),
    Test::beside("circles::with_another_upstream_beside", another_upstream),
];

/// Where the server is reached from the host behind it.
const BACK: &str = "10.53.0.100";

/// What the log says of one.
const WARNING: &str = "asks this server again";

/// A failure that comes at once, and says why.
fn named(reply: &Reply) -> Result<(), Failure> {
    ensure_eq!(reply.message.rcode(), rcode::SERVFAIL, "a later question on the circle");
    ensure!(reply.took < Duration::from_millis(1500), "SERVFAIL after {:?}", reply.took);
    let options = reply.message.edns.iter().flat_map(|edns| &edns.options);
    let texts: Vec<_> = options.map(|(_, data)| String::from_utf8_lossy(data).into_owned()).collect();
    ensure!(texts.iter().any(|text| text.contains("circle")), "the error does not name it: {texts:?}");
    Ok(())
}

/// The server has recognised the circle: it says so to clients, at once, and once in its log.
fn recognised(lab: &Lab, server: &Server, domain: &str) -> Result<(), Failure> {
    let client = lab.client.clone().time_limit(Duration::from_secs(8));
    let ask = |name: &str| client.udp(lab.to, &Message::query(&format!("{name}.{domain}"), "A").edns(1232));
    let first = ask("first")?;
    ensure_eq!(first.message.rcode(), rcode::SERVFAIL, "the first question on the circle");
    ensure!(server.logs(WARNING, Duration::from_secs(3)), "no warning: {}", server.log_tail());
    for number in 0..3 {
        named(&ask(&format!("later{number}"))?)?;
    }
    let warned = server.log().matches(WARNING).count();
    ensure_eq!(warned, 1, "warnings of one circle");
    Ok(())
}

/// Either of the two may be the one that finds out, and the other one gets its error.
fn two_servers() -> Verdict {
    for domain in [".", "corp.example."] {
        let lab = Lab::new()?;
        let server = lab.start(&config().forward(domain, &UP[..1]))?;
        let other = Server::start(&lab.behind, &config().forward(domain, &[BACK]))?;
        let client = lab.client.clone().time_limit(Duration::from_secs(8));
        let name = |label: &str| format!("{label}.{}", domain.trim_start_matches('.'));
        let ask = |label: &str| client.udp(lab.to, &Message::query(&name(label), "A").edns(1232));
        ensure_eq!(ask("first")?.message.rcode(), rcode::SERVFAIL, "the first question below {domain}");
        let warned = || [&server, &other].map(|server| server.log().matches(WARNING).count());
        ensure!(
            until(Duration::from_secs(4), || warned().iter().sum::<usize>() > 0),
            "{}",
            server.log_tail()
        );
        for number in 0..3 {
            named(&ask(&format!("later{number}"))?)?;
        }
        ensure!(warned().iter().all(|count| *count <= 1), "warnings of one circle: {:?}", warned());
    }
    Ok(Outcome::Passed)
}

/// A forwarder that does little more than pass messages on.
struct Relay {
    stop: Arc<AtomicBool>,
    passed: Arc<AtomicUsize>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// Passes queries on with another id and the name in lower case; and the replies as they were asked.
fn relay(host: &Host, from: &str, to: SocketAddr) -> Result<Relay, Failure> {
    let address = host.socket_address(from, 53)?;
    let socket = host.within(|| UdpSocket::bind(address))?.context("binding the relay")?;
    socket.set_read_timeout(Some(Duration::from_millis(100))).context("a time-out")?;
    let relay = Relay { stop: Arc::default(), passed: Arc::default() };
    let (stop, passed, host) = (Arc::clone(&relay.stop), Arc::clone(&relay.passed), host.clone());
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while !stop.load(Relaxed) {
            let Ok((length, client)) = socket.recv_from(&mut buffer) else { continue };
            let Ok(query) = Message::from_wire(&buffer[..length]) else { continue };
            let Ok(answers) = socket.try_clone() else { continue };
            passed.fetch_add(1, Relaxed);
            let host = host.clone();
            thread::spawn(move || {
                let mut asked = query.clone();
                asked.id = !query.id;
                asked.questions[0].0 = query.name().to_lowercase();
                let mut reply = [0; 2048];
                let length = host.within(|| {
                    let upstream = UdpSocket::bind("0.0.0.0:0").ok()?;
                    upstream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
                    upstream.send_to(&asked.to_wire(), to).ok()?;
                    upstream.recv(&mut reply).ok()
                });
                if let Ok(Some(length)) = length
                    && let Ok(mut message) = Message::from_wire(&reply[..length])
                {
                    message.id = query.id;
                    message.questions.clone_from(&query.questions);
                    let _ = answers.send_to(&message.to_wire(), client);
                }
            });
        }
    });
    Ok(relay)
}

fn relayed() -> Verdict {
    let lab = Lab::new()?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    let relay = relay(&lab.behind, UP[0], format!("{BACK}:53").parse()?)?;
    recognised(&lab, &server, "")?;
    // Nothing is asked on any more.
    let before = relay.passed.load(Relaxed);
    for number in 0..20 {
        lab.client.ask(lab.to, &format!("more{number}.example."), "A")?;
    }
    let passed = relay.passed.load(Relaxed) - before;
    ensure!(passed <= 2, "{passed} queries went round after the circle was known");
    Ok(Outcome::Passed)
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn dnsmasq() -> Verdict {
    let Some(binary) = program::find("dnsmasq") else {
        return Ok(Outcome::Skipped("dnsmasq is not installed".into()));
    };
    let lab = Lab::new()?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    let mut command = Command::new(binary);
    command.args([
        "-k",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--user=root",
    ]);
    command.args([
        "--pid-file=",
        "--log-facility=-",
        &format!("--listen-address={}", UP[0]),
        &format!("--server={BACK}"),
    ]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let up = lab.behind.socket_address(UP[0], 53)?;
    let heard = || {
        let connect = || std::net::TcpStream::connect_timeout(&up, Duration::from_secs(1)).is_ok();
        lab.behind.within(connect).unwrap_or(false)
    };
    // It gives up at once where the host has no inotify instance left, which is no fault of what is tested.
    let mut other = Ended(lab.behind.within(|| command.spawn())?.context("starting dnsmasq")?);
    let mut tries = 0;
    while !until(Duration::from_millis(500), heard) {
        if tries == 20 {
            return Ok(Outcome::Skipped("dnsmasq does not start".into()));
        }
        if other.0.try_wait().is_ok_and(|ended| ended.is_some()) {
            other = Ended(lab.behind.within(|| command.spawn())?.context("starting dnsmasq")?);
        }
        tries += 1;
    }
    recognised(&lab, &server, "")?;
    Ok(Outcome::Passed)
}

/// The other upstream answers, and goes on answering.
fn another_upstream() -> Verdict {
    let lab = Lab::new()?;
    let good = lab.upstream(1, every_name("198.18.0.2"))?;
    let server = lab.start(&config().forward(".", &UP[..2]))?;
    let _relay = relay(&lab.behind, UP[0], format!("{BACK}:53").parse()?)?;
    ensure_eq!(lab.addresses("first.example.")?, ["198.18.0.2"], "the first question");
    // A question that comes back is one that waits already: the good upstream has it in the end, and the circle is seen.
    ensure!(server.logs(WARNING, Duration::from_secs(5)), "no warning: {}", server.log_tail());
    for number in 0..10 {
        let query = Message::query(&format!("n{number}.example."), "A");
        let reply = lab.client.udp(lab.to, &query)?;
        ensure_eq!(reply.message.data("A"), ["198.18.0.2"], "answer {number}");
        ensure!(reply.took < Duration::from_millis(200), "answer {number} took {:?}", reply.took);
    }
    ensure!(!good.seen().is_empty(), "the good upstream was not asked");
    Ok(Outcome::Passed)
}
