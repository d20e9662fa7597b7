//! Names of upstreams, and the addresses that they have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhumb_config::{ForwardEntry, ServerConfig, UpstreamServer, UpstreamSource};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A name, and who is asked for its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamName {
    /// In lower case.
    pub name: String,
    /// The servers that are asked, in order.
    pub servers: Vec<UpstreamServer>,
}

impl UpstreamName {
    /// A name of an upstream of this entry.
    pub fn of(forward: &ForwardEntry, name: &str) -> Self {
        Self { name: name.to_ascii_lowercase(), servers: forward.bootstrap.clone() }
    }

    /// All names of a configuration, each once.
    fn all(config: &ServerConfig) -> Vec<Self> {
        let mut names = Vec::new();
        for forward in &config.forward {
            for source in &forward.upstreams {
                if let UpstreamSource::Named(upstream, _) = source {
                    let name = Self::of(forward, &upstream.name);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
        names
    }
}

/// What is known of a name.
#[derive(Debug, Clone, Default)]
struct KnownName {
    addresses: Vec<IpAddr>,
    /// When it is looked up again; at once where it never was.
    due: Option<Instant>,
    /// How often it failed since it was last found.
    failures: u32,
}

/// The addresses of the names that the configuration in force has.
#[derive(Debug, Default)]
pub struct UpstreamNames {
    known: Mutex<HashMap<UpstreamName, KnownName>>,
    changed: Notify,
}

impl UpstreamNames {
    /// Knows the names of this configuration from now on, and no others.
    pub fn follow(&self, config: &ServerConfig) {
        let wanted = UpstreamName::all(config);
        let mut known = self.known();
        known.retain(|name, _| wanted.contains(name));
        for name in wanted {
            known.entry(name).or_default();
        }
        drop(known);
        self.changed.notify_one();
    }

    /// The addresses of a name at this moment.
    pub fn addresses(&self, name: &UpstreamName) -> Vec<IpAddr> {
        self.known().get(name).map(|known| known.addresses.clone()).unwrap_or_default()
    }

    /// Those to be looked up now, and when the next one is.
    pub fn due(&self, now: Instant) -> (Vec<UpstreamName>, Option<Instant>) {
        let known = self.known();
        let due = known.iter().filter(|(_, name)| name.due.is_none_or(|due| due <= now));
        let next = known.values().filter_map(|name| name.due).filter(|due| *due > now).min();
        (due.map(|(name, _)| name.clone()).collect(), next)
    }

    /// A name is being looked up, and not to be again before `until`.
    pub fn begin(&self, name: &UpstreamName, until: Instant) {
        if let Some(known) = self.known().get_mut(name) {
            known.due = Some(until);
        }
    }

    /// A name has these addresses until then. Whether they are others than before.
    pub fn found(&self, name: &UpstreamName, mut addresses: Vec<IpAddr>, until: Instant) -> bool {
        addresses.sort_unstable();
        addresses.dedup();
        let mut all = self.known();
        // A configuration without it may be in force by now.
        let Some(known) = all.get_mut(name) else { return false };
        (known.due, known.failures) = (Some(until), 0);
        let differs = known.addresses != addresses;
        known.addresses = addresses;
        self.changed.notify_one();
        differs
    }

    /// A name could not be looked up: its addresses stay. How often that was so in a row, and how many addresses it has.
    pub fn failed(&self, name: &UpstreamName, until: impl FnOnce(u32) -> Instant) -> (u32, usize) {
        let mut all = self.known();
        let Some(known) = all.get_mut(name) else { return (0, 0) };
        known.failures += 1;
        known.due = Some(until(known.failures));
        self.changed.notify_one();
        (known.failures, known.addresses.len())
    }

    /// Waits until names have come, or were looked up.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn known(&self) -> MutexGuard<'_, HashMap<UpstreamName, KnownName>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    fn config(upstreams: &str) -> ServerConfig {
        let text = format!("forward: [{{ domain: ., upstreams: [{upstreams}], bootstrap: [192.0.2.53] }}]");
        rhumb_config::parse(&text, Path::new("x.yaml")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_stay_until_others_are_found() {
        let (names, now) = (UpstreamNames::default(), Instant::now());
        names.follow(&config("'tls://dns.example', 'https://DNS.example', 'quic://other.example'"));
        let (mut due, next) = names.due(now);
        due.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(
            due.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(),
            ["dns.example", "other.example"]
        );
        assert_eq!(next, None);
        let (name, later) = (&due[0], now + Duration::from_secs(5));
        let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert!(names.found(name, vec![ip(2), ip(1), ip(2)], later));
        assert!(!names.found(name, vec![ip(1), ip(2)], later));
        assert_eq!(names.addresses(name), [ip(1), ip(2)]);
        assert_eq!(names.due(now), (vec![due[1].clone()], Some(later)));
        assert_eq!(names.failed(name, |_| later), (1, 2));
        assert_eq!(names.failed(name, |_| later), (2, 2));
        assert_eq!(names.addresses(name), [ip(1), ip(2)]);
        assert!(names.found(name, vec![ip(3)], later));
        names.follow(&config("'quic://other.example'"));
        assert!(names.addresses(name).is_empty() && !names.found(name, vec![ip(1)], later));
    }
}
