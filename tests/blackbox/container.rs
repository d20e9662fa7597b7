//! The container: built from the Dockerfile with a static binary made here, run with as few rights as it needs.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rhumb_tests::rig::process::status_field;
use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Client, Folder, Message, Transport, http, program};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq, skip};

use crate::forwarding::{Lab, UP};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[Test::alone("container::read_only_without_root_on_both_networks", container)];

const IMAGE: &str = "rhumb-test";

/// Nothing but the port is allowed; the limits are those of a small host.
const CONFINED: &[&str] = &[
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    "--read-only",
    "--cap-drop=ALL",
    "--cap-add=NET_BIND_SERVICE",
    "--user=65532:65532",
];

const NET_BIND_SERVICE: u64 = 1 << 10;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A static binary, quick to build: `RHUMB_STATIC_BIN`, else made by Cargo, which does little
/// where it was made before.
fn static_binary() -> Result<PathBuf, Failure> {
    if let Some(path) = env::var_os("RHUMB_STATIC_BIN") {
        return Ok(path.into());
    }
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "-q", "--locked", "--profile", "quick", "-p", "rhumb", "--target", &triple]);
    cargo.current_dir(root()).env("RUSTFLAGS", "-C target-feature=+crt-static");
    let output = program::run(&mut cargo, Duration::from_secs(220))?;
    ensure_eq!(output.code, Some(0), "building the static binary: {}", output.err);
    Ok(target.join(triple).join("quick/rhumb"))
}

/// podman with a storage of its own, and the containers started by it; all is removed with it.
struct Engine {
    folder: Folder,
}

impl Engine {
    fn new() -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let at = |name: &str| folder.at(name).display().to_string();
        let script = format!(
            "#!/bin/sh\nexec podman --root '{}' --runroot '{}' --network-config-dir '{}' --runtime runc \"$@\"\n",
            at("root"),
            at("run"),
            at("networks")
        );
        // Called so that deploy/container/build knows which engine it is.
        let path = folder.write("podman", script)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.at("podman")
    }

    fn build(&self, binary: &Path) -> Result<(), Failure> {
        let mut command = Command::new(root().join("deploy/container/build"));
        command.args(["--tag", IMAGE, "--engine"]).arg(self.path()).arg("--binary").arg(binary);
        let output = program::run(&mut command, Duration::from_mins(1))?;
        ensure_eq!(output.code, Some(0), "deploy/container/build: {}{}", output.out, output.err);
        Ok(())
    }

    /// podman in a network namespace, and in no other: `ip netns exec` would hide the control groups from it.
    fn run(&self, lab: &Lab, arguments: &[&str]) -> Result<program::Output, Failure> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", lab.host.name())).arg(self.path()).args(arguments);
        program::run(&mut command, Duration::from_secs(30))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for arguments in [&["rm", "--all", "--force", "--time=0"][..], &["rmi", "--all", "--force"]] {
            let _ = program::run(Command::new(self.path()).args(arguments), Duration::from_secs(30));
        }
        // The storage is mounted over itself while it is used.
        for mount in ["root/overlay", "root"] {
            let _ = program::run(Command::new("umount").arg(self.folder.at(mount)), Duration::from_secs(5));
        }
    }
}

/// How a container is put on the network, and where it is asked.
struct Placing {
    name: &'static str,
    network: &'static [&'static str],
    port: u16,
}

const PLACINGS: [Placing; 2] = [
    Placing { name: "host-network", network: &["--network=host"], port: 53 },
    Placing {
        name: "published-port",
        network: &["--publish=5399:53/udp", "--publish=5399:53/tcp"],
        port: 5399,
    },
];

