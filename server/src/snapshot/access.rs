//! Who may ask for what the zones do not hold.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rhumb_config::{ClientNetwork, IpNetwork, RecursionSettings};

/// The networks of this host's interfaces, as last looked at.
#[derive(Debug, Default)]
pub struct LocalNetworks(ArcSwap<Vec<IpNetwork>>);

impl LocalNetworks {
    /// Looks at the interfaces. Says what there is now, if that is another list than before.
    pub fn refresh(&self) -> Option<Arc<Vec<IpNetwork>>> {
        let found = match rhumb_net::route::local_networks() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the networks of this host cannot be listed; those known stay");
                return None;
            }
        };
        let mut networks: Vec<IpNetwork> =
            found.into_iter().map(|(address, prefix)| IpNetwork::around(address, prefix)).collect();
        networks.sort();
        networks.dedup();
        if **self.0.load() == networks {
            return None;
        }
        let networks = Arc::new(networks);
        self.0.store(Arc::clone(&networks));
        Some(networks)
    }
}

/// The clients that are served.
#[derive(Debug, Clone, Default)]
pub struct ClientAccess {
    networks: Vec<IpNetwork>,
    local: Option<Arc<LocalNetworks>>,
}

impl ClientAccess {
    /// Those of a configuration; `local` is this host's networks, where it asks for them.
    pub fn new(recursion: &RecursionSettings, local: &Arc<LocalNetworks>) -> Self {
        let networks = recursion.allow.iter().filter_map(|allowed| match allowed {
            ClientNetwork::Network(network) => Some(*network),
            ClientNetwork::Local => None,
        });
        let asked = recursion.allow.contains(&ClientNetwork::Local);
        Self { networks: networks.collect(), local: asked.then(|| Arc::clone(local)) }
    }

    /// Whether this host's networks are among them.
    pub fn follows_local(&self) -> bool {
        self.local.is_some()
    }

    /// Whether `client` is one of them.
    pub fn holds(&self, client: IpAddr) -> bool {
        let within = |networks: &[IpNetwork]| networks.iter().any(|network| network.contains(client));
        within(&self.networks) || self.local.as_ref().is_some_and(|local| within(&local.0.load()))
    }
}

impl From<Vec<IpNetwork>> for ClientAccess {
    fn from(networks: Vec<IpNetwork>) -> Self {
        Self { networks, local: None }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn networks_of_this_host_are_followed_where_they_are_asked_for() {
        let local = Arc::new(LocalNetworks::default());
        let access = |allow: &str| {
            let text = format!("recursion: {{ allow: {allow} }}");
            ClientAccess::new(&rhumb_config::parse(&text, Path::new("x.yaml")).unwrap().recursion, &local)
        };
        let (with, without) = (access("[192.0.2.0/24, local]"), access("[192.0.2.0/24]"));
        let here: IpAddr = "127.0.0.9".parse().unwrap();
        assert!(!with.holds(here) && with.holds("192.0.2.1".parse().unwrap()));
        assert!(local.refresh().is_some_and(|found| found.iter().any(|network| network.contains(here))));
        assert!(with.holds(here) && !without.holds(here));
        assert!(with.follows_local() && !without.follows_local());
        assert_eq!(local.refresh(), None);
    }
}
