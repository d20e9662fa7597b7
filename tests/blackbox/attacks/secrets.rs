//! Secrets that were planted, looked for in everything that the server and its commands say.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::{Client, Config, Host, Message, Server, program};
use rhumb_tests::{Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use super::zone;

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[Test::beside("attacks::row68_planted_secrets_show_nowhere", planted)];

/// Keys whose secret stands in the configuration.
const INLINE: usize = 10;
/// Keys, the others with a file.
const KEYS: usize = 16;
/// Secrets of keys and of cookies.
const SECRETS: usize = 20;
/// All of them, with those of session tickets.
const ALL: usize = 22;

const COMMANDS: [&[&str]; 9] = [
    &["status"],
    &["status", "--json"],
    &["stats", "--json"],
    &["explain", "www.zone.test", "A", "--json"],
    &["zone", "status", "--json"],
    &["cache", "show", "www.zone.test"],
    &["diff"],
    &["check"],
    &["reload"],
];

/// The base64 of 32 bytes, or in hexadecimal digits 16 bytes for cookies and 32 for tickets.
fn secret(number: usize) -> String {
    if number >= SECRETS {
        format!("71c4e7{number:02}{}", "c0ffee77".repeat(7))
    } else if number < KEYS {
        format!("Planted{number:02}Secret{}A=", "x".repeat(27))
    } else {
        format!("5ec2e7{number:02}{}", "c0ffee77".repeat(3))
    }
}

/// The bytes of base64 or of hexadecimal digits.
fn decoded(text: &str, bits: usize, digits: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut held, mut count) = (0, 0);
    for digit in text.chars().filter_map(|digit| digits.find(digit)) {
        (held, count) = (held << bits | digit, count + bits);
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count & 255) as u8);
            held &= (1 << count) - 1;
        }
    }
    bytes
}

