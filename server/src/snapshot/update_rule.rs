//! Who may change a zone while it is served.

use std::net::IpAddr;

use rhumb_config::{TransferRule, UpdateAction, UpdateNames, UpdateRule};
use rhumb_wire::tsig::TsigKey;
use rhumb_zones::{UpdateActions, UpdateGrant, UpdateNamePattern};

use super::allowed_clients::AllowedClients;

/// What is said of a client that may change nothing of a zone.
pub const NO_UPDATE_RULE: &str = "no rule of the zone is for this client";

/// Clients, and what they may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneUpdateRule {
    clients: AllowedClients,
    grant: UpdateGrant,
}

impl ZoneUpdateRule {
    /// What a rule of the configuration comes to.
    pub fn of(rule: &UpdateRule) -> Option<Self> {
        let clients =
            TransferRule::Clients { network: rule.network, key: rule.key.clone(), encrypted: false };
        let allows = |action| rule.actions.is_empty() || rule.actions.contains(&action);
        let grant = UpdateGrant {
            names: rule.names.iter().map(pattern).collect(),
            types: rule.types.clone(),
            actions: UpdateActions { add: allows(UpdateAction::Add), delete: allows(UpdateAction::Delete) },
            max_records: rule.max_records,
        };
        Some(Self { clients: AllowedClients::of(&clients, &[])?, grant })
    }

    /// What it allows to `client` by a message that is signed with `key`.
    pub fn grant(&self, client: IpAddr, key: Option<&TsigKey>) -> Option<&UpdateGrant> {
        self.clients.hold(client, key).then_some(&self.grant)
    }
}

fn pattern(names: &UpdateNames) -> UpdateNamePattern {
    match names.clone() {
        UpdateNames::KeyName => UpdateNamePattern::KeyName,
        UpdateNames::Labels { name, below_apex, subtree } => {
            UpdateNamePattern::Labels { name, below_apex, subtree }
        }
    }
}
