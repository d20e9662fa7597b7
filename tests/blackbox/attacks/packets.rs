//! Packets that no honest client sends.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::process::status_field;
use rhumb_tests::rig::script::{every_name, script};
use rhumb_tests::rig::stream::framed;
use rhumb_tests::rig::{Act, Asked, Client, Config, Host, Message, Server, Upstream, rcode, rng};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::{Crowd, zone};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row44_no_reply_to_replies_and_scraps", no_reply),
    Test::beside("attacks::row44_two_servers_do_not_loop", no_loop),
    Test::beside("attacks::row55_pointer_loops_and_long_names_in_queries", pointers_in_queries),
    Test::beside("attacks::row55_pointer_loops_and_long_names_in_answers", pointers_in_answers),
    Test::alone("attacks::row56_counts_without_records", counts),
    Test::alone("attacks::row59_option_bombs", options),
];

fn no_reply() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let socket = crowd.honest().udp_socket(crowd.to)?;
    let query = Message::query("www.zone.test.", "A").to_wire();
    let mut sent = 0;
    for length in 0..12 {
        for _ in 0..20 {
            let scrap: Vec<u8> = (0..length).map(|_| rng::bits() as u8 & 0x7f).collect();
            socket.send_to(&scrap, crowd.to)?;
            sent += 1;
        }
    }
    for number in 0..4000_u64 {
        let mut reply = query.clone();
        if number % 2 == 0 {
            reply = (0..12 + number % 300).map(|_| rng::bits() as u8).collect();
        }
        // QR set, every opcode and response code.
        reply[2] = 0x80 | (rng::bits() as u8 & 0x7f);
        reply[3] = rng::bits() as u8;
        socket.send_to(&reply, crowd.to)?;
        sent += 1;
    }
    let got = receive(&socket, Duration::from_secs(1))?;
    ensure!(got.is_none(), "a reply to one of {sent} packets that deserve none: {got:?}");
    let mut stream = crowd.honest().tcp(crowd.to)?;
    let mut reply = query;
    reply[2] |= 0x80;
    stream.send(&reply)?;
    ensure!(stream.receive(Duration::from_millis(500))?.is_none(), "a reply to a reply over TCP");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

/// UDP datagrams a host has received so far (IPv4).
fn datagrams_in(host: &Host) -> Result<u64, Failure> {
    let text = host.within(|| std::fs::read_to_string("/proc/thread-self/net/snmp"))??;
    let line = text.lines().filter(|line| line.starts_with("Udp:")).nth(1).context("no UDP counters")?;
    Ok(line.split_whitespace().nth(1).context("no UDP counter")?.parse()?)
}

/// Two servers, and a third host that speaks to one with the other's address and port.
fn no_loop() -> Verdict {
    let (one, two, liar) = (Host::new()?, Host::new()?, Host::new()?);
    one.wire("eth0", &two, "eth0")?;
    one.wire("eth1", &liar, "eth0")?;
    one.address("eth0", "10.1.0.1/24")?.address("eth1", "10.2.0.1/24")?;
    two.address("eth0", "10.1.0.2/24")?;
    liar.address("eth0", "10.2.0.2/24")?.address("lo", "10.1.0.2/32")?.route("10.1.0.1/32 via 10.2.0.1")?;
    for interface in ["all", "default", "eth0", "eth1"] {
        one.sysctl(&format!("net/ipv4/conf/{interface}/rp_filter"), "0")?;
    }
    let config = Config::new().listen("0.0.0.0").zone("zone.test", &zone());
    let _servers = [Server::start(&one, &config)?, Server::start(&two, &config)?];
    let from: SocketAddr = "10.1.0.2:53".parse()?;
    let to: SocketAddr = "10.1.0.1:53".parse()?;
    let socket = liar.within(|| UdpSocket::bind(from))??;
    let before = datagrams_in(&one)?;
    for code in 0..16 {
        for flags in [code, 0x8000 | code, 0x8000 | 0x7800 | code, 0x7800 | code] {
            let base = Message { id: rng::id(), flags, ..Message::query("www.zone.test.", "A") };
            socket.send_to(&base.to_wire(), to)?;
            // Malformed, so that an error is the answer.
            socket.send_to(&base.to_wire()[..20], to)?;
        }
    }
    thread::sleep(Duration::from_secs(1));
    let counts = |host: &Host| datagrams_in(host);
    let (first, second) = (counts(&one)?, counts(&two)?);
    ensure!(first >= before + 128, "the forged packets did not arrive: {} of 128", first - before);
    ensure!(second > 0, "no error or answer went to the second server: the test shows nothing");
    thread::sleep(Duration::from_secs(1));
    ensure_eq!((counts(&one)?, counts(&two)?), (first, second), "datagrams a second later");
    ensure!(first - before <= 128, "{} datagrams to the first server, 128 were forged", first - before);
    Ok(Outcome::Passed)
}

