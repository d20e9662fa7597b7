//! DNS over HTTPS, asked by clients and proxies of others (RFC 8484).

use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Message, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::authoritative::{Lab, config, lab};
use crate::encrypted::{Issued, TIME_LIMIT, is};

pub(crate) mod entrance;
pub(crate) mod floods;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("https::kdig_and_curl_resolve", resolve),
    Test::beside("https::httpx_asks_many_questions_at_once", many_at_once),
    Test::beside("https::statuses_are_right", statuses),
    Test::beside("https::answers_say_how_long_they_keep", freshness),
    Test::beside("https::proxies_name_the_client", proxies),
    Test::beside("https::silent_and_useless_connections_end", useless),
    Test::beside("https::paths_follow_the_configuration", paths),
];

/// `web.zone.test. A` with id 0.
fn asked(name: &str, kind: &str) -> Vec<u8> {
    Message { id: 0, ..Message::query(name, kind) }.to_wire()
}

/// In base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters = bytes.chunks(3).flat_map(|part| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(*part.get(at).unwrap_or(&0)));
        (0..=part.len()).map(move |at| char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]))
    });
    letters.collect()
}

fn https_lab(more: impl Fn(Config) -> Config) -> Result<(Lab, Issued), Failure> {
    let issued = Issued::new()?;
    let base = Config::new().listen_with("::", &issued.keys("udp, tcp, https"));
    let zone = config().files()[0].1.clone();
    Ok((lab(&more(base.zone("zone.test", &zone)))?, issued))
}

/// What curl gets: the status, the head of the response, the body.
struct Fetched {
    status: String,
    head: String,
    body: Vec<u8>,
}

fn curl(lab: &Lab, issued: &Issued, options: &[&str], url: &str) -> Result<Fetched, Failure> {
    let at = |name: &str| issued.folder.at(name).display().to_string();
    let mut command = lab.client.host().command(program::find("curl").context("no curl")?);
    command.args([
        "-s",
        "--max-time",
        "15",
        "--cacert",
        &at("chain.pem"),
        "--resolve",
        "dns.test:443:192.0.2.1",
    ]);
    command.args(["-D", &at("head"), "-o", &at("body"), "-w", "%{http_version} %{http_code}"]).args(options);
    for name in ["head", "body"] {
        issued.folder.write(name, "")?;
    }
    let output = program::run(command.arg(url), TIME_LIMIT)?;
    let head = std::fs::read_to_string(at("head"))?.to_ascii_lowercase();
    Ok(Fetched { status: output.out, head, body: std::fs::read(at("body"))? })
}

fn resolve() -> Verdict {
    let (Some(kdig), Some(curl_program)) = (program::find("kdig"), program::find("curl")) else {
        skip!("no kdig or no curl here")
    };
    let (lab, issued) = https_lab(|config| config)?;
    let authority = format!("+tls-ca={}", issued.folder.at("chain.pem").display());
    for server in ["@192.0.2.1", "@2001:db8::1"] {
        for method in [&["+https"][..], &["+https", "+https-get"]] {
            let mut command = lab.client.host().command(&kdig);
            command.args([server, &authority, "+tls-hostname=dns.test", "+padding=128"]).args(method);
            let output =
                program::run(command.args(["web.zone.test", "A", "large.zone.test", "A"]), TIME_LIMIT)?;
            ensure_eq!(output.code, Some(0), "kdig {server} {method:?}: {}{}", output.out, output.err);
            for words in ["192.0.2.81", "198.18.1.100", "HTTP/2", "status: 200", "Received 468 B"] {
                ensure!(output.out.contains(words), "kdig {server} {method:?} lacks {words}: {}", output.out);
            }
        }
    }
    let url = format!("https://dns.test/dns-query?dns={}", base64url(&asked("web.zone.test.", "A")));
    for (option, version) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let fetched = curl(&lab, &issued, &[option], &url)?;
        ensure_eq!(fetched.status, version, "curl {option}: {}", fetched.head);
        let message = Message::from_wire(&fetched.body)?;
        ensure!(message.id == 0 && message.answer.len() == 2, "curl {option}: {message:?}");
        let head = curl(&lab, &issued, &[option, "-I"], &url)?;
        let length = format!("content-length: {}", fetched.body.len());
        ensure!(head.status == version && head.head.contains(&length), "HEAD {option}: {}", head.head);
    }
    // curl finds the address of a page by way of the server.
    let mut command = lab.client.host().command(curl_program);
    command.args(["-sv", "--max-time", "10", "--doh-url", "https://192.0.2.1/dns-query", "--doh-insecure"]);
    let output = program::run(command.arg("http://web.zone.test:9/"), TIME_LIMIT)?;
    ensure!(output.err.contains("192.0.2.80"), "curl --doh-url: {}", output.err);
    let full = lab.server.metric("rhumb_tls_handshakes_total", &["proto=\"https\"", "result=\"full\""])?;
    ensure!(full >= 8.0, "{full} handshakes");
    let told = lab.server.tell(&["explain", "web.zone.test", "A", "--via", "https"])?;
    ensure!(told.code == Some(0) && told.out.contains("192.0.2.80"), "explain: {}{}", told.out, told.err);
    let status = lab.server.tell(&["status"])?.out;
    ensure!(status.contains("https"), "status: {status}");
    Ok(Outcome::Passed)
}

