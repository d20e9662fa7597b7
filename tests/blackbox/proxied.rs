//! Proxies that say for which client they speak (PROXY protocol, version 2).

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Stdio};
use std::time::Duration;

use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::stream::framed;
use rhumb_tests::rig::{Client, Config, Message, Upstream, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};
use crate::encrypted::{Issued, TIME_LIMIT, is};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("proxied::datagrams_count_for_the_client", datagrams),
    Test::beside("proxied::connections_count_for_the_client", connections),
    Test::beside("proxied::dnsdist_and_haproxy_in_front", programs),
    Test::beside("proxied::a_reload_changes_the_proxies", reloaded),
];

/// May ask recursive questions.
const FRIEND: &str = "198.18.0.7";
/// May not.
const STRANGER: &str = "198.18.0.8";
/// Where the client is said to have asked.
const FRONT: &str = "203.0.113.53:53";
/// Long enough for an answer that does not come.
const SILENCE: Duration = Duration::from_millis(700);

fn proxied_config(issued: &Issued, proxies: &str) -> Config {
    let keys = issued.keys("udp, tcp, tls, https");
    let listen = format!("{keys}, proxy-protocol: [{proxies}]");
    Config::new()
        .listen_with("192.0.2.1", &listen)
        .listen_with("127.0.0.1", "transports: [udp, tcp]")
        .zone("zone.test", &config().files()[0].1)
        .forward("up.test", &["192.0.2.3"])
        .allow(&[FRIEND])
        .more("log: { queries: true }")
}

/// The server, a proxy at 192.0.2.2, an upstream at 192.0.2.3, and 192.0.2.4, which is no proxy.
fn proxied_lab() -> Result<(Lab, Issued, Upstream), Failure> {
    let issued = Issued::new()?;
    let lab = lab(&proxied_config(&issued, "192.0.2.2"))?;
    let host = lab.client.host();
    host.address("eth0", "192.0.2.3/24")?.address("eth0", "192.0.2.4/24")?;
    let upstream = Upstream::start(host, "192.0.2.3", every_name("198.18.0.1"))?;
    Ok((lab, issued, upstream))
}

/// A header; `command` 0x21 is for a client, 0x20 for the proxy itself.
fn header(command: u8, source: &str, is_stream: bool) -> Vec<u8> {
    let (source, front) = (SocketAddr::new(source.parse().unwrap(), 40_000), FRONT.parse().unwrap());
    let octets = |end: SocketAddr| match end.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let ends: [SocketAddr; 2] = [source, front];
    let mut addresses: Vec<u8> = ends.iter().flat_map(|end| octets(*end)).collect();
    addresses.extend(ends.iter().flat_map(|end| end.port().to_be_bytes()));
    let family = if is_stream { 0x11 } else { 0x12 };
    let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, &addresses].concat()
}

fn from(lab: &Lab, ip: &str) -> Client {
    Client::new(lab.client.host()).from(ip.parse().unwrap()).time_limit(TIME_LIMIT)
}

/// The answer to a datagram with this header.
fn ask(client: &Client, lab: &Lab, header: &[u8], name: &str) -> Result<Option<Message>, Failure> {
    let wire = [header, &Message::query(name, "A").to_wire()].concat();
    let answer = client.exchange_raw(lab.to, &wire)?;
    answer.map(|(wire, _)| Message::from_wire(&wire)).transpose()
}

fn results(lab: &Lab, proto: &str, result: &str) -> Result<f64, Failure> {
    let labels = [format!("proto=\"{proto}\""), format!("result=\"{result}\"")];
    lab.server.metric("rhumb_proxy_headers_total", &[labels[0].as_str(), labels[1].as_str()])
}

