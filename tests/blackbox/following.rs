//! A client that never restarts, and the resolv.conf that the server forwards by, changed under it in every way that a
//! file can change.
#![allow(clippy::float_cmp, reason = "the metrics compared here are whole numbers")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::record::type_number;
use rhumb_tests::rig::script::{no_data, script};
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Act, Asked, Folder, Host, Script, Server, Upstream};
use rhumb_tests::{Context, Failure, Outcome, Test, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, UP, config};
use crate::glibc;

mod starting;
mod ways;
mod writing;

use ways::{
    CONFIGMAP, IN_PLACE, MADE_ANEW, RENAMED_OVER, REPOINTED, REPOINTED_RENAMED, TARGET_RENAMED, Way,
    rename_over,
};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    Test::beside("following::written_in_place", || follow(&IN_PLACE)),
    Test::beside("following::renamed_over", || follow(&RENAMED_OVER)),
    Test::beside("following::removed_and_made_anew", || follow(&MADE_ANEW)),
    Test::beside("following::symlink_repointed", || follow(&REPOINTED)),
    Test::beside("following::target_of_the_symlink_renamed_over", || follow(&TARGET_RENAMED)),
    Test::beside("following::repointed_and_then_renamed", || follow(&REPOINTED_RENAMED)),
    Test::beside("following::configmap_flip", || follow(&CONFIGMAP)),
    Test::beside("following::the_old_upstream_is_dead", dead_before),
    Test::beside("following::an_unusable_file_keeps_the_last_good_list", unusable),
    Test::beside("following::a_stale_mount_is_warned_of", stale_mount),
    Test::beside("following::what_was_cached_goes_with_its_upstream", cached),
    Test::beside("following::nothing_half_written_is_served", writing::followed),
    Test::beside("following::half_a_zone_is_not_served_at_the_start", starting::written_at_start),
    Test::beside(
        "following::a_zone_written_just_before_is_served_at_the_start",
        starting::written_before_start,
    ),
    Test::beside("following::half_a_zone_is_not_added", starting::written_when_added),
    Test::beside("following::a_reload_waits_for_writers", writing::reloaded),
    Test::beside("following::a_writer_that_never_closes", writing::never_closed),
    Test::beside("following::same_size_and_time_but_other_content", writing::same_size_and_time),
    Test::beside("following::an_unreadable_folder_holds_nothing_up", writing::unreadable_folder),
];

/// How long after a change a client may see the old answer.
const SOON: Duration = Duration::from_secs(2);
const ANSWERS: [&str; 2] = ["198.18.0.1", "198.18.0.2"];
const NAME: &str = "www.up.example";

/// Every name has this address for an hour.
fn for_an_hour(address: &'static str) -> Script {
    script(move |asked: &Asked| {
        if asked.message.kind() != type_number("A") {
            return no_data(asked);
        }
        asked.answer(&[&format!("{} 3600 IN A {address}", asked.message.name())])
    })
}

fn resolv_conf(number: usize) -> String {
    format!("# upstream {number}\nnameserver {}\n", UP[number])
}

