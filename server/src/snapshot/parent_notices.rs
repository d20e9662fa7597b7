//! What parents were told of zones, for those who look at that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_wire::{DomainName, Type};

/// A message to a parent that a set of records has changed (RFC 9859).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentNotice {
    /// CDS, which stands for CDNSKEY as well, or CSYNC.
    pub rtype: Type,
    /// Whom the parent wants to be told, and where it was; none where that was not found.
    pub server: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// The last message of each kind for each zone.
#[derive(Debug, Default)]
pub struct ParentNotices(Mutex<HashMap<DomainName, Vec<ParentNotice>>>);

impl ParentNotices {
    /// Takes the place of the one before for these records of `zone`.
    pub fn note(&self, zone: &DomainName, notice: ParentNotice) {
        let mut zones = self.zones();
        let notices = zones.entry(zone.to_lowercase()).or_default();
        notices.retain(|known| known.rtype != notice.rtype);
        notices.push(notice);
        notices.sort_by_key(|known| known.rtype);
    }

    /// Those of a zone, by type.
    pub fn of(&self, zone: &DomainName) -> Vec<ParentNotice> {
        self.zones().get(&zone.to_lowercase()).cloned().unwrap_or_default()
    }

    /// Forgets those of all zones but some.
    pub fn retain(&self, stays: impl Fn(&DomainName) -> bool) {
        self.zones().retain(|zone, _| stays(zone));
    }

    fn zones(&self) -> MutexGuard<'_, HashMap<DomainName, Vec<ParentNotice>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_kind_is_known() {
        let notices = ParentNotices::default();
        let notice = |rtype, time| ParentNotice { rtype, server: None, outcome: String::new(), time };
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        for (zone, rtype, time) in
            [("a.", Type::CSYNC, 1), ("A.", Type::CDS, 2), ("a.", Type::CDS, 3), ("b.", Type::CDS, 4)]
        {
            notices.note(&name(zone), notice(rtype, time));
        }
        assert_eq!(notices.of(&name("a.")), [notice(Type::CDS, 3), notice(Type::CSYNC, 1)]);
        notices.retain(|zone| *zone == name("b."));
        assert_eq!((notices.of(&name("a.")).len(), notices.of(&name("b.")).len()), (0, 1));
    }
}
