//! Who may change a zone while it is served.

use std::net::IpAddr;

use rhumb_config::{TransferRule, UpdateAction, UpdateNames, UpdateRule};
use rhumb_wire::DomainName;
use rhumb_wire::tsig::TsigKey;
use rhumb_zones::{UpdateActions, UpdateGrant, UpdateNamePattern};

use super::allowed_clients::AllowedClients;

/// What is said of a client that may change nothing of a zone.
pub const NO_UPDATE_RULE: &str = "no rule of the zone is for this client";

/// Clients, and what they may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneUpdateRule {
    clients: AllowedClients,
    /// A name of the certificate that they show; none: they need not show one.
    tls_name: Option<DomainName>,
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
        Some(Self { clients: AllowedClients::of(&clients, &[])?, tls_name: rule.tls_name.clone(), grant })
    }

    /// The name that the certificate of a client has to have; none: it need not show one.
    pub const fn tls_name(&self) -> Option<&DomainName> {
        self.tls_name.as_ref()
    }

    /// What it allows to `client`, whose certificate has these names, by a message that is signed with `key`.
    pub fn grant(&self, client: IpAddr, key: Option<&TsigKey>, names: &[DomainName]) -> Option<&UpdateGrant> {
        let is_named = self.tls_name.as_ref().is_none_or(|name| names.contains(name));
        (is_named && self.clients.hold(client, key)).then_some(&self.grant)
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_name_is_needed_where_a_rule_has_one() {
        let text = "state: s\nlisten: [{ address: \"::\", transports: [tls], certificate: self-signed, client-ca: c }]\n\
                    zones: [{ name: z, file: f, update: [{ tls-name: a.test }, { tls-name: b.test, network: 192.0.2.0/24 }, \
                    { network: 192.0.2.0/24 }] }]\n";
        let config = rhumb_config::parse(text, Path::new("x.yaml")).unwrap();
        let update = &config.zones[0].served().unwrap().update;
        let rules: Vec<_> = update.iter().map(|rule| ZoneUpdateRule::of(rule).unwrap()).collect();
        for (client, names, expected) in [
            ("192.0.2.9", &[][..], [false, false, true]),
            ("192.0.2.9", &["a.test"], [true, false, true]),
            ("192.0.2.9", &["other.test", "A.Test"], [true, false, true]),
            ("192.0.2.9", &["b.test", "a.test"], [true, true, true]),
            ("192.0.3.9", &["b.test", "a.test"], [true, false, false]),
            ("192.0.3.9", &["*.test", "x.a.test", "test"], [false, false, false]),
        ] {
            let names: Vec<DomainName> = names.iter().map(|name| name.parse().unwrap()).collect();
            let grants = |rule: &ZoneUpdateRule| rule.grant(client.parse().unwrap(), None, &names).is_some();
            let found: Vec<bool> = rules.iter().map(grants).collect();
            assert_eq!(found, expected, "{client} {names:?}");
        }
    }
}