/// A process that calls `getaddrinfo` in a loop; ends when it is dropped.
struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    fn start(host: &Host, name: &str) -> Result<Self, Failure> {
        let mut command = host.command(glibc::resolver()?);
        let mut child =
            command.args(["loop", name, "20"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let pipe = child.stdout.take().context("no pipe")?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                theirs.lock().unwrap().push(line);
            }
        });
        Ok(Self { child, lines })
    }

    /// What it got so far, one answer an element.
    fn got(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until it gets `answer`, and makes sure that it gets nothing else from then on.
    fn sees(&self, answer: &str, within: Duration) -> Result<Duration, Failure> {
        let before = self.got().len();
        let begun = Instant::now();
        let first = || self.got().iter().skip(before).position(|line| line == answer);
        ensure!(
            until(within, || first().is_some()),
            "the client does not see {answer} within {within:?}, but {:?}",
            self.got().last()
        );
        let took = begun.elapsed();
        let at = before + first().unwrap_or(0);
        until(Duration::from_secs(2), || self.got().len() >= at + 8);
        let after: Vec<String> = self.got().split_off(at);
        ensure!(after.len() >= 8, "the client stopped: {after:?}");
        ensure!(after.iter().all(|line| line == answer), "after {answer} was seen: {after:?}");
        Ok(took)
    }

    /// Fails unless it is still the same process and never met an error.
    fn never_failed(&mut self) -> Result<(), Failure> {
        ensure!(self.child.try_wait()?.is_none(), "the client ended");
        let errors: Vec<String> = self.got().into_iter().filter(|line| line.starts_with("error")).collect();
        ensure!(errors.is_empty(), "{} look-ups failed: {:?}", errors.len(), errors[0]);
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two upstreams that disagree, and a server that takes one of them from a resolv.conf.
struct Scene {
    lab: Lab,
    folder: Folder,
    upstreams: [Upstream; 2],
    path: PathBuf,
    server: Server,
}

impl Scene {
    fn new(lay: fn(&Folder, &str) -> Result<PathBuf, Failure>, more: &str) -> Result<Self, Failure> {
        let lab = Lab::new()?;
        let upstreams =
            [lab.upstream(0, for_an_hour(ANSWERS[0]))?, lab.upstream(1, for_an_hour(ANSWERS[1]))?];
        let folder = Folder::new()?;
        let path = lay(&folder, &resolv_conf(0))?;
        glibc::use_nameserver(&lab.host, "127.0.0.1")?;
        let server = lab.start(&forwarding_by(&path).more(more))?;
        Ok(Self { lab, folder, upstreams, path, server })
    }

    fn write(&self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        fs::write(&self.path, text).context(self.path.display())
    }

    /// The gauge of the file: 1 when its list is in use, 0 when the last good one is.
    fn list_ok(&self) -> Result<f64, Failure> {
        self.server.metric("rhumb_forward_list_ok", &[&format!("file=\"{}\"", self.path.display())])
    }

    fn no_panics(&self) -> Result<(), Failure> {
        ensure_eq!(self.server.metric("rhumb_panics_total", &[])?, 0.0, "panics");
        Ok(())
    }
}

fn forwarding_by(path: &Path) -> rhumb_tests::rig::Config {
    config().forward_raw(".", &format!("{{ resolv-conf: \"{}\" }}", path.display()), "in-order")
}

/// A → B → A → B → A, each seen soon, no look-up failing.
fn follow(way: &Way) -> Verdict {
    let scene = Scene::new(way.lay, "")?;
    let mut client = Program::start(&scene.lab.host, NAME)?;
    client.sees(ANSWERS[0], SOON)?;
    for number in 0..4 {
        let next = (number + 1) % 2;
        (way.change)(&scene.folder, number, &resolv_conf(next))?;
        client.sees(ANSWERS[next], SOON).context(format!("change {number}"))?;
        ensure_eq!(scene.list_ok()?, 1.0, "rhumb_forward_list_ok after change {number}");
    }
    client.never_failed()?;
    let changes = scene.server.metric("rhumb_forward_list_changes_total", &[])?;
    ensure_eq!(changes, 4.0, "rhumb_forward_list_changes_total");
    ensure!(
        scene.upstreams.iter().all(|upstream| !upstream.seen().is_empty()),
        "an upstream was never asked"
    );
    scene.no_panics()?;
    Ok(Outcome::Passed)
}

/// The upstream dies first and is replaced then: the client sees the next one as soon, also by a query that waits for
/// the dead one.
fn dead_before() -> Verdict {
    let scene = Scene::new(RENAMED_OVER.lay, "")?;
    let silent = || script(|_| Act::Silent);
    let known = Program::start(&scene.lab.host, NAME)?;
    known.sees(ANSWERS[0], SOON)?;
    for number in 0..3 {
        let (dead, next) = (number % 2, (number + 1) % 2);
        scene.upstreams[next].follow(for_an_hour(ANSWERS[next]));
        scene.upstreams[dead].follow(silent());
        let waiting = Program::start(&scene.lab.host, &format!("new{number}.up.example"))?;
        thread::sleep(Duration::from_millis(700));
        ensure!(waiting.got().is_empty(), "an answer from a dead upstream: {:?}", waiting.got());
        (RENAMED_OVER.change)(&scene.folder, number, &resolv_conf(next))?;
        for (what, client) in [("what was cached", &known), ("what waits", &waiting)] {
            client.sees(ANSWERS[next], SOON).context(format!("change {number}, {what}"))?;
        }
    }
    scene.no_panics()?;
    Ok(Outcome::Passed)
}

/// Waits until log, status and metric say that the file is of no use.
fn says_unusable(scene: &Scene, what: &str, logged_before: usize) -> Result<(), Failure> {
    let seen = until(SOON, || scene.list_ok().is_ok_and(|ok| ok == 0.0));
    ensure!(seen, "{what}: rhumb_forward_list_ok is not 0");
    let name = scene.path.display().to_string();
    let log = scene.server.log().split_off(logged_before);
    ensure!(
        log.lines().any(|line| line.contains(&name) && line.contains("WARN")),
        "{what}: the log does not warn of it: {log}"
    );
    let status = scene.server.tell(&["status"])?;
    ensure_eq!(status.code, Some(0), "{what}: exit status of status: {}", status.err);
    let told = status.out.lines().find(|line| line.contains(&name) && line.contains("stay"));
    ensure!(told.is_some(), "{what}: status does not say that the last good list stays: {}", status.out);
    Ok(())
}

fn unusable() -> Verdict {
    let scene = Scene::new(IN_PLACE.lay, "user: \"65534:65534\"")?;
    let mut client = Program::start(&scene.lab.host, NAME)?;
    client.sees(ANSWERS[0], SOON)?;
    let spoils: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("only comments", b"# nothing here\nsearch example\n".to_vec()),
        ("unreadable", resolv_conf(1).into_bytes()),
        ("garbage", [0, 255, 17, b'\n', 200].repeat(300)),
        ("garbage with a keyword", b"nameserver not.an.address\nnameserver\n".to_vec()),
    ];
    for (number, (what, bytes)) in spoils.iter().enumerate() {
        let (present, next) = (number % 2, (number + 1) % 2);
        let logged = scene.server.log().len();
        if *what == "unreadable" {
            // Made aside: it is never seen readable.
            let beside = scene.folder.write("beside", bytes)?;
            fs::set_permissions(&beside, Permissions::from_mode(0o000))?;
            fs::rename(beside, &scene.path)?;
        } else {
            scene.write(bytes)?;
        }
        says_unusable(&scene, what, logged)?;
        client.sees(ANSWERS[present], SOON).context(format!("{what}: the last good list"))?;
        // Names that are not cached are answered by it too.
        let found = scene.lab.addresses(&format!("new{number}.up.example."))?;
        ensure_eq!(found, [ANSWERS[present]], "{what}: answer to a new name");
        rename_over(&scene.folder, "resolv.conf", &resolv_conf(next))?;
        client.sees(ANSWERS[next], SOON).context(format!("good again after {what}"))?;
        ensure_eq!(scene.list_ok()?, 1.0, "rhumb_forward_list_ok when it is good again after {what}");
        let status = scene.server.tell(&["status"])?.out;
        ensure!(!status.contains("stay"), "good again after {what}, but status says: {status}");
    }
    client.never_failed()?;
    scene.no_panics()?;
    Ok(Outcome::Passed)
}

/// One file mounted into the server's file system, and replaced outside: it cannot be followed, which is told.
fn stale_mount() -> Verdict {
    let lab = Lab::new()?;
    let _upstream = lab.upstream(0, for_an_hour(ANSWERS[0]))?;
    let folder = Folder::new()?;
    let outside = folder.write("outside/resolv.conf", resolv_conf(0))?;
    let inside = folder.write("inside/resolv.conf", "")?;
    let mount = format!("mount --bind '{}' '{}' && exec \"$@\"", outside.display(), inside.display());
    let wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", &mount, "sh"];
    let server = Server::start_by(&lab.host, &forwarding_by(&inside), &wrapper)?;
    ensure_eq!(lab.addresses("www.up.example.")?, [ANSWERS[0]], "by the mounted file");
    ensure!(!server.log().contains("st_nlink"), "it is warned of a good mount");
    rename_over(&folder, "outside/resolv.conf", &resolv_conf(1))?;
    ensure!(
        server.logs("st_nlink", Duration::from_secs(5)),
        "the log does not warn of the stale mount: {}",
        server.log_tail()
    );
    let line = server.log().lines().find(|line| line.contains("st_nlink")).unwrap_or_default().to_owned();
    for part in ["WARN", "inside/resolv.conf", "folder"] {
        ensure!(line.contains(part), "the warning does not hold {part:?}: {line}");
    }
    let status = server.tell(&["status"])?.out;
    ensure!(
        status.lines().any(|line| line.contains("inside/resolv.conf") && line.contains("st_nlink")),
        "status does not warn: {status}"
    );
    ensure_eq!(lab.addresses("new.up.example.")?, [ANSWERS[0]], "by the list that was mounted");
    Ok(Outcome::Passed)
}

/// Of two upstreams one is replaced: its answers are asked for anew, those of the other are still served.
fn cached() -> Verdict {
    let lab = Lab::new()?;
    let upstreams = [
        lab.upstream(0, for_an_hour("198.18.0.1"))?,
        lab.upstream(1, for_an_hour("198.18.0.2"))?,
        lab.upstream(2, for_an_hour("198.18.0.3"))?,
    ];
    let config = config().file("upstreams.list", &format!("{}\n{}\n", UP[0], UP[1])).forward_raw(
        ".",
        "{ list: upstreams.list }",
        "round-robin",
    );
    let server = lab.start(&config)?;
    let names: Vec<String> = (0..30).map(|number| format!("n{number}.up.example.")).collect();
    let learn = || names.iter().map(|name| lab.addresses(name)).collect::<Result<Vec<_>, _>>();
    let first = learn()?;
    let stays = |number: usize| first[number] == ["198.18.0.2"];
    let staying = (0..names.len()).filter(|&number| stays(number)).count();
    ensure!((5..=25).contains(&staying), "of 30 answers {staying} came from the second upstream");
    ensure_eq!(learn()?, first, "the same answers from the cache");
    let before: Vec<usize> = names.iter().map(|name| upstreams[1].count(name)).collect();
    server.folder().write("upstreams.list", format!("{}\n{}\n", UP[1], UP[2]))?;
    let changed =
        until(SOON, || server.metric("rhumb_forward_list_changes_total", &[]).is_ok_and(|count| count > 0.0));
    ensure!(changed, "rhumb_forward_list_changes_total does not count the change");
    upstreams[0].forget();
    let second = learn()?;
    for (number, name) in names.iter().enumerate() {
        if stays(number) {
            ensure_eq!(second[number], first[number], "answer to {name}, learnt from the one that stays");
            ensure_eq!(upstreams[1].count(name), before[number], "queries for {name} to the one that stays");
        } else {
            ensure!(second[number] != first[number], "{name} is answered by what the dropped upstream said");
        }
    }
    ensure_eq!(upstreams[0].seen().len(), 0, "queries to the dropped upstream");
    ensure!(!upstreams[2].seen().is_empty(), "the new upstream was never asked");
    Ok(Outcome::Passed)
}