fn container() -> Verdict {
    for tool in ["podman", "runc", "nsenter"] {
        if program::find(tool).is_none() {
            skip!("no {tool} here");
        }
    }
    let binary = static_binary()?;
    let engine = Engine::new()?;
    if let Ok(output) = program::run(Command::new(engine.path()).arg("info"), Duration::from_secs(20))
        && output.code != Some(0)
    {
        skip!("podman does not run here: {}", output.err.lines().last().unwrap_or_default());
    }
    engine.build(&binary)?;
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, every_name("198.18.0.1"))?;
    // What comes from the container's own network finds its way back.
    lab.behind.route("default via 10.53.0.100")?;
    let trial = engine.run(&lab, &[&["run", "--rm"], CONFINED, &[IMAGE, "--version"]].concat())?;
    if trial.code == Some(125) || trial.code == Some(126) {
        skip!("no container runs here: {}", trial.err.lines().last().unwrap_or_default());
    }
    ensure!(trial.out.contains("rhumb"), "--version in a container: {}{}", trial.out, trial.err);
    for placing in &PLACINGS {
        runs(&engine, &lab, placing).context(placing.name)?;
    }
    Ok(Outcome::Passed)
}

fn runs(engine: &Engine, lab: &Lab, placing: &Placing) -> Verdict {
    let named = format!("--name={}", placing.name);
    let dns = format!("--dns={}", UP[0]);
    let begin = ["run", "--detach", &named, &dns];
    let started = engine.run(lab, &[&begin, placing.network, CONFINED, &[IMAGE]].concat())?;
    ensure_eq!(started.code, Some(0), "podman run: {}", started.err);
    let outcome = serves(engine, lab, placing);
    let logs = engine.run(lab, &["logs", placing.name])?;
    outcome.context(format!("{}{}", logs.out, logs.err))?;
    stops(engine, lab, placing)
}

fn serves(engine: &Engine, lab: &Lab, placing: &Placing) -> Verdict {
    let to: SocketAddr = SocketAddr::new("192.0.2.1".parse()?, placing.port);
    let asked = |client: &Client, to: SocketAddr, transport, name: &str| {
        client.over(transport, to, &Message::query(name, "A")).map(|reply| reply.message.data("A"))
    };
    let brief = lab.client.clone().time_limit(Duration::from_millis(200));
    let answers = until(Duration::from_secs(10), || {
        asked(&brief, to, Transport::Udp, "www.example.com.").is_ok_and(|found| found == ["192.0.2.80"])
    });
    ensure!(answers, "no answer at {to} from another host");
    let found = asked(&lab.client, to, Transport::Tcp, "www.example.com.")?;
    ensure_eq!(found, ["192.0.2.80"], "answer over TCP from another host");
    // Loopback and the container's own network may ask for all; the upstream is in its resolv.conf.
    let local = Client::new(&lab.host);
    for (transport, name) in [(Transport::Udp, "udp.up.example."), (Transport::Tcp, "tcp.up.example.")] {
        let found = asked(&local, SocketAddr::new("127.0.0.1".parse()?, placing.port), transport, name)?;
        ensure_eq!(found, ["198.18.0.1"], "forwarded answer to {name}");
    }
    let health = engine.run(lab, &["healthcheck", "run", placing.name])?;
    ensure_eq!(health.code, Some(0), "podman healthcheck run: {}{}", health.out, health.err);
    let inspected = engine.run(lab, &["inspect", "--format={{.State.Pid}}", placing.name])?;
    let pid: i32 = inspected.out.trim().parse().context(inspected.err)?;
    ensure!(status_field(pid, "Uid")?.starts_with("65532"), "it runs as {}", status_field(pid, "Uid")?);
    let capabilities = u64::from_str_radix(&status_field(pid, "CapEff")?, 16)?;
    ensure!(capabilities & !NET_BIND_SERVICE == 0, "its capabilities are {capabilities:x}");
    if placing.port == 53 {
        let page = http::get(&lab.host, "127.0.0.1:9153".parse()?, "/ready")?;
        ensure_eq!(page.status, 200, "status of /ready: {}", page.body);
    }
    Ok(Outcome::Passed)
}

fn stops(engine: &Engine, lab: &Lab, placing: &Placing) -> Verdict {
    let begun = Instant::now();
    let stopped = engine.run(lab, &["stop", "--time=10", placing.name])?;
    ensure_eq!(stopped.code, Some(0), "podman stop: {}", stopped.err);
    let took = begun.elapsed();
    ensure!(took < Duration::from_secs(8), "it took {took:?} to stop");
    let ended = engine.run(lab, &["inspect", "--format={{.State.ExitCode}}", placing.name])?;
    ensure_eq!(ended.out.trim(), "0", "exit status of the container after SIGTERM");
    Ok(Outcome::Passed)
}
