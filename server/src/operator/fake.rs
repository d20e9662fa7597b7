//! A server behind the control socket that is none, for tests.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::cached::ShownCacheEntry;
use super::commands::all_commands;
use super::explanation::{AnswerExplanation, ExplanationStep, RecordSource, UpstreamAttempt};
use super::running::{ShownLookup, ShownLookups};
use super::server_status::{
    BrokenZoneStatus, CacheFileStatus, CacheStatus, ListStatus, ListenerStatus, ParentNoticeStatus,
    ReloadOutcome, RouteStatus, ServerStatus, TrafficStatus, TransferClientStatus, UpstreamStatus, ZoneCount,
    ZoneStatus, ZoneVersionsStatus,
};
use super::zone_versions::{ShownVersion, ZonePast};
use crate::control::command::{
    CommandAnswer, CommandArguments, CommandFailure, CommandResult, CommandSpec, ControlService, LaterResult,
};
use crate::control::serve;
use crate::control::socket::bind;

/// A folder of its own that goes with the value.
pub(crate) struct ScratchFolder(PathBuf);

impl ScratchFolder {
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

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How every command of the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FakeOutcome {
    Succeed,
    Fail,
    Panic,
    /// A reload takes this long; whatever is shown is very large.
    Heavy(Duration),
}

/// A server that is none: its commands give what they always give.
pub(crate) struct FakeService {
    outcome: FakeOutcome,
    calls: Mutex<Vec<String>>,
}

const MORE: &str = "a.zone:3:1: not a \u{1b}[31mrecord\nat all";

impl ControlService for FakeService {
    fn commands(&self) -> Vec<&'static CommandSpec> {
        all_commands().map(|command| &command.spec).collect()
    }

    fn run<'a>(
        &'a self,
        command: &'static CommandSpec,
        given: &'a CommandArguments,
    ) -> LaterResult<'a, CommandResult> {
        Box::pin(async move {
            let query = given.to_query();
            self.called(format!("{}{query}", command.path));
            if let (FakeOutcome::Heavy(time), "/reload") = (self.outcome, command.path) {
                sleep(time).await;
                self.called("reloaded".to_owned());
            }
            self.answer(command.path, given)
        })
    }
}

impl FakeService {
    /// What was run since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn called(&self, what: String) {
        self.calls.lock().unwrap().push(what);
        assert!(self.outcome != FakeOutcome::Panic, "the command panics, as it should");
    }

    fn answer(&self, path: &str, given: &CommandArguments) -> CommandResult {
        let good = self.outcome != FakeOutcome::Fail;
        let fail =
            |errors: &[&str]| Err(errors.iter().map(|error| (*error).to_owned()).collect::<Vec<_>>().into());
        match path {
            "/status" => CommandAnswer::new(&server_status(good)),
            "/stats" => CommandAnswer::new(&self.stats()),
            "/zones" => CommandAnswer::new(&zones()),
            "/zones/status" => match given.name("name") {
                None => CommandAnswer::new(&zones()),
                Some(name) => {
                    match zones().iter().find(|zone| zone.name == name.to_string().to_lowercase()) {
                        Some(zone) => CommandAnswer::new(zone),
                        None => Err(CommandFailure::new(format!("the server has no zone {name}"))),
                    }
                }
            },
            "/zones/history" if good => CommandAnswer::new(&past()),
            "/zones/diff" if good => CommandAnswer::new(&json!({
                "zone": "a.", "from": 7, "to": 8, "removed": ["a. 60 IN A 192.0.2.1"], "added": ["a. 60 IN TXT \"x\""],
            })),
            "/zones/export" if good => CommandAnswer::new(
                &json!({ "zone": "a.", "serial": 7, "text": "a. 60 IN A 192.0.2.1\nb.a. 60 IN A 192.0.2.2\n" }),
            ),
            "/zones/history" | "/zones/diff" | "/zones/export" => fail(&["there is no such zone"]),
            "/zones/notify" if good => CommandAnswer::new(
                &json!({ "servers": ["192.0.2.1:53"], "done": "zone a. is being announced to 192.0.2.1:53" }),
            ),
            "/zones/notify" => fail(&["it is wrong"]),
            "/reload" if given.is_on("strict") => fail(&[MORE]),
            "/reload" if good => CommandAnswer::new(
                &json!({ "changes": ["zone a. loaded, serial 7", "upstream x\u{7}y gone"], "serial": 3 }),
            ),

            "/reload" => fail(&["r.yaml:1:2: listen: is wrong", MORE]),
            "/diff" if good => {
                let broken: Vec<_> = given.file("config").map(|_| broken_zone()).into_iter().collect();
                let compared =
                    given.file("config").map(|file| format!("cache size as in {}", file.display()));
                CommandAnswer::new(&json!({ "changes": Vec::from_iter(compared), "broken": broken }))
            }
            "/diff" => fail(&["it is wrong"]),
            "/flush" if good => {
                CommandAnswer::new(&json!({ "dropped": if given.is_on("subtree") { 1 } else { 1234 } }))
            }
            "/flush" => fail(&["there is no cache"]),
            "/cache" => CommandAnswer::new(&cached(given)),
            "/requests" => CommandAnswer::new(&running(good)),
            "/explain" if good => CommandAnswer::new(&explanation()),
            "/explain" => fail(&["not now"]),
            "/healthy" if good => CommandAnswer::new(&json!({ "healthy": true })),
            "/healthy" => Err(CommandFailure {
                errors: vec!["reload: no progress for 31 s".to_owned()],
                unhealthy: true,
            }),
            _ => CommandAnswer::new(&json!({ "done": format!("did {path}") })),
        }
    }

    fn stats(&self) -> BTreeMap<String, f64> {
        let count = if matches!(self.outcome, FakeOutcome::Heavy(_)) { 40_000 } else { 1 };
        let many = (0..count).map(|number| (format!("queries_{number:0>20}"), 12.0));
        many.chain([
            ("ratio{file=\"x\"}".to_owned(), 0.5),
            ("none".to_owned(), 0.0),
            ("a_bucket{le=\"1\"}".to_owned(), 1.0),
        ])
        .collect()
    }
}

