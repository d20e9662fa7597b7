//! One version of a zone.

use std::sync::Arc;

use rhumb_wire::{NameRef, Type};

use crate::builder::denial::canonical;
use crate::difference::ZoneDifference;
use crate::journal::record::ChangeCause;
use crate::record_identity::RecordIdentity;

/// How a version came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionOrigin {
    /// What caused it.
    pub cause: ChangeCause,
    /// When, in seconds since 1970.
    pub time: u64,
    /// Who did, such as a key and an address; empty where the cause says it all.
    pub who: Arc<str>,
}

/// A version of a zone, by what it differs by from the one before.
#[derive(Debug, Clone)]
pub struct ZoneVersion {
    /// What differs.
    pub difference: Arc<ZoneDifference>,
    /// How it came about.
    pub origin: VersionOrigin,
}

impl ZoneVersion {
    /// Whether it adds this record; `rdata` is in canonical form.
    pub fn adds(&self, owner: NameRef<'_>, rtype: Type, rdata: &[u8]) -> bool {
        self.difference.added().any(|added| {
            added.rtype == rtype && added.owner == owner && canonical(rtype, added.rdata) == rdata
        })
    }
}

/// The last of `versions`, which are in order, that adds each of `records`; in the order of the records.
pub fn last_additions<'v>(
    versions: &'v [ZoneVersion],
    records: &[RecordIdentity],
) -> Vec<Option<&'v ZoneVersion>> {
    let mut found: Vec<Option<&ZoneVersion>> = vec![None; records.len()];
    for version in versions.iter().rev() {
        if found.iter().all(Option::is_some) {
            break;
        }
        for added in version.difference.added_with_soa() {
            let sought = records.iter().zip(&mut found).filter(|(_, found)| found.is_none());
            for (record, found) in sought {
                if record.is(added.owner, added.rtype, added.rdata) {
                    *found = Some(version);
                }
            }
        }
    }
    found
}
