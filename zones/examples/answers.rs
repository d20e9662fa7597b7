//! What contents cost and how long answers take, without a socket: `cargo run --release --example answers -- [HOSTS]
//! [ROUNDS]`.
//!
//! Under `valgrind --tool=callgrind --toggle-collect='*timed*'` it counts the instructions of the answers alone; ask
//! for one kind of question then, as third argument.

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rhumb_wire::compress::Compression;
use rhumb_wire::{Class, Name, NameBuf, NameError, NameRef, Section, Type, Writer};
use rhumb_zones::{Asked, Builder, Contents, OneZone, answer};

/// The questions: a name with `#` for a number, and a type.
const QUESTIONS: &[(&str, &str, Type)] = &[
    ("hit", "h#.example.com.", Type::A),
    ("nodata", "h#.example.com.", Type::TXT),
    ("nxdomain", "nx#.example.com.", Type::A),
    ("wildcard", "a#.wild.example.com.", Type::A),
    ("referral", "www.d#.example.com.", Type::A),
    ("alias", "alias.example.com.", Type::A),
    ("mx", "example.com.", Type::MX),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (hosts, rounds) = (number(100_000).max(1), number(1_000_000).max(1));
    let only = arguments.next();
    let started = Instant::now();
    let Some(zone) = build(hosts) else { return ExitCode::FAILURE };
    let records = zone.record_count();
    println!(
        "{records} records built in {:?}, {} bytes, {} a record",
        started.elapsed(),
        zone.memory(),
        zone.memory() as u64 / records
    );
    for (label, pattern, qtype) in
        QUESTIONS.iter().filter(|question| only.as_deref().is_none_or(|o| o == question.0))
    {
        let names: Vec<Name> = (0..4096u32.min(hosts))
            .filter_map(|i| {
                let host = i.wrapping_mul(2_654_435_761) % hosts;
                let number = if pattern.contains("d#") { host / 10 } else { host };
                pattern.replace('#', &number.to_string()).parse().ok()
            })
            .collect();
        let (time, bytes) = timed(&zone, &names, *qtype, rounds);
        println!("{label:10} {:6.1} ns, {bytes} bytes", time.as_secs_f64() * 1e9 / f64::from(rounds));
    }
    ExitCode::SUCCESS
}

/// Answers `rounds` questions; the bytes of the last answer.
#[inline(never)]
fn timed(zone: &Contents, names: &[Name], qtype: Type, rounds: u32) -> (Duration, usize) {
    let mut buffer = [0; 1232];
    let mut compression = Compression::default();
    let mut bytes = 0;
    let started = Instant::now();
    for name in names.iter().cycle().take(rounds as usize) {
        let name = name.as_ref();
        let mut w = Writer::new(&mut buffer, 1232, &mut compression);
        let _ = w.bytes(name.as_bytes()).and_then(|()| w.u16(qtype.0)).and_then(|()| w.u16(Class::IN.0));
        w.count(Section::Question);
        let asked = Asked { name, qtype, dnssec_ok: false, minimal_any: true };
        black_box(answer(zone, &asked, &OneZone, &mut w));
        bytes = w.len();
    }
    (started.elapsed(), bytes)
}

/// A zone of so many hosts, a quarter of them with an IPv6 address, and a tenth as many delegations.
fn build(hosts: u32) -> Option<Contents> {
    let apex: Name = "example.com.".parse().ok()?;
    let mut builder = Builder::new(apex.as_ref());
    let mut add = |label: &str, rtype: Type, rdata: &[u8]| -> Option<()> {
        let owner = name(label, apex.as_ref()).ok()?;
        builder.add(owner.as_ref(), rtype, 3600, rdata, 0).ok()
    };
    let wire = |label: &str| name(label, apex.as_ref()).map(|n| n.as_ref().as_bytes().to_vec()).ok();
    add("@", Type::SOA, &[wire("ns1")?, wire("hostmaster")?, vec![0; 20]].concat())?;
    add("@", Type::NS, &wire("ns1")?)?;
    add("@", Type::NS, &wire("ns2")?)?;
    add("@", Type::MX, &[vec![0, 10], wire("mail")?].concat())?;
    for (label, last) in [("ns1", 1), ("ns2", 2), ("mail", 3), ("*.wild", 9)] {
        add(label, Type::A, &[192, 0, 2, last])?;
    }
    add("alias", Type::CNAME, &wire("mail")?)?;
    let mut label = String::new();
    for i in 0..hosts {
        label.clear();
        write!(label, "h{i}").ok()?;
        add(&label, Type::A, &i.to_be_bytes())?;
        if i % 4 == 0 {
            add(&label, Type::AAAA, &u128::from(i).to_be_bytes())?;
        }
        if i % 10 == 0 {
            label.clear();
            write!(label, "d{}", i / 10).ok()?;
            let server = format!("ns.{label}");
            add(&label, Type::NS, &wire(&server)?)?;
            add(&label, Type::NS, &wire("ns1")?)?;
            add(&server, Type::A, &i.to_be_bytes())?;
        }
    }
    builder.finish().ok().map(|(contents, _)| contents)
}

fn name(label: &str, apex: NameRef<'_>) -> Result<NameBuf, NameError> {
    let mut name = NameBuf::new();
    name.set_text(label.as_bytes(), apex)?;
    Ok(name)
}