/// The forms in which a secret may show: as it was written, its bytes in hexadecimal digits, and as a list of numbers.
fn forms(number: usize) -> [String; 4] {
    let text = secret(number);
    let bytes = if number < KEYS {
        decoded(&text, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    } else {
        decoded(&text, 4, "0123456789abcdef")
    };
    let hex = bytes.iter().take(12).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let numbers = bytes.iter().take(6).map(u8::to_string).collect::<Vec<_>>().join(", ");
    [text[..14].to_owned(), hex.to_uppercase(), hex, numbers]
}

fn config() -> Config {
    let mut keys = "keys:\n".to_owned();
    let mut config = Config::new().listen("192.0.2.1").zone("zone.test", &zone());
    for number in 0..KEYS {
        let _ = if number < INLINE {
            writeln!(keys, "  - {{ name: k{number}.test, secret: \"{}\" }}", secret(number))
        } else {
            writeln!(keys, "  - {{ name: k{number}.test, secret-file: k{number}.key }}")
        };
        let statement =
            format!("key \"k{number}.test\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", secret(number));
        let file = if number % 2 == 0 { secret(number) } else { statement };
        config = config.file(&format!("k{number}.key"), &file);
    }
    let cookies: Vec<String> = (KEYS..SECRETS).map(|number| format!("\"{}\"", secret(number))).collect();
    let tickets: Vec<String> = (SECRETS..ALL).map(|number| format!("\"{}\"", secret(number))).collect();
    let _ = writeln!(
        keys,
        "server: {{ cookie-secrets: [{}], ticket-secrets: [{}] }}",
        cookies.join(", "),
        tickets.join(", ")
    );
    config.more(&keys).more("log: { level: trace, queries: true }")
}

/// All that was said, and by whom.
struct Said {
    server: Server,
    texts: Vec<(String, String)>,
}

impl Said {
    /// Runs a command; its exit status.
    fn tell(&mut self, words: &[&str]) -> Result<Option<i32>, Failure> {
        let output = self.server.tell(words)?;
        self.texts.push((words.join(" "), output.out + &output.err));
        Ok(output.code)
    }

    fn must_fail(&mut self, words: &[&str], mistake: &str) -> Result<(), Failure> {
        ensure!(self.tell(words)? != Some(0), "{mistake} passed {}", words.join(" "));
        Ok(())
    }
}

/// Queries with a cookie, and with a signature that is right or wrong.
fn query(host: &Host) -> Result<(), Failure> {
    let cookie = Message::query("www.zone.test.", "A").edns(1232).option(10, b"01234567");
    let reply = Client::new(host).udp("192.0.2.1:53".parse()?, &cookie)?.message;
    ensure_eq!(reply.rcode(), rcode::NOERROR, "a query with a cookie");
    if program::find("dig").is_none() {
        return Ok(());
    }
    for number in [0, 11] {
        for secret in [secret(number), secret(number + 1)] {
            let key = format!("hmac-sha256:k{number}.test:{secret}");
            let mut dig = host.command("dig");
            dig.args(["+time=2", "+tries=1", "@192.0.2.1", "-y", &key, "www.zone.test", "A"]);
            program::run(&mut dig, Duration::from_secs(5))?;
        }
    }
    Ok(())
}

/// Mistakes on the very lines of secrets.
fn mistakes(text: &str) -> [String; 7] {
    let quoted = |number: usize| format!("\"{}\"", secret(number));
    let value = |number: usize| format!("secret: {}", quoted(number));
    [
        text.replace(&secret(3), &format!("{}!", &secret(3)[..43])),
        text.replace(&quoted(4), &secret(4)[..21]),
        text.replace(&value(5), &format!("secret: {{ {}: 1 }}", secret(5))),
        text.replace(&value(6), &format!("sekret: {}", quoted(6))),
        text.replace(&quoted(7), &format!("[{}, \"\t{}\"", quoted(7), secret(8))),
        text.replace(&secret(17), &format!("{}zz", &secret(17)[..30])),
        text.replace(&secret(18), &secret(19)),
    ]
}

/// Mistakes in the files of keys, each undone.
fn mistakes_in_files(said: &mut Said) -> Result<(), Failure> {
    let statement = format!("key {{ secret {};", secret(11));
    for (file, contents) in [("k10.key", format!("{0} {0}", secret(10))), ("k11.key", statement)] {
        let path = said.server.folder().at(file);
        let before = fs::read(&path)?;
        fs::write(&path, contents)?;
        said.must_fail(&["check"], file)?;
        said.must_fail(&["reload"], file)?;
        fs::write(&path, before)?;
    }
    let path = said.server.folder().at("k12.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    said.must_fail(&["check"], "a key file that all may read")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn planted() -> Verdict {
    let (host, client) = Host::pair()?;
    let config = config();
    let private = "chmod 600 k*.key rhumb.yaml; exec \"$@\"";
    let server = Server::start_by(&host, &config, &["sh", "-c", private, "sh"])?;
    let mut said = Said { server, texts: Vec::new() };
    query(&client)?;
    for words in COMMANDS {
        ensure_eq!(said.tell(words)?, Some(0), "the status of {}", words.join(" "));
    }
    let file = said.server.folder().at("rhumb.yaml");
    let text = fs::read_to_string(&file)?;
    for (number, wrong) in mistakes(&text).iter().enumerate() {
        ensure!(*wrong != text, "mistake {number} changes nothing");
        fs::write(&file, wrong)?;
        for words in [&["check"][..], &["check", "--json"], &["diff"], &["reload"]] {
            said.must_fail(words, &format!("mistake {number}"))?;
        }
    }
    fs::write(&file, &text)?;
    mistakes_in_files(&mut said)?;
    said.server.rewrite(&config.more("nsid: x"))?;
    said.tell(&["diff"])?;
    for page in ["/metrics", "/", "/ready", "/health"] {
        said.texts.push((page.to_owned(), said.server.page(page)?.body));
    }
    said.texts.push(("the log".to_owned(), said.server.log()));
    let telling = said.texts.iter().filter(|(_, text)| text.contains("secret")).count();
    ensure!(telling >= 20, "only {telling} texts are about secrets");
    for number in 0..ALL {
        for form in forms(number) {
            let teller = said.texts.iter().find(|(_, text)| text.contains(&form));
            ensure!(teller.is_none(), "secret {number} as {form}: {teller:?}");
        }
    }
    Ok(Outcome::Passed)
}
