//! What keeps a change from being published: the errors of the builder, looked for where something changed.

use rhumb_wire::{NameRef, Type};

use super::name_change::{NameChange, NameChanges};
use crate::contents::{ZoneContents, full_name};
use crate::fault::{FaultKind, FaultSeverity, ZoneFault, stands_beside_cname};

const MAX_FAULTS: usize = 1000;

/// The errors in these names.
pub(super) fn errors(base: &ZoneContents, names: &NameChanges) -> Vec<ZoneFault> {
    let touched = names.values().filter(|change| !change.sets.is_empty());
    let found = touched.flat_map(|change| {
        let kinds = of_name(base, change);
        kinds.into_iter().map(|kind| fault(full_name(&change.below, base.apex()).as_ref(), kind))
    });
    found.take(MAX_FAULTS).collect()
}

/// A fault for which no line is to blame. It keeps the change from being published.
pub(super) fn fault(owner: NameRef<'_>, kind: FaultKind) -> ZoneFault {
    ZoneFault { severity: FaultSeverity::Error, owner: owner.to_name(), line: 0, kind }
}

fn of_name(base: &ZoneContents, change: &NameChange) -> Vec<FaultKind> {
    let mut kinds = Vec::new();
    if change.below.is_empty() {
        // That a zone without NS is served is for the builder to warn of, and that an update leaves the last one in place (RFC
        // 2136 section 3.4.2.4) for who carries it out: a transfer may bring a zone without.
        kinds.extend((change.count(base, Type::SOA) == 0).then_some(FaultKind::NoSoa));
    }
    let aliases = change.count(base, Type::CNAME);
    if aliases > 1 {
        kinds.push(FaultKind::SeveralCnames);
    }
    if change.count(base, Type::DNAME) > 1 {
        kinds.push(FaultKind::SeveralDnames);
    }
    if aliases > 0 {
        let may_stand = |rtype| rtype == Type::CNAME || stands_beside_cname(rtype);
        let others = change.types(base).into_iter().filter(|t| !may_stand(*t) && change.count(base, *t) > 0);
        kinds.extend(others.map(FaultKind::CnameAndOther));
    }
    kinds
}
