//! Prometheus, as Debian packages it, and its tools.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rhumb_tests::rig::script::{Asked, every_name, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Folder, Host, Message, Server, Transport, Upstream, http, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::forwarding::{Lab, UP, config};
use crate::refreshing::config as secondary_of;
use crate::refreshing::hostile::{Rig, primary, refuse, reply, whole};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("scraping::prometheus_says_up", up),
    Test::beside("scraping::broken_zones_come_first", broken_zones),
    Test::beside("scraping::the_status_page_has_the_scraped_numbers", page),
    Test::beside("scraping::a_zone_that_is_not_to_be_had_is_broken_everywhere", absent_zones),
    Test::beside("scraping::domains_that_fall_back_to_iteration_say_so", fallback),
    Test::beside("scraping::promtool_has_nothing_to_say", promtool),
    Test::beside("scraping::the_alert_rules_pass_their_tests", rules),
];

const ZONE: &str = "$TTL 300\n@ SOA ns host 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";

const PROMETHEUS: &str = "127.0.0.1:9090";

const SCRAPE: &str = "\
global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
  - job_name: rhumb
    static_configs: [{ targets: [\"127.0.0.1:9153\"] }]
";

/// A server that has answered a bit of everything.
struct Busy {
    server: Server,
    _upstream: Upstream,
    lab: Lab,
}

impl Busy {
    fn new() -> Result<Self, Failure> {
        let lab = Lab::new()?;
        let upstream = lab.upstream(0, every_name("198.18.0.1"))?;
        let config = config()
            .zone("zone.test", ZONE)
            .file("upstreams.list", &format!("{}\n", UP[0]))
            .forward("dead.example", &UP[2..3])
            .forward_raw("back.example", UP[0], "in-order, fallback: iterate")
            .forward_raw(".", "{ list: upstreams.list }", "fastest");
        let server = lab.start(&config)?;
        for transport in [Transport::Udp, Transport::Tcp] {
            for name in ["ns.zone.test.", "absent.zone.test.", "www.up.example.", "www.up.example."] {
                lab.client.over(transport, lab.to, &Message::query(name, "A").edns(1232))?;
            }
        }
        Ok(Self { server, _upstream: upstream, lab })
    }
}

/// A process of Prometheus; ends when it is dropped.
struct Prometheus {
    child: Child,
    folder: Folder,
}

impl Prometheus {
    fn start(host: &Host) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let config = folder.write("prometheus.yml", SCRAPE)?;
        let log = File::create(folder.at("log"))?;
        let mut command = host.command("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.at("data").display()));
        command.arg(format!("--web.listen-address={PROMETHEUS}"));
        command.current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn().context("starting prometheus")?;
        Ok(Self { child, folder })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value that a query of Prometheus has at the moment, if it has one and only one.
fn value(host: &Host, query: &str) -> Result<Option<String>, Failure> {
    let to: SocketAddr = PROMETHEUS.parse()?;
    let answer = http::get(host, to, &format!("/api/v1/query?query={query}"))?;
    let json: serde_json::Value = serde_json::from_str(&answer.body).context(answer.body)?;
    let one = json.pointer("/data/result").and_then(|result| result.as_array()).filter(|all| all.len() == 1);
    let value = one.and_then(|all| all[0].pointer("/value/1")?.as_str().map(str::to_owned));
    Ok(value)
}

fn up() -> Verdict {
    if program::find("prometheus").is_none() {
        skip!("no prometheus here");
    }
    let busy = Busy::new()?;
    let host = &busy.lab.host;
    let scraper = Prometheus::start(host)?;
    let mut last = Ok(None);
    let seen = until(Duration::from_secs(40), || {
        last = value(host, "up");
        last.as_ref().is_ok_and(|value| value.as_deref() == Some("1"))
    });
    let log = std::fs::read_to_string(scraper.folder.at("log"))?;
    ensure!(seen, "up is {last:?}; {}", log.lines().last().unwrap_or_default());
    for (query, expected) in [
        ("rhumb_build_info", "1"),
        ("rhumb_zone_serial", "7"),
        ("rhumb_forward_list_ok", "1"),
        ("sum(rhumb_dns_requests_total{proto=%22tcp%22})", "4"),
        ("rhumb_panics_total", "0"),
    ] {
        let value = value(host, query)?;
        ensure_eq!(value.as_deref(), Some(expected), "what Prometheus knows of {query}");
    }
    Ok(Outcome::Passed)
}

/// 1,200 zones, more than have series of their own, the last 50 of them broken: each of those is on the page, and none of them
/// makes the server unready.
fn broken_zones() -> Verdict {
    let host = Host::new()?;
    let name = |number: usize| format!("z{number:04}.test");
    let text = |number: usize| if number < 1150 { ZONE.to_owned() } else { "this is no zone\n".to_owned() };
    let zones = (0..1200).map(|number| (name(number), text(number)));
    let server = Server::start(&host, &Config::new().listen("127.0.0.1").zone_folder("many", zones))?;
    ensure!(server.metric("rhumb_zones", &[])? > 1199.0, "zones are missing");
    ensure!(server.metric("rhumb_zones_failed", &[])? > 49.0, "broken zones are missing");
    let page = server.page("/metrics")?.body;
    for number in 1150..1200 {
        let line = format!("rhumb_zone_ok{{zone=\"{}.\"}} 0\n", name(number));
        ensure!(page.contains(&line), "not on the page: {line}");
    }
    ensure_eq!(page.matches("\nrhumb_zone_ok{").count(), 1000, "zones with series of their own");
    let ready = server.page("/ready")?;
    ensure_eq!(ready.status, 200, "/ready: {}", ready.body);
    ensure!(
        ready.body.contains("zone z1150.test.: ") && ready.body.ends_with("and 30 more\n"),
        "{}",
        ready.body
    );
    ensure_eq!(server.page("/health")?.status, 200, "/health");
    Ok(Outcome::Passed)
}

/// The figures of the status page, by their names.
fn tiles(page: &str) -> BTreeMap<String, String> {
    let tile = |part: &str| -> Option<(String, String)> {
        let (name, rest) = part.split_once("</dt><dd>")?;
        Some((name.to_owned(), rest.split("</dd>").next()?.to_owned()))
    };
    page.split("<dt>").skip(1).filter_map(tile).collect()
}

/// The cells of the table row that begins with this one.
fn row(page: &str, first: &str) -> Option<Vec<String>> {
    let cells = |row: &str| -> Vec<String> {
        let cell = |part: &str| {
            part.split_once('>').map(|(_, rest)| rest.split("</span>").next().unwrap_or("").to_owned())
        };
        row.split("<span").skip(1).filter_map(cell).collect()
    };
    page.split("<tr>").map(cells).find(|cells: &Vec<String>| cells.first().is_some_and(|cell| cell == first))
}

/// What the page says is what Prometheus scrapes at the same moment: counts, cache, zones, and each upstream.
fn page() -> Verdict {
    let busy = Busy::new()?;
    busy.server.folder().write("zones/zone.test.zone", "this is no zone\n")?;
    let broken = || busy.server.metric("rhumb_zones_failed", &[]).is_ok_and(|failed| failed > 0.5);
    ensure!(until(Duration::from_secs(10), broken), "the broken zone is not found");
    busy.lab.client.ask(busy.lab.to, "more.up.example.", "A")?;
    let dead = format!("upstream=\"{}:53\"", UP[2]);
    let down = until(Duration::from_secs(20), || {
        let _ = busy.lab.client.ask(busy.lab.to, "www.dead.example.", "A");
        busy.server.page("/").is_ok_and(|page| page.body.contains(">down: "))
    });
    ensure!(down, "the dead upstream is not down");
    // By now it is probed.
    std::thread::sleep(Duration::from_secs(2));
    let page = busy.server.page("/")?;
    ensure!(page.head.contains("text/html"), "content type: {}", page.head);
    let (page, tiles) = (page.body.clone(), tiles(&page.body));
    let metric =
        |name: &str, labels: &[&str]| busy.server.metric(name, labels).map(|value| value.to_string());
    for (tile, name, labels) in [
        ("queries", "rhumb_dns_requests_total", &[][..]),
        ("SERVFAIL", "rhumb_dns_responses_total", &["rcode=\"SERVFAIL\""]),
        ("cache entries", "rhumb_cache_entries", &[]),
        ("waiting", "rhumb_forward_waiting", &[]),
        ("TCP connections", "rhumb_tcp_connections", &[]),
        ("zones", "rhumb_zones", &[]),
        ("broken zones", "rhumb_zones_failed", &[]),
    ] {
        ensure_eq!(tiles.get(tile), Some(&metric(name, labels)?), "{tile} of the page and {name}");
    }
    let (hits, misses) = (
        busy.server.metric("rhumb_cache_hits_total", &[])?,
        busy.server.metric("rhumb_cache_misses_total", &[])?,
    );
    let share = format!("{:.1} %", hits / (hits + misses) * 100.0);
    ensure_eq!(tiles.get("cache hits"), Some(&share), "hits of the page and of the metrics");
    let cells = row(&page, &format!("{}:53", UP[2])).context("no row of the dead upstream")?;
    let queries = metric("rhumb_forward_requests_total", &[&dead])?;
    ensure!(cells[1].starts_with("down: "), "state of the dead upstream: {}", cells[1]);
    ensure_eq!(&cells[3], &queries, "queries of the dead upstream");
    let upstream = format!("{}:53", UP[0]);
    let cells = row(&page, &upstream).context("no row of the upstream")?;
    let label = format!("upstream=\"{upstream}\"");
    let queries = metric("rhumb_forward_requests_total", &[&label])?;
    let timeouts = metric("rhumb_forward_timeouts_total", &[&label])?;
    ensure_eq!(cells[1], "answers", "state of the upstream");
    ensure!(cells[2].ends_with(" ms"), "its round trip: {}", cells[2]);
    ensure_eq!((&cells[3], &cells[4]), (&queries, &timeouts), "queries and time-outs of the upstream");
    let broken = row(&page, "zone.test.").context("no row of the broken zone")?;
    ensure_eq!(broken[1], "serial 7", "what is served of the broken zone");
    ensure!(broken[2].contains("zone.test.zone:1:"), "what is wrong with it: {}", broken[2]);
    // Live: it is fetched anew by itself, and the next one has the next numbers.
    ensure!(page.contains("http-equiv=\"refresh\""), "it is not fetched anew");
    busy.lab.client.ask(busy.lab.to, "more.up.example.", "A")?;
    let later = self::tiles(&busy.server.page("/")?.body);
    ensure_eq!(
        later.get("queries"),
        Some(&metric("rhumb_dns_requests_total", &[])?),
        "queries a moment later"
    );
    ensure!(later.get("queries") != tiles.get("queries"), "the page does not move");
    Ok(Outcome::Passed)
}

/// A zone of other servers with nothing to serve: `status`, the page, `/ready` and the metrics say so alike, and why.
fn absent_zones() -> Verdict {
    let rules = ", refresh: { min: 1s, max: 1s }, retry: { min: 1s, max: 1s }, expire: { min: 4s, max: 4s }";
    let rig = Rig::start(rules)?;
    broken_alike(&rig.server, 0.0, "")?;
    rig.upstream().follow(script(|asked: &Asked| asked.code(rcode::REFUSED)));
    broken_alike(&rig.server, 1.0, "it has expired: ")?;
    rig.upstream().follow(primary(11, refuse, |asked| reply(asked, &whole(11))));
    rig.server.tell(&["zone", "refresh", "zone.test"])?;
    broken_alike(&rig.server, 0.0, "")?;
    let (host, _client) = Host::pair()?;
    let state = Folder::new()?;
    let server = Server::start(&host, &secondary_of(&state, &[("192.0.2.2:53".parse()?, None)], rules))?;
    broken_alike(&server, 1.0, "it has never been transferred: ")
}

/// Waits until so many zones are broken, of which there is one at the most, and compares what is said of it.
fn broken_alike(server: &Server, count: f64, why: &str) -> Verdict {
    let metric = |name: &str| server.metric(name, &[]).unwrap_or(-1.0);
    let is = |name: &str, value: f64| (metric(name) - value).abs() < 0.1;
    ensure!(until(Duration::from_secs(30), || is("rhumb_zones_failed", count)), "{}", server.log_tail());
    ensure!(is("rhumb_zone_ok", 1.0 - count), "rhumb_zone_ok beside {count} that failed");
    let (page, ready) = (server.page("/")?.body, server.page("/ready")?);
    let status = server.tell(&["status"])?.out;
    ensure_eq!(ready.status, 200, "/ready: {}", ready.body);
    ensure_eq!(tiles(&page).get("broken zones"), Some(&count.to_string()), "broken zones of the page");
    let broken = count > 0.5;
    ensure_eq!(page.contains("all is well"), !broken, "the word of the page: {page}");
    for (what, told) in [("page", &page), ("/ready", &ready.body), ("status", &status)] {
        ensure_eq!(told.contains("it has "), broken, "{what}: {told}");
        ensure!(told.contains(why), "{what} does not say why: {told}");
    }
    Ok(Outcome::Passed)
}

fn fallback() -> Verdict {
    let busy = Busy::new()?;
    for (domain, expected) in [(".", 0.0), ("back.example.", 1.0)] {
        let domain = format!("\"{domain}\"");
        let value: f64 = busy.server.metric("rhumb_forward_domain_fallback", &[&domain])?;
        ensure!((value - expected).abs() < 0.1, "{domain} has {value}");
        ensure!(
            busy.server.metric("rhumb_forward_domain_upstreams", &[&domain])? > 0.5,
            "{domain} has no upstream"
        );
    }
    Ok(Outcome::Passed)
}

fn promtool() -> Verdict {
    if program::find("promtool").is_none() {
        skip!("no promtool here");
    }
    let busy = Busy::new()?;
    let page = busy.server.page("/metrics")?;
    ensure!(page.head.contains("text/plain"), "content type of /metrics: {}", page.head);
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("promtool")?;
    child.stdin.take().context("no pipe")?.write_all(page.body.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure_eq!(output.status.code(), Some(0), "promtool check metrics: {said}");
    ensure!(said.trim().is_empty(), "promtool check metrics: {said}");
    Ok(Outcome::Passed)
}

fn rules() -> Verdict {
    if program::find("promtool").is_none() {
        skip!("no promtool here");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus");
    for arguments in [
        ["check", "rules", "rhumb.rules.yml"],
        ["test", "rules", "rhumb.rules.test.yml"],
        ["check", "config", "prometheus.yml"],
    ] {
        let mut command = Command::new("promtool");
        let output = program::run(command.args(arguments).current_dir(&folder), Duration::from_secs(30))?;
        ensure_eq!(output.code, Some(0), "promtool {}: {}{}", arguments.join(" "), output.out, output.err);
    }
    Ok(Outcome::Passed)
}
