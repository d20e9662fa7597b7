//! What is logged: each event once, with its cause.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::server::{binary, until};
use rhumb_tests::rig::{Act, Config, Host, Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};
use serde_json::Value;

use crate::forwarding::{Lab, UP, config};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("logging::an_upstream_that_goes_and_comes_back", upstream),
    Test::beside("logging::the_first_servfail_of_a_name", servfail),
    Test::beside("logging::answers_have_a_line_each", answers),
    Test::beside("logging::one_answer_in_so_many_and_whatever_the_level", sampled),
    Test::beside("logging::a_log_that_nobody_reads_holds_up_no_answer", unread),
    Test::beside("logging::priorities_for_the_journal", journal),
    Test::beside("logging::colours_on_a_terminal_alone", terminal),
];

/// How many lines hold this.
pub(crate) fn lines(server: &Server, text: &str) -> usize {
    server.log().lines().filter(|line| line.contains(text)).count()
}

fn comes(server: &Server, text: &str) -> Result<(), Failure> {
    ensure!(server.logs(text, Duration::from_secs(20)), "not in the log: {text}: {}", server.log_tail());
    Ok(())
}

/// Two domains share an upstream that falls silent; one of them has another. Nothing listens at a third.
fn upstream() -> Verdict {
    let lab = Lab::new()?;
    let first = lab.upstream(0, every_name("198.18.0.1"))?;
    let _second = lab.upstream(1, every_name("198.18.0.2"))?;
    let config = config().forward("one.example", &UP[..1]).forward("two.example", &UP[..2]);
    let server = lab.start(&config.forward("dead.example", &UP[2..3]))?;
    lab.addresses("a.one.example.")?;
    first.follow(script(|_| Act::Silent));
    let down = format!("upstream {}:53 is down: no reply in time (for one.example., two.example.)", UP[0]);
    let mut number = 0;
    let logged = until(Duration::from_secs(20), || {
        number += 1;
        let _ = lab.addresses(&format!("n{number}.one.example."));
        lines(&server, &down) > 0
    });
    ensure!(logged, "not in the log: {down}: {}", server.log_tail());
    let fails = "forwarding of one.example. fails: none of its upstreams answers";
    comes(&server, fails)?;
    for number in 0..3 {
        lab.addresses(&format!("n{number}.dead.example."))?;
    }
    comes(&server, &format!("upstream {}:53 is down: nothing listens there (for dead.example.)", UP[2]))?;
    first.follow(every_name("198.18.0.1"));
    let up = format!("upstream {}:53 is up again (for one.example., two.example.)", UP[0]);
    comes(&server, &up)?;
    comes(&server, "forwarding of one.example. works again")?;
    for text in [&*down, fails, &up, "forwarding of one.example. works again"] {
        ensure_eq!(lines(&server, text), 1, "lines with {text}");
    }
    ensure_eq!(
        lines(&server, "forwarding of two.example."),
        0,
        "lines of a domain that had an upstream left"
    );
    Ok(Outcome::Passed)
}

fn servfail() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(
        0,
        script(|asked| {
            if asked.name().starts_with("good") {
                return asked.answer(&[&format!("{} 1 IN A 198.18.0.1", asked.message.name())]);
            }
            asked.code(rcode::SERVFAIL)
        }),
    )?;
    let server = lab.start(&config().forward(".", &UP[..1]))?;
    for _ in 0..2 {
        for name in ["good.up.example.", "bad.up.example.", "b\\032d.up.example."] {
            lab.client.ask(lab.to, name, "A")?;
        }
        // The failure is forgotten, and asked for again.
        ensure_eq!(server.tell(&["flush"])?.code, Some(0), "exit status of flush");
    }
    let line =
        format!("SERVFAIL for bad.up.example. A: the upstreams for . say SERVFAIL; {}:53 over udp", UP[0]);
    comes(&server, &line)?;
    ensure_eq!(lines(&server, "SERVFAIL for bad.up.example."), 1, "lines for a name that failed twice");
    ensure_eq!(lines(&server, "SERVFAIL for good"), 0, "lines for a name that did not fail");
    // However many fail, the log stays readable.
    for number in 0..50 {
        lab.client.ask(lab.to, &format!("n{number}.up.example."), "A")?;
    }
    ensure!(lines(&server, "SERVFAIL for ") <= 20, "{} lines", lines(&server, "SERVFAIL for "));
    Ok(Outcome::Passed)
}

const ZONE: &str = "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";

/// The lines of the query log by the name and type that they are for.
fn queries(server: &Server) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in server.log().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if line["target"] == "query" {
            let key =
                format!("{} {}", line["name"].as_str().unwrap_or("-"), line["type"].as_str().unwrap_or("-"));
            found.entry(key).or_default().push(line);
        }
    }
    found
}

