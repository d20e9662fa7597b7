//! Files whose writers take their time: nothing is taken over before they are closed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::message::AA;
use rhumb_tests::rig::script::every_name;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Message, Server, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, config};

/// How long a writer has its file open.
const OPEN: Duration = Duration::from_millis(1500);
/// How long after it was closed the old answer may be given.
const SOON: Duration = Duration::from_millis(1500);
/// How long a reload waits for a writer.
const BOUND: Duration = Duration::from_secs(10);

const OLD: &str = "198.18.0.1";
const NEW: &str = "198.18.0.2";

/// A file that the server follows, in two halves: the first alone is read without an error and gives another answer.
struct Target {
    file: &'static str,
    name: &'static str,
    halves: fn(&str) -> [String; 2],
}

fn zone(serial: u32, rest: &str) -> String {
    format!("$TTL 0\n@ SOA ns host {serial} 3600 600 86400 0\n@ NS ns\nns A 192.0.2.1\n{rest}")
}

fn zone_halves(address: &str) -> [String; 2] {
    [zone(2, "first A 192.0.2.7\n"), format!("www A {address}\n")]
}

const ZONE: Target = Target { file: "zones/zone.test.zone", name: "www.zone.test.", halves: zone_halves };
const IN_FOLDER: Target =
    Target { file: "more/folder.test.zone", name: "www.folder.test.", halves: zone_halves };
const INCLUDED: Target = Target {
    file: "zones/part.inc",
    name: "www.including.test.",
    halves: |address| ["first A 192.0.2.7\n".to_owned(), format!("www A {address}\n")],
};
const LIST: Target = Target {
    file: "upstreams.list",
    name: "www.list.example.",
    halves: |address| {
        let upstream = if address == OLD { "10.53.0.1" } else { "10.53.0.2" };
        ["10.53.0.3\n".to_owned(), format!("10.53.0.4\n{upstream}\n")]
    },
};
const TARGETS: [&Target; 4] = [&ZONE, &IN_FOLDER, &INCLUDED, &LIST];

/// A server that follows all targets.
struct Scene {
    lab: Lab,
    server: Server,
    _upstreams: [Upstream; 2],
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let lab = Lab::new()?;
        let upstreams = [lab.upstream(0, every_name(OLD))?, lab.upstream(1, every_name(NEW))?];
        let config = config()
            .zone("zone.test", &zone_halves(OLD).concat())
            .zone("including.test", &zone(1, "$INCLUDE part.inc\n"))
            .zone_folder("more", [("folder.test".to_owned(), zone_halves(OLD).concat())])
            .file(INCLUDED.file, &(INCLUDED.halves)(OLD).concat())
            .file(LIST.file, "10.53.0.1\n")
            .forward_raw("list.example", "{ list: upstreams.list }", "in-order")
            .more("cache: { max-ttl: 1s }");
        let server = lab.start(&config)?;
        let scene = Self { lab, server, _upstreams: upstreams };
        for target in TARGETS {
            ensure!(scene.gets(target, OLD), "{} at first", target.name);
        }
        Ok(scene)
    }

    fn gets(&self, target: &Target, address: &str) -> bool {
        self.lab.addresses(target.name).is_ok_and(|found| found == [address])
    }

    /// Asks all the time; fails at any answer but the old one.
    fn keeps_old(&self, target: &Target, how: &str, long: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < long {
            let found = self.lab.addresses(target.name)?;
            ensure_eq!(found, [OLD], "{} while {} is open, {how}", target.name, target.file);
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn becomes(&self, target: &Target, address: &str, how: &str) -> Result<(), Failure> {
        let seen = until(SOON, || self.gets(target, address));
        ensure!(seen, "{}, {how}: {}", target.name, self.server.log_tail());
        Ok(())
    }

    /// The old contents again.
    fn reset(&self, target: &Target) -> Result<(), Failure> {
        self.server.folder().write(target.file, (target.halves)(OLD).concat())?;
        self.becomes(target, OLD, "reset")
    }
}

/// A way to write a file in two halves. `half` is called in between.
type Writer = fn(&Path, &[String; 2], &mut dyn FnMut() -> Result<(), Failure>) -> Result<(), Failure>;

const WRITERS: [(&str, Writer); 4] = [
    ("truncated and written", |path, halves, half| {
        let mut file = File::create(path)?;
        half()?;
        file.write_all(halves[0].as_bytes())?;
        half()?;
        Ok(file.write_all(halves[1].as_bytes())?)
    }),
    ("removed and made anew", |path, halves, half| {
        fs::remove_file(path)?;
        let mut file = File::create_new(path)?;
        file.write_all(halves[0].as_bytes())?;
        half()?;
        Ok(file.write_all(halves[1].as_bytes())?)
    }),
    ("renamed over too early", |path, halves, half| {
        let new = path.with_extension("tmp");
        let mut file = File::create(&new)?;
        file.write_all(halves[0].as_bytes())?;
        fs::rename(&new, path)?;
        half()?;
        Ok(file.write_all(halves[1].as_bytes())?)
    }),
    ("written by another process through a mapping", |path, halves, half| {
        // Without python3 the same through write(2).
        let script = "import mmap,sys\n\
            f=open(sys.argv[1],'r+b'); a=sys.argv[2].encode(); b=sys.argv[3].encode()\n\
            f.truncate(len(a)+len(b)); m=mmap.mmap(f.fileno(),0); m[:]=a+b'\\n'*len(b); m.flush()\n\
            print(flush=True); sys.stdin.readline(); m[len(a):]=b; m.close(); f.close()\n";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(path).args(halves);
        if let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            let mut line = [0];
            std::io::Read::read_exact(child.stdout.as_mut().context("no pipe")?, &mut line)?;
            let result = half();
            child.stdin.take().context("no pipe")?.write_all(b"\n")?;
            ensure!(child.wait()?.success(), "the writer failed");
            result
        } else {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(0)?;
            file.write_at(halves[0].as_bytes(), 0)?;
            half()?;
            file.write_at(halves[1].as_bytes(), halves[0].len() as u64)?;
            Ok(())
        }
    }),
];

