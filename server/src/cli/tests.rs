use super::*;

fn read(line: &str) -> Result<Command, clap::Error> {
    let cli = Cli::try_parse_from(std::iter::once("rhumb").chain(line.split_whitespace()))?;
    Ok(cli.command.unwrap_or(Command::Run { config: None }))
}

fn place(config: Option<&str>, socket: Option<&str>) -> PlaceArgs {
    PlaceArgs { config: config.map(PathBuf::from), socket: socket.map(PathBuf::from) }
}

#[test]
fn the_description_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn commands_are_read() {
    let server = ServerArgs::default;
    let name = |text: &str| text.parse::<Name>().unwrap();
    for (line, command) in [
        ("", Command::Run { config: None }),
        ("run", Command::Run { config: None }),
        ("run -c a.yaml", Command::Run { config: Some("a.yaml".into()) }),
        ("check --config a.yaml", Command::Check { config: Some("a.yaml".into()) }),
        (
            "check-zone example.com a.zone",
            Command::CheckZone { origin: name("example.com"), file: "a.zone".into() },
        ),
        ("diff", Command::Client(Client::Diff(server()))),
        (
            "reload -c a.yaml --json",
            Command::Client(Client::Reload(ServerArgs { place: place(Some("a.yaml"), None), json: true })),
        ),
        (
            "status --socket /s",
            Command::Client(Client::Status(ServerArgs { place: place(None, Some("/s")), json: false })),
        ),
        ("stats", Command::Client(Client::Stats(server()))),
        ("flush", Command::Client(Client::Flush(FlushArgs { name: None, subtree: false, server: server() }))),
        (
            "flush a.example. --subtree",
            Command::Client(Client::Flush(FlushArgs {
                name: Some(name("a.example")),
                subtree: true,
                server: server(),
            })),
        ),
        (
            "explain a.example aaaa --from 192.0.2.1 --to ::1",
            Command::Client(Client::Explain(ExplainArgs {
                name: name("a.example"),
                rtype: Type::AAAA,
                from: Some("192.0.2.1".parse().unwrap()),
                to: Some("::1".parse().unwrap()),
                server: server(),
            })),
        ),
        ("zone list", Command::Client(Client::Zone(Zone::List(server())))),
        (
            "zone status a",
            Command::Client(Client::Zone(Zone::Status(ZoneStatusArgs {
                name: Some(name("a")),
                server: server(),
            }))),
        ),
        ("selftest", Command::Client(Client::Selftest(SelftestArgs { config: None, json: false }))),
        ("healthcheck -c a.yaml", Command::Client(Client::Healthcheck(place(Some("a.yaml"), None)))),
        ("completions zsh", Command::Client(Client::Completions { shell: Shell::Zsh })),
        ("man", Command::Client(Client::Man)),
    ] {
        assert_eq!(read(line).unwrap(), command, "{line}");
    }
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
        "completions tcsh",
        "selftest --socket /s",
    ] {
        assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line}");
    }
    for line in ["--help", "--version", "explain --help"] {
        assert_eq!(read(line).unwrap_err().exit_code(), 0, "{line}");
    }
}

fn printed(client: Client) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = client.carry_out(Output { out: &mut out, err: &mut err });
    assert_eq!((exit, err.len()), (Exit::Good, 0));
    String::from_utf8(out).unwrap()
}

#[test]
fn every_shell_has_completions() {
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        let text = printed(Client::Completions { shell });
        assert!(text.contains("healthcheck") && text.contains("subtree"), "{shell}");
    }
}

#[test]
fn the_manual_page_has_every_command() {
    let text = printed(Client::Man);
    assert!(text.contains(".TH rhumb 8 "), "{text}");
    for command in ["run", "check\\-zone", "zone list", "zone status", "explain", "man"] {
        assert!(text.contains(&format!("\n.SS \"rhumb {command}\"\n")), "{command}: {text}");
    }
    assert_eq!(text.matches(".SH").count(), 4, "{text}");
}

#[test]
fn a_bad_zone_file_is_status_2() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = read("check-zone example.com /nowhere.zone")
        .unwrap()
        .carry_out(Output { out: &mut out, err: &mut err });
    assert_eq!((exit, out.len()), (Exit::Wrong, 0));
    assert!(String::from_utf8(err).unwrap().contains("/nowhere.zone"));
}

#[test]
fn a_command_that_fails_says_so() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let Ok(Command::Client(client)) = read("status --socket /nowhere/s") else { panic!() };
    let exit = client.carry_out(Output { out: &mut out, err: &mut err });
    assert_eq!((exit, out.len()), (Exit::Failed, 0));
    assert!(String::from_utf8(err).unwrap().contains("/nowhere/s: is not there"));
}
