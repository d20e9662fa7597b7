//! `transfer-to:` of a zone: who may transfer it.

use crate::in_force::InForce;
use crate::kinds::{Optional, Parsed};
use crate::network::IpNetwork;
use crate::node::Node;
use crate::reader::Reader;
use crate::section::{Keys, Section};

/// Clients that may transfer a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRule {
    /// Where they are.
    pub network: IpNetwork,
}

#[derive(Default)]
pub(crate) struct TransferRuleDraft {
    network: Option<IpNetwork>,
}

impl Section for TransferRule {
    type Draft = TransferRuleDraft;

    const ABOUT: &'static str = "Clients that may transfer the zone.";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["network"]];

    fn draft() -> TransferRuleDraft {
        TransferRuleDraft::default()
    }

    fn keys<K: Keys<TransferRuleDraft>>(keys: &mut K) {
        keys.key(
            "network",
            InForce::AtReload,
            "The network of the clients.",
            Optional(Parsed::new("a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address")),
            |draft| &mut draft.network,
        );
        keys.not_offered("key", "requests are not signed");
    }

    fn finish(draft: TransferRuleDraft, _: &Node, _: &mut Reader) -> Option<Self> {
        Some(TransferRule { network: draft.network? })
    }

    fn values(&self) -> TransferRuleDraft {
        TransferRuleDraft { network: Some(self.network) }
    }
}
