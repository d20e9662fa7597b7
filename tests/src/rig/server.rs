//! The server under test, as a process.

use std::cell::RefCell;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Context, Failure};
use crate::rig::client::Client;
use crate::rig::config::{Config, METRICS};
use crate::rig::folder::Folder;
use crate::rig::host::Host;
use crate::rig::http;
use crate::rig::message::Message;
use crate::rig::process;
use crate::rig::program::{self, Output};
use crate::{ensure, fail};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(15);

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The panics that servers dropped by this thread had logged; asked once a test.
pub fn take_panics() -> Vec<String> {
    PANICS.with(RefCell::take)
}

/// The binary under test: `RHUMB_BIN`, else the one tests/run builds.
pub fn binary() -> PathBuf {
    std::env::var_os("RHUMB_BIN").map_or_else(
        || {
            let target = std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
            target.join("ci/rhumb")
        },
        PathBuf::from,
    )
}

/// One running server; killed when it is dropped.
pub struct Server {
    host: Host,
    child: Child,
    folder: Folder,
    ended: Option<ExitStatus>,
}

impl Server {
    /// Starts `rhumb run` on `host` and waits until it answers.
    pub fn start(host: &Host, config: &Config) -> Result<Self, Failure> {
        Self::start_by(host, config, &[])
    }

    /// The same through a wrapper that becomes the program: `["prlimit", "--nofile=128"]`.
    pub fn start_by(host: &Host, config: &Config, wrapper: &[&str]) -> Result<Self, Failure> {
        let mut server = Self::launch(host, config, wrapper)?;
        server.wait_until_answering(config)?;
        Ok(server)
    }

    /// Starts it and does not wait.
    pub fn launch(host: &Host, config: &Config, wrapper: &[&str]) -> Result<Self, Failure> {
        let binary = binary();
        ensure!(binary.is_file(), "no server at {}: build it or set RHUMB_BIN", binary.display());
        let folder = Folder::new()?;
        write_config(&folder, config)?;
        let log = File::create(folder.at("log"))?;
        let mut words: Vec<&Path> = wrapper.iter().map(Path::new).collect();
        words.push(&binary);
        let (program, rest) = words.split_first().context("no program")?;
        let child = host
            .command(program)
            .args(rest)
            .args(["run", "-c"])
            .arg(folder.at("rhumb.yaml"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting the server")?;
        Ok(Self { host: host.clone(), child, folder, ended: None })
    }

    fn wait_until_answering(&mut self, config: &Config) -> Result<(), Failure> {
        let (address, port) = config.probe().context("no listener to ask")?;
        let to = self.host.socket_address(&address, port)?;
        let client = Client::new(&self.host).time_limit(Duration::from_millis(100));
        let query = Message::query("ready.invalid.", "A").no_recursion().to_wire();
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                fail!("the server ended at once, {status}; its log: {}", self.log_tail());
            }
            if matches!(client.exchange_raw(to, &query), Ok(Some(_))) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        fail!("the server did not answer at {to} within {START:?}; its log: {}", self.log_tail())
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The host it runs on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The folder of its configuration, zones and control socket.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.at("log")).unwrap_or_default()).into_owned()
    }

    /// The end of the log, for messages.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join(" | ")
    }

    /// Whether the log comes to hold `text` within `time_limit`.
    pub fn logs(&self, text: &str, time_limit: Duration) -> bool {
        until(time_limit, || self.log().contains(text))
    }

    /// Writes another configuration over the first; the server is not told.
    pub fn rewrite(&self, config: &Config) -> Result<(), Failure> {
        write_config(&self.folder, config)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), Failure> {
        Ok(kill(Pid::from_raw(self.pid()), signal)?)
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for its end; exit status, or minus the signal's number.
    pub fn wait(&mut self, time_limit: Duration) -> Result<i32, Failure> {
        let deadline = Instant::now() + time_limit;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                return Ok(status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)));
            }
            thread::sleep(Duration::from_millis(5));
        }
        fail!("the server did not end within {time_limit:?}; its log: {}", self.log_tail())
    }

    /// Runs another command of the binary beside the server: `reload`, `status`, ….
    pub fn tell(&self, arguments: &[&str]) -> Result<Output, Failure> {
        let mut command = self.host.command(binary());
        command.args(arguments).arg("-c").arg(self.folder.at("rhumb.yaml")).current_dir(self.folder.path());
        program::run(&mut command, Duration::from_secs(30))
    }

    /// `rhumb reload`, which must succeed; what it printed.
    pub fn reload(&self) -> Result<String, Failure> {
        let output = self.tell(&["reload"])?;
        ensure!(output.code == Some(0), "reload failed ({:?}): {}{}", output.code, output.out, output.err);
        Ok(output.out)
    }

    /// A page of the metrics listener.
    pub fn page(&self, path: &str) -> Result<http::Answer, Failure> {
        http::get(&self.host, METRICS.parse()?, path)
    }

    /// The sum of all samples whose line begins with `name` and has every one of `labels` (`rcode="SERVFAIL"`).
    pub fn metric(&self, name: &str, labels: &[&str]) -> Result<f64, Failure> {
        let page = self.page("/metrics")?;
        let value = |line: &str| -> Option<f64> {
            let (series, value) = line.rsplit_once(' ')?;
            let rest = series.strip_prefix(name)?;
            let fits =
                (rest.is_empty() || rest.starts_with('{')) && labels.iter().all(|label| rest.contains(label));
            fits.then(|| value.parse().ok())?
        };
        Ok(page.body.lines().filter_map(value).sum())
    }

    /// Resident memory, bytes.
    pub fn resident(&self) -> Result<u64, Failure> {
        process::resident(self.pid())
    }

    /// CPU time of all its threads so far.
    pub fn cpu_time(&self) -> Result<Duration, Failure> {
        process::cpu_time(self.pid())
    }

    /// CPU time used since it was `before`.
    pub fn cpu_since(&self, before: Duration) -> Result<Duration, Failure> {
        Ok(self.cpu_time()?.saturating_sub(before))
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> Result<usize, Failure> {
        process::descriptors(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let log = self.log();
        // Those that a test asked for are no fault.
        let is_fault = |line: &&str| line.contains("panicked at") && !line.contains("test_hooks.rs");
        let panics = log.lines().filter(is_fault).map(str::to_owned);
        PANICS.with(|seen| seen.borrow_mut().extend(panics));
    }
}

fn write_config(folder: &Folder, config: &Config) -> Result<(), Failure> {
    for (name, text) in config.files() {
        folder.write(name, text)?;
    }
    folder.write("rhumb.yaml", config.text())?;
    Ok(())
}

/// Looks every 10 ms whether `condition` holds, for at most `time_limit`.
pub fn until(time_limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time_limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