/// A server that is well, or in every kind of trouble.
pub(super) fn server_status(good: bool) -> ServerStatus {
    let errors = if good { Vec::new() } else { vec!["r.yaml:1:2: wrong".to_owned()] };
    let upstream = |healthy: bool, srtt_ms, timeouts| {
        let why = (!healthy).then(|| "no reply in time".to_owned());
        let address = "192.0.2.1:53".to_owned();
        let (asked, taken_out, queries) = (true, false, 10);
        UpstreamStatus { address, healthy, asked, taken_out, srtt_ms, queries, timeouts, why }
    };
    let list = |ok, why: Option<&str>| ListStatus {
        file: "/etc/resolv.conf".to_owned(),
        ok,
        why: why.map(str::to_owned),
    };
    ServerStatus {
        version: "1.2.3".to_owned(),
        uptime: 90_061,
        pid: 42,
        config: good.then(|| "/etc/rhumb.yaml".to_owned()),
        last_reload: ReloadOutcome { ok: good, when: 1_000_000_000, errors },
        certificates: Vec::new(),
        pending_restart: if good { Vec::new() } else { vec!["user: none -> rhumb".to_owned()] },
        listeners: vec![ListenerStatus {
            address: "[::]:53".to_owned(),
            transports: vec!["udp".to_owned(), "tcp".to_owned()],
            workers: 2,
        }],
        zones: ZoneCount { total: 2, failed: 2 * usize::from(!good) },
        failures: if good { Vec::new() } else { vec!["reload: no progress for 31 s".to_owned()] },
        broken: if good { Vec::new() } else { vec![broken_zone()] },
        trust_anchors: Vec::new(),
        routes: vec![RouteStatus {
            domain: ".".to_owned(),
            rule: "r.yaml:9".to_owned(),
            policy: "fastest".to_owned(),
            is_down: !good,
            upstreams: vec![upstream(true, Some(1.25), 0), upstream(false, None, 10)],
            lists: vec![list(true, None), list(false, Some("is empty"))],
        }],
        traffic: TrafficStatus {
            queries: 7,
            queries_per_second: good.then_some(12.34),
            median_ms: good.then_some(0.25),
            ..TrafficStatus::default()
        },
        cache: CacheStatus {
            entries: 1,
            bytes: 1536,
            size: 256 << 20,
            hit_ratio: good.then_some(0.875),
            file: good.then_some(CacheFileStatus {
                loaded: 12,
                written: Some(1_700_000_000),
                entries: 1,
                bytes: 1536,
                failures: 0,
            }),
        },
        sandbox: if good { vec!["seccomp".to_owned(), "landlock".to_owned()] } else { Vec::new() },
        user: "rhumb".to_owned(),
        warnings: if good { Vec::new() } else { vec!["look here".to_owned()] },
    }
}

fn broken_zone() -> BrokenZoneStatus {
    BrokenZoneStatus { name: "b.example.".to_owned(), serial: Some(8), problems: vec![MORE.to_owned()] }
}

fn zones() -> Vec<ZoneStatus> {
    let zone = |name: &str, serial, trouble: Option<&str>, file: Option<&str>| ZoneStatus {
        name: name.to_owned(),
        serial,
        records: 5,
        left_out: u64::from(trouble.is_some()),
        ok: trouble.is_none(),
        trouble: trouble.map(str::to_owned),
        file: file.map(str::to_owned),
        loaded: serial.map(|_| 0),
        rule: "r.yaml:7".to_owned(),
        secondary: None,
        parent: serial.map(|_| {
            vec![ParentNoticeStatus {
                r#type: "CDS".to_owned(),
                server: file.map(|_| format!("{MORE} (192.0.2.3:53)")),
                outcome: "has acknowledged it".to_owned(),
                time: 0,
            }]
        }),
        versions: ZoneVersionsStatus {
            role: "primary".to_owned(),
            source: Some(7),
            cause: serial.map(|_| "update".to_owned()),
            who: "key k. 192.0.2.1".to_owned(),
            earlier: 1,
            bytes: 1536,
            frozen: trouble.is_some(),
            clients: vec![TransferClientStatus {
                address: "192.0.2.2".to_owned(),
                time: 0,
                had: Some(6),
                serial: 7,
            }],
            ..ZoneVersionsStatus::default()
        },
    };
    vec![
        zone("example.com.", Some(7), None, None),
        zone("b.example.", Some(8), Some(MORE), Some("b.zone")),
        zone("c.example.", None, Some("is missing"), Some("c.zone")),
    ]
}

