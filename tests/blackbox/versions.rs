//! Versions of zones: kept over restarts, numbered by a policy, shown, held back, written out.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, Transport, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("versions::of_a_file_are_kept_over_restarts", history),
    Test::beside("versions::are_given_one_by_one_or_condensed", formats),
    Test::beside("versions::of_a_record_that_changes_often_are_short", repeated),
    Test::beside("versions::are_numbered_by_their_policy", numbering),
    Test::beside("versions::set_serial_goes_round", set_serial),
    Test::beside("versions::frozen_zones_take_no_updates", frozen),
    Test::beside("versions::are_written_out", exported),
    Test::beside("versions::servers_told_of_them_are_named", announced),
];

const TO: &str = "192.0.2.1:53";
const IXFR: &str = "TYPE251";
const TIME_LIMIT: Duration = Duration::from_secs(10);

fn zone(serial: u32, more: &str) -> String {
    format!(
        "$TTL 300\n@ SOA ns admin {serial} 86400 86400 864000 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n{more}"
    )
}

/// A server that keeps `zone.test`, whose entry has these keys besides.
fn config(state: &Folder, keys: &str, text: &str) -> Config {
    let more = format!(
        "state: \"{}\"\nzones:\n  - {{ name: zone.test, file: zone.test.zone, {keys} }}\n",
        state.at("state").display()
    );
    Config::new().listen("::").file("zone.test.zone", text).more(&more)
}

/// A host for each version from the first on.
fn hosts(serial: u32) -> String {
    (7..serial).map(|host| format!("h{host} A 192.0.2.9\n")).collect::<Vec<_>>().concat()
}

const TRANSFER: &str = "transfer-to: [{ network: 192.0.2.0/24 }]";

fn serial(client: &Client) -> Result<u32, Failure> {
    let soa = client.ask(TO.parse()?, "zone.test.", "SOA")?.data("SOA");
    let serial = soa.first().and_then(|soa| soa.split(' ').nth(2)?.parse().ok());
    serial.context("no SOA")
}

fn has_serial(client: &Client, wanted: u32) -> bool {
    until(TIME_LIMIT, || serial(client).is_ok_and(|serial| serial == wanted))
}

/// Owners and types of the records that a client with this serial is given.
fn difference(client: &Client, from: u32) -> Result<Vec<String>, Failure> {
    let query = Message::query("zone.test.", IXFR).no_recursion();
    let query = query.authorities(&[&format!("zone.test. 0 IN SOA . . {from} 0 0 0 0")]);
    let to: SocketAddr = TO.parse()?;
    let answer = client.over(Transport::Tcp, to, &query)?.message;
    ensure_eq!(answer.rcode(), rcode::NOERROR, "response code of IXFR");
    Ok(answer.answer.iter().map(|record| format!("{} {}", record.owner, record.kind)).collect())
}

fn told(server: &Server, words: &[&str]) -> Result<String, Failure> {
    let output = server.tell(words)?;
    ensure_eq!(output.code, Some(0), "{words:?}: {}{}", output.out, output.err);
    Ok(output.out)
}

