//! What the numbers of entries stand for.

use crate::record_set::{CredibilityRank, SecurityStatus};

/// What an entry begins with.
pub(super) const RECORDS: u8 = 1;
pub(super) const PROOF: u8 = 2;

/// The numbers of credibilities and states of security are their places in these lists.
pub(super) const CREDIBILITIES: [CredibilityRank; 3] =
    [CredibilityRank::Referral, CredibilityRank::Answer, CredibilityRank::Authoritative];
pub(super) const SECURITIES: [SecurityStatus; 3] =
    [SecurityStatus::Unchecked, SecurityStatus::Insecure, SecurityStatus::Secure];

/// What an entry of records says: that there is a set, no such records, or no such name.
pub(super) const SET: u8 = 0;
pub(super) const NO_DATA: u8 = 1;
pub(super) const NAME_ERROR: u8 = 2;