/// Header of a query with one question, then these bytes.
fn query_with(question: &[u8]) -> Vec<u8> {
    let mut wire = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    wire.extend_from_slice(question);
    wire
}

fn long_name(labels: usize) -> Vec<u8> {
    let mut name = Vec::new();
    for _ in 0..labels {
        name.push(63);
        name.extend([b'a'; 63]);
    }
    name.push(0);
    name
}

fn pointers_in_queries() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let client = crowd.honest().time_limit(Duration::from_millis(300));
    let tail: &[u8] = &[0, 1, 0, 1];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("pointer at itself", [&[0xc0, 12], tail].concat()),
        ("two pointers at each other", [&[1, b'a', 0xc0, 16, 0xc0, 12], tail].concat()),
        ("pointer forward", [&[0xc0, 20], tail, &[0, 0, 1, b'a', 0]].concat()),
        ("pointer out of the message", [&[0xff, 0xff], tail].concat()),
        ("pointer into the header", [&[1, b'a', 0xc0, 4], tail].concat()),
        ("half a pointer", vec![0xc0]),
        ("label of reserved kind", [&[0x80, 1, b'a', 0], tail].concat()),
        ("label of extended kind", [&[0x41, 1, b'a', 0], tail].concat()),
        ("label runs out", vec![60, b'a', b'a']),
        ("256 octets", [&long_name(4)[..], tail].concat()),
        ("name without an end", vec![1, b'a', 1, b'b']),
        ("no class", vec![1, b'a', 0, 0, 1]),
    ];
    for (what, question) in &cases {
        let answer = client.exchange_raw(crowd.to, &query_with(question))?;
        if let Some((wire, _)) = answer {
            ensure_eq!(u16::from(wire[3] & 0xf), rcode::FORMERR, "response code to {what}");
            ensure!(wire.len() <= 12 + question.len() + 11, "{} bytes in answer to {what}", wire.len());
        }
    }
    // Many of them cost little.
    let socket = crowd.honest().udp_socket(crowd.to)?;
    let cpu = crowd.server.cpu_time()?;
    for number in 0..20_000 {
        socket.send_to(&query_with(&cases[number % cases.len()].1), crowd.to)?;
    }
    thread::sleep(Duration::from_millis(300));
    let spent = crowd.server.cpu_since(cpu)?;
    ensure!(spent < Duration::from_secs(1), "20,000 bad names cost {spent:?} of CPU");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

/// Writes the RDATA of a CNAME that begins at an offset of the message.
type Shape = fn(u16) -> Vec<u8>;

fn pointers_in_answers() -> Verdict {
    let shapes: [(&str, Shape); 4] = [
        ("itself", |at| (0xc000 | at).to_be_bytes().to_vec()),
        ("forward", |at| (0xc000 | (at + 2)).to_be_bytes().to_vec()),
        ("outside", |_| vec![0xff, 0xff]),
        ("long", |_| long_name(4)),
    ];
    for (what, shape) in shapes {
        let crowd =
            Crowd::new(&Crowd::config().forward("up.example", &["192.0.2.2", "10.9.0.1"]).allow_all(), &[])?;
        let _bad = Upstream::start(
            &crowd.people,
            "192.0.2.2",
            script(move |asked: &Asked| {
                let mut wire = Message { edns: None, ..Message::reply_to(&asked.message) }.to_wire();
                wire[7] = 1;
                wire.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44]);
                let rdata = shape(wire.len() as u16 + 2);
                wire.extend((rdata.len() as u16).to_be_bytes());
                wire.extend(rdata);
                Act::Raw(wire)
            }),
        )?;
        let _good = Upstream::start(&crowd.people, "10.9.0.1", every_name("198.18.0.2"))?;
        let found = crowd.honest().ask(crowd.to, &format!("{what}.up.example."), "A")?;
        ensure_eq!(found.data("A"), ["198.18.0.2"], "first upstream sends a CNAME that points {what}");
        crowd.still_serves()?;
    }
    Ok(Outcome::Passed)
}

