//! One zone of many that changes.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::{Config, Server, rcode};
use rhumb_tests::{Context, Failure, Outcome, Verdict, ensure, ensure_eq};

use super::zone;
use crate::forwarding::Lab;

const ZONES: u32 = 20_000;

fn name(number: u32) -> String {
    format!("z{number}.test")
}

/// Serial and time of the last load of every zone, as `zone status` tells them.
fn loads(server: &Server) -> Result<BTreeMap<String, String>, Failure> {
    let told = server.tell(&["zone", "status", "--json"])?;
    ensure_eq!(told.code, Some(0), "exit status of zone status: {}", told.err);
    let mut loads = BTreeMap::new();
    // Written by the server, one zone an object, with no object in it.
    for zone in told.out.split('{').filter(|part| part.contains("\"name\"")) {
        let field = |title: &str| {
            let (_, rest) = zone.split_once(&format!("\"{title}\":"))?;
            Some(rest.split([',', '}']).next().unwrap_or_default().trim().trim_matches('"').to_owned())
        };
        let (name, serial) = (field("name").context("no name")?, field("serial").context("no serial")?);
        loads.insert(name, format!("{serial} {}", field("loaded").context("no time")?));
    }
    Ok(loads)
}

/// Times that the log has a line with `text`.
fn logged(server: &Server, text: &str) -> usize {
    server.log().lines().filter(|line| line.contains(text)).count()
}

/// Reloads; what has changed is `line` alone. The server may have seen that by itself before it is told.
fn touches(server: &Server, line: &str) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let words = server.reload()?;
    let took = begun.elapsed();
    ensure!(words.trim() == line || words.contains("nothing changed"), "the reload says: {words}");
    ensure_eq!(logged(server, line), 1, "lines of the log that say {line}");
    Ok(took)
}

pub(super) fn alone() -> Verdict {
    let lab = Lab::new()?;
    let zones = (0..ZONES).map(|number| (name(number), zone(1, "198.18.0.80")));
    let server = lab.start(&Config::new().listen("192.0.2.1").zone_folder("many", zones))?;
    let path = |number: u32| server.folder().at(&format!("many/{}.zone", name(number)));
    let ask = |number: u32| lab.client.ask(lab.to, &format!("www.{}.", name(number)), "A");
    let before = loads(&server)?;
    ensure_eq!(before.len(), ZONES as usize, "zones at first");
    // Times are told in seconds.
    thread::sleep(Duration::from_millis(1100));
    ensure!(server.reload()?.contains("nothing changed"), "something changed by itself");
    let mut times = Vec::new();
    fs::write(path(777), zone(2, "198.18.0.81"))?;
    times.push(touches(&server, "zone z777.test.: loaded anew, serial 1 -> 2")?);
    ensure_eq!(ask(777)?.data("A"), ["198.18.0.81"], "answer from the zone written in place");
    let new = server.folder().write("new", zone(3, "198.18.0.82"))?;
    fs::rename(new, path(19_999))?;
    times.push(touches(&server, "zone z19999.test.: loaded anew, serial 1 -> 3")?);
    ensure_eq!(ask(19_999)?.data("A"), ["198.18.0.82"], "answer from the zone renamed over");
    fs::write(path(ZONES), zone(4, "198.18.0.83"))?;
    times.push(touches(&server, "zone z20000.test.: added, serial 4")?);
    ensure_eq!(ask(ZONES)?.data("A"), ["198.18.0.83"], "answer from the zone that came");
    fs::remove_file(path(5))?;
    times.push(touches(&server, "zone z5.test.: removed")?);
    ensure_eq!(ask(5)?.rcode(), rcode::REFUSED, "answer from the zone that went");
    println!("  reloads of one zone of {ZONES}: {times:.0?}");

    ensure_eq!(logged(&server, "loaded anew"), 2, "zones loaded anew by the log");
    let after = loads(&server)?;
    ensure_eq!(after.len(), ZONES as usize, "zones at last");
    let touched: Vec<&String> =
        after.iter().filter(|(zone, load)| before.get(*zone) != Some(load)).map(|(zone, _)| zone).collect();
    ensure_eq!(
        touched,
        ["z19999.test.", "z20000.test.", "z777.test."],
        "zones that were read since the start"
    );
    Ok(Outcome::Passed)
}