/// A client that has a version from before two ends of the server is given the difference, whatever happened to the file meanwhile.
fn history() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let client = Client::new(&client);
    let version = |serial: u32| config(&state, TRANSFER, &zone(serial, &hosts(serial)));
    let server = Server::start(&host, &version(7))?;
    server.rewrite(&version(8))?;
    ensure!(has_serial(&client, 8), "{}", server.log_tail());
    server.rewrite(&version(9))?;
    ensure!(has_serial(&client, 9), "{}", server.log_tail());
    let since_seven = |to: u32| {
        let hosts = (7..to).map(|host| format!("h{host}.zone.test. 1"));
        let soa = || "zone.test. 6".to_owned();
        [soa(), soa(), soa()].into_iter().chain(hosts).chain([soa()]).collect::<Vec<_>>()
    };
    ensure_eq!(difference(&client, 7)?, since_seven(9), "before a restart");
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = Server::start(&host, &version(9))?;
    ensure_eq!(difference(&client, 7)?, since_seven(9), "after kill -9: {}", server.log_tail());
    drop(server);
    // The file has changed while nobody looked.
    let server = Server::start(&host, &version(10))?;
    ensure_eq!(serial(&client)?, 10, "{}", server.log_tail());
    ensure_eq!(difference(&client, 7)?, since_seven(10), "after a change while it was down");
    ensure_eq!(
        difference(&client, 9)?,
        since_seven(10)[..3].iter().chain(&since_seven(10)[5..]).cloned().collect::<Vec<_>>(),
        "from 9"
    );
    let shown = told(&server, &["zone", "history", "zone.test"])?;
    let serials: Vec<&str> =
        shown.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    ensure_eq!(serials.get(..3), Some(&["8", "9", "10"][..]), "{shown}");
    ensure!(shown.contains("file") && shown.contains("3 differences kept"), "{shown}");
    let shown = told(&server, &["zone", "diff", "zone.test", "8", "10"])?;
    let wanted = ["+ h8.zone.test. 300 IN A 192.0.2.9", "+ h9.zone.test. 300 IN A 192.0.2.9"];
    ensure!(wanted.iter().all(|line| shown.lines().any(|shown| shown == *line)), "{shown}");
    ensure!(shown.lines().filter(|line| line.contains(" SOA ")).count() == 2, "{shown}");
    let back = told(&server, &["zone", "diff", "zone.test", "10", "8"])?;
    ensure!(back.contains("- h8.zone.test. 300 IN A 192.0.2.9"), "{back}");
    let unknown = server.tell(&["zone", "diff", "zone.test", "3", "10"])?;
    ensure!(unknown.code == Some(1) && unknown.err.contains("they go from 7 to 10"), "{}", unknown.err);
    // Less is kept from the next version on.
    let less = format!("{TRANSFER}, history: {{ versions: 1 }}");
    server.rewrite(&config(&state, &less, &zone(10, &hosts(10))))?;
    server.reload()?;
    server.rewrite(&config(&state, &less, &zone(11, &hosts(11))))?;
    ensure!(has_serial(&client, 11), "{}", server.log_tail());
    ensure_eq!(difference(&client, 10)?.len(), 5, "from the last");
    let whole = difference(&client, 7)?;
    ensure!(whole.len() == 9, "the history is longer than it should be: {whole:?}");
    Ok(Outcome::Passed)
}

/// `transfer-format`: the differences one by one, or one that is made of all; also once a reload has changed it.
fn formats() -> Verdict {
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let client = Client::new(&client);
    let version = |serial: u32, format: &str| {
        // A host of the last version alone, so that a step removes something.
        let hosts = hosts(serial) + &format!("last{serial} A 192.0.2.9\n");
        config(&state, &format!("{TRANSFER}, transfer-format: {format}"), &zone(serial, &hosts))
    };
    let server = Server::start(&host, &version(7, "plain"))?;
    for serial in [8, 9] {
        server.rewrite(&version(serial, "plain"))?;
        ensure!(has_serial(&client, serial), "{}", server.log_tail());
    }
    let soa = || "zone.test. 6".to_owned();
    let host = |name: &str| format!("{name}.zone.test. 1");
    let one_by_one = [
        vec![soa()],
        vec![soa(), host("last7"), soa(), host("h7"), host("last8")],
        vec![soa(), host("last8"), soa(), host("h8"), host("last9")],
        vec![soa()],
    ];
    let condensed =
        [vec![soa(), soa(), host("last7"), soa(), host("h7"), host("h8"), host("last9")], vec![soa()]];
    ensure_eq!(difference(&client, 7)?, one_by_one.concat(), "plain");
    for (format, expected) in [("condensed", condensed.concat()), ("plain", one_by_one.concat())] {
        server.rewrite(&version(9, format))?;
        server.reload()?;
        ensure_eq!(difference(&client, 7)?, expected, "{format}, after a reload");
    }
    Ok(Outcome::Passed)
}

