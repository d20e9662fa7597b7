//! How far an answer goes along its aliases before they lead to a name that is answered by another rule.

use rhumb_resolver::OutboundQuestion;
use rhumb_wire::{MessageSection, MessageView, NameBuf, NameRef, Rcode, Type};

use crate::snapshot::{AnswerAuthority, ServerSnapshot, SnapshotView};

/// An answer has no aliases: it is whole under every configuration. See [`check_aliases`].
const NO_ALIASES: u32 = 0;
/// The aliases of an answer lead elsewhere, or it ends in one.
const INCOMPLETE: u32 = u32::MAX;

/// What an answer holds of a chain of aliases.
pub(super) struct AliasScan {
    /// Records of the answer section that belong to it.
    pub(super) records: usize,
    /// CNAMEs followed, those made from a DNAME among them.
    pub(super) links: usize,
    /// The name that the chain ends at.
    pub(super) end: NameBuf,
    /// Whether that name is still to be resolved.
    pub(super) incomplete: bool,
}

impl AliasScan {
    /// Follows the aliases from `name` in the answer section of `message`, in the order they stand in; `here` says whether a
    /// name is answered by the same rule, and `denied` that an alias at its end leads to nothing. None if the message cannot be read.
    pub(super) fn new(
        message: &MessageView<'_>,
        name: NameRef<'_>,
        qtype: Type,
        here: impl Fn(NameRef<'_>) -> bool,
        mut denied: bool,
    ) -> Option<Self> {
        let mut scan = Self { records: 0, links: 0, end: NameBuf::new(), incomplete: false };
        scan.end.set_lowercase(name);
        let (mut owner, mut last, mut target) = (NameBuf::new(), NameBuf::new(), NameBuf::new());
        let (mut left, mut ends_in_alias) = (false, false);
        for record in message.records() {
            let record = record.ok()?;
            if record.section != MessageSection::Answer {
                denied |= record.section == MessageSection::Authority && record.rtype == Type::SOA;
                continue;
            }
            record.owner(&mut owner).ok()?;
            if left && owner.as_ref() != last.as_ref() {
                break;
            }
            scan.records += 1;
            if owner.as_ref() != scan.end.as_ref() {
                continue;
            }
            ends_in_alias = record.rtype == Type::CNAME && !matches!(qtype, Type::CNAME | Type::ANY);
            if ends_in_alias {
                target_of(&record, &mut target)?;
                last.set_lowercase(scan.end.as_ref());
                scan.end.set_lowercase(target.as_ref());
                scan.links += 1;
                left = !here(target.as_ref());
            }
        }
        let whole = denied || message.header().rcode_low() == Rcode::NXDOMAIN.0;
        scan.incomplete = left || ends_in_alias && !whole;
        Some(scan)
    }
}

fn target_of(record: &rhumb_wire::MessageRecord<'_>, into: &mut NameBuf) -> Option<()> {
    let mut rdata = Vec::new();
    rhumb_wire::rdata::expand(record, &mut rdata).ok()?;
    into.set_lowercase(NameRef::parse(&rdata).ok()?);
    Some(())
}

/// Under which snapshot `message`, the answer to `question` by the route of this number, is whole: all its aliases lead to
/// names of the same route, and it does not end in one, or in one that is known to be `denied`. It is compared by [`is_whole`].
pub fn check_aliases(
    snapshot: &ServerSnapshot,
    route: u32,
    question: &OutboundQuestion,
    message: &[u8],
    denied: bool,
) -> u32 {
    let Ok(message) = MessageView::parse(message) else { return INCOMPLETE };
    let here = |name: NameRef<'_>| is_here(&snapshot.view, name, question.qtype, route);
    match AliasScan::new(&message, question.name.as_ref(), question.qtype, here, denied) {
        Some(AliasScan { incomplete: false, links: 0, .. }) => NO_ALIASES,
        Some(AliasScan { incomplete: false, .. }) => mark(snapshot),
        _ => INCOMPLETE,
    }
}

/// Whether an answer that was checked so is whole under `snapshot`, or has to be followed link by link.
#[inline]
pub fn is_whole(checked: u32, snapshot: &ServerSnapshot) -> bool {
    checked == NO_ALIASES || checked == mark(snapshot)
}

/// The serial of a snapshot, and neither of the two numbers that have a meaning of their own.
fn mark(snapshot: &ServerSnapshot) -> u32 {
    (snapshot.serial % u64::from(INCOMPLETE - 1)) as u32 + 1
}

/// Whether the route of this number answers `name` under `snapshot`.
pub fn is_own_name(snapshot: &ServerSnapshot, name: NameRef<'_>, qtype: Type, route: u32) -> bool {
    is_here(&snapshot.view, name, qtype, route)
}

/// Whether the route of this number answers `name`.
pub(super) fn is_here(view: &SnapshotView, name: NameRef<'_>, qtype: Type, route: u32) -> bool {
    matches!(view.authority_of(name, qtype), AnswerAuthority::Forward(entry) if entry.route.id() == route)
}