fn datagrams() -> Verdict {
    let (lab, _issued, _upstream) = proxied_lab()?;
    let (proxy, other) = (from(&lab, "192.0.2.2"), from(&lab, "192.0.2.4"));
    let for_client = |source: &str| header(0x21, source, false);
    // At once, and after a look-up.
    for (source, name, code) in [
        (STRANGER, "web.zone.test.", rcode::NOERROR),
        (FRIEND, "www.up.test.", rcode::NOERROR),
        (STRANGER, "www.up.test.", rcode::REFUSED),
    ] {
        let answer = ask(&proxy, &lab, &for_client(source), name)?.context("no answer through the proxy")?;
        ensure_eq!(answer.rcode(), code, "{name} for {source}");
    }
    let large = Message::query("large.zone.test.", "A").to_wire();
    let large =
        proxy.exchange_raw(lab.to, &[for_client(FRIEND), large].concat())?.context("no large answer")?;
    ensure!(
        Message::from_wire(&large.0)?.flags & rhumb_tests::rig::message::TC != 0,
        "a large answer is whole"
    );
    let itself = ask(&proxy, &lab, &header(0x20, FRIEND, false), "web.zone.test.")?;
    ensure!(itself.is_some(), "the proxy itself has no answer");
    let direct = ask(&other, &lab, &[], "web.zone.test.")?.context("no answer without a proxy")?;
    ensure_eq!(direct.rcode(), rcode::NOERROR, "without a proxy");
    let (quiet, quiet_other) = (proxy.time_limit(SILENCE), other.time_limit(SILENCE));
    // Its length leads beyond the datagram.
    let mut cut = for_client(FRIEND);
    cut[14] = 15;
    for (client, header, what) in [
        (&quiet, &[][..], "a proxy without a header"),
        (&quiet, &cut, "half a header"),
        (&quiet_other, &for_client(FRIEND), "a header of another host"),
    ] {
        ensure!(ask(client, &lab, header, "web.zone.test.")?.is_none(), "{what} is answered");
    }
    let counted = ["client", "local", "missing", "malformed", "not-allowed"]
        .map(|result| results(&lab, "udp", result).unwrap_or(-1.0));
    ensure!(counted.iter().zip([4, 1, 1, 1, 1]).all(|(found, expected)| is(*found, expected)), "{counted:?}");
    let dropped = lab.server.metric("rhumb_dns_dropped_total", &["reason=\"proxy-header\""])?;
    ensure!(is(dropped, 3), "{dropped} dropped");
    ensure!(lab.server.logs(FRIEND, TIME_LIMIT), "the log has no {FRIEND}: {}", lab.server.log_tail());
    ensure!(lab.server.logs("not served: a header of the PROXY protocol", TIME_LIMIT), "no cause in the log");
    Ok(Outcome::Passed)
}

fn connections() -> Verdict {
    let (lab, _issued, _upstream) = proxied_lab()?;
    let (proxy, other) = (from(&lab, "192.0.2.2"), from(&lab, "192.0.2.4"));
    let begin = |client: &Client, start: &[u8], name: &str| {
        let mut stream = client.tcp(lab.to)?;
        stream.send_raw(&[start, &framed(&Message::query(name, "A").to_wire())].concat())?;
        let answer = stream.receive(SILENCE * 4)?;
        answer.map(|wire| Message::from_wire(&wire)).transpose()
    };
    for (source, code) in [(FRIEND, rcode::NOERROR), (STRANGER, rcode::REFUSED)] {
        let answer = begin(&proxy, &header(0x21, source, true), "www.up.test.")?;
        ensure_eq!(answer.context("no answer")?.rcode(), code, "for {source}");
    }
    ensure!(begin(&proxy, &header(0x20, FRIEND, true), "web.zone.test.")?.is_some(), "the proxy itself");
    ensure!(begin(&other, &[], "web.zone.test.")?.is_some(), "without a proxy");
    for (client, start, what) in [
        (&proxy, &[][..], "a proxy without a header"),
        (&proxy, &header(0x22, FRIEND, true), "an unknown command"),
        (&other, &header(0x21, FRIEND, true), "a header of another host"),
    ] {
        let answered = begin(client, start, "web.zone.test.").unwrap_or(None);
        ensure!(answered.is_none(), "{what} is answered");
    }
    let counted = ["client", "local", "missing", "malformed", "not-allowed"]
        .map(|result| results(&lab, "tcp", result).unwrap_or(-1.0));
    ensure!(counted.iter().zip([2, 1, 1, 1, 1]).all(|(found, expected)| is(*found, expected)), "{counted:?}");
    // Many clients of one proxy are not one client.
    let mut open = Vec::new();
    for number in 0..40 {
        let mut stream = proxy.tcp(lab.to)?;
        let query = framed(&Message::query("web.zone.test.", "A").to_wire());
        stream.send_raw(&[header(0x21, &format!("198.18.1.{number}"), true), query].concat())?;
        ensure!(stream.receive(TIME_LIMIT)?.is_some(), "client {number} of a proxy is not served");
        open.push(stream);
    }
    Ok(Outcome::Passed)
}

/// A program of others that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(lab: &Lab, issued: &Issued, name: &str, options: &[&str], text: &str) -> Result<Running, Failure> {
    let file = issued.folder.write(&format!("{name}.conf"), text)?;
    let log = fs::File::create(issued.folder.at(name))?;
    let mut command = lab.client.host().command(program::find(name).context("no program")?);
    command.args(options).arg(file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Running(command.spawn()?))
}