/// Each answer has one line that says what it was; nothing else is in them.
fn answers() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    let _broken = lab.upstream(1, script(|asked| asked.code(rcode::SERVFAIL)))?;
    let config = Config::new().listen("::").allow(&["192.0.2.2/32", "::1/128"]).zone("zone.test", ZONE);
    let config = config.forward("up.example", &UP[..1]).forward("broken.example", &UP[1..2]);
    let server = lab.start(&config.more("log: { queries: true, level: error }"))?;
    for (transport, proto) in [(Transport::Udp, "udp"), (Transport::Tcp, "tcp")] {
        for (name, kind, code, source, flags) in [
            ("ns.zone.test.", "A", "NOERROR", "zone", "aa rd ra"),
            ("absent.zone.test.", "TYPE65333", "NXDOMAIN", "zone", "aa rd ra"),
            (&*format!("{proto}.up.example."), "A", "NOERROR", "upstream", "rd ra"),
            (&format!("{proto}.up.example."), "A", "NOERROR", "cache", "rd ra"),
            (&format!("a\\032\\\"\\\\.{proto}.broken.example."), "A", "SERVFAIL", "server", "rd ra"),
            ("elsewhere.up.example.", "AAAA", "REFUSED", "refused", ""),
        ] {
            let key = format!("{name} {kind}");
            let before = queries(&server).get(&key).map_or(0, Vec::len);
            let query = Message::query(name, kind);
            let query = if source == "refused" { query.no_recursion() } else { query };
            let reply = lab.client.over(transport, lab.to, &query)?;
            let line = || queries(&server).get(&key).and_then(|lines| lines.get(before)).cloned();
            ensure!(
                until(Duration::from_secs(5), || line().is_some()),
                "no line for {key}: {}",
                server.log_tail()
            );
            let line = line().context("a line")?;
            let same = [("opcode", "QUERY"), ("server", "192.0.2.1"), ("level", "INFO")];
            let own = [("rcode", code), ("source", source), ("proto", proto), ("flags", flags)];
            for (field, expected) in own.into_iter().chain(same) {
                ensure_eq!(line[field].as_str(), Some(expected), "{field} of {line}");
            }
            ensure_eq!(line["size"].as_u64(), Some(reply.wire.len() as u64), "size of {line}");
            ensure!(line["client"].as_str().is_some_and(|client| client.starts_with("192.0.2.2:")), "{line}");
            let took = line["duration_us"].as_u64().context("duration")?;
            ensure!(u128::from(took) <= reply.took.as_micros(), "{took} µs of {:?}: {line}", reply.took);
        }
    }
    let edns = Message::query("ns.zone.test.", "AAAA").edns(1232).dnssec();
    lab.client.udp(lab.to, &edns)?;
    let with_do =
        || queries(&server).get("ns.zone.test. AAAA").is_some_and(|lines| lines[0]["flags"] == "aa rd ra do");
    ensure!(until(Duration::from_secs(5), with_do), "{:?}", queries(&server).get("ns.zone.test. AAAA"));
    // An explanation is no client's response.
    server.tell(&["explain", "explained.zone.test", "A"])?;
    lab.addresses("last.zone.test.")?;
    ensure!(
        until(Duration::from_secs(5), || queries(&server).contains_key("last.zone.test. A")),
        "no last line"
    );
    ensure!(!queries(&server).contains_key("explained.zone.test. A"), "a line for an explanation");
    ensure!(
        !server.log().contains("\"ready\""),
        "events of the level info are logged: {}",
        server.log_tail()
    );
    Ok(Outcome::Passed)
}

/// A reload turns it on, has it take a tenth, and turns it off again.
fn sampled() -> Verdict {
    let lab = Lab::new()?;
    let with = |log: &str| config().zone("zone.test", ZONE).more(&format!("log: {{ level: warn, {log} }}"));
    let server = lab.start(&with("queries: false"))?;
    let ask = |label: &str, count: usize| -> Result<usize, Failure> {
        for number in 0..count {
            lab.addresses(&format!("{label}{number}.zone.test."))?;
        }
        // What follows is written behind it.
        std::thread::sleep(Duration::from_millis(200));
        Ok(queries(&server).keys().filter(|name| name.starts_with(label)).count())
    };
    ensure_eq!(ask("off", 20)?, 0, "lines while it is off");
    server.rewrite(&with("queries: true"))?;
    server.reload()?;
    ensure_eq!(ask("all", 20)?, 20, "lines while it is on");
    server.rewrite(&with("queries: true, query-sample: 10"))?;
    server.reload()?;
    ensure_eq!(ask("tenth", 200)?, 20, "lines of one answer in ten");
    server.rewrite(&with("queries: false"))?;
    server.reload()?;
    ensure_eq!(ask("done", 20)?, 0, "lines once it is off again");
    ensure!(server.metric("rhumb_query_log_dropped_total", &[])? < 0.5, "lines were dropped");
    Ok(Outcome::Passed)
}