fn cached(given: &CommandArguments) -> Vec<ShownCacheEntry> {
    let answer = ShownCacheEntry {
        r#type: "A".to_owned(),
        domain: Some(".".to_owned()),
        upstream: Some("192.0.2.1:53".to_owned()),
        rcode: "NOERROR".to_owned(),
        failure: false,
        dnssec_ok: true,
        checking_disabled: false,
        age: 65,
        left: 295,
        records: vec!["a.example. 295 IN A 192.0.2.9".to_owned()],
    };
    let failure = ShownCacheEntry {
        r#type: "any".to_owned(),
        upstream: None,
        rcode: "SERVFAIL".to_owned(),
        failure: true,
        dnssec_ok: false,
        age: 2,
        left: 0,
        records: Vec::new(),
        ..answer.clone()
    };
    let known = given.name("name").is_some_and(|name| name.to_string().to_lowercase() == "a.example.");
    if known { vec![answer, failure] } else { Vec::new() }
}

fn explanation() -> AnswerExplanation {
    let step = |step: &str, what: &str| ExplanationStep::new(step, what.to_owned());
    let tried = |outcome: &str, ms| UpstreamAttempt {
        upstream: "192.0.2.1:53".to_owned(),
        transport: "udp".to_owned(),
        outcome: outcome.to_owned(),
        ms,
    };
    AnswerExplanation {
        steps: vec![step("admit", "from loopback"), step("route", "forward . (r.yaml:9)")],
        rcode: "NOERROR".to_owned(),
        flags: vec!["qr".to_owned(), "ra".to_owned()],
        answer: vec![
            "www.example. 60 IN A 192.0.2.9".to_owned(),
            "www.example. 60 IN A 192.0.2.10".to_owned(),
        ],
        sources: vec![RecordSource {
            record: "www.example. 60 IN A 192.0.2.9".to_owned(),
            zone: "example.".to_owned(),
            what: "example.zone:7".to_owned(),
            cause: "file".to_owned(),
            who: None,
            time: None,
            serial: None,
            file: Some("example.zone".to_owned()),
            line: Some(7),
        }],
        tried: vec![tried("timed out", 400.0), tried("NOERROR", 12.34)],
        ede: vec!["3 (Stale Answer)".to_owned()],
        took_us: 412_500,
        ..AnswerExplanation::default()
    }
}

/// A served control socket.
pub(crate) struct FakeServer {
    pub(crate) fake: Arc<FakeService>,
    pub(crate) path: PathBuf,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
    pub(crate) runtime: Runtime,
    pub(crate) folder: ScratchFolder,
}

impl FakeServer {
    pub(crate) fn start(outcome: FakeOutcome) -> Self {
        let folder = ScratchFolder::new("control");
        let path = folder.path().join("control.sock");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = bind(&path, 0o600).unwrap();
        let fake = Arc::new(FakeService { outcome, calls: Mutex::default() });
        let (stop, stopped) = watch::channel(false);
        let service: Arc<dyn ControlService> = Arc::clone(&fake) as _;
        let task = runtime.spawn(serve(listener, service, stopped));
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
        (status_code(head), body.trim_end().to_owned())
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
pub(crate) fn status_code(said: &str) -> u16 {
    said.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn past() -> ZonePast {
    let version = |serial, from, cause: &str, who: &str| ShownVersion {
        serial,
        from,
        time: 1_000_000_000,
        cause: cause.to_owned(),
        who: who.to_owned(),
        added: 1,
        removed: 2,
    };
    ZonePast {
        zone: "a.".to_owned(),
        serial: 8,
        bytes: 1536,
        versions: vec![version(7, None, "file", ""), version(8, Some(7), "update", "key k. 192.0.2.1")],
    }
}

/// Two look-ups of three, or none.
fn running(good: bool) -> ShownLookups {
    let lookup = |name: &str, ms| ShownLookup {
        name: name.to_owned(),
        r#type: "AAAA".to_owned(),
        domain: ".".to_owned(),
        dnssec_ok: true,
        checking_disabled: false,
        ms,
    };
    let lookups =
        if good { vec![lookup("slow.example.", 1900), lookup("a.example.", 7)] } else { Vec::new() };
    ShownLookups { count: if good { 3 } else { 0 }, lookups }
}