/// The proxies are asked from 192.0.2.4, which the server knows by their headers alone.
fn programs() -> Verdict {
    let (Some(kdig), Some(_), Some(_)) =
        (program::find("kdig"), program::find("dnsdist"), program::find("haproxy"))
    else {
        skip!("no kdig, dnsdist or haproxy here")
    };
    let (lab, issued, _upstream) = proxied_lab()?;
    let chain = issued.folder.at("chain.pem").display().to_string();
    let server = |port: u16, more: &str, pool: &str| {
        format!(
            "newServer({{address='192.0.2.1:{port}', source='192.0.2.2', useProxyProtocol=true, healthCheckMode='up', \
             pool='{pool}'{more}}})\n"
        )
    };
    let encrypted = format!(", tls='openssl', subjectName='dns.test', caStore='{chain}'");
    let https = format!("{encrypted}, dohPath='/dns-query'");
    let dnsdist = format!(
        "setLocal('192.0.2.2:5301')\nsetACL('0.0.0.0/0')\nsetSecurityPollSuffix('')\n{}{}{}\
         addAction('ns.zone.test.', PoolAction('tls'))\naddAction('mail.zone.test.', PoolAction('https'))\n",
        server(53, "", ""),
        server(853, &encrypted, "tls"),
        server(443, &https, "https"),
    );
    let _dnsdist = start(&lab, &issued, "dnsdist", &["--supervised", "-C"], &dnsdist)?;
    let front = |name: &str, port: u16, to: u16| {
        format!(
            "frontend {name}\n  bind 192.0.2.2:{port}\n  default_backend {name}\nbackend {name}\n  source 192.0.2.2\n  \
             server one 192.0.2.1:{to} send-proxy-v2\n"
        )
    };
    let haproxy = format!(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n{}{}",
        front("tcp", 5302, 53),
        front("tls", 5303, 853),
    );
    let _haproxy = start(&lab, &issued, "haproxy", &["-db", "-f"], &haproxy)?;
    let ask = |options: &[&str]| {
        let mut command = lab.client.host().command(&kdig);
        command.args(["@192.0.2.2", "-b", "192.0.2.4", "+retry=0", "+timeout=3"]).args(options);
        program::run(&mut command, TIME_LIMIT)
    };
    for (options, proto, words) in [
        (&["-p", "5301", "web.zone.test", "A"][..], "udp", "192.0.2.81"),
        (&["-p", "5301", "+tcp", "web.zone.test", "A"], "tcp", "192.0.2.81"),
        (&["-p", "5301", "ns.zone.test", "A"], "tls", "192.0.2.1"),
        (&["-p", "5301", "mail.zone.test", "A"], "https", "192.0.2.25"),
        (&["-p", "5302", "+tcp", "web.zone.test", "A"], "tcp", "192.0.2.81"),
        (&["-p", "5303", "+tls", "web.zone.test", "A"], "tls", "192.0.2.81"),
    ] {
        let before = results(&lab, proto, "client")?;
        let answered = until(TIME_LIMIT, || {
            ask(options).is_ok_and(|output| output.out.contains(&format!("\t{words}\n")))
        });
        let told = ask(options)?;
        ensure!(answered, "{options:?}: {}{}; {}", told.out, told.err, lab.server.log_tail());
        ensure!(results(&lab, proto, "client")? > before, "{options:?}: no header of the proxy was taken");
    }
    // Its own address, and not that of the proxies, is what the access list looks at.
    let refused = ask(&["-p", "5301", "www.up.test", "A"])?;
    ensure!(refused.out.contains("REFUSED"), "a stranger through dnsdist: {}{}", refused.out, refused.err);
    ensure!(lab.server.logs("192.0.2.4", TIME_LIMIT), "the log has no client: {}", lab.server.log_tail());
    Ok(Outcome::Passed)
}

fn reloaded() -> Verdict {
    let (lab, issued, _upstream) = proxied_lab()?;
    let (proxy, other) = (from(&lab, "192.0.2.2"), from(&lab, "192.0.2.4"));
    let header = header(0x21, FRIEND, false);
    ensure!(ask(&proxy, &lab, &header, "www.up.test.")?.is_some(), "before");
    lab.server.rewrite(&proxied_config(&issued, "192.0.2.4"))?;
    let changes = lab.server.reload()?;
    ensure!(changes.contains("proxy-protocol: [192.0.2.2"), "the reload says {changes}");
    let answer = ask(&other, &lab, &header, "www.up.test.")?.context("no answer through the new proxy")?;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "through the new proxy");
    ensure!(
        ask(&proxy.time_limit(SILENCE), &lab, &header, "www.up.test.")?.is_none(),
        "the old proxy is believed"
    );
    Ok(Outcome::Passed)
}