pub(super) fn followed() -> Verdict {
    let scene = Scene::new()?;
    for target in TARGETS {
        for (how, write) in WRITERS {
            let path = scene.server.folder().at(target.file);
            write(&path, &(target.halves)(NEW), &mut || scene.keeps_old(target, how, OPEN))?;
            scene.becomes(target, NEW, how)?;
            scene.reset(target)?;
        }
    }
    Ok(Outcome::Passed)
}

/// A reload by hand waits for the writer and takes what it leaves.
pub(super) fn reloaded() -> Verdict {
    let scene = Scene::new()?;
    for target in TARGETS {
        let (how, write) = WRITERS[0];
        let path = scene.server.folder().at(target.file);
        let server = &scene.server;
        let halves = (target.halves)(NEW);
        let words = thread::scope(|scope| {
            let mut reload = None;
            write(&path, &halves, &mut || {
                reload.get_or_insert_with(|| scope.spawn(move || server.reload()));
                scene.keeps_old(target, how, OPEN)
            })?;
            reload.context("no reload")?.join().map_err(|_| Failure::new("the reload panicked"))?
        })?;
        ensure!(scene.gets(target, NEW), "{} after the reload: {words}", target.name);
        scene.reset(target)?;
    }
    // The configuration itself: without one of its folders at first, which is no error.
    let path = server_config(&scene.server);
    let text = fs::read_to_string(&path)?;
    let folder = text.lines().find(|line| line.contains("directory:")).context("no folder of zones")?;
    let mut file = File::create(&path)?;
    file.write_all(text.replace(folder, "").as_bytes())?;
    let reload = thread::scope(|scope| {
        let reload = scope.spawn(|| scene.server.reload());
        scene.keeps_old(&IN_FOLDER, "half a configuration", OPEN)?;
        file.write_all_at(text.as_bytes(), 0)?;
        drop(file);
        reload.join().map_err(|_| Failure::new("the reload panicked"))?
    })?;
    ensure!(reload.contains("nothing changed"), "the same configuration: {reload}");
    Ok(Outcome::Passed)
}

fn server_config(server: &Server) -> std::path::PathBuf {
    server.folder().at("rhumb.yaml")
}