/// A client with an HTTP/2 of its own; needs the library httpx.
fn many_at_once() -> Verdict {
    let Some(python) = program::python_with("httpx, h2") else { skip!("no Python with httpx here") };
    let (lab, issued) = https_lab(|config| config)?;
    let script = issued.folder.write("client.py", include_str!("https/httpx.py"))?;
    let mut command = lab.client.host().command(python);
    command.arg(script).arg("https://dns.test/dns-query").arg(issued.folder.at("chain.pem"));
    let output = program::run(command.args(["192.0.2.1", "400"]), TIME_LIMIT * 3)?;
    ensure_eq!(output.out.trim(), "400 times HTTP/2 200 rcode 0 answers 2", "httpx: {}", output.err);
    let streams = lab.server.metric("rhumb_streams_total", &["proto=\"https\""])?;
    ensure!(is(streams, 400), "{streams} streams");
    Ok(Outcome::Passed)
}

/// Requests without a query are counted by kind.
fn counted(lab: &Lab) -> Result<(), Failure> {
    let faults = |kind: &str| {
        lab.server.metric("rhumb_stream_errors_total", &["proto=\"https\"", &format!("kind=\"{kind}\"")])
    };
    let counted = (faults("request")?, faults("message")?, faults("unanswered")?);
    ensure!(is(counted.0, 16) && is(counted.1, 16) && is(counted.2, 0), "errors by kind: {counted:?}");
    let streams = lab.server.metric("rhumb_streams_total", &["proto=\"https\""])?;
    ensure!(streams >= 38.0, "{streams} requests");
    Ok(())
}

