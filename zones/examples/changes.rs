//! What changes of contents cost: `cargo run --release --example changes -- [HOSTS] [RECORDS] [EACH]`.
//!
//! So many records of a zone of so many hosts are changed, by changes of one record and of a thousand records each, or
//! of as many as the third argument says. Memory is that of the last contents alone: those before them are let go as they would be by the last
//! reader.

use std::process::ExitCode;
use std::time::Instant;

use rhumb_wire::{DomainName, NameBuf, NameError, NameRef, Type};
use rhumb_zones::{ZoneBuilder, ZoneChange, ZoneContents};

/// What a change does to the host of a number; `round` is different each time.
type Edit = fn(&mut ZoneChange<'_>, NameRef<'_>, u32) -> Option<()>;

/// The kinds of changes.
const EDITS: &[(&str, Edit)] = &[
    ("another address", |change, host, round| {
        change.remove_set(host, Type::A);
        change.add(host, Type::A, 3600, &round.to_be_bytes()).ok().map(|_| ())
    }),
    ("a name more", |change, host, round| {
        let name = DomainName::prepend(format!("n{round}").as_bytes(), host).ok()?;
        change.add(name.as_ref(), Type::A, 3600, &round.to_be_bytes()).ok().map(|_| ())
    }),
    ("a name less", |change, host, round| {
        let name = DomainName::prepend(format!("n{round}").as_bytes(), host).ok()?;
        change.remove_name(name.as_ref()).then_some(())
    }),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (hosts, changes, only) = (number(1_000_000).max(1), number(10_000).max(1), number(0));
    let Some(mut zone) = build(hosts) else { return ExitCode::FAILURE };
    println!("{} records, {} bytes", zone.record_count(), zone.memory());
    for (label, edit) in EDITS {
        // What was added is removed by the kind that comes next.
        for each in if only > 0 { vec![only] } else { vec![1, 1000] } {
            let label = format!("{label}, {each} a change");
            let Some(changed) = timed(zone, &label, *edit, (hosts, changes, each)) else {
                return ExitCode::FAILURE;
            };
            zone = changed;
        }
    }
    ExitCode::SUCCESS
}

/// Makes changes of `each` records; the contents after them.
fn timed(
    mut zone: ZoneContents,
    label: &str,
    edit: Edit,
    (hosts, changes, each): (u32, u32, u32),
) -> Option<ZoneContents> {
    let apex = zone.apex().to_name();
    let mut longest = 0.0f64;
    let started = Instant::now();
    for first in (0..changes).step_by(each as usize) {
        let began = Instant::now();
        let mut change = zone.change();
        for round in first..first + each {
            let round = if each == 1 { round } else { changes + round };
            let host = host(round.wrapping_mul(2_654_435_761) % hosts, apex.as_ref()).ok()?;
            edit(&mut change, host.as_ref(), round)?;
        }
        zone = change.finish().ok()?;
        longest = longest.max(began.elapsed().as_secs_f64());
    }
    let time = started.elapsed().as_secs_f64();
    println!(
        "{label:32} {:8.2} µs a record, the longest change {:8.2} ms, {} bytes",
        time * 1e6 / f64::from(changes),
        longest * 1e3,
        zone.memory()
    );
    Some(zone)
}

/// A zone of so many hosts with an address each.
fn build(hosts: u32) -> Option<ZoneContents> {
    let apex: DomainName = "example.com.".parse().ok()?;
    let mut builder = ZoneBuilder::new(apex.as_ref());
    builder.add(apex.as_ref(), Type::SOA, 3600, &[0; 22], 0).ok()?;
    builder.add(apex.as_ref(), Type::NS, 3600, b"\x02ns\x05other\0", 0).ok()?;
    for number in 0..hosts {
        let host = host(number, apex.as_ref()).ok()?;
        builder.add(host.as_ref(), Type::A, 3600, &number.to_be_bytes(), 0).ok()?;
    }
    builder.finish().ok().map(|(contents, _)| contents)
}

fn host(number: u32, apex: NameRef<'_>) -> Result<NameBuf, NameError> {
    let mut name = NameBuf::new();
    name.push_label(format!("h{number}").as_bytes())?;
    name.finish(apex)?;
    Ok(name)
}
