//! A server behind the control socket that is none, for tests.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::explanation::{Explanation, Step, Tried};
use super::socket::bind;
use super::status::{
    CacheStatus, LastReload, ListStatus, ListenerStatus, RouteStatus, Status, UpstreamStatus, ZoneCount,
    ZoneStatus,
};
use super::{Actions, Explain, Failure, Later, Report, serve};

/// A folder of its own that goes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rhumb-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Each action succeeds.
    Well,
    /// Each action fails.
    Failing,
    /// Each action panics.
    Broken,
    /// A reload takes this long; whatever is shown is very large.
    Heavy(Duration),
}

pub(crate) struct Fake {
    mood: Mood,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self { mood, calls: Mutex::default() })
    }

    /// What was done since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn called(&self, what: String) -> bool {
        self.calls.lock().unwrap().push(what);
        assert!(self.mood != Mood::Broken, "the action panics, as it should");
        self.mood != Mood::Failing
    }
}

const MORE: &str = "a.zone:3:1: not a \u{1b}[31mrecord\nat all";

impl Actions for Fake {
    fn reload(&self) -> Later<'_, Result<Report, Failure>> {
        Box::pin(async move {
            let well = self.called("reload".to_owned());
            if let Mood::Heavy(time) = self.mood {
                sleep(time).await;
                self.called("reloaded".to_owned());
            }
            if well {
                let changes = vec!["zone a. loaded, serial 7".to_owned(), "upstream x\u{7}y gone".to_owned()];
                Ok(Report { changes, serial: 3 })
            } else {
                Err(Failure { errors: vec!["r.yaml:1:2: listen: is wrong".to_owned(), MORE.to_owned()] })
            }
        })
    }

    fn diff(&self, config: Option<PathBuf>) -> Later<'_, Result<Vec<String>, Failure>> {
        Box::pin(async move {
            if self.called(format!("diff {config:?}")) {
                Ok(config.map(|file| format!("cache size as in {}", file.display())).into_iter().collect())
            } else {
                Err(Failure { errors: vec!["it is wrong".to_owned()] })
            }
        })
    }

    fn status(&self) -> Status {
        let well = self.called("status".to_owned());
        let errors = if well { Vec::new() } else { vec!["r.yaml:1:2: wrong".to_owned()] };
        let upstream = |healthy, srtt_ms, timeouts| {
            let address = "192.0.2.1:53".to_owned();
            UpstreamStatus { address, healthy, srtt_ms, queries: 10, timeouts }
        };
        let list = |ok, why: Option<&str>| ListStatus {
            file: "/etc/resolv.conf".to_owned(),
            ok,
            why: why.map(str::to_owned),
        };
        Status {
            version: "1.2.3".to_owned(),
            uptime: 90_061,
            pid: 42,
            config: well.then(|| "/etc/rhumb.yaml".to_owned()),
            last_reload: LastReload { ok: well, when: 1_000_000_000, errors },
            listeners: vec![ListenerStatus {
                address: "[::]:53".to_owned(),
                transports: vec!["udp".to_owned(), "tcp".to_owned()],
                workers: 2,
            }],
            zones: ZoneCount { total: 2, failed: usize::from(!well) },
            routes: vec![RouteStatus {
                domain: ".".to_owned(),
                rule: "r.yaml:9".to_owned(),
                policy: "fastest".to_owned(),
                upstreams: vec![upstream(true, Some(1.25), 0), upstream(false, None, 10)],
                lists: vec![list(true, None), list(false, Some("is empty"))],
            }],
            cache: CacheStatus { entries: 1, bytes: 1536, size: 256 << 20, hit_ratio: well.then_some(0.875) },
            sandbox: if well { vec!["seccomp".to_owned(), "landlock".to_owned()] } else { Vec::new() },
            user: "rhumb".to_owned(),
            warnings: if well { Vec::new() } else { vec!["look here".to_owned()] },
        }
    }

    fn stats(&self) -> Vec<(String, f64)> {
        self.called("stats".to_owned());
        let count = if matches!(self.mood, Mood::Heavy(_)) { 40_000 } else { 1 };
        let many = (0..count).map(|number| (format!("queries_{number:0>20}"), 12.0));
        many.chain([("ratio".to_owned(), 0.5), ("nothing".to_owned(), f64::NAN)]).collect()
    }

    fn flush(&self, name: Option<&str>, subtree: bool) -> Result<usize, String> {
        if self.called(format!("flush {name:?} {subtree}")) {
            Ok(if subtree { 1 } else { 1234 })
        } else {
            Err("there is no cache".to_owned())
        }
    }

    fn zones(&self) -> Vec<ZoneStatus> {
        self.called("zones".to_owned());
        let zone = |name: &str, serial, trouble: Option<&str>, file: Option<&str>| ZoneStatus {
            name: name.to_owned(),
            serial,
            records: 5,
            ok: trouble.is_none(),
            trouble: trouble.map(str::to_owned),
            file: file.map(str::to_owned),
            loaded: serial.map(|_| 0),
            rule: "r.yaml:7".to_owned(),
        };
        vec![
            zone("example.com.", Some(7), None, None),
            zone("b.example.", Some(8), Some(MORE), Some("b.zone")),
            zone("c.example.", None, Some("is missing"), Some("c.zone")),
        ]
    }

    fn explain(&self, ask: Explain) -> Later<'_, Result<Explanation, String>> {
        Box::pin(async move {
            if !self.called(format!("explain {} {} {:?} {:?}", ask.name, ask.rtype, ask.from, ask.to)) {
                return Err("not now".to_owned());
            }
            let step = |step: &str, what: &str| Step { step: step.to_owned(), what: what.to_owned() };
            let tried = |outcome: &str, ms| Tried {
                upstream: "192.0.2.1:53".to_owned(),
                transport: "udp".to_owned(),
                outcome: outcome.to_owned(),
                ms,
            };
            Ok(Explanation {
                steps: vec![step("admit", "from loopback"), step("route", "forward . (r.yaml:9)")],
                rcode: "NOERROR".to_owned(),
                flags: vec!["qr".to_owned(), "ra".to_owned()],
                answer: vec!["www.example. 60 IN A 192.0.2.9".to_owned()],
                tried: vec![tried("timed out", 400.0), tried("NOERROR", 12.34)],
                ede: vec!["3 (Stale Answer)".to_owned()],
                took_us: 412_500,
                ..Explanation::default()
            })
        })
    }

    fn healthy(&self) -> Result<(), Vec<String>> {
        if self.called("healthy".to_owned()) { Ok(()) } else { Err(vec!["zone a. is not loaded".to_owned()]) }
    }
}