fn statuses() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let (lab, issued) = https_lab(|config| config)?;
    let good = base64url(&asked("web.zone.test.", "A"));
    let of = |name: &str, length: usize| -> Result<String, Failure> {
        let mut message = asked("web.zone.test.", "A");
        message.resize(length, 0);
        Ok(format!("@{}", issued.folder.write(name, message)?.display()))
    };
    let (whole, short, largest, longer, longest) =
        (of("w", 31)?, of("s", 11)?, of("l", 65_535)?, of("m", 65_536)?, of("x", 70_000)?);
    let dns = "content-type: application/dns-message";
    let query = format!("/dns-query?dns={good}");
    for option in ["--http2", "--http1.1"] {
        let cases: &[(&str, &[&str], &str, &str)] = &[
            ("200", &["-H", dns, "--data-binary", &whole], "/dns-query", "max-age=300"),
            (
                "200",
                &["-H", "content-type: Application/DNS-message;x=y", "--data-binary", &whole],
                "/dns-query",
                "",
            ),
            ("400", &["-H", dns, "--data-binary", &short], "/dns-query", "no-store"),
            ("400", &["-H", dns, "--data-binary", ""], "/dns-query", ""),
            ("400", &[], "/dns-query", ""),
            ("400", &[], "/dns-query?dns=", ""),
            ("400", &[], "/dns-query?dns=AAABAAABAAAAAAAA=", ""),
            ("400", &[], "/dns-query?query=AAABAAABAAAAAAAA", ""),
            ("404", &[], "/", ""),
            ("404", &[], "/dns-query/", ""),
            ("404", &["-X", "DELETE"], "/other", ""),
            ("405", &["-X", "PUT"], &query, "allow: get, head, post"),
            ("405", &["-X", "OPTIONS"], &query, "allow: get, head, post"),
            // What follows a question is no query, and yet no reason for HTTP.
            ("200", &["-H", dns, "--data-binary", &largest], "/dns-query", ""),
            ("413", &["-H", dns, "--data-binary", &longer], "/dns-query", ""),
            ("413", &["-H", dns, "--data-binary", &longest], "/dns-query", ""),
            ("415", &["--data-binary", &whole], "/dns-query", ""),
            ("415", &["-H", "content-type: application/json", "--data-binary", &whole], "/dns-query", ""),
            ("415", &["-H", dns, "-H", "content-encoding: gzip", "--data-binary", &whole], "/dns-query", ""),
        ];
        for (status, options, path, words) in cases {
            let options: Vec<&str> = [&[option][..], options].concat();
            let fetched = curl(&lab, &issued, &options, &format!("https://dns.test{path}"))?;
            ensure!(
                fetched.status.ends_with(status),
                "{options:?} {path}: {} {}",
                fetched.status,
                fetched.head
            );
            ensure!(fetched.head.contains(words), "{options:?} {path} lacks {words}: {}", fetched.head);
            ensure!(fetched.head.contains("cache-control: "), "{options:?} {path}: {}", fetched.head);
        }
        let large = format!("x-large: {}", "a".repeat(9000));
        let fetched = curl(&lab, &issued, &[option, "-H", &large], &format!("https://dns.test{query}"))?;
        ensure!(fetched.status.ends_with("431"), "{option}, a head of 9 KiB: {}", fetched.status);
    }
    counted(&lab)?;
    Ok(Outcome::Passed)
}

fn freshness() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let zone =
        "@ 3600 SOA ns host 1 3600 600 86400 77\n@ 3600 NS ns\nns 900 A 192.0.2.1\nalias 200 CNAME ns\n";
    let (lab, issued) = https_lab(|config| config.zone("fresh.test", zone))?;
    for (name, kind, kept) in [
        ("ns.fresh.test.", "A", 900),
        ("alias.fresh.test.", "A", 200),
        ("ns.fresh.test.", "AAAA", 77),
        ("none.fresh.test.", "A", 77),
        ("other.example.", "A", 0),
    ] {
        let url = format!("https://dns.test/dns-query?dns={}", base64url(&asked(name, kind)));
        let fetched = curl(&lab, &issued, &[], &url)?;
        let words = format!("cache-control: max-age={kept}\r");
        ensure!(fetched.head.contains(&words), "{name} {kind}, {words}: {}", fetched.head);
    }
    Ok(Outcome::Passed)
}

/// Behind a proxy the client that it names counts; others are not served at all.
fn proxies() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let issued = Issued::new()?;
    let zone = config().files()[0].1.clone();
    let listen = "port: 8053, transports: [https], tls: off, proxies: ['192.0.2.2', '10.0.0.0/8']";
    let base = Config::new().listen_with("::", "transports: [udp, tcp]").listen_with("192.0.2.1", listen);
    let recursion = "recursion: { allow: [198.51.100.0/24] }";
    let lab = lab(&base.zone("zone.test", &zone).forward("slow.test", &["192.0.2.9"]).more(recursion))?;
    lab.client.host().address("eth0", "192.0.2.3/24")?;
    let ask = |name: &str, options: &[&str]| {
        let url = format!("http://192.0.2.1:8053/dns-query?dns={}", base64url(&asked(name, "A")));
        curl(&lab, &issued, options, &url)
    };
    let refused = |fetched: &Fetched| {
        Message::from_wire(&fetched.body).map(|message| message.rcode() == rcode::REFUSED)
    };
    for (options, status, is_refused) in [
        (&["--http1.1"][..], "1.1 200", true),
        (&["-H", "x-forwarded-for: 203.0.113.7"], "1.1 200", true),
        (&["-H", "x-forwarded-for: 198.51.100.7, 203.0.113.7"], "1.1 200", true),
        (&["-H", "x-forwarded-for: nobody"], "1.1 400", false),
        (&["-H", "forwarded: for=_hidden"], "1.1 400", false),
        (&["--http2-prior-knowledge"], "2 200", true),
    ] {
        let fetched = ask("x.slow.test.", options)?;
        ensure_eq!(fetched.status, status, "{options:?}: {}", fetched.head);
        ensure!(!is_refused || refused(&fetched)?, "{options:?} is served");
    }
    // One that may: the upstream is silent, so that it is no refusal.
    let allowed = ask("x.slow.test.", &["-H", "forwarded: for=198.51.100.7, for=10.0.0.3"])?;
    ensure!(allowed.status == "1.1 200" && !refused(&allowed)?, "{} {}", allowed.status, allowed.head);
    let counted = lab.server.metric("rhumb_tcp_refused_total", &["reason=\"not-allowed\""])?;
    ensure!(is(counted, 0), "{counted} connections of proxies refused");
    let stranger = ask("web.zone.test.", &["--interface", "192.0.2.3"])?;
    ensure!(stranger.status.ends_with("000"), "one that is no proxy gets {}", stranger.status);
    let counted = lab.server.metric("rhumb_tcp_refused_total", &["reason=\"not-allowed\""])?;
    ensure!(is(counted, 1), "{counted} connections of others refused");
    Ok(Outcome::Passed)
}