/// Standard error is a pipe that nobody reads: every query is answered all the same, and what is not written is counted.
fn unread() -> Verdict {
    const QUERIES: u16 = 14_000;
    let (host, client) = Host::pair()?;
    let plain = Config::new().listen("192.0.2.1").zone("zone.test", ZONE);
    let config = plain.clone().more("log: { queries: true }\nworkers: 1");
    let pipe = "mkfifo unread; exec 3<>unread; exec \"$@\" 2>&3";
    let mut server = Server::start_by(&host, &config, &["sh", "-c", pipe, "sh"])?;
    let client = rhumb_tests::rig::Client::new(&client);
    let to = "192.0.2.1:53".parse()?;
    let socket = client.udp_socket(to)?;
    let mut answered = 0;
    for number in 0..QUERIES {
        let query = Message { id: number, ..Message::query("ns.zone.test.", "A") };
        socket.send_to(&query.to_wire(), to)?;
        // Fifty on their way at a time, so that no buffer loses any.
        while answered + 50 < number || number + 1 == QUERIES && answered < QUERIES {
            receive(&socket, Duration::from_secs(5))?.context(format!("no answer after {answered}"))?;
            answered += 1;
        }
    }
    let dropped = server.metric("rhumb_query_log_dropped_total", &[])?;
    ensure!(dropped > 1000.0, "{dropped} lines dropped of {QUERIES}");
    ensure_eq!(server.page("/health")?.status, 200, "/health");
    // Nor does what else is logged hold up anything: reloads, and the end.
    for round in 0..3 {
        let zones = format!("workers: 1\nlog: {{ queries: true }}\ncache: {{ size: {}MiB }}", 8 + round);
        server.rewrite(&plain.clone().more(&zones))?;
        let begun = Instant::now();
        server.reload()?;
        ensure!(begun.elapsed() < Duration::from_secs(5), "reload {round} took {:?}", begun.elapsed());
    }
    ensure!(server.metric("rhumb_log_dropped_total", &[])? > 0.5, "no line of the log was counted");
    server.signal(Signal::SIGTERM)?;
    ensure_eq!(server.wait(Duration::from_secs(8))?, 0, "the status at the end");
    Ok(Outcome::Passed)
}

/// Where standard error is the stream that `JOURNAL_STREAM` names, each line has its priority in front.
fn journal() -> Verdict {
    let host = Host::new()?;
    let config =
        Config::new().listen("127.0.0.1").zone("zone.test", ZONE).zone("broken.test", "this is no zone\n");
    let config = config.more("log: { queries: true }");
    let named = "export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr); exec \"$@\"";
    let server = Server::start_by(&host, &config, &["sh", "-c", named, "sh"])?;
    ensure!(server.logs("\"ready\"", Duration::from_secs(5)), "{}", server.log_tail());
    let client = rhumb_tests::rig::Client::new(&host);
    client.ask("127.0.0.1:53".parse()?, "ns.zone.test.", "A")?;
    ensure!(server.logs("\"target\":\"query\"", Duration::from_secs(5)), "{}", server.log_tail());
    for line in server.log().lines() {
        let (priority, json) = line.split_at_checked(3).context(line)?;
        let json: Value = serde_json::from_str(json).context(line)?;
        let expected = match json["level"].as_str() {
            Some("ERROR") => "<3>",
            Some("WARN") => "<4>",
            Some("INFO") => "<6>",
            other => return Err(Failure::new(format!("level {other:?}: {line}"))),
        };
        ensure_eq!(priority, expected, "priority of {line}");
    }
    ensure!(server.log().contains("<3>"), "no error of a broken zone: {}", server.log_tail());
    // The same with another inode: standard error is no journal then.
    let other = "export JOURNAL_STREAM=1:1; exec \"$@\"";
    let server = Server::start_by(&Host::new()?, &config, &["sh", "-c", other, "sh"])?;
    ensure!(server.log().lines().all(|line| line.starts_with('{')), "{}", server.log_tail());
    Ok(Outcome::Passed)
}

/// On a terminal, text with colours, unless `NO_COLOR` is set; and nothing else is said by the library that writes it.
fn terminal() -> Verdict {
    if program::find("script").is_none() {
        skip!("no script(1) here");
    }
    let host = Host::new()?;
    let folder = rhumb_tests::rig::Folder::new()?;
    let file = folder.write("rhumb.yaml", Config::new().listen("127.0.0.1").text())?;
    for (variable, colours) in [("NO_COLOR=", true), ("NO_COLOR=1", false)] {
        let line =
            format!("env {variable} timeout -s TERM 2 {} run -c {}", binary().display(), file.display());
        let mut command = host.command("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder.path());
        let said = program::run(&mut command, Duration::from_secs(20))?;
        let text = said.out + &said.err;
        ensure!(text.contains("ready") && text.contains("listens on"), "{variable}: {text}");
        ensure!(!text.contains("tracing"), "{variable}: {text}");
        ensure_eq!(text.contains('\u{1b}'), colours, "colours with {variable}: {text}");
    }
    Ok(Outcome::Passed)
}
