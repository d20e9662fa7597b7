use super::*;
use crate::operator::commands::all_commands;

fn read(line: &str) -> Result<clap::ArgMatches, clap::Error> {
    command().try_get_matches_from(std::iter::once("rhumb").chain(line.split_whitespace()))
}

/// What a command line ends with, and what it writes.
fn run_line(line: &str) -> (CommandExit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(&read(line).unwrap(), &mut AnswerStreams { out: &mut out, err: &mut err });
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_description_is_sound() {
    command().debug_assert();
}

#[test]
fn local_commands_are_read() {
    let name = |text: &str| text.parse::<DomainName>().unwrap();
    let target = |config: Option<&str>| TargetArguments { config: config.map(PathBuf::from), socket: None };
    for (line, command) in [
        ("", None),
        ("run", Some(LocalCommand::Run { config: None })),
        ("run -c a.yaml", Some(LocalCommand::Run { config: Some("a.yaml".into()) })),
        ("check --config a.yaml", Some(LocalCommand::Check { config: Some("a.yaml".into()), json: false })),
        (
            "check-zone example.com a.zone",
            Some(LocalCommand::CheckZone {
                origin: name("example.com"),
                file: "a.zone".into(),
                include_folder: Vec::new(),
                json: false,
            }),
        ),
        (
            "profile dns.example --transport tls -c a.yaml",
            Some(LocalCommand::Profile {
                name: name("dns.example"),
                transport: Some(ProfileTransport::Tls),
                config: Some("a.yaml".into()),
            }),
        ),
        ("selftest", Some(LocalCommand::Selftest { config: None, json: false })),
        (
            "healthcheck -c a.yaml",
            Some(LocalCommand::Healthcheck { target: target(Some("a.yaml")), json: false }),
        ),
        ("completions zsh", Some(LocalCommand::Completions { shell: Shell::Zsh })),
        ("man", Some(LocalCommand::Man)),
    ] {
        let line_read = CommandLine::from_arg_matches(&read(line).unwrap()).unwrap();
        assert_eq!(line_read.command, command, "{line}");
    }
}

#[test]
fn rows_are_read() {
    for (line, path, query) in [
        ("diff", "/diff", ""),
        ("diff -c /a.yaml", "/diff", "?config=%2Fa.yaml"),
        ("reload -c a.yaml --json", "/reload", ""),
        ("status --socket /s", "/status", ""),
        ("stats", "/stats", ""),
        ("flush", "/flush", ""),
        ("flush a.example. --subtree", "/flush", "?name=a.example.&subtree=true"),
        (
            "explain a.example aaaa --from 192.0.2.1 --to ::1",
            "/explain",
            "?from=192.0.2.1&name=a.example.&to=%3A%3A1&type=AAAA",
        ),
        ("zone list", "/zones", ""),
        ("zone status a", "/zones/status", "?name=a."),
        ("zone reload a", "/zones/reload", "?name=a."),
        ("requests", "/requests", ""),
        ("cache show a", "/cache", "?name=a."),
        ("upstream down 192.0.2.1", "/upstreams/down", "?upstream=192.0.2.1"),
        ("upstream up [2001:db8::1]:5353", "/upstreams/up", "?upstream=%5B2001%3Adb8%3A%3A1%5D%3A5353"),
    ] {
        let matches = read(line).unwrap();
        let (row, matches) = rows::find(&matches).unwrap();
        let given = rows::arguments(row, matches).unwrap();
        assert_eq!((row.spec.path, given.to_query().as_str()), (path, query), "{line}");
    }
    let matches = read("status -c a.yaml --socket /s --json").unwrap();
    let (_, matches) = rows::find(&matches).unwrap();
    let target = ServerTarget { config: Some("a.yaml".into()), socket: Some("/s".into()) };
    assert_eq!((rows::target(matches), matches.get_flag("json")), (target, true));
}

#[test]
fn wrong_usage_is_status_2() {
    for line in [
        "serve",
        "run a.yaml",
        "check-zone example.com",
        "check-zone a..b a.zone",
        "flush --subtree",
        "flush a..b",
        "explain a",
        "explain a WHAT",
        "explain a A --from localhost",
        "zone",
        "zone refresh",
        "zone reload",
        "upstream up",
        "profile",
        "profile a..b",
        "profile a --transport udp",
        "upstream down nowhere",
        "cache",
        "completions tcsh",
        "selftest --socket /s",
    ] {
        assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line}");
    }
    for line in ["--help", "--version", "explain --help"] {
        assert_eq!(read(line).unwrap_err().exit_code(), 0, "{line}");
    }
}

