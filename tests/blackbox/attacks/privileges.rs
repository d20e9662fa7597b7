//! What the process may do once it serves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use rhumb_tests::rig::process::status_field;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Config, Folder, Host, Message, Server, program, rcode};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use super::{Crowd, zone};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("attacks::row67_privileges_are_given_up", given_up),
    Test::beside("attacks::row67_root_without_user_keeps_no_capabilities", root_is_bounded),
    Test::beside("attacks::row67_files_of_root_are_followed", files_of_root),
    Test::beside("attacks::row68_nobody_else_reads_its_memory", not_dumpable),
    Test::beside("attacks::row68_names_of_clients_are_not_logged", not_logged),
];

const NET_BIND_SERVICE: u64 = 1 << 10;
const DAC_READ_SEARCH: u64 = 1 << 2;

fn config() -> Config {
    Config::new().listen("::").zone("zone.test", &zone())
}

/// The fields of every thread of the server.
fn of_each_thread(server: &Server, title: &str) -> Result<Vec<String>, Failure> {
    let folder = fs::read_dir(format!("/proc/{}/task", server.pid())).context("threads of the server")?;
    folder
        .map(|entry| {
            let name = entry?.file_name();
            status_field(name.to_string_lossy().parse().context("a thread's id")?, title)
        })
        .collect()
}

fn limits(server: &Server) -> Result<(), Failure> {
    for title in ["CapEff", "CapPrm", "CapBnd", "CapAmb"] {
        for field in of_each_thread(server, title)? {
            let set = u64::from_str_radix(&field, 16).context(title)?;
            ensure!(set & !NET_BIND_SERVICE == 0, "{title} is {field}");
        }
    }
    for (title, expected) in [("NoNewPrivs", "1"), ("Seccomp", "2")] {
        for field in of_each_thread(server, title)? {
            ensure_eq!(field, expected, "{title} of a thread");
        }
    }
    Ok(())
}

fn given_up() -> Verdict {
    let (host, client) = Host::pair()?;
    let config = config().more("user: \"65534:65534\"");
    let server = Server::start(&host, &config)?;
    for title in ["Uid", "Gid"] {
        for field in of_each_thread(&server, title)? {
            ensure!(field.split_whitespace().all(|id| id == "65534"), "{title} of a thread: {field}");
        }
    }
    let groups = status_field(server.pid(), "Groups")?;
    ensure!(["", "65534"].contains(&groups.as_str()), "supplementary groups: {groups}");
    limits(&server)?;
    // What is left must do for its work: a reload may add a listener below port 1024.
    server.rewrite(&config.listen_with("127.0.0.1", "port: 54"))?;
    server.reload()?;
    let query = Message::query("www.zone.test.", "A");
    for (from, to) in [(&client, "192.0.2.1:53"), (&host, "127.0.0.1:54")] {
        let answer = Client::new(from).udp(to.parse()?, &query)?.message;
        ensure_eq!(answer.rcode(), rcode::NOERROR, "response code of {to} without privileges");
    }
    Ok(Outcome::Passed)
}

fn root_is_bounded() -> Verdict {
    let (host, _client) = Host::pair()?;
    let server = Server::start(&host, &config())?;
    limits(&server)?;
    Ok(Outcome::Passed)
}

/// Without `user:` root becomes nobody, who is let read what only root may, but nothing beyond: its changes are followed.
fn files_of_root() -> Verdict {
    let (host, _client) = Host::pair()?;
    let private = Folder::new()?;
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700))?;
    let list = private.write("upstreams", "127.0.0.1:5401\n")?;
    let config = config().forward_raw(".", &format!("{{ list: {} }}", list.display()), "in-order");
    let server = Server::start(&host, &config)?;
    ensure!(status_field(server.pid(), "Uid")?.starts_with("65534"), "it still runs as root");
    let set = u64::from_str_radix(&status_field(server.pid(), "CapEff")?, 16).context("CapEff")?;
    ensure_eq!(set, NET_BIND_SERVICE | DAC_READ_SEARCH, "effective capabilities");
    private.write("upstreams", "127.0.0.1:5402\n")?;
    let seen = until(Duration::from_secs(2), || {
        server.tell(&["status"]).is_ok_and(|status| status.out.contains("127.0.0.1:5402"))
    });
    ensure!(seen, "the change of a file that only root may read is not followed");
    Ok(Outcome::Passed)
}

/// A process that may be dumped belongs, in /proc, to its user; one that may not, to root (proc(5)).
fn not_dumpable() -> Verdict {
    if program::find("setpriv").is_none() {
        skip!("no setpriv here");
    }
    let (host, _client) = Host::pair()?;
    let server = Server::start(&host, &config().more("user: \"65534:65534\""))?;
    ensure!(status_field(server.pid(), "Uid")?.starts_with("65534"), "it still runs as root");
    ensure_eq!(fs::metadata(format!("/proc/{}/environ", server.pid()))?.uid(), 0, "owner of its environment");
    let mut command = host.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "readlink"]);
    let output = program::run(command.arg(format!("/proc/{}/exe", server.pid())), Duration::from_secs(5))?;
    ensure!(output.code != Some(0), "its own user can look into it: {}", output.out);
    Ok(Outcome::Passed)
}

fn not_logged() -> Verdict {
    let crowd = Crowd::new(&Crowd::config(), &[])?;
    let secret = "planted-secret-5f1c";
    for name in [format!("{secret}.zone.test."), format!("{secret}.example.")] {
        for kind in ["A", "TXT", "ANY"] {
            crowd.honest().ask(crowd.to, &name, kind)?;
        }
    }
    let metrics = crowd.server.page("/metrics")?;
    for (what, text) in [("log", crowd.server.log()), ("metrics", metrics.body)] {
        ensure!(!text.contains(secret), "the {what} tells what clients ask");
        ensure!(!text.contains("192.0.2.2"), "the {what} tells who asks");
    }
    Ok(Outcome::Passed)
}
