//! What controllers of clusters send, message by message, as their library writes it: cert-manager proves names, external-dns publishes
//! services. They name a zone, sign each message (cert-manager by HMAC-MD5 unless it is told otherwise), and use UDP up to 512 bytes.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rhumb_tests::rig::client::receive;
use rhumb_tests::rig::name;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Record, Server, program, rng};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure_eq, skip};

use super::{FILE, TO, data};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("updating::controllers::of_clusters", controllers)];

const UPDATE: u16 = 5 << 11;
const TSIG: u16 = 250;
const NONE: u16 = 254;
const ANY: u16 = 255;
const TXT: u16 = 16;
const KEY: &str = "k.test.";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The algorithms by the names that they have in messages and for openssl.
const ALGORITHMS: [(&str, &str); 5] = [
    ("hmac-md5.sig-alg.reg.int.", "md5"),
    ("hmac-sha1.", "sha1"),
    ("hmac-sha224.", "sha224"),
    ("hmac-sha256.", "sha256"),
    ("hmac-sha512.", "sha512"),
];

/// A record of an update section.
fn insert(line: &str) -> Record {
    Record::from_text(line)
}

/// The same, to be taken away.
fn remove(line: &str) -> Record {
    Record { class: NONE, ttl: 0, ..insert(line) }
}

/// All TXT of a name, to be taken away.
fn remove_set(owner: &str) -> Record {
    Record { owner: owner.to_owned(), kind: TXT, class: ANY, ttl: 0, rdata: Vec::new() }
}

fn text(owner: &str, text: &str) -> Record {
    let rdata = [&[text.len() as u8], text.as_bytes()].concat();
    Record { owner: owner.to_owned(), kind: TXT, class: 1, ttl: 60, rdata }
}

/// HMAC by openssl, which has MD5 too.
fn hmac(digest: &str, data: &[u8]) -> Result<Vec<u8>, Failure> {
    let folder = Folder::new()?;
    let (file, out) = (folder.write("data", data)?, folder.at("mac"));
    let key: Vec<String> = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = key.concat();
    let mut command = Command::new("openssl");
    command.args([
        "dgst",
        &format!("-{digest}"),
        "-mac",
        "HMAC",
        "-macopt",
        &format!("hexkey:{key}"),
        "-binary",
    ]);
    let done = program::run(command.arg("-out").arg(&out).arg(file), Duration::from_secs(30))?;
    ensure_eq!(done.code, Some(0), "openssl: {}", done.err);
    Ok(fs::read(out)?)
}

/// The message with a signature of now (RFC 8945 section 4.3.3).
fn sign(message: &Message, (algorithm, digest): (&str, &str)) -> Result<Vec<u8>, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_be_bytes();
    let timers = [&now[2..], &300_u16.to_be_bytes()].concat();
    let algorithm = name::to_wire(algorithm);
    let variables =
        [&name::to_wire(KEY), &ANY.to_be_bytes()[..], &[0; 4], &algorithm, &timers, &[0; 4]].concat();
    let mac = hmac(digest, &[message.to_wire(), variables].concat())?;
    let length = (mac.len() as u16).to_be_bytes();
    let rdata = [&algorithm, &timers, &length[..], &mac, &message.id.to_be_bytes(), &[0; 4]].concat();
    let mut signed = message.clone();
    signed.additional.push(Record { owner: KEY.to_owned(), kind: TSIG, class: ANY, ttl: 0, rdata });
    Ok(signed.to_wire())
}

/// Sends an update by UDP, or by TCP where it is long.
fn send(client: &Client, records: Vec<Record>, algorithm: (&str, &str)) -> Result<u16, Failure> {
    let mut message = Message::query("zone.test.", "SOA").no_recursion();
    (message.flags, message.id, message.authority) = (UPDATE, rng::id(), records);
    let wire = sign(&message, algorithm)?;
    let (to, time_limit): (SocketAddr, _) = (TO.parse()?, Duration::from_secs(10));
    let answer = if wire.len() > 512 {
        let mut stream = client.tcp(to)?;
        stream.send(&wire)?;
        stream.receive(time_limit)?
    } else {
        let socket = client.udp_socket(to)?;
        socket.send_to(&wire, to)?;
        receive(&socket, time_limit)?.map(|(answer, _)| answer)
    };
    let answer = Message::from_wire(&answer.context("no answer")?)?;
    ensure_eq!(answer.additional.last().map(|record| record.kind), Some(TSIG), "the answer is not signed");
    Ok(answer.rcode())
}

