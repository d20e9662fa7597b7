//! What carrying out a message came to.

use std::fmt;

/// What carrying out a message came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateSummary {
    /// Records added; those that were there already are not counted.
    pub added: usize,
    /// Records deleted.
    pub removed: usize,
    /// What was left out, in order.
    pub ignored: Vec<IgnoredOperation>,
}

/// An operation that RFC 2136 section 3.4.2 leaves out, while the message goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredOperation {
    /// Its place in the update section, from 0.
    pub index: usize,
    /// Why.
    pub reason: IgnoredReason,
}

/// Why an operation is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredReason {
    /// A CNAME, and the name owns other data (section 3.4.2.2).
    AliasBesideData,
    /// Other data, and the name owns a CNAME (section 3.4.2.2).
    DataBesideAlias,
    /// A SOA whose serial is not newer (section 3.4.2.2).
    OldSerial,
    /// A SOA that would stand below the apex (section 3.4.2.2).
    MisplacedSoa,
    /// A DS at the apex: its place is in the parent (RFC 4035 section 2.4).
    MisplacedDs,
    /// The SOA or the last NS of the apex, which stay (sections 3.4.2.3 and 3.4.2.4).
    ApexRecord,
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AliasBesideData => "the name owns other records, and a CNAME stands alone",
            Self::DataBesideAlias => "the name owns a CNAME, which stands alone",
            Self::OldSerial => "the serial is not newer than that of the zone",
            Self::MisplacedSoa => "SOA stands at the apex alone",
            Self::MisplacedDs => "DS stands in the parent, never at the apex",
            Self::ApexRecord => "the apex keeps its SOA and its last NS",
        })
    }
}
