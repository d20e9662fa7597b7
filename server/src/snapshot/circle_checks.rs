//! Whether an upstream asks this server again: names that nobody else can know, sent to it, and looked out for among queries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhumb_wire::{DomainName, NameBuf, NameRef};
use tokio::sync::Notify;

/// What the first label of such a name begins with; sixteen hexadecimal digits follow.
const PREFIX: &[u8] = b"rhumb-circle-";
/// Where such names stand that are sent to upstreams for everything: nothing is there, and no server answers it by itself.
const BELOW: &[u8] = b"\x04arpa\0";

/// The checks under way.
#[derive(Debug, Default)]
pub struct CircleChecks {
    open: AtomicUsize,
    tokens: Mutex<HashMap<u64, Arc<Notify>>>,
}

/// A check, until this is dropped.
#[derive(Debug)]
pub struct CircleCheck<'c> {
    checks: &'c CircleChecks,
    token: u64,
    returned: Arc<Notify>,
}

impl CircleChecks {
    /// Begins a check with a number that cannot be guessed.
    pub fn begin(&self, token: u64) -> CircleCheck<'_> {
        let returned = Arc::new(Notify::new());
        self.tokens().insert(token, Arc::clone(&returned));
        self.open.fetch_add(1, Ordering::Release);
        CircleCheck { checks: self, token, returned }
    }

    /// Whether a query for `name` is one of those that were sent; its check is told.
    #[inline]
    pub fn has_sent(&self, name: NameRef<'_>) -> bool {
        self.open.load(Ordering::Acquire) > 0 && self.is_token(name)
    }

    #[cold]
    fn is_token(&self, name: NameRef<'_>) -> bool {
        let Some(token) = name.labels().next().and_then(token_of) else { return false };
        let found = self.tokens().get(&token).map(Arc::clone);
        found.is_some_and(|returned| {
            returned.notify_one();
            true
        })
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<u64, Arc<Notify>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CircleCheck<'_> {
    /// The name to be asked for below `domain`; none where it would be too long.
    pub fn name(&self, domain: &DomainName) -> Option<DomainName> {
        let label = format!("rhumb-circle-{:016x}", self.token);
        let below = if domain.as_ref().is_root() { NameRef::parse(BELOW).ok()? } else { domain.as_ref() };
        let mut name = NameBuf::new();
        name.push_label(label.as_bytes()).ok()?;
        name.finish(below).ok()?;
        Some(name.as_ref().to_name())
    }

    /// Waits until the name comes back as a query.
    pub async fn returned(&self) {
        self.returned.notified().await;
    }
}

impl Drop for CircleCheck<'_> {
    fn drop(&mut self) {
        self.checks.open.fetch_sub(1, Ordering::Release);
        self.checks.tokens().remove(&self.token);
    }
}

fn token_of(label: &[u8]) -> Option<u64> {
    let (prefix, digits) = label.split_at_checked(PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) || digits.len() != 16 {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_name_alone_comes_back() {
        let checks = CircleChecks::default();
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        let check = checks.begin(0xabc);
        for (domain, asked) in [
            (".", "rhumb-circle-0000000000000abc.arpa."),
            ("corp.example", "rhumb-circle-0000000000000abc.corp.example."),
        ] {
            let sent = check.name(&name(domain)).unwrap();
            assert_eq!(sent.to_string(), asked);
            assert!(checks.has_sent(sent.as_ref()));
            assert!(checks.has_sent(name(&asked.to_uppercase()).as_ref()));
        }
        for other in [
            "rhumb-circle-0000000000000abd.arpa",
            "rhumb-circle-abc.arpa",
            "rhumb-circle-.arpa",
            "www.example",
            ".",
        ] {
            assert!(!checks.has_sent(name(other).as_ref()), "{other}");
        }
        let sent = check.name(&name("example")).unwrap();
        drop(check);
        assert!(!checks.has_sent(sent.as_ref()));
        let long = format!("{}example", "a.".repeat(115));
        assert!(checks.begin(1).name(&name(&long)).is_none());
    }

    #[tokio::test]
    async fn the_check_is_told() {
        let checks = CircleChecks::default();
        let check = checks.begin(7);
        assert!(checks.has_sent(check.name(&DomainName::root()).unwrap().as_ref()));
        check.returned().await;
    }
}
