//! `recursion.limits`: what one question may cost.

use std::time::Duration;

use crate::in_force::InForce;
use crate::kinds::{NumberKind, SizeKind, TimeKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// Bounds of the work for one question of a client, over everything that is asked and checked on its behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecursionLimits {
    /// Messages sent in all.
    pub queries: usize,
    /// Messages sent to the servers of one zone for one of its names.
    pub queries_per_zone: usize,
    /// How long it is worked on.
    pub time: Duration,
    /// Bytes of all replies together.
    pub received: u64,
    /// Addresses of nameservers that are looked for in vain.
    pub failed_addresses: usize,
    /// How deep addresses of nameservers may lead to further nameservers.
    pub depth: usize,
    /// Signatures that are checked, good and bad (CVE-2023-50387).
    pub signatures: usize,
    /// Names hashed for NSEC3.
    pub hashes: usize,
    /// Iterations of NSEC3 that are followed; a zone with more is insecure (RFC 9276).
    pub nsec3_iterations: u16,
    /// Queries to all other servers that are under way at a time.
    pub under_way: usize,
    /// Queries to one other server that are under way at a time.
    pub under_way_per_server: usize,
    /// Look-ups below one domain that are under way at a time, as long as it does not answer.
    pub failing_domain: usize,
}

impl Default for RecursionLimits {
    fn default() -> Self {
        RecursionLimits {
            queries: 200,
            queries_per_zone: 16,
            time: Duration::from_secs(8),
            received: 256 << 10,
            failed_addresses: 5,
            depth: 8,
            signatures: 32,
            hashes: 150,
            nsec3_iterations: 50,
            under_way: 8192,
            under_way_per_server: 4096,
            failing_domain: 200,
        }
    }
}

impl ConfigSection for RecursionLimits {
    type Draft = RecursionLimits;

    const ABOUT: &'static str = "What one question may cost, over everything that is asked and checked for it, and what all of them may take at a time.";

    fn draft() -> RecursionLimits {
        RecursionLimits::default()
    }

    fn keys<K: KeyVisitor<RecursionLimits>>(keys: &mut K) {
        keys.key(
            "queries",
            InForce::AtReload,
            "Messages sent in all.",
            NumberKind::new(10, 10_000),
            |limits| &mut limits.queries,
        );
        keys.key(
            "queries-per-zone",
            InForce::AtReload,
            "Messages sent to the servers of one zone for one of its names.",
            NumberKind::new(2, 200),
            |limits| &mut limits.queries_per_zone,
        );
        keys.key(
            "time",
            InForce::AtReload,
            "How long it is worked on.",
            TimeKind { least: Duration::from_secs(1), most: Duration::from_secs(30), whole_seconds: true },
            |limits| &mut limits.time,
        );
        keys.key(
            "received",
            InForce::AtReload,
            "Bytes of the replies to it.",
            SizeKind { least: 64 << 10, most: 64 << 20 },
            |limits| &mut limits.received,
        );
        keys.key(
            "failed-addresses",
            InForce::AtReload,
            "Addresses of nameservers that may be looked for in vain.",
            NumberKind::new(1, 100),
            |limits| &mut limits.failed_addresses,
        );
        keys.key(
            "depth",
            InForce::AtReload,
            "How deep the addresses of nameservers may lead to further nameservers.",
            NumberKind::new(1, 32),
            |limits| &mut limits.depth,
        );
        validation_keys(keys);
        shared_keys(keys);
    }

    fn finish(draft: RecursionLimits, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> RecursionLimits {
        self.clone()
    }
}

fn shared_keys<K: KeyVisitor<RecursionLimits>>(keys: &mut K) {
    keys.key(
        "under-way",
        InForce::AtReload,
        "Queries to all other servers that are under way at a time; each holds a socket.",
        NumberKind::new(64, 1_000_000),
        |limits| &mut limits.under_way,
    );
    keys.key(
        "under-way-per-server",
        InForce::AtReload,
        "Queries to one other server that are under way at a time.",
        NumberKind::new(8, 100_000),
        |limits| &mut limits.under_way_per_server,
    );
    keys.key(
        "failing-domain",
        InForce::AtReload,
        "Look-ups below one domain that are under way at a time while nobody answers for it.",
        NumberKind::new(8, 4096),
        |limits| &mut limits.failing_domain,
    );
}

fn validation_keys<K: KeyVisitor<RecursionLimits>>(keys: &mut K) {
    keys.key("signatures", InForce::AtReload, "Signatures checked.", NumberKind::new(8, 1000), |limits| {
        &mut limits.signatures
    });
    keys.key("hashes", InForce::AtReload, "Names hashed for NSEC3.", NumberKind::new(8, 10_000), |limits| {
        &mut limits.hashes
    });
    keys.key(
        "nsec3-iterations",
        InForce::AtReload,
        "Iterations of NSEC3 that are followed; a zone with more counts as unsigned (RFC 9276).",
        NumberKind::new(0, 150),
        |limits| &mut limits.nsec3_iterations,
    );
}
