//! What stands before the RDATA of a record.

use rhumb_wire::Type;

use super::scanner::FileWord;

/// What stands before RDATA.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordHead<'t> {
    pub(super) first: FileWord<'t>,
    pub(super) ttl: Option<u32>,
    pub(super) rtype: Type,
}

/// The types that are read in the short way. Their RDATA cannot break a rule, and they are at home at any name.
#[inline]
pub(super) const fn is_frequent(rtype: Type) -> bool {
    matches!(rtype, Type::A | Type::AAAA | Type::NS | Type::CNAME | Type::PTR | Type::MX)
}
