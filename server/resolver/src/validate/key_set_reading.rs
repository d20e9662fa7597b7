//! The keys of a zone as its servers gave them, and which of them vouch for the others.

use super::zone_key::ZoneKey;

/// A DNSKEY `RRset` whose signatures were checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySetReading {
    /// All keys of the set that sign zones, revoked ones too.
    pub keys: Vec<ZoneKey>,
    /// Those of them whose signature over the set is right and valid now.
    pub signed_by: Vec<ZoneKey>,
    /// The TTL that was signed, in seconds.
    pub original_ttl: u32,
    /// Seconds until the first of these signatures expires.
    pub expires_in: u32,
}
