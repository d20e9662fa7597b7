//! Clients that may do something with a zone.

use std::net::IpAddr;

use rhumb_config::{IpNetwork, NamedRemote, TransferRule};
use rhumb_wire::tsig::TsigKey;
use rhumb_wire::{DomainName, Transport};

/// Clients that fit all that is said here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedClients {
    /// Where they are: in one of these; anywhere where there is none.
    networks: Vec<IpNetwork>,
    /// What their requests are signed with; none: they need not be signed.
    key: Option<DomainName>,
    /// Whether their requests have to come over an encrypted transport.
    encrypted: bool,
}

impl AllowedClients {
    /// What a rule comes to. None for one that names a server which is not there.
    pub fn of(rule: &TransferRule, remotes: &[NamedRemote]) -> Option<Self> {
        match rule {
            TransferRule::Clients { network, key, encrypted } => {
                let networks = network.iter().copied().collect();
                Some(Self { networks, key: key.clone(), encrypted: *encrypted })
            }
            TransferRule::Remote(name) => {
                let remote = remotes.iter().find(|remote| remote.name == *name)?;
                let networks =
                    remote.addresses.iter().map(|address| IpNetwork::around(address.ip, u8::MAX)).collect();
                Some(Self { networks, key: remote.key.clone(), encrypted: remote.tls.is_some() })
            }
        }
    }

    /// The same clients, over any transport.
    pub fn over_any_transport(self) -> Self {
        Self { encrypted: false, ..self }
    }

    /// Whether their requests may come over `transport`.
    pub const fn take(&self, transport: Transport) -> bool {
        !self.encrypted || transport.is_encrypted()
    }

    /// Whether a request from `client`, signed with `key`, is one of theirs.
    pub fn hold(&self, client: IpAddr, key: Option<&TsigKey>) -> bool {
        let is_near =
            self.networks.is_empty() || self.networks.iter().any(|network| network.contains(client));
        let wanted = self.key.as_ref();
        is_near && wanted.is_none_or(|wanted| key.is_some_and(|key| key.name() == wanted.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rhumb_wire::tsig::TsigAlgorithm;

    use super::*;

    #[test]
    fn all_that_a_rule_says_has_to_fit() {
        let text = "keys: [{ name: a, secret: AAAA }, { name: b, secret: AAAA }]\n\
                    remotes: [{ name: r, addresses: [192.0.2.9, \"[2001:db8::9]:5353\"], key: a }, { name: s, addresses: 192.0.2.9 }]\n\
                    zones: [{ name: z, file: f, transfer-to: [r, s, { network: 192.0.2.0/24 }, { key: b }, { network: 192.0.2.9, key: b }] }]\n";
        let config = rhumb_config::parse(text, Path::new("x.yaml")).unwrap();
        let transfer_to = &config.zones[0].served().unwrap().transfer_to;
        let rules: Vec<_> =
            transfer_to.iter().map(|rule| AllowedClients::of(rule, &config.remotes).unwrap()).collect();
        let key = |name: &str| {
            let name: DomainName = name.parse().unwrap();
            TsigKey::new(name.as_ref(), TsigAlgorithm::HmacSha256, vec![0].into_boxed_slice().into()).unwrap()
        };
        let (a, b) = (key("A."), key("b."));
        for (client, key, expected) in [
            ("192.0.2.9", None, [false, true, true, false, false]),
            ("192.0.2.9", Some(&a), [true, true, true, false, false]),
            ("192.0.2.9", Some(&b), [false, true, true, true, true]),
            ("192.0.2.8", Some(&b), [false, false, true, true, false]),
            ("::ffff:192.0.2.9", Some(&a), [true, true, true, false, false]),
            ("2001:db8::9", Some(&a), [true, false, false, false, false]),
            ("2001:db8::8", Some(&a), [false; 5]),
            ("2001:db8::8", Some(&b), [false, false, false, true, false]),
        ] {
            let client = client.parse().unwrap();
            let found: Vec<_> = rules.iter().map(|rule| rule.hold(client, key)).collect();
            assert_eq!(found, expected, "{client} {key:?}");
        }
    }

    #[test]
    fn some_have_to_ask_over_encrypted_transports() {
        let text = "remotes: [{ name: r, addresses: 192.0.2.9 }, { name: s, addresses: 192.0.2.9, tls: { name: s.test } }]\n\
                    zones: [{ name: z, file: f, transfer-to: [r, s, { network: 192.0.2.9 }, { network: 192.0.2.9, transport: tls }] }]\n";
        let config = rhumb_config::parse(text, Path::new("x.yaml")).unwrap();
        let transfer_to = &config.zones[0].served().unwrap().transfer_to;
        let rules: Vec<_> =
            transfer_to.iter().map(|rule| AllowedClients::of(rule, &config.remotes).unwrap()).collect();
        for (transport, expected) in [
            (Transport::Udp, [true, false, true, false]),
            (Transport::Tcp, [true, false, true, false]),
            (Transport::Tls, [true; 4]),
            (Transport::Quic, [true; 4]),
        ] {
            let found: Vec<_> = rules.iter().map(|rule| rule.take(transport)).collect();
            assert_eq!(found, expected, "{transport}");
            assert!(rules.iter().cloned().all(|rule| rule.over_any_transport().take(transport)));
        }
    }
}