/// The largest resident size so far, bytes.
fn peak(server: &Server) -> Result<u64, Failure> {
    let field = status_field(server.pid(), "VmHWM")?;
    Ok(field.trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

fn counts() -> Verdict {
    let crowd = Crowd::new(&Crowd::config().forward("up.example", &["192.0.2.2"]).allow_all(), &[])?;
    let _upstream = Upstream::start(
        &crowd.people,
        "192.0.2.2",
        script(|asked: &Asked| {
            let mut wire = Message { edns: None, ..Message::reply_to(&asked.message) }.to_wire();
            wire[4..12].fill(0xff);
            Act::Raw(wire[..12].to_vec())
        }),
    )?;
    crowd.still_serves()?;
    let header = |at: usize| {
        let mut wire = query_with(&[]);
        wire[5] = 0;
        wire[at..at + 2].fill(0xff);
        wire
    };
    let mut all = query_with(&[]);
    all[4..12].fill(0xff);
    let mut with_question = Message::query("www.zone.test.", "A").to_wire();
    with_question[6..12].fill(0xff);
    let packets = [header(4), header(6), header(8), header(10), all, with_question];
    let socket = crowd.honest().udp_socket(crowd.to)?;
    let (before, cpu) = (peak(&crowd.server)?, crowd.server.cpu_time()?);
    for number in 0..30_000 {
        socket.send_to(&packets[number % packets.len()], crowd.to)?;
    }
    let mut stream = crowd.honest().tcp(crowd.to)?;
    for packet in &packets {
        let _ = stream.send_raw(&framed(packet));
    }
    let lasting = crowd.honest().time_limit(Duration::from_secs(10));
    let answer = lasting.ask(crowd.to, "counts.up.example.", "A")?;
    ensure_eq!(answer.rcode(), rcode::SERVFAIL, "response code when upstream sends counts alone");
    let grown = peak(&crowd.server)? - before;
    let spent = crowd.server.cpu_since(cpu)?;
    ensure!(grown <= 2 << 20, "{} KiB more for packets of 12 bytes", grown >> 10);
    ensure!(spent < Duration::from_secs(1), "30,000 headers cost {spent:?} of CPU");
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

fn options() -> Verdict {
    let crowd = Crowd::new(&Crowd::config().more("server: { nsid: \"rig\" }"), &[])?;
    let client = crowd.honest();
    let query = Message::query("www.zone.test.", "A");
    let ask =
        |message: &Message| -> Result<Message, Failure> { Ok(client.stream(crowd.to, message)?.message) };
    let many = |code: u16, data: &[u8], count: usize| {
        (0..count).fold(query.clone(), |message, _| message.option(code, data))
    };
    // Either read up to a bound and answered, or refused as malformed; never sent back at length.
    for (what, message) in [
        ("16,000 unknown options", many(65_001, b"", 16_000)),
        ("16,000 requests for NSID", many(3, b"", 16_000)),
        ("4,000 cookies", many(10, &[1; 8], 4_000)),
        ("100 paddings", many(12, &[0; 200], 100)),
    ] {
        let answer = ask(&message)?;
        ensure!([rcode::NOERROR, rcode::FORMERR].contains(&answer.rcode()), "{what}: {answer:?}");
        let options = answer.edns.map_or(0, |edns| edns.options.len());
        ensure!(options <= 4, "{options} options in answer to {what}");
    }
    two_opts(&client, crowd.to, &query)?;
    let (full, plain) = (many(65_001, b"", 16_000), query.clone().option(12, &vec![0; 63_996]));
    let cost = |message: &Message| -> Result<Duration, Failure> {
        const MESSAGES: u32 = 1000;
        let wire = framed(&message.to_wire());
        let mut stream = client.tcp(crowd.to)?;
        let before = crowd.server.cpu_time()?;
        for _ in 0..MESSAGES {
            stream.send_raw(&wire)?;
            stream.receive(Duration::from_secs(2))?.context("no answer to a large query")?;
        }
        Ok(crowd.server.cpu_since(before)? / MESSAGES)
    };
    let begun = Instant::now();
    let (with, without) = (cost(&full)?, cost(&plain)?);
    let extra = with.saturating_sub(without);
    ensure!(
        extra <= Duration::from_micros(50),
        "16,000 options cost {extra:?} of CPU ({:?} in all)",
        begun.elapsed()
    );
    crowd.still_serves()?;
    Ok(Outcome::Passed)
}

/// Two OPT records, and one in the wrong section.
fn two_opts(client: &Client, to: SocketAddr, query: &Message) -> Result<(), Failure> {
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let mut two = query.to_wire();
    two.extend(opt);
    two.extend(opt);
    two[11] = 2;
    let (wire, _) = client.exchange_raw(to, &two)?.context("no answer to two OPT records")?;
    ensure_eq!(
        u16::from(wire[3] & 0xf),
        rcode::FORMERR,
        "response code to two OPT records (RFC 6891 section 6.1.1)"
    );
    for section in [7, 9] {
        let mut misplaced = query.to_wire();
        misplaced.extend(opt);
        misplaced[section] = 1;
        let answer = client.clone().time_limit(Duration::from_millis(500)).exchange_raw(to, &misplaced)?;
        if let Some((wire, _)) = answer {
            let message = Message::from_wire(&wire)?;
            let ignored = message.rcode() == rcode::NOERROR && message.edns.is_none();
            ensure!(ignored || message.rcode() == rcode::FORMERR, "OPT in a wrong section: {message:?}");
        }
    }
    // An option whose length runs out of the RDATA.
    let mut cut = query.to_wire();
    cut.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 9]);
    cut[11] = 1;
    let (wire, _) = client.exchange_raw(to, &cut)?.context("no answer to a cut option")?;
    ensure_eq!(u16::from(wire[3] & 0xf), rcode::FORMERR, "response code to a cut option");
    Ok(())
}