/// A record that changes to and fro: its steps have more records than the zone, what is made of them has not.
fn repeated() -> Verdict {
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client));
    let version = |serial: u32| {
        let host = format!("often A 192.0.2.{serial}\n");
        config(&state, TRANSFER, &zone(serial, &host))
    };
    let server = Server::start(&host, &version(7))?;
    for serial in 8..14 {
        server.rewrite(&version(serial))?;
        ensure!(has_serial(&client, serial), "{}", server.log_tail());
    }
    let soa = || "zone.test. 6".to_owned();
    let often = || "often.zone.test. 1".to_owned();
    ensure_eq!(difference(&client, 7)?, [soa(), soa(), often(), soa(), often(), soa()], "from the first");
    Ok(Outcome::Passed)
}

/// Serials that the server gives, whatever the file says; they never go back.
fn numbering() -> Verdict {
    let (host, client) = Host::pair()?;
    let client = Client::new(&client);
    let now = || std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    for policy in ["increment", "unixtime", "date"] {
        let state = Folder::new()?;
        let keys = format!("{TRANSFER}, serial: {policy}");
        let server = Server::start(&host, &config(&state, &keys, &zone(7, "")))?;
        ensure_eq!(serial(&client)?, 7, "{policy}: the first version");
        let before = now();
        server.rewrite(&config(&state, &keys, &zone(7, "a A 192.0.2.9\n")))?;
        ensure!(
            until(TIME_LIMIT, || serial(&client).is_ok_and(|serial| serial != 7)),
            "{}",
            server.log_tail()
        );
        let first = serial(&client)?;
        let is_right = match policy {
            "increment" => first == 8,
            "unixtime" => (before..=now()).contains(&u64::from(first)),
            _ => (2_026_010_100..2_100_010_100).contains(&first) && first % 100 == 0,
        };
        ensure!(is_right, "{policy}: {first}");
        drop(server);
        let server =
            Server::start(&host, &config(&state, &keys, &zone(3, "a A 192.0.2.9\nb A 192.0.2.9\n")))?;
        let second = serial(&client)?;
        ensure!(second > first, "{policy}: {second} after {first}: {}", server.log_tail());
        ensure!(
            difference(&client, 7)?.iter().any(|record| record == "b.zone.test. 1"),
            "{policy}: no difference"
        );
        // A file that says the same makes no version.
        server.rewrite(&config(&state, &keys, &zone(100, "a A 192.0.2.9\nb A 192.0.2.9\n")))?;
        told(&server, &["zone", "reload", "zone.test"])?;
        ensure_eq!(serial(&client)?, second, "{policy}: the serial of the file alone has changed");
    }
    Ok(Outcome::Passed)
}

/// A lower serial is reached by way of a larger one, step by step, and outlives the server.
fn set_serial() -> Verdict {
    let (host, client) = Host::pair()?;
    let (state, client) = (Folder::new()?, Client::new(&client));
    let config = config(&state, TRANSFER, &zone(100, ""));
    let server = Server::start(&host, &config)?;
    let done = told(&server, &["zone", "set-serial", "zone.test", "200"])?;
    ensure!(done.contains("serial 100 -> 200") && serial(&client)? == 200, "{done}");
    let done = told(&server, &["zone", "set-serial", "zone.test", "150"])?;
    ensure!(done.contains("on the way to 150"), "{done}");
    ensure_eq!(serial(&client)?, 200 + (1 << 31) - 1, "half the way round");
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = Server::start(&host, &config)?;
    ensure_eq!(serial(&client)?, 200 + (1 << 31) - 1, "after kill -9: {}", server.log_tail());
    told(&server, &["zone", "set-serial", "zone.test", "150"])?;
    ensure_eq!(serial(&client)?, 150, "at the end");
    let again = told(&server, &["zone", "set-serial", "zone.test", "150"])?;
    ensure!(again.contains("already"), "{again}");
    ensure!(difference(&client, 100)?.len() == 4, "a client with the first version");
    let none = server.tell(&["zone", "set-serial", "other.test", "1"])?;
    ensure!(none.code == Some(1), "{}", none.out);
    let wrong = server.tell(&["zone", "set-serial", "zone.test", "4294967296"])?;
    ensure!(wrong.code == Some(2), "{}", wrong.err);
    Ok(Outcome::Passed)
}

