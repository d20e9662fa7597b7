//! What one question may cost.

use std::time::Duration;

use super::limits;
use crate::{exchange, validate};

/// Bounds of the work for one question, over everything that is asked and checked on its behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Messages sent in all.
    pub sends: usize,
    /// Messages sent to the servers of one zone for one of its names.
    pub sends_of_fetch: usize,
    /// Queries to one server that are under way at a time, those for other questions among them.
    pub places_of_server: usize,
    /// How long it is worked on.
    pub time: Duration,
    /// Bytes of all replies together.
    pub received: usize,
    /// Addresses of nameservers that are looked for in vain.
    pub failed_addresses: usize,
    /// How deep questions for the addresses of nameservers may lead to further ones.
    pub depth: usize,
    /// Signatures that are checked, good and bad (CVE-2023-50387).
    pub checks: usize,
    /// Names hashed for NSEC3.
    pub hashes: usize,
    /// Iterations of NSEC3 that are followed.
    pub iterations: u16,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            sends: limits::SENDS,
            sends_of_fetch: limits::SENDS_OF_FETCH,
            places_of_server: exchange::limits::UNDER_WAY_OF_SERVER,
            time: limits::DEADLINE,
            received: limits::RECEIVED,
            failed_addresses: limits::FAILED_ADDRESSES,
            depth: limits::DEPTH,
            checks: validate::limits::CHECKS,
            hashes: validate::limits::HASHES,
            iterations: validate::limits::ITERATIONS,
        }
    }
}
