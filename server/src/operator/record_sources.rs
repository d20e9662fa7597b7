//! Where the records of an answer come from: a line of a file, an update, a transfer, a command.

use rhumb_wire::{NameRef, Type};
use rhumb_zones::file::{RecordPlace, find_records};
use rhumb_zones::journal::ChangeCause;
use rhumb_zones::{HistoryStart, RecordIdentity, VersionOrigin, ZoneContents, ZoneVersion, last_additions};

use super::explanation::{ExplanationStep, RecordSource};
use crate::change::utc_time;
use crate::snapshot::{SnapshotView, ZoneEntry, ZoneFile};

/// A record of an answer.
#[derive(Debug)]
pub(super) struct AnsweredRecord {
    /// In presentation form.
    pub(super) text: String,
    pub(super) identity: RecordIdentity,
    /// The type itself, or that which a signature covers.
    pub(super) covered: Type,
}

/// The records of an answer that come from one zone.
struct ZoneShare {
    entry: ZoneEntry,
    /// As the answer has them, and as the zone does.
    records: Vec<(String, RecordIdentity)>,
}

/// Tells the version of each zone that `records` come from, and where each of them comes from. `name` is what was asked for. Reads
/// zone files.
pub(super) fn trace(
    view: &SnapshotView,
    (name, rtype): (NameRef<'_>, Type),
    records: Vec<AnsweredRecord>,
) -> (Vec<ExplanationStep>, Vec<RecordSource>) {
    let asked = view.zone_of(name, rtype).cloned().map(|entry| ZoneShare { entry, records: Vec::new() });
    let mut shares: Vec<ZoneShare> = asked.into_iter().collect();
    for AnsweredRecord { text, identity, covered } in records {
        let Some((entry, source)) = zone_with(view, &identity, covered) else { continue };
        match shares.iter_mut().find(|share| share.entry.zone.name() == entry.zone.name()) {
            Some(share) => share.records.push((text, source)),
            None => shares.push(ZoneShare { entry: entry.clone(), records: vec![(text, source)] }),
        }
    }
    let versions = shares.iter().filter_map(|share| version_step(&share.entry)).collect();
    (versions, shares.into_iter().flat_map(sources).collect())
}

/// The zone that a record was taken from, and the record that it is there. Both sides of a cut may be served.
fn zone_with<'v>(
    view: &'v SnapshotView,
    record: &RecordIdentity,
    covered: Type,
) -> Option<(&'v ZoneEntry, RecordIdentity)> {
    let found = |entry: &ZoneEntry| entry.zone.contents()?.source_of(record);
    let below = view.zone_of(record.owner.as_ref(), covered)?;
    if let Some(source) = found(below) {
        return Some((below, source));
    }
    let above = view.zones.find(below.zone.name().as_ref().parent()?)?;
    found(above).map(|source| (above, source))
}

/// The version that is served; none of a zone that is not loaded.
fn version_step(entry: &ZoneEntry) -> Option<ExplanationStep> {
    let (name, origin) = (entry.zone.name().to_string(), entry.zone.origin()?);
    let serial = entry.zone.contents()?.serial();
    let what = format!("{name} serial {serial}, {}", origin_words(entry, &origin));
    let step = ExplanationStep::new("version", what).with("zone", name).with("serial", serial);
    Some(step.with("cause", origin.cause.as_str()).with("who", &*origin.who).with("time", origin.time))
}

/// What brought a version in, in words.
fn origin_words(entry: &ZoneEntry, origin: &VersionOrigin) -> String {
    let VersionOrigin { cause, time, who } = origin;
    let when = utc_time(*time);
    let by = |from: &str| if who.is_empty() { String::new() } else { format!(" {from} {who}") };
    match cause {
        ChangeCause::File => match entry.file() {
            Some(file) => format!("the file {} on {when}", file.display()),
            None => format!("the zone that is built in, on {when}"),
        },
        ChangeCause::Transfer => format!("a transfer{} on {when}", by("from")),
        ChangeCause::Update => format!("an update{} on {when}", by("by")),
        ChangeCause::Command => format!("the command{} on {when}", by("zone")),
    }
}