/// What nsupdate is told.
fn update(client: &Host, line: &str) -> Result<String, Failure> {
    let folder = Folder::new()?;
    let file = folder.write("commands", format!("server 192.0.2.1\nzone zone.test.\n{line}\nsend\n"))?;
    let done = program::run(client.command("nsupdate").arg(file), Duration::from_secs(20))?;
    Ok(done.err)
}

const UPDATE: &str = "update: [{ network: 192.0.2.0/24 }]";

fn frozen() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let config = config(&state, UPDATE, &zone(7, ""));
    let server = Server::start(&host, &config)?;
    ensure_eq!(update(&client, "update add a.zone.test. 60 A 192.0.2.9")?, "", "before");
    told(&server, &["zone", "freeze", "zone.test"])?;
    let refused = update(&client, "update add b.zone.test. 60 A 192.0.2.9")?;
    ensure!(refused.contains("REFUSED"), "{refused}");
    let status = told(&server, &["zone", "status", "zone.test"])?;
    ensure!(status.contains("frozen"), "{status}");
    server.signal(Signal::SIGKILL)?;
    drop(server);
    let server = Server::start(&host, &config)?;
    let refused = update(&client, "update add b.zone.test. 60 A 192.0.2.9")?;
    ensure!(refused.contains("REFUSED"), "after a restart: {refused}");
    // The file is followed all the same.
    let asker = Client::new(&client);
    server.rewrite(&self::config(&state, UPDATE, &zone(7, "c A 192.0.2.9\n")))?;
    ensure!(has_serial(&asker, 9), "{}", server.log_tail());
    told(&server, &["zone", "thaw", "zone.test"])?;
    ensure_eq!(update(&client, "update add b.zone.test. 60 A 192.0.2.9")?, "", "after thaw");
    ensure_eq!(serial(&asker)?, 10, "versions");
    Ok(Outcome::Passed)
}

/// A zone that was written out is the same zone, and what updates did stands apart.
fn exported() -> Verdict {
    if program::find("nsupdate").is_none() {
        skip!("nsupdate is not here");
    }
    let (host, client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &config(&state, UPDATE, &zone(7, "*.w TXT \"a;b\" c\\010d\n")))?;
    update(&client, "update add a.zone.test. 60 A 192.0.2.9")?;
    let text = told(&server, &["zone", "export", "zone.test"])?;
    ensure!(
        text.lines().next().is_some_and(|line| line.contains(" SOA ns.zone.test. ") && line.contains(" 8 ")),
        "{text}"
    );
    ensure_eq!(text.lines().count(), 6, "{text}");
    let file = Folder::new()?;
    let file = file.write("exported", &text)?;
    let mut check = host.command(rhumb_tests::rig::server::binary());
    let checked = program::run(check.arg("check-zone").arg("zone.test").arg(&file), TIME_LIMIT)?;
    ensure_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    let updates = told(&server, &["zone", "export", "zone.test", "--updates"])?;
    ensure_eq!(updates, "a.zone.test. 60 IN A 192.0.2.9\n", "by updates");
    let unsigned = told(&server, &["zone", "export", "zone.test", "--unsigned"])?;
    ensure_eq!(unsigned, text, "nothing is signed");
    let both = server.tell(&["zone", "export", "zone.test", "--updates", "--signed"])?;
    ensure!(both.code == Some(1), "{}", both.out);
    Ok(Outcome::Passed)
}

/// `zone notify` waits for what each server says.
fn announced() -> Verdict {
    let (host, client) = Host::pair()?;
    client.address("eth0", "192.0.2.3/24")?;
    let state = Folder::new()?;
    let keys = "notify: [ns2, ns3]";
    let remotes =
        "remotes:\n  - { name: ns2, addresses: [192.0.2.2] }\n  - { name: ns3, addresses: [192.0.2.3] }\n";
    let server = Server::start(&host, &config(&state, keys, &zone(7, "")).more(remotes))?;
    let told = server.tell(&["zone", "notify", "zone.test"])?;
    ensure_eq!(told.code, Some(0), "{}", told.err);
    for server in ["192.0.2.2:53", "192.0.2.3:53"] {
        ensure!(told.out.contains(server), "{}", told.out);
    }
    ensure!(told.out.contains("is told again"), "nobody listens there: {}", told.out);
    Ok(Outcome::Passed)
}
