//! `server.rate-limit`: how many answers by UDP a network gets.

use crate::in_force::InForce;
use crate::kinds::{NumberKind, OptionalKind, ParsedKind, ValueList};
use crate::network::IpNetwork;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// Response rate limiting: it keeps the server from being of use in reflected floods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Answers a second to one network of clients that say the same, at least 1.
    pub responses_per_second: u32,
    /// Errors a second to one network of clients, at least 1.
    pub errors_per_second: u32,
    /// Of answers over the limit every `slip`th one is sent truncated; 0 for none, 1 for all.
    pub slip: u32,
    /// The bits of an IPv4 address that make a network of clients, 1 to 32.
    pub ipv4_prefix: u8,
    /// The bits of an IPv6 address that make a network of clients, 1 to 128.
    pub ipv6_prefix: u8,
    /// Networks that are not limited.
    pub exempt: Vec<IpNetwork>,
    /// How many rates are kept, 8 bytes each; made a power of two.
    pub table_size: usize,
}

pub(crate) struct RateLimitDraft {
    limit: RateLimitSettings,
    errors: Option<u32>,
}

impl ConfigSection for RateLimitSettings {
    type Draft = RateLimitDraft;

    const ABOUT: &'static str = "Limits how often answers that say the same are sent to one network by UDP.";

    fn draft() -> RateLimitDraft {
        let limit = RateLimitSettings {
            responses_per_second: 200,
            errors_per_second: 200,
            slip: 2,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            exempt: Vec::new(),
            table_size: 1 << 19,
        };
        RateLimitDraft { limit, errors: None }
    }

    fn keys<K: KeyVisitor<RateLimitDraft>>(keys: &mut K) {
        keys.key(
            "responses-per-second",
            InForce::AtReload,
            "Answers a second to one network for one name, or for all names that are denied in one zone.",
            NumberKind::new(1, 1_000_000),
            |draft| &mut draft.limit.responses_per_second,
        );
        keys.key(
            "errors-per-second",
            InForce::AtReload,
            "Errors a second to one network. Without it, as many as answers.",
            OptionalKind(NumberKind::new(1, 1_000_000)),
            |draft| &mut draft.errors,
        );
        keys.key("slip", InForce::AtReload,
            "Of the answers over the limit every so-manieth is sent, truncated, so that a client can ask by TCP; 0 for none.",
            NumberKind::new(0, 100),
            |draft| &mut draft.limit.slip,
        );
        keys.key(
            "ipv4-prefix",
            InForce::AtReload,
            "The bits of an IPv4 address that make a network.",
            NumberKind::new(1, 32),
            |draft| &mut draft.limit.ipv4_prefix,
        );
        keys.key(
            "ipv6-prefix",
            InForce::AtReload,
            "The bits of an IPv6 address that make a network.",
            NumberKind::new(1, 128),
            |draft| &mut draft.limit.ipv6_prefix,
        );
        keys.key(
            "exempt",
            InForce::AtReload,
            "Networks whose clients are not limited.",
            ValueList {
                of: ParsedKind::<IpNetwork>::new(
                    "a network such as 192.0.2.0/24 or 2001:db8::/32, or an address",
                ),
                filled: false,
            },
            |draft| &mut draft.limit.exempt,
        );
        keys.key(
            "table-size",
            InForce::AtReload,
            "How many rates are kept, 8 bytes each; the next power of two counts.",
            NumberKind::new(1024, 1 << 24),
            |draft| &mut draft.limit.table_size,
        );
    }

    fn finish(draft: RateLimitDraft, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        let mut limit = draft.limit;
        limit.errors_per_second = draft.errors.unwrap_or(limit.responses_per_second);
        limit.table_size = limit.table_size.next_power_of_two();
        Some(limit)
    }

    fn values(&self) -> RateLimitDraft {
        RateLimitDraft { limit: self.clone(), errors: Some(self.errors_per_second) }
    }
}