fn printed(line: &str) -> String {
    let (exit, out, err) = run_line(line);
    assert_eq!((exit, err.len()), (CommandExit::Good, 0));
    out
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = printed(&format!("completions {shell}"));
        assert!(text.contains("healthcheck") && text.contains("subtree"), "{shell}");
    }
}

#[test]
fn the_manual_page_and_the_help_have_every_command() {
    let text = printed("man");
    assert!(text.contains(".TH rhumb 8 "), "{text}");
    let local = ["run", "check-zone", "profile", "man"].into_iter();
    for words in local.chain(all_commands().map(|row| row.spec.words)).filter(|words| !words.is_empty()) {
        let heading = words.replace('-', "\\-");
        assert!(text.contains(&format!("\n.SS \"rhumb {heading}\"\n")), "{words}: {text}");
        let help = read(&format!("{words} --help")).unwrap_err().to_string();
        let about = all_commands().find(|row| row.spec.words == words).map_or("", |row| row.spec.about);
        assert!(help.starts_with(about), "{words}: {help}");
    }
    assert_eq!(text.matches(".SH").count(), 4, "{text}");
}

#[test]
fn a_bad_zone_file_is_status_2() {
    let (exit, out, err) = run_line("check-zone example.com /nowhere.zone");
    assert_eq!((exit, out.len()), (CommandExit::Wrong, 0));
    assert!(err.contains("/nowhere.zone"), "{err}");
}

#[test]
fn a_command_that_fails_says_so() {
    let (exit, out, err) = run_line("status --socket /nowhere/s");
    assert_eq!((exit, out.len()), (CommandExit::Failed, 0));
    assert!(err.contains("/nowhere/s: is not there"), "{err}");
}

const LISTEN: &str = "listen: [{ address: 192.0.2.1, transports: [https, tls], certificate: self-signed }]";

#[test]
fn a_profile_is_for_a_name_of_the_certificate() {
    let file = std::env::temp_dir().join(format!("rhumb-profile-{}.yaml", std::process::id()));
    std::fs::write(&file, format!("{LISTEN}\nserver: {{ discovery: dns.example }}")).unwrap();
    let line = |name: &str| run_line(&format!("profile {name} -c {}", file.display()));
    let (good, other) = (line("DNS.example."), line("other.example"));
    let tls = run_line(&format!("profile dns.example --transport tls -c {}", file.display()));
    std::fs::write(&file, "listen: [{ address: 192.0.2.1 }]").unwrap();
    let plain = line("dns.example");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(good.0, CommandExit::Good, "{}", good.2);
    assert!(good.1.contains("<string>https://dns.example/dns-query</string>"), "{}", good.1);
    assert!(good.2.contains("Private DNS: dns.example"), "{}", good.2);
    assert!(
        tls.1.contains("<key>ServerName</key>") && tls.1.contains("<string>192.0.2.1</string>"),
        "{tls:?}"
    );
    assert_eq!((other.0, other.1.as_str()), (CommandExit::Wrong, ""));
    assert!(other.2.contains("certificates for 127.0.0.1, 192.0.2.1"), "{}", other.2);
    assert!(other.2.contains("dns.example"), "{}", other.2);
    assert!(plain.0 == CommandExit::Wrong && plain.2.contains("no listener"), "{plain:?}");
}
