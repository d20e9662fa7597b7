//! The control socket against those that mean it no good.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::cli::exit::CommandExit;
use crate::operator::fake::{FakeOutcome, FakeServer, status_code};

/// Set for the process of another account; the socket to try.
const TRY: &str = "RHUMB_TEST_CONTROL_SOCKET";
/// Nobody's user and group.
const NOBODY: u32 = 65_534;

/// Octets that look the more like a request the less they are random.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let raw = || vec(any::<u8>(), 1..200);
    let line = prop_oneof![
        Just("POST /flush HTTP/1.1\r\n"),
        Just("POST /reload HTTP/1.1\r\n"),
        Just("GET /explain?name=a&type="),
        Just("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Just("POST /flush HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ];
    // Never a head that ends: the first octet after it is no line end.
    let open = (line, raw()).prop_map(|(line, mut raw)| {
        raw.insert(0, 0);
        [line.as_bytes(), &raw].concat()
    });
    let body = raw().prop_map(|raw| {
        let head = format!("POST /flush HTTP/1.1\r\nContent-Length: {}\r\n\r\n", raw.len());
        [head.as_bytes(), &raw].concat()
    });
    prop_oneof![
        raw(),
        open,
        body,
        vec(prop_oneof![Just(b'['), Just(b'{'), Just(b'"')], 1..5000).prop_map(|deep| {
            let head = format!("POST /diff HTTP/1.1\r\nContent-Length: {}\r\n\r\n", deep.len());
            [head.as_bytes(), &deep].concat()
        })
    ]
}

#[test]
fn garbage_does_nothing() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    runner
        .run(&garbage(), |bytes| {
            let said = server.ask_all(&bytes);
            prop_assert!(said.is_empty() || (400..500).contains(&status_code(&said)), "{said}");
            prop_assert_eq!(server.fake.calls(), [""; 0]);
            Ok(())
        })
        .unwrap();
    assert_eq!(server.request("GET", "/healthy", "").0, 200);
}

/// Not a test of its own: what [`other_accounts_are_refused`] runs as nobody.
#[test]
fn as_another_account() {
    let Some(socket) = std::env::var_os(TRY) else { return };
    let target = crate::cli::server_target::ServerTarget { config: None, socket: Some(socket.into()) };
    let mut said = String::new();
    for line in ["reload", "flush", "status"] {
        let (exit, out, err) = super::tests::run(line, &target, false);
        println!("{exit:?}");
        said.extend([out, err]);
    }
    println!("{said}");
}

/// Runs [`as_another_account`] as nobody, and gives what it said; `None` where that cannot be done.
fn said_as_nobody(server: &FakeServer) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can be somebody else");
        return None;
    }
    // This very program, also where nobody may not look.
    let mut command = Command::new("/proc/self/exe");
    let test = concat!(module_path!(), "::as_another_account").trim_start_matches("rhumb::");
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    let ran = command.env(TRY, &server.path).uid(NOBODY).gid(NOBODY).current_dir("/").output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    Some(said)
}

#[test]
fn other_accounts_are_refused() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let failed = format!("{:?}\n", CommandExit::Failed).repeat(3);
    let Some(said) = said_as_nobody(&server) else { return };
    assert!(said.contains(&failed) && said.matches("this account may not").count() == 3, "{said}");
    // Even if the file comes to be open to all.
    std::fs::set_permissions(&server.path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let Some(said) = said_as_nobody(&server) else { return };
    assert!(said.contains(&failed) && said.matches("only root and the account of").count() == 3, "{said}");
    assert_eq!(server.fake.calls(), [""; 0]);
}
