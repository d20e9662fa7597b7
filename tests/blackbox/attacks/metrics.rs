//! The metrics listener under bad clients and bad names.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rhumb_tests::rig::config::METRICS;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Message, Server, program, rng};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, fail};

use super::Crowd;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row53_requests_without_an_end", endless),
    Test::alone("attacks::row53_a_thousand_connections", thousand),
    Test::beside("attacks::row53_hostile_names_in_labels", hostile_labels),
];

fn connect(server: &Server) -> Result<TcpStream, Failure> {
    let to = METRICS.parse()?;
    let stream = server.host().within(|| TcpStream::connect_timeout(&to, Duration::from_secs(2)))??;
    stream.set_read_timeout(Some(Duration::from_secs(8)))?;
    stream.set_write_timeout(Some(Duration::from_secs(8)))?;
    Ok(stream)
}

/// Writes `piece` until the server had enough; how many bytes it took before it closed or stopped reading.
fn pour(server: &Server, head: &str, piece: &[u8], most: usize) -> Result<usize, Failure> {
    let mut stream = connect(server)?;
    stream.write_all(head.as_bytes())?;
    let mut taken = 0;
    while taken < most {
        match stream.write(piece) {
            Ok(0) | Err(_) => break,
            Ok(written) => taken += written,
        }
    }
    // Whatever it says, it must end.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let text = String::from_utf8_lossy(&rest);
    ensure!(!text.starts_with("HTTP/1.1 200"), "200 for {head:?}: {text:.60}");
    Ok(taken)
}

fn endless() -> Verdict {
    const MOST: usize = 64 << 20;
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    ensure_eq!(crowd.server.page("/metrics")?.status, 200, "status of /metrics");
    let memory = crowd.server.resident()?;
    let header = format!("X-Rig: {}\r\n", "x".repeat(1000));
    for (what, head, piece) in [
        ("header lines", "GET /metrics HTTP/1.1\r\nHost: a\r\n", header.as_bytes()),
        ("one header line", "GET /metrics HTTP/1.1\r\nX: ", &[b'x'; 4096]),
        ("request line", "GET /", &[b'a'; 4096]),
        (
            "chunks",
            "POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"8\r\nabcdefgh\r\n".repeat(300).as_slice(),
        ),
        ("body", "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", &[b'x'; 4096]),
    ] {
        let taken = pour(&crowd.server, head, piece, MOST)?;
        // What sockets buffer on both sides comes on top of the 8 KiB.
        ensure!(taken < MOST / 4, "it took {taken} bytes of {what}");
    }
    let grown = crowd.server.resident()?.saturating_sub(memory);
    ensure!(grown <= 4 << 20, "{} KiB more after endless requests", grown >> 10);
    ensure_eq!(crowd.server.page("/metrics")?.status, 200, "status of /metrics afterwards");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn thousand() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    crowd.still_serves()?;
    let open = crowd.server.descriptors()?;
    let idle: Vec<TcpStream> = (0..1000).filter_map(|_| connect(&crowd.server).ok()).collect();
    ensure!(idle.len() >= 32, "{} connections to the metrics", idle.len());
    let held = crowd.server.descriptors()?;
    ensure!(held <= open + 64, "{held} descriptors with 1000 idle connections, {open} before");
    crowd.still_serves()?;
    let scraped =
        until(Duration::from_secs(8), || crowd.server.page("/metrics").is_ok_and(|page| page.status == 200));
    ensure!(scraped, "no scrape within 8 s beside idle connections");
    let closed =
        until(Duration::from_secs(8), || crowd.server.descriptors().is_ok_and(|now| now <= open + 5));
    ensure!(closed, "idle connections are held for longer than 8 s");
    drop(idle);
    Ok(Outcome::Passed)
}

fn hostile_labels() -> Verdict {
    let odd = r#"we\"ird{}.test"#;
    let config =
        Crowd::config().more(&format!("forward: [{{ domain: \"{odd}\", upstreams: [\"192.0.2.250\"] }}]"));
    let crowd = Crowd::new(&config, &[])?;
    let client = crowd.honest().time_limit(Duration::from_millis(200));
    for _ in 0..300 {
        let mut query = Message::query("www.zone.test.", "A");
        query.questions[0] = (hostile_name(), rng::id(), rng::id() & 0xff);
        query.id = rng::id();
        let _ = client.exchange_raw(crowd.to, &query.to_wire());
    }
    let page = crowd.server.page("/metrics")?;
    ensure_eq!(page.status, 200, "status of /metrics");
    let series = page.body.lines().filter(|line| !line.starts_with('#')).count();
    ensure!((20..5000).contains(&series), "{series} series");
    page.body.lines().try_for_each(read_line)?;
    if let Some(promtool) = program::find("promtool") {
        let file = crowd.server.folder().write("scrape", &page.body)?;
        let mut command = std::process::Command::new("sh");
        command
            .arg("-c")
            .arg("exec \"$0\" check metrics < \"$1\"")
            .arg(promtool)
            .arg(file)
            .stdin(Stdio::null());
        let output = program::run(&mut command, Duration::from_secs(20))?;
        ensure!(output.code == Some(0) && output.err.is_empty(), "promtool: {}{}", output.out, output.err);
    }
    Ok(Outcome::Passed)
}

fn hostile_name() -> String {
    let mut label = String::new();
    for _ in 0..8 {
        let byte = [b'"', b'\\', b'\n', b'{', b'}', 0, 0xff, b'\r', b','][(rng::bits() % 9) as usize];
        write!(label, "\\{byte:03}").unwrap();
    }
    format!("{label}.zone.test.")
}

/// One line of the text format, read strictly.
fn read_line(line: &str) -> Result<(), Failure> {
    if line.is_empty() || line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
        return Ok(());
    }
    let name_end = line.find(['{', ' ']).context(format!("no value: {line}"))?;
    let (name, mut rest) = line.split_at(name_end);
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
    };
    ensure!(word(name), "metric name: {line}");
    if let Some(labels) = rest.strip_prefix('{') {
        rest = labels;
        while !rest.starts_with('}') {
            let (label, value) = rest.split_once("=\"").context(format!("label: {line}"))?;
            ensure!(word(label), "label name: {line}");
            rest = after_value(value).context(format!("label value without an end: {line}"))?;
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    let number = rest.trim();
    if number.parse::<f64>().is_err() && !["+Inf", "-Inf", "NaN"].contains(&number) {
        fail!("value: {line}");
    }
    Ok(())
}

/// What follows the closing quote of a label value.
fn after_value(value: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&value[at + 1..]),
            _ => {}
        }
    }
    None
}