/// Connections that ask nothing, or again and again for what there is not.
fn useless() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let issued = Issued::new()?;
    let zone = config().files()[0].1.clone();
    let listen = "port: 8053, transports: [https], tls: off, proxies: ['0.0.0.0/0']";
    let limits = "server: { tcp-first-query: 2s, tcp-idle: 2s }";
    let base = Config::new().listen_with("::", "transports: [udp, tcp]").listen_with("192.0.2.1", listen);
    let lab = lab(&base.zone("zone.test", &zone).more(limits))?;
    let to = "192.0.2.1:8053".parse()?;
    let mut open = Vec::new();
    let post = "POST /dns-query HTTP/1.1\r\nhost: a\r\ncontent-type: application/dns-message\r\ncontent-length: 30\r\n\r\nabc";
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for start in [&b""[..], b"GET /dns-query", settings, post.as_bytes()] {
        let mut stream = lab.client.tcp(to)?;
        stream.send_raw(start)?;
        open.push(stream);
    }
    let connections = || lab.server.metric("rhumb_tcp_connections", &[]);
    ensure!(until(TIME_LIMIT, || connections().is_ok_and(|open| is(open, 0))), "{} stay", connections()?);
    drop(open);
    // One after the other on one connection, until the server has enough.
    let urls = (0..80).fold(String::new(), |urls, number| {
        urls + &format!("url = \"http://192.0.2.1:8053/none{number}\"\n")
    });
    let file = issued.folder.write("urls", urls)?;
    let mut command = lab.client.host().command(program::find("curl").context("no curl")?);
    command.args(["-s", "-o", "/dev/null", "-w", "%{num_connects} %{http_code}\\n", "-K"]).arg(file);
    let output = program::run(&mut command, TIME_LIMIT)?;
    let made = output.out.lines().filter(|line| line.starts_with('1')).count();
    ensure!((2..=3).contains(&made), "{made} connections for 80 useless requests: {}", output.out);
    Ok(Outcome::Passed)
}

fn paths() -> Verdict {
    if program::find("curl").is_none() {
        skip!("no curl here");
    }
    let issued = Issued::new()?;
    let zone = config().files()[0].1.clone();
    let with = |paths: &str| {
        let keys = issued.keys("udp, tcp, https");
        Config::new().listen_with("::", &format!("{keys}, paths: [{paths}]")).zone("zone.test", &zone)
    };
    let lab = lab(&with("/dns-query"))?;
    let good = base64url(&asked("web.zone.test.", "A"));
    let status = |path: &str| curl(&lab, &issued, &[], &format!("https://dns.test{path}?dns={good}"));
    ensure_eq!(status("/dns-query")?.status, "2 200", "before");
    ensure_eq!(status("/mine")?.status, "2 404", "before");
    lab.server.folder().write("rhumb.yaml", with("/mine, /dns-query").text())?;
    lab.server.reload()?;
    ensure_eq!(status("/dns-query")?.status, "2 200", "after");
    ensure_eq!(status("/mine")?.status, "2 200", "after");
    Ok(Outcome::Passed)
}
