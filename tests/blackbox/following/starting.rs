//! Zone files that are being written when the server starts, or when a configuration adds them.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::chown;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rhumb_tests::rig::message::rcode;
use rhumb_tests::rig::server::until;
use rhumb_tests::rig::{Folder, Message};
use rhumb_tests::{Failure, Outcome, Verdict, ensure, ensure_eq};

use crate::forwarding::{Lab, config};

/// How long the writer has its file open after the server has started.
const OPEN: Duration = Duration::from_millis(1500);
/// How long after it was closed the zone may not be there yet.
const SOON: Duration = Duration::from_millis(1500);

/// Whom the server becomes.
const NOBODY: u32 = 65_534;

const OTHER: &str = "$TTL 0\n@ SOA ns host 1 3600 600 86400 0\n@ NS ns\nns A 192.0.2.1\nwww A 198.18.0.9\n";
/// By themselves the first lines are a zone.
const HALVES: [&str; 2] = [
    "$TTL 0\n@ SOA ns host 1 3600 600 86400 0\n@ NS ns\nns A 192.0.2.1\nfirst A 192.0.2.7\n",
    "www A 198.18.0.1\n",
];

fn entry(file: &Path) -> String {
    format!("name: early.test, file: \"{}\"", file.display())
}

fn ask(lab: &Lab, name: &str) -> Result<Message, Failure> {
    Ok(lab.client.udp(lab.to, &Message::query(name, "A").no_recursion().edns(1232))?.message)
}

/// Nothing is served of the zone while it is written, and why is said; the other zone is.
fn stays_away(lab: &Lab, how: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < OPEN {
        let early = ask(lab, "first.early.test.")?;
        ensure_eq!(
            (early.rcode(), early.extended_error()),
            (rcode::SERVFAIL, Some(14)),
            "half a zone, {how}"
        );
        ensure_eq!(ask(lab, "www.other.test.")?.data("A"), ["198.18.0.9"], "the other zone, {how}");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A writer that came before the server: of a file of the server's user it is known, of another it is seen writing.
pub(super) fn written_at_start() -> Verdict {
    for (how, is_own) in [("of the server's user", true), ("of another user", false)] {
        let lab = Lab::new()?;
        let folder = Folder::new()?;
        let path = folder.at("early.zone");
        let writer = File::create(&path)?;
        if is_own {
            chown(&path, Some(NOBODY), Some(NOBODY))?;
        }
        (&writer).write_all(HALVES[0].as_bytes())?;
        let ended = AtomicBool::new(false);
        let server = thread::scope(|scope| {
            let _writing = (!is_own).then(|| {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        let _ = (&writer).write_all(b"; more\n");
                        thread::sleep(Duration::from_millis(50));
                    }
                })
            });
            let started = lab.start(&config().zone("other.test", OTHER).zone_raw(&entry(&path)));
            let found = started.and_then(|server| {
                stays_away(&lab, how)?;
                let status = server.tell(&["status"])?.out;
                ensure!(status.contains("open for writing"), "{how}, status says: {status}");
                Ok(server)
            });
            ended.store(true, Ordering::Relaxed);
            found
        })?;
        (&writer).write_all(HALVES[1].as_bytes())?;
        stays_away(&lab, how)?;
        drop(writer);
        let all = || ask(&lab, "www.early.test.").is_ok_and(|found| found.data("A") == ["198.18.0.1"]);
        ensure!(until(SOON, all), "closed, {how}: {}", server.log_tail());
    }
    Ok(Outcome::Passed)
}

/// A file whose writer is done counts at once: the server's user is told so by the kernel, or root before it gives that up.
pub(super) fn written_before_start() -> Verdict {
    for owner in [0, NOBODY] {
        let lab = Lab::new()?;
        let folder = Folder::new()?;
        let path = folder.write("early.zone", HALVES.concat())?;
        chown(&path, Some(owner), Some(owner))?;
        let server = lab.start(&config().zone("other.test", OTHER).zone_raw(&entry(&path)))?;
        ensure_eq!(ask(&lab, "www.early.test.")?.data("A"), ["198.18.0.1"], "{}", server.log_tail());
    }
    Ok(Outcome::Passed)
}

/// A configuration names a file that is being written: the reload waits for it.
pub(super) fn written_when_added() -> Verdict {
    let lab = Lab::new()?;
    let folder = Folder::new()?;
    let path = folder.at("early.zone");
    let before = config().zone("other.test", OTHER);
    let server = lab.start(&before)?;
    let mut writer = File::create(&path)?;
    chown(&path, Some(NOBODY), Some(NOBODY))?;
    writer.write_all(HALVES[0].as_bytes())?;
    server.rewrite(&before.zone_raw(&entry(&path)))?;
    let told = thread::scope(|scope| {
        let reload = scope.spawn(|| server.reload());
        let begun = Instant::now();
        while begun.elapsed() < OPEN {
            let found = ask(&lab, "first.early.test.")?;
            ensure!(found.answer.is_empty(), "half a zone is served: {found:?} {}", server.log_tail());
            thread::sleep(Duration::from_millis(20));
        }
        writer.write_all(HALVES[1].as_bytes())?;
        drop(writer);
        reload.join().map_err(|_| Failure::new("the reload panicked"))?
    })?;
    ensure_eq!(ask(&lab, "www.early.test.")?.data("A"), ["198.18.0.1"], "after the reload: {told}");
    Ok(Outcome::Passed)
}
