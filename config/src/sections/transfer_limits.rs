//! `transfers:`: how many zone transfers there may be, and how fast primaries are asked.

use crate::in_force::InForce;
use crate::kinds::NumberKind;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// How many zone transfers there may be at one time, and how fast primaries are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// Transfers to others; more are refused.
    pub out: usize,
    /// Those to one network of clients.
    pub out_per_network: usize,
    /// Zones of primaries that are looked at or transferred; more wait.
    pub incoming: usize,
    /// Those of one primary.
    pub in_per_primary: usize,
    /// Looks at primaries in a second; more wait.
    pub soa_queries_per_second: u32,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self { out: 32, out_per_network: 4, incoming: 64, in_per_primary: 8, soa_queries_per_second: 1000 }
    }
}

impl ConfigSection for TransferLimits {
    type Draft = Self;

    const ABOUT: &'static str =
        "How many zone transfers there may be at one time, and how fast primaries are asked.";

    fn draft() -> Self {
        Self::default()
    }

    fn keys<K: KeyVisitor<Self>>(keys: &mut K) {
        keys.key(
            "out",
            InForce::AtReload,
            "Transfers to others in all; more are refused.",
            NumberKind::new(1, 10_000),
            |limits| &mut limits.out,
        );
        keys.key(
            "out-per-network",
            InForce::AtReload,
            "Transfers to one network of clients, an IPv4 address or an IPv6 /56; more are refused.",
            NumberKind::new(1, 10_000),
            |limits| &mut limits.out_per_network,
        );
        keys.key(
            "in",
            InForce::AtReload,
            "Zones of primaries that are looked at or transferred in all; more wait.",
            NumberKind::new(1, 10_000),
            |limits| &mut limits.incoming,
        );
        keys.key(
            "in-per-primary",
            InForce::AtReload,
            "The same of one primary; two of one that does not answer.",
            NumberKind::new(1, 10_000),
            |limits| &mut limits.in_per_primary,
        );
        keys.key(
            "soa-queries-per-second",
            InForce::AtReload,
            "Zones whose primaries are asked for their SOA in a second, 200 of one primary; more wait.",
            NumberKind::new(1, 100_000),
            |limits| &mut limits.soa_queries_per_second,
        );
    }

    fn finish(draft: Self, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> Self {
        *self
    }
}