/// A writer that never closes its file keeps that file as it was, and nothing else.
pub(super) fn never_closed() -> Verdict {
    let scene = Scene::new()?;
    let path = scene.server.folder().at(ZONE.file);
    let mut writer = File::create(&path)?;
    writer.write_all((ZONE.halves)(NEW)[0].as_bytes())?;
    for target in [&IN_FOLDER, &INCLUDED, &LIST] {
        scene.server.folder().write(target.file, (target.halves)(NEW).concat())?;
        scene.becomes(target, NEW, "beside an open file")?;
    }
    scene.server.folder().write("more/new.test.zone", zone(1, "www A 198.18.0.3\n"))?;
    let new = || scene.lab.addresses("www.new.test.").is_ok_and(|found| found == ["198.18.0.3"]);
    ensure!(until(SOON, new), "a new zone beside an open file");
    let begun = Instant::now();
    let reload = scene.server.tell(&["reload"])?;
    let took = begun.elapsed();
    ensure_eq!(reload.code, Some(0), "a reload with an open zone file: {}", reload.err);
    ensure!((BOUND / 2..BOUND * 2).contains(&took), "the reload took {took:?}");
    ensure!(reload.err.contains("open for writing"), "the reload says: {}", reload.err);
    let status = scene.server.tell(&["status"])?.out;
    ensure!(status.contains("open for writing"), "status says: {status}");
    ensure!(scene.gets(&ZONE, OLD), "the zone after the reload");
    writer.write_all((ZONE.halves)(NEW)[1].as_bytes())?;
    drop(writer);
    scene.becomes(&ZONE, NEW, "closed at last")?;
    // The configuration, and a new zone that is never finished.
    let config = OpenOptions::new().append(true).open(server_config(&scene.server))?;
    writeln!(&config, "# never closed")?;
    let mut unfinished = File::create(scene.server.folder().at("more/unfinished.test.zone"))?;
    unfinished.write_all(zone(1, "").as_bytes())?;
    let failed = scene.server.tell(&["reload"])?;
    ensure_eq!(failed.code, Some(1), "a reload with an open configuration: {}", failed.out);
    ensure!(failed.err.contains("open for writing"), "it says: {}", failed.err);
    // Without recursion: it would go on to the root. What the server knows of others it may say, but not as their authority.
    let query = Message::query("www.unfinished.test.", "A").no_recursion();
    let unfinished = scene.lab.client.udp(scene.lab.to, &query)?.message;
    ensure!(unfinished.flags & AA == 0, "a new zone that is not finished: {unfinished:?}");
    ensure!(unfinished.answer.is_empty(), "an answer of a zone that is not finished: {unfinished:?}");
    Ok(Outcome::Passed)
}

/// The size and the time of the last modification are what they were; the content is not.
pub(super) fn same_size_and_time() -> Verdict {
    let scene = Scene::new()?;
    for target in [&ZONE, &IN_FOLDER, &INCLUDED] {
        for (number, address) in [NEW, OLD, NEW].into_iter().enumerate() {
            let path = scene.server.folder().at(target.file);
            let modified = fs::metadata(&path)?.modified()?;
            let file = File::options().write(true).open(&path)?;
            file.write_all_at((target.halves)(address).concat().as_bytes(), 0)?;
            file.set_modified(modified)?;
            drop(file);
            scene.server.reload()?;
            ensure!(scene.gets(target, address), "{} after change {number}", target.name);
        }
    }
    Ok(Outcome::Passed)
}

/// A folder that cannot be listed keeps its zones, and what changed elsewhere comes into force.
pub(super) fn unreadable_folder() -> Verdict {
    let scene = Scene::new()?;
    let folder = scene.server.folder();
    fs::rename(folder.at("more"), folder.at("away"))?;
    let path = folder.at(ZONE.file);
    let mut file = File::create(&path)?;
    file.write_all((ZONE.halves)(NEW).concat().as_bytes())?;
    let reload = thread::scope(|scope| {
        let reload = scope.spawn(|| scene.server.tell(&["reload"]));
        thread::sleep(Duration::from_millis(300));
        drop(file);
        reload.join().map_err(|_| Failure::new("the reload panicked"))?
    })?;
    ensure_eq!(reload.code, Some(1), "a reload without one of its folders: {}", reload.out);
    ensure!(reload.err.contains("more"), "it names the folder: {}", reload.err);
    scene.becomes(&ZONE, NEW, "beside a folder that cannot be listed")?;
    ensure!(scene.gets(&IN_FOLDER, OLD), "the zone of the folder");
    folder.write("away/folder.test.zone", zone_halves(NEW).concat())?;
    fs::rename(folder.at("away"), folder.at("more"))?;
    scene.becomes(&IN_FOLDER, NEW, "the folder is back")?;
    Ok(Outcome::Passed)
}
