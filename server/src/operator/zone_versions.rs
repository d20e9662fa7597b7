//! The versions of zones: what there is, how two differ, and one written out.

use std::collections::HashSet;
use std::fmt::Write as _;

use rhumb_wire::{DomainName, NameRef, Type};
use rhumb_zones::file::rdata_text;
use rhumb_zones::{DifferenceRecord, VersionOrigin, ZoneContents, ZoneDifference};
use serde::{Deserialize, Serialize};

use crate::snapshot::ZoneEntry;

/// The versions of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZonePast {
    /// The zone.
    pub zone: String,
    /// The serial that is served.
    pub serial: u32,
    /// Bytes that the differences take.
    pub bytes: usize,
    /// The versions, the oldest first; the last one is served.
    pub versions: Vec<ShownVersion>,
}

/// A version of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownVersion {
    /// Its serial.
    pub serial: u32,
    /// The serial of the one before; none where that is not known any more.
    pub from: Option<u32>,
    /// When it was made, in seconds since 1970.
    pub time: u64,
    /// What caused it: `file`, `transfer`, `update` or `command`.
    pub cause: String,
    /// Who did, where the cause does not say it all: a key, the name of a certificate, and an address; a primary.
    pub who: String,
    /// Records added, that of the SOA left out.
    pub added: usize,
    /// Records removed.
    pub removed: usize,
}

/// How two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionDifference {
    /// The zone.
    pub zone: String,
    /// The serial of the one.
    pub from: u32,
    /// The serial of the other.
    pub to: u32,
    /// Records that the other has not, in presentation form.
    pub removed: Vec<String>,
    /// Records that it has besides.
    pub added: Vec<String>,
}

/// A zone as a zone file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportedZone {
    /// The zone.
    pub zone: String,
    /// Its serial.
    pub serial: u32,
    /// The file.
    pub text: String,
}

/// What of a zone is written out.
#[derive(Debug)]
pub(super) enum ExportPart<'f> {
    /// All that is served.
    All,
    /// What signing has made is left out.
    Unsigned,
    /// What is not in the file with these contents.
    Updates(&'f ZoneContents),
}

/// The versions of a zone. Errors: it is not loaded.
pub(super) fn past(entry: &ZoneEntry) -> Result<ZonePast, String> {
    let (contents, versions, origin) = entry.zone.past().ok_or_else(|| not_loaded(entry))?;
    let mut shown: Vec<ShownVersion> = versions
        .iter()
        .map(|version| {
            let step = &version.difference;
            shown_version(
                step.to,
                Some(step.from),
                &version.origin,
                (step.added().count(), step.removed().count()),
            )
        })
        .collect();
    if shown.is_empty() {
        shown.push(shown_version(contents.serial(), None, &origin, (0, 0)));
    }
    let (_, bytes) = entry.zone.history_size();
    Ok(ZonePast { zone: entry.zone.name().to_string(), serial: contents.serial(), bytes, versions: shown })
}

fn shown_version(
    serial: u32,
    from: Option<u32>,
    origin: &VersionOrigin,
    (added, removed): (usize, usize),
) -> ShownVersion {
    let VersionOrigin { cause, time, who } = origin;
    let (cause, who) = (cause.as_str().to_owned(), who.to_string());
    ShownVersion { serial, from, time: *time, cause, who, added, removed }
}

/// How two versions differ, whichever is older. Errors: one of them is not known.
pub(super) fn difference(entry: &ZoneEntry, from: u32, to: u32) -> Result<VersionDifference, String> {
    let zone = entry.zone.name();
    let (contents, versions, _) = entry.zone.past().ok_or_else(|| not_loaded(entry))?;
    let steps: Vec<&ZoneDifference> = versions.iter().map(|version| &*version.difference).collect();
    let known = |serial: u32| {
        let place = steps.iter().position(|step| step.from == serial);
        place.or_else(|| (contents.serial() == serial).then_some(steps.len()))
    };
    let missing = |serial: u32| {
        let first = steps.first().map_or(contents.serial(), |step| step.from);
        format!("zone {zone}: there is no version {serial}; they go from {first} to {}", contents.serial())
    };
    let first = known(from).ok_or_else(|| missing(from))?;
    let last = known(to).ok_or_else(|| missing(to))?;
    let between = steps.get(first.min(last)..first.max(last)).unwrap_or(&[]);
    let (mut removed, mut added) = match ZoneDifference::condense(between.iter().copied()) {
        Some(step) => (lines(step.removed_with_soa()), lines(step.added_with_soa())),
        None => (Vec::new(), Vec::new()),
    };
    if first > last {
        std::mem::swap(&mut removed, &mut added);
    }
    Ok(VersionDifference { zone: zone.to_string(), from, to, removed, added })
}

fn lines<'d>(records: impl Iterator<Item = DifferenceRecord<'d>>) -> Vec<String> {
    let line = |record: DifferenceRecord<'_>| line(record.owner, record.ttl, record.rtype, record.rdata);
    records.map(line).collect()
}

fn line(owner: NameRef<'_>, ttl: u32, rtype: Type, rdata: &[u8]) -> String {
    format!("{owner} {ttl} IN {rtype} {}", rdata_text(rtype, rdata))
}

/// A zone as a zone file, the SOA first. Errors: it is not loaded.
pub(super) fn export(entry: &ZoneEntry, part: &ExportPart<'_>) -> Result<ExportedZone, String> {
    let contents = entry.zone.contents().ok_or_else(|| not_loaded(entry))?;
    let (zone, serial) = (entry.zone.name().to_string(), contents.serial());
    let (mut text, mut data) = (String::new(), Vec::new());
    let known = match part {
        ExportPart::Updates(file) => records(file),
        _ => HashSet::new(),
    };
    let mut write = |owner: NameRef<'_>, rtype: Type, ttl: u32, rdata: &[u8]| {
        let is_left_out = match part {
            ExportPart::All => false,
            ExportPart::Unsigned => is_made_by_signing(rtype),
            ExportPart::Updates(_) => {
                rtype == Type::SOA || known.contains(&(owner.to_lowercase(), rtype, ttl, rdata.to_vec()))
            }
        };
        if !is_left_out {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line(owner, ttl, rtype, rdata));
        }
    };
    let soa = contents.soa().into_iter();
    for set in soa.chain(contents.iter().filter(|set| set.rtype() != Type::SOA)) {
        let owner = set.owner();
        for record in set.records().chain(set.signatures()) {
            data.clear();
            record.rdata(&mut data);
            write(owner.as_ref(), record.rtype(), record.ttl(), &data);
        }
    }
    Ok(ExportedZone { zone, serial, text })
}

/// Every record but the SOA.
fn records(contents: &ZoneContents) -> HashSet<(DomainName, Type, u32, Vec<u8>)> {
    let mut all = HashSet::new();
    for set in contents {
        let owner = set.owner().as_ref().to_lowercase();
        for record in set.records().chain(set.signatures()) {
            let mut data = Vec::new();
            record.rdata(&mut data);
            all.insert((owner.clone(), record.rtype(), record.ttl(), data));
        }
    }
    all
}

/// Types whose records signing makes (RFC 4034, RFC 5155).
const fn is_made_by_signing(rtype: Type) -> bool {
    matches!(rtype, Type::RRSIG | Type::NSEC | Type::NSEC3 | Type::NSEC3PARAM)
}

fn not_loaded(entry: &ZoneEntry) -> String {
    format!("zone {} is not loaded", entry.zone.name())
}
