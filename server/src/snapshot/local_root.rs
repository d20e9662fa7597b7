//! The copy of the root zone on this host (RFC 8806).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use rhumb_resolver::OutboundQuestion;
use rhumb_resolver::iterate::RootCopy;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{Class, MessageWriter, header};
use rhumb_zones::ZoneContents;
use rhumb_zones::answer::{AnswerRequest, OneZone, answer};

use super::view::SnapshotView;

/// Room for a reply: none of the root's is near that.
const ROOM: usize = 16 << 10;

/// A copy that was read.
#[derive(Debug)]
pub struct LocalRootCopy {
    /// Its file; none where it was transferred.
    pub file: Option<PathBuf>,
    /// What is in it.
    pub contents: Arc<ZoneContents>,
    /// Until when it may be used, in seconds since 1970.
    pub until: u64,
    /// Something of it turned out to be bogus.
    pub is_bogus: AtomicBool,
}

/// The copy in use, if there is one, and what is wrong.
#[derive(Debug, Default)]
pub struct LocalRootState {
    copy: ArcSwapOption<LocalRootCopy>,
    transferred: ArcSwapOption<LocalRootCopy>,
    /// Why the file cannot be used as it is.
    trouble: ArcSwapOption<String>,
}

impl LocalRootState {
    /// The copy that was read last, good or not.
    pub fn copy(&self) -> Option<Arc<LocalRootCopy>> {
        self.copy.load_full()
    }

    /// The one that was transferred, if it is good; else the same.
    pub fn at_hand(&self, view: &SnapshotView) -> Option<Arc<LocalRootCopy>> {
        self.transferred(view).filter(|copy| copy.is_good()).or_else(|| self.copy())
    }

    /// The copy that was transferred last, unless it has expired.
    fn transferred(&self, view: &SnapshotView) -> Option<Arc<LocalRootCopy>> {
        let contents = view.local_root()?.zone.contents()?;
        let copy = self.transferred.load_full();
        if let Some(copy) = copy.filter(|copy| Arc::ptr_eq(&copy.contents, &contents)) {
            return Some(copy);
        }
        tracing::info!("serial {} of the root is at hand, by transfer", contents.serial());
        let (file, until, is_bogus) = (None, u64::MAX, AtomicBool::new(false));
        let copy = Arc::new(LocalRootCopy { file, contents, until, is_bogus });
        self.transferred.store(Some(Arc::clone(&copy)));
        Some(copy)
    }

    /// From now on this copy is used, or none.
    pub fn set(&self, copy: Option<LocalRootCopy>) {
        self.copy.store(copy.map(Arc::new));
        self.trouble.store(None);
    }

    /// The file cannot be used as it is; the last good copy stays.
    pub fn set_trouble(&self, why: String) {
        self.trouble.store(Some(Arc::new(why)));
    }

    /// What an operator should look at.
    pub fn trouble(&self, view: &SnapshotView) -> Option<String> {
        if let Some(entry) = view.local_root() {
            return match self.transferred(view) {
                Some(copy) if copy.is_good() => None,
                Some(copy) => Some(format!("{}: signatures in it are wrong", copy.source())),
                None if entry.zone.is_expired() => Some("it has expired".to_owned()),
                None => Some("it was not transferred yet".to_owned()),
            };
        }
        let of_file = self.trouble.load_full().map(|why| (*why).clone());
        of_file.or_else(|| {
            let copy = self.copy()?;
            let file = copy.source();
            if copy.is_bogus.load(Relaxed) {
                return Some(format!("{file}: signatures in it are wrong"));
            }
            copy.is_expired().then(|| format!("{file}: is older than its SOA allows"))
        })
    }
}

impl LocalRootCopy {
    /// Where it comes from, for people.
    fn source(&self) -> String {
        self.file
            .as_ref()
            .map_or_else(|| "the root by transfer".to_owned(), |file| file.display().to_string())
    }

    /// Whether it is too old (RFC 1035 section 3.3.13).
    pub fn is_expired(&self) -> bool {
        SystemTime::now().duration_since(UNIX_EPOCH).is_ok_and(|now| now.as_secs() >= self.until)
    }

    /// Whether it is used.
    pub fn is_good(&self) -> bool {
        !self.is_bogus.load(Relaxed) && !self.is_expired()
    }
}

impl RootCopy for LocalRootCopy {
    fn reply(&self, question: &OutboundQuestion) -> Option<Vec<u8>> {
        if !self.is_good() {
            return None;
        }
        let (mut buffer, mut compression) = (vec![0; ROOM], NameCompression::default());
        let mut w = MessageWriter::new(&mut buffer, ROOM, &mut compression);
        w.question(question.name.as_ref(), question.qtype, Class::IN).ok()?;
        let (name, qtype) = (question.name.as_ref(), question.qtype);
        let asked = AnswerRequest { name, qtype, dnssec_ok: true, minimal_any: false };
        let summary = answer(&self.contents, &asked, &OneZone, &mut w);
        if summary.truncated {
            return None;
        }
        let authoritative = if summary.authoritative { header::AA } else { 0 };
        let length = w.finish(0, header::QR | authoritative | summary.rcode.0);
        buffer.truncate(length);
        Some(buffer)
    }

    fn is_bogus(&self) {
        if !self.is_bogus.swap(true, Relaxed) {
            tracing::error!(
                "{}: signatures in it are wrong: the servers of the root are asked until there is another version",
                self.source()
            );
        }
    }
}