/// What is sent, and a name and type with what it has afterwards.
type Step = (fn() -> Vec<Record>, &'static str, &'static str, &'static [&'static str]);

const CHALLENGE: &str = "_acme-challenge.www.zone.test.";
const OWNER: &str =
    "\"heritage=external-dns,external-dns/owner=default,external-dns/resource=service/default/web\"";

const STEPS: &[Step] = &[
    // cert-manager presents: what is left of earlier ones goes, and the new one comes.
    (|| vec![remove_set(CHALLENGE), text(CHALLENGE, "first")], CHALLENGE, "TXT", &["\"first\""]),
    (|| vec![remove_set(CHALLENGE), text(CHALLENGE, "second")], CHALLENGE, "TXT", &["\"second\""]),
    // Two orders at one time, of a name and its wildcard.
    (|| vec![text(CHALLENGE, "third")], CHALLENGE, "TXT", &["\"second\"", "\"third\""]),
    // It cleans up.
    (|| vec![Record { class: NONE, ttl: 0, ..text(CHALLENGE, "second") }], CHALLENGE, "TXT", &["\"third\""]),
    (|| vec![Record { class: NONE, ttl: 0, ..text(CHALLENGE, "third") }], CHALLENGE, "TXT", &[]),
    // external-dns creates a service, with records beside it that say whose it is.
    (
        || {
            vec![
                insert("web.zone.test. 300 IN A 198.51.100.1"),
                text("web.zone.test.", OWNER.trim_matches('"')),
                text("a-web.zone.test.", OWNER.trim_matches('"')),
            ]
        },
        "a-web.zone.test.",
        "TXT",
        &[OWNER],
    ),
    // It changes: the old one goes by its data, in the same message.
    (
        || {
            vec![
                remove("web.zone.test. 300 IN A 198.51.100.1"),
                insert("web.zone.test. 300 IN A 198.51.100.2"),
                insert("web.zone.test. 300 IN A 198.51.100.3"),
            ]
        },
        "web.zone.test.",
        "A",
        &["198.51.100.2", "198.51.100.3"],
    ),
    // So many that it takes TCP.
    (
        || (0..40).map(|host| insert(&format!("pod{host}.zone.test. 300 IN A 198.51.100.9"))).collect(),
        "pod39.zone.test.",
        "A",
        &["198.51.100.9"],
    ),
    // And is gone.
    (
        || {
            let mut all: Vec<Record> =
                (0..40).map(|host| remove(&format!("pod{host}.zone.test. 300 IN A 198.51.100.9"))).collect();
            all.push(remove("web.zone.test. 300 IN A 198.51.100.2"));
            all.push(remove("web.zone.test. 300 IN A 198.51.100.3"));
            all.push(Record { class: NONE, ttl: 0, ..text("web.zone.test.", OWNER.trim_matches('"')) });
            all.push(Record { class: NONE, ttl: 0, ..text("a-web.zone.test.", OWNER.trim_matches('"')) });
            all
        },
        "web.zone.test.",
        "A",
        &[],
    ),
];

fn controllers() -> Verdict {
    if program::find("openssl").is_none() {
        skip!("no openssl here");
    }
    for algorithm in ALGORITHMS {
        let (host, client) = Host::pair()?;
        let state = Folder::new()?;
        let short = algorithm.0.split('.').next().unwrap_or_default();
        let more = format!(
            "state: \"{}\"\nkeys:\n  - {{ name: {KEY}, algorithm: {short}, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= }}\nzones:\n  \
             - {{ name: zone.test, file: zone.test.zone, update: [{{ key: {KEY} }}] }}\n",
            state.at("state").display()
        );
        let config = Config::new().listen("::").file("zone.test.zone", FILE).more(&more);
        let server = Server::start(&host, &config)?;
        let client = Client::new(&client);
        for (number, (records, name, kind, wanted)) in STEPS.iter().enumerate() {
            let code = send(&client, records(), algorithm)?;
            ensure_eq!(code, 0, "{short}, step {number}: {}", server.log_tail());
            ensure_eq!(data(&client, name, kind)?, *wanted, "{short}, step {number}: {name} {kind}");
        }
    }
    Ok(Outcome::Passed)
}
