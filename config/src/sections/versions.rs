//! Keys about the versions of a zone: which serials they get, and how many are kept.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::digits::digits;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{NumberKind, OptionalKind, SectionKind, SizeKind, TimeKind, WordKind};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// How the versions of a zone are checked, numbered and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionTerms {
    /// Where serials come from; none: the file where it alone changes the zone, else each is one more than the last.
    pub serial: Option<SerialPolicy>,
    /// What is kept of earlier versions; none: as much as is usual.
    pub history: Option<HistoryTerms>,
    /// Whether servers are given each difference by itself, instead of one made of all.
    pub plain_transfers: bool,
    /// What is made of ZONEMD.
    pub digest: DigestCheck,
}

/// What is made of ZONEMD, the digest of a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigestCheck {
    /// It is verified where there is one.
    #[default]
    Verify,
    /// There has to be one that can be verified.
    Require,
    /// It is not looked at.
    Ignore,
}

/// Where the serial of a version comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialPolicy {
    /// The file has it.
    Keep,
    /// It is one more than the last.
    Increment,
    /// Seconds since 1970, where that is newer than the last.
    UnixTime,
    /// Year, month, day and two digits, where that is newer than the last.
    Date,
}

/// What is kept of earlier versions of a zone. What is over goes, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryTerms {
    /// Bytes of their differences.
    pub size: HistorySpace,
    /// The most versions, the last one left out.
    pub versions: usize,
    /// Time between a version and the last one.
    pub age: Duration,
}

/// How many bytes of differences are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistorySpace {
    /// So many times the bytes of the zone.
    Times(u32),
    /// Bytes, whatever the size of the zone.
    Bytes(u64),
}

impl Default for HistoryTerms {
    fn default() -> Self {
        Self { size: HistorySpace::Times(2), versions: 10_000, age: Duration::from_hours(30 * 24) }
    }
}

/// The most that a history may have.
const MOST_BYTES: u64 = 64 << 30;
const MOST_TIMES: u64 = 1000;

const SIZE: SizeKind = SizeKind { least: 0, most: MOST_BYTES };

/// `2x`, or a size.
struct HistorySpaceKind;

impl ValueKind for HistorySpaceKind {
    type Out = HistorySpace;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<HistorySpace> {
        match &node.value {
            YamlContent::Text(text) if text.ends_with('x') => {
                let times = text.strip_suffix('x').and_then(digits).filter(|times| *times <= MOST_TIMES);
                if times.is_none() {
                    reader.wrong(node, "a multiple of the zone from 0x to 1000x, such as 2x");
                }
                times.and_then(|times| u32::try_from(times).ok()).map(HistorySpace::Times)
            }
            _ => SIZE.read(node, reader).map(HistorySpace::Bytes),
        }
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [SIZE.schema(), { "type": "string", "pattern": "^[0-9]+x$" }] })
    }

    fn show(&self, value: &HistorySpace) -> Option<Json> {
        match value {
            HistorySpace::Times(times) => Some(json!(format!("{times}x"))),
            HistorySpace::Bytes(bytes) => SIZE.show(bytes),
        }
    }
}

impl ConfigSection for HistoryTerms {
    type Draft = Self;

    const ABOUT: &'static str =
        "What is kept of earlier versions of a zone. What is over goes, the oldest first.";

    fn draft() -> Self {
        Self::default()
    }

    fn keys<K: KeyVisitor<Self>>(keys: &mut K) {
        keys.key(
            "size",
            InForce::AtReload,
            "Their differences take so many times the bytes of the zone, which counts as 512KiB at least, or so many bytes.",
            HistorySpaceKind,
            |terms| &mut terms.size,
        );
        keys.key(
            "versions",
            InForce::AtReload,
            "How many there are at most.",
            NumberKind::new(0, 1_000_000),
            |terms| &mut terms.versions,
        );
        let century = Duration::from_hours(100 * 365 * 24);
        keys.key(
            "age",
            InForce::AtReload,
            "How much older than the last version they are at most.",
            TimeKind { least: Duration::ZERO, most: century, whole_seconds: true },
            |terms| &mut terms.age,
        );
    }

    fn finish(draft: Self, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> Self {
        *self
    }
}

const SERIAL: WordKind<SerialPolicy> = WordKind {
    words: &[
        ("keep", SerialPolicy::Keep),
        ("increment", SerialPolicy::Increment),
        ("unixtime", SerialPolicy::UnixTime),
        ("date", SerialPolicy::Date),
    ],
    later: &[],
};

const DIGEST: WordKind<DigestCheck> = WordKind {
    words: &[
        ("verify", DigestCheck::Verify),
        ("require", DigestCheck::Require),
        ("ignore", DigestCheck::Ignore),
    ],
    later: &[],
};

const TRANSFER_FORMAT: WordKind<bool> =
    WordKind { words: &[("condensed", false), ("plain", true)], later: &[] };

/// A draft of which these keys are a part.
pub(super) trait HasVersionTerms {
    fn version_terms(&mut self) -> &mut VersionTerms;
}

/// The keys, for entries of a zone and of a folder alike.
pub(super) fn version_keys<D: HasVersionTerms, K: KeyVisitor<D>>(keys: &mut K) {
    keys.key(
        "serial",
        InForce::AtReload,
        "Where the serial of a version comes from: keep (the file), increment, unixtime, or date (the day and two digits). Default: keep \
         where the file alone changes the zone, else increment. All but keep needs the folder `state`.",
        OptionalKind(SERIAL),
        |draft| &mut draft.version_terms().serial,
    );
    keys.key(
        "history",
        InForce::AtReload,
        "What is kept of earlier versions, so that servers that have one of them are given the difference (RFC 1995). Default: twice the zone, \
         10,000 versions, 30 days. Where `state` is set, restarts keep it.",
        OptionalKind(SectionKind::new()),
        |draft| &mut draft.version_terms().history,
    );
    keys.key(
        "transfer-format",
        InForce::AtReload,
        "What servers get that have an earlier version (RFC 1995): condensed (all changes since as one difference) or plain (the differences \
         one by one, for those that cannot do with the other).",
        TRANSFER_FORMAT,
        |draft| &mut draft.version_terms().plain_transfers,
    );
    keys.key(
        "zonemd",
        InForce::AtReload,
        "What is made of the digest of the zone (ZONEMD, RFC 8976): verify where there is one, require one that can be verified, or ignore \
         it. A version whose digest is wrong is not served.",
        DIGEST,
        |draft| &mut draft.version_terms().digest,
    );
}