/// Where the records of one zone come from.
fn sources(share: ZoneShare) -> Vec<RecordSource> {
    let ZoneShare { entry, records } = share;
    let Some((contents, versions, last)) = entry.zone.past().filter(|_| !records.is_empty()) else {
        return Vec::new();
    };
    let identities: Vec<RecordIdentity> = records.iter().map(|(_, identity)| identity.clone()).collect();
    let added = last_additions(&versions, &identities);
    let places = places(&entry, &contents, &identities, &added);
    // Without a version that is known, what is served came about as a whole.
    let is_whole = versions.is_empty() && matches!(last.cause, ChangeCause::File | ChangeCause::Transfer);
    let first = versions.first().map_or(contents.serial(), |version| version.difference.from);
    // Files are looked into, and updates are versions of their own.
    let start = entry.zone.history_start().filter(|start| start.origin.cause == ChangeCause::Transfer);
    let whole = if is_whole {
        Some(&last)
    } else {
        start.as_ref().filter(|start| start.is_whole).map(|start| &start.origin)
    };
    let tracer = SourceTracer { entry: &entry, first, whole, start: start.as_ref() };
    let all = records.into_iter().zip(added).zip(places);
    all.map(|(((text, _), version), place)| tracer.source(text, version, place)).collect()
}

/// The lines of the records that a file may have brought in.
fn places(
    entry: &ZoneEntry,
    contents: &ZoneContents,
    records: &[RecordIdentity],
    added: &[Option<&ZoneVersion>],
) -> Vec<Option<RecordPlace>> {
    let by_file = |version: Option<&ZoneVersion>| {
        version.is_none_or(|version| version.origin.cause == ChangeCause::File)
    };
    let mut places = vec![None; records.len()];
    let Some(file) = entry.file() else { return places };
    let sought: Vec<RecordIdentity> = records
        .iter()
        .zip(added)
        .filter(|(_, version)| by_file(**version))
        .map(|(record, _)| record.clone())
        .collect();
    if sought.is_empty() {
        return places;
    }
    let mut found = find_records(contents.apex(), &file, &entry.origin.reading, &sought).into_iter();
    for (place, _) in places.iter_mut().zip(added).filter(|(_, version)| by_file(**version)) {
        *place = found.next().flatten();
    }
    places
}

/// What the sources of a zone's records are told by.
struct SourceTracer<'z> {
    entry: &'z ZoneEntry,
    /// The serial that the versions begin with that are known.
    first: u32,
    /// How what is served came about, or the version that those known lead from, where that was at once.
    whole: Option<&'z VersionOrigin>,
    /// How that version came about.
    start: Option<&'z HistoryStart>,
}

impl SourceTracer<'_> {
    /// The source of a record that `version` added, or one before those that are known; `place` is its line in the zone's file.
    fn source(
        &self,
        record: String,
        version: Option<&ZoneVersion>,
        place: Option<RecordPlace>,
    ) -> RecordSource {
        let origin = version.map(|version| &version.origin).or(self.whole);
        let (cause, what) = match (&place, origin) {
            (Some(RecordPlace { file, line }), _) => {
                (ChangeCause::File, format!("{}:{line}", file.display()))
            }
            (None, Some(origin)) => (origin.cause, self.words(origin)),
            (None, None) => self.before(),
        };
        let (file, line) = place.map(|place| (place.file.display().to_string(), place.line)).unzip();
        RecordSource {
            record,
            zone: self.entry.zone.name().to_string(),
            what,
            cause: cause.as_str().to_owned(),
            who: origin.map(|origin| origin.who.to_string()).filter(|who| !who.is_empty()),
            time: origin.map(|origin| origin.time),
            serial: version.map(|version| version.difference.to),
            file,
            line,
        }
    }

    fn words(&self, origin: &VersionOrigin) -> String {
        let words = origin_words(self.entry, origin);
        match self.entry.file() {
            Some(_) if origin.cause == ChangeCause::File => {
                format!("{words}, which does not have it any more")
            }
            _ => words,
        }
    }

    /// What brought a record in before the versions that are known.
    fn before(&self) -> (ChangeCause, String) {
        if let Some(HistoryStart { origin, .. }) = self.start {
            return (origin.cause, format!("{}, or one before it", origin_words(self.entry, origin)));
        }
        let (cause, what) = match self.entry.origin.source {
            ZoneFile::Primaries => (ChangeCause::Transfer, "a transfer"),
            ZoneFile::BuiltIn => (ChangeCause::File, "the zone that is built in,"),
            ZoneFile::File(_) | ZoneFile::Folder(..) => (ChangeCause::Update, "an update"),
        };
        (cause, format!("{what} before the versions that are known, which begin with serial {}", self.first))
    }
}
