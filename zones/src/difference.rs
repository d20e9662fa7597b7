//! What differs between two versions of a zone, and several such differences made into one (RFC 1995 section 4).

mod apply;
mod compare;
mod records;
mod zone_difference;

#[cfg(test)]
mod tests;

pub use apply::{DifferenceMisfit, FittedChange};
pub(crate) use compare::{RecordRows, push_missing, records_of, soa_of};
pub use records::DifferenceRecord;
pub(crate) use records::RecordList;
pub use zone_difference::ZoneDifference;
