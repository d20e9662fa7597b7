//! Files that are no files, and files that come later.

use std::process::Command;
use std::time::{Duration, Instant};

use rhumb_tests::rig::config::SMALL_ZONE;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Config, Folder, Host, Server, program};
use rhumb_tests::{Outcome, Verdict, ensure, ensure_eq};

use super::rhumb;

/// A pipe, a device, a socket or a folder in place of the configuration or a list ends `check` with an error within a second.
pub(super) fn refused() -> Verdict {
    let folder = Folder::new()?;
    let pipe = folder.at("pipe");
    let made = program::run(Command::new("mkfifo").arg(&pipe), Duration::from_secs(5))?;
    ensure_eq!(made.code, Some(0), "mkfifo: {}", made.err);
    folder.write("z", SMALL_ZONE)?;
    for special in ["pipe", "/dev/zero", "/dev/console", ".", "/proc/kmsg"] {
        for key in ["list", "resolv-conf"] {
            let text = format!(
                "listen: [{{ address: 127.0.0.1, port: 5399 }}]\nforward: [{{ domain: ., upstreams: [{{ {key}: {special} }}] }}]\n"
            );
            folder.write("rhumb.yaml", text)?;
            let start = Instant::now();
            let output = rhumb(folder.path(), &["check", "-c", "rhumb.yaml"])?;
            ensure!(start.elapsed() < Duration::from_secs(1), "{key}: {special} takes {:?}", start.elapsed());
            ensure_eq!(output.code, Some(2), "{key}: {special}: {}{}", output.out, output.err);
            ensure!(output.err.contains("rhumb.yaml:2:") || output.err.contains(special), "{}", output.err);
        }
        let start = Instant::now();
        let output = rhumb(folder.path(), &["check", "-c", special])?;
        ensure!(start.elapsed() < Duration::from_secs(1), "-c {special} takes {:?}", start.elapsed());
        ensure_eq!(output.code, Some(2), "-c {special}: {}{}", output.out, output.err);
    }
    Ok(Outcome::Passed)
}

/// A server starts without its list, and uses it once it is there.
pub(super) fn waited_for() -> Verdict {
    let host = Host::new()?;
    let config = Config::new().listen("127.0.0.1").forward_raw("up.test", "{ list: later.list }", "in-order");
    let server = Server::start(&host, &config)?;
    ensure!(server.log().contains("does not exist; it is waited for"), "the log says {}", server.log());
    server.folder().write("later.list", "192.0.2.77\n")?;
    let known = || server.tell(&["status"]).is_ok_and(|status| status.out.contains("192.0.2.77"));
    ensure!(until(Duration::from_secs(5), known), "a list that has come is not used");
    Ok(Outcome::Passed)
}