/// A served control socket.
pub(crate) struct Server {
    pub(crate) fake: Arc<Fake>,
    pub(crate) path: PathBuf,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
    pub(crate) runtime: Runtime,
    pub(crate) folder: Folder,
}

impl Server {
    pub(crate) fn start(mood: Mood) -> Self {
        let folder = Folder::new("control");
        let path = folder.path().join("control.sock");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = bind(&path, 0o600).unwrap();
        let fake = Fake::new(mood);
        let (stop, stopped) = watch::channel(false);
        let actions: Arc<dyn Actions> = Arc::clone(&fake) as _;
        let task = runtime.spawn(serve(listener, actions, stopped));
        Self { fake, path, stop, task, runtime, folder }
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends this, and reads what comes until the server closes. A server may refuse before all was sent.
    pub(crate) fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(request);
        rest(stream)
    }

    /// Sends this and that nothing more comes, and reads what the server says.
    pub(crate) fn ask_all(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(request);
        let _ = stream.shutdown(Shutdown::Write);
        rest(stream)
    }

    /// The status and the body that a request with this body gets.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let said = self.ask(
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/json"), "{head}");
        (status(head), body.trim_end().to_owned())
    }
}

/// What comes until the other end closes.
pub(crate) fn rest(mut stream: UnixStream) -> String {
    let mut said = Vec::new();
    // Closing with octets unread looks like an error to the other end, after the response.
    if let Err(error) = stream.read_to_end(&mut said) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8(said).unwrap()
}

/// The status code of a response; 0 if there is none.
pub(crate) fn status(said: &str) -> u16 {
    said.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
}
