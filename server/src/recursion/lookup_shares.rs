//! How many look-ups are under way: bounds over all, and a share for each route, each client and each domain, so that a domain that
//! nobody answers for does not take the places of the others.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use rhumb_wire::NameRef;

use crate::metrics::WorkBound;

/// Look-ups under way at a time.
const ALL: usize = 4096;
/// Those by one route, and by one that answers nothing.
const ROUTE: ShareLimits = ShareLimits { usual: 2048, failing: 1024 };
/// Those below one domain; the configuration says how many below one that fails.
const DOMAIN: usize = 1024;
/// Those of names of two labels below one of a single label, as networks of their own have it. Others have thousands of domains below
/// such a label, and each has its share.
const TOP: ShareLimits = ShareLimits { usual: 2048, failing: 512 };
/// Those of one client, or one IPv6 /56, and of one whose look-ups fail: a client may be a server that many others ask.
const CLIENT: ShareLimits = ShareLimits { usual: 2048, failing: 512 };
/// Something fails once so many look-ups more have failed than were answered; each answer halves the number.
const FAILING: u8 = 20;
/// Domains that are remembered for their failures with nothing under way.
const REMEMBERED: usize = 16_384;

#[derive(Clone, Copy)]
struct ShareLimits {
    usual: usize,
    failing: usize,
}

/// The look-ups under way.
#[derive(Debug, Default)]
pub(super) struct LookupShares {
    counts: Mutex<LookupCounts>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct LookupCounts {
    all: usize,
    clients: HashMap<IpAddr, LookupShare, RandomState>,
    /// By the hash of the route, or of the route and a domain.
    shares: HashMap<u64, LookupShare, RandomState>,
}

/// The look-ups by one route, below one domain, or of one client.
#[derive(Debug, Default)]
struct LookupShare {
    under_way: usize,
    failures: u8,
}

/// What answers the look-ups of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RouteKind {
    /// A few servers, which all its domains depend on.
    Forwards,
    /// Servers of each domain, so that those of one say nothing of those of another.
    Iterates,
}

/// Why no more look-up is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupRefusal {
    /// There are too many.
    All,
    /// Its route has too many.
    Route,
    /// Its domain has too many.
    Domain,
    /// Its client has too many.
    Client,
}

impl LookupRefusal {
    /// As it is counted.
    pub(super) const fn bound(self) -> WorkBound {
        match self {
            Self::All => WorkBound::Lookups,
            Self::Route => WorkBound::Route,
            Self::Domain => WorkBound::Domain,
            Self::Client => WorkBound::Client,
        }
    }

    /// For the client, in words.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::All => "too many questions wait",
            Self::Route => "too many questions wait for these upstreams",
            Self::Domain => "too many questions wait below this domain",
            Self::Client => "too many questions of this client wait",
        }
    }
}

/// A look-up under way, until this is dropped.
#[derive(Debug)]
pub(super) struct LookupPermit {
    all: Arc<LookupShares>,
    client: Option<IpAddr>,
    keys: ShareKeys,
    failed: bool,
}

/// The shares that a look-up belongs to: its route, and the domains above its name of two and of three labels, of one more below
/// `arpa`; that of one label where its name has two.
#[derive(Debug, Clone, Copy)]
struct ShareKeys {
    route: u64,
    domains: [Option<u64>; 2],
    top: Option<u64>,
}

impl LookupShare {
    const fn takes_more(&self, limits: ShareLimits) -> bool {
        let failing = self.failures >= FAILING;
        self.under_way < if failing { limits.failing } else { limits.usual }
    }

    fn end(&mut self, failed: bool) {
        self.under_way -= 1;
        self.failures = if failed { (self.failures + 1).min(4 * FAILING) } else { self.failures / 2 };
    }
}

impl LookupShares {
    /// Lets a look-up of `name` by a route begin, for a client if there is one; below a domain that fails `failing` of them.
    pub(super) fn admit(
        self: &Arc<Self>,
        (route, kind): (u32, RouteKind),
        name: NameRef<'_>,
        client: Option<IpAddr>,
        failing: usize,
    ) -> Result<LookupPermit, LookupRefusal> {
        let keys = self.keys(route, name);
        let domain = ShareLimits { usual: DOMAIN.max(failing), failing };
        self.counts().begin(&keys, kind, client, domain)?;
        // Unless it turns out otherwise: one that panics is no answer.
        Ok(LookupPermit { all: Arc::clone(self), client, keys, failed: true })
    }

    fn counts(&self) -> MutexGuard<'_, LookupCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self, route: u32, name: NameRef<'_>) -> ShareKeys {
        let mut domains = [None; 2];
        let mut above = Some(name);
        let mut labels = name.label_count();
        let least = if in_arpa(name) { 3 } else { 2 };
        while let Some(domain) = above.filter(|_| labels >= least) {
            if let Some(place) = domains.get_mut(labels - least) {
                *place = Some(self.hasher.hash_one((route, domain.as_bytes())));
            }
            (above, labels) = (domain.parent(), labels - 1);
        }
        let top = name.parent().filter(|top| top.label_count() == 1);
        let top = top.map(|top| self.hasher.hash_one((route, top.as_bytes())));
        ShareKeys { route: self.hasher.hash_one(route), domains, top }
    }
}

fn in_arpa(name: NameRef<'_>) -> bool {
    name.as_bytes().to_ascii_lowercase().ends_with(b"\x04arpa\0")
}

impl LookupCounts {
    fn begin(
        &mut self,
        keys: &ShareKeys,
        kind: RouteKind,
        client: Option<IpAddr>,
        domain: ShareLimits,
    ) -> Result<(), LookupRefusal> {
        let takes = |key: u64, limits| self.shares.get(&key).is_none_or(|share| share.takes_more(limits));
        if self.all >= ALL {
            return Err(LookupRefusal::All);
        }
        if kind == RouteKind::Forwards && !takes(keys.route, ROUTE) {
            return Err(LookupRefusal::Route);
        }
        let tops = keys.top.is_none_or(|key| kind == RouteKind::Iterates || takes(key, TOP));
        if !tops || !keys.domains.into_iter().flatten().all(|key| takes(key, domain)) {
            return Err(LookupRefusal::Domain);
        }
        if let Some(client) = client {
            let share = self.clients.entry(client).or_default();
            if !share.takes_more(CLIENT) {
                return Err(LookupRefusal::Client);
            }
            share.under_way += 1;
        }
        self.all += 1;
        for key in keys.all() {
            self.shares.entry(key).or_default().under_way += 1;
        }
        Ok(())
    }

    fn end(&mut self, keys: &ShareKeys, client: Option<IpAddr>, failed: bool) {
        self.all -= 1;
        for key in keys.all() {
            let Some(share) = self.shares.get_mut(&key) else { continue };
            share.end(failed);
            if share.under_way == 0 && share.failures == 0 {
                self.shares.remove(&key);
            }
        }
        if let Some(client) = client
            && let Some(share) = self.clients.get_mut(&client)
        {
            share.end(failed);
            if share.under_way == 0 {
                self.clients.remove(&client);
            }
        }
        if self.shares.len() > REMEMBERED + ALL * 4 {
            self.shares.retain(|_, share| share.under_way > 0);
        }
        if self.all == 0 && self.shares.len() < ALL && self.shares.capacity() > 4 * ALL {
            self.shares.shrink_to_fit();
        }
    }
}

impl ShareKeys {
    fn all(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.route).chain(self.domains.into_iter().flatten()).chain(self.top)
    }
}

impl LookupPermit {
    /// Notes that upstreams answered.
    pub(super) const fn answered(&mut self) {
        self.failed = false;
    }
}

impl Drop for LookupPermit {
    fn drop(&mut self) {
        self.all.counts().end(&self.keys, self.client, self.failed);
    }
}

#[cfg(test)]
mod tests {
    use rhumb_wire::DomainName;

    use super::*;

    /// Look-ups below a domain that fails.
    const FEW: usize = 200;

    fn client(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    struct Rig(Arc<LookupShares>);

    impl Rig {
        fn new() -> Self {
            Self(Arc::default())
        }

        fn begin(
            &self,
            route: u32,
            name: &str,
            client: Option<IpAddr>,
        ) -> Result<LookupPermit, LookupRefusal> {
            let name = name.parse::<DomainName>().unwrap();
            self.0.admit((route, RouteKind::Forwards), name.as_ref(), client, FEW)
        }

        fn fail(&self, count: usize, domain: &str) {
            for n in 0..count {
                drop(self.begin(1, &format!("f{n}.{domain}"), None).unwrap());
            }
        }

        fn answer(&self, count: usize, domain: &str) {
            for n in 0..count {
                self.begin(1, &format!("a{n}.{domain}"), None).unwrap().answered();
            }
        }

        /// How many look-ups below a domain can be under way.
        fn room(&self, domain: &str) -> usize {
            let mut held = Vec::new();
            for n in 0..5000u32 {
                match self.begin(1, &format!("n{n}.{domain}"), Some(client(n))) {
                    Ok(permit) => held.push(permit),
                    Err(_) => break,
                }
            }
            let count = held.len();
            held.iter_mut().for_each(LookupPermit::answered);
            count
        }
    }

    #[test]
    fn a_domain_that_fails_has_a_small_share() {
        for domain in ["dead.example", "dead.co.uk", "deep.below.dead.example", "3.2.10.in-addr.arpa"] {
            let rig = Rig::new();
            rig.fail(25, domain);
            assert_eq!(rig.room(domain), FEW, "{domain}");
        }
        let rig = Rig::new();
        assert_eq!(rig.room("good.example"), DOMAIN);
    }

    #[test]
    fn a_domain_of_one_label_has_a_share_too() {
        let rig = Rig::new();
        rig.fail(25, "dead");
        assert_eq!(rig.room("dead"), TOP.failing);
        assert!(rig.begin(1, "www.example", None).is_ok());
        // Domains below one label say nothing of each other.
        let rig = Rig::new();
        for n in 0..25 {
            rig.fail(25, &format!("d{n}.dead"));
        }
        assert_eq!(rig.room("good.dead"), DOMAIN.min(ROUTE.failing));
    }

    #[test]
    fn others_lose_nothing_by_it() {
        let rig = Rig::new();
        rig.fail(25, "dead.example");
        let mut held = Vec::new();
        for n in 0..5 * CLIENT.failing as u32 {
            if let Ok(permit) = rig.begin(1, &format!("n{n}.dead.example"), Some(client(n % 5))) {
                held.push(permit);
            }
        }
        assert_eq!(held.len(), FEW);
        for n in 0..500 {
            assert!(rig.begin(1, &format!("n{n}.good.example"), Some(client(n % 5))).is_ok());
            assert!(rig.begin(2, &format!("n{n}.dead.example"), Some(client(9))).is_ok());
        }
    }

    #[test]
    fn a_domain_that_answers_now_and_then_does_not_fail() {
        let rig = Rig::new();
        for _ in 0..50 {
            rig.fail(5, "mixed.example");
            rig.answer(1, "mixed.example");
        }
        assert_eq!(rig.room("mixed.example"), DOMAIN);
        // One that comes back is no longer held to it soon.
        rig.fail(100, "back.example");
        rig.answer(3, "back.example");
        assert_eq!(rig.room("back.example"), DOMAIN);
    }

    #[test]
    fn a_client_and_a_route_have_their_shares() {
        let rig = Rig::new();
        let name = |n: u32| format!("n.d{n}.example");
        let begin = |n: u32| rig.begin(n % 3, &name(n), Some(client(1)));
        let mut held: Vec<_> = (0..CLIENT.usual as u32).map(|n| begin(n).unwrap()).collect();
        assert_eq!(begin(9999).unwrap_err(), LookupRefusal::Client);
        assert!(rig.begin(4, &name(9999), Some(client(2))).is_ok());
        // Failing, it has less.
        held.truncate(CLIENT.failing);
        assert_eq!(begin(9999).unwrap_err(), LookupRefusal::Client);
        held.truncate(CLIENT.failing - 1);
        assert!(begin(9999).is_ok());
        drop(held);
        assert!(rig.begin(1, &name(9999), Some(client(1))).is_ok());
        assert!(rig.0.counts().clients.is_empty());

        let rig = Rig::new();
        let mut held = Vec::new();
        while let Ok(permit) = rig.begin(1, &name(held.len() as u32), None) {
            held.push(permit);
        }
        assert_eq!(held.len(), ROUTE.usual);
        assert_eq!(rig.begin(1, "x.y.z", None).unwrap_err(), LookupRefusal::Route);
        assert!(rig.begin(2, "x.y.z", None).is_ok());
        drop(held);
        assert_eq!(rig.0.counts().all, 0);
    }

    #[test]
    fn where_each_domain_has_servers_of_its_own_a_route_has_no_share() {
        let rig = Rig::new();
        let begin = |n: usize| {
            let name = format!("n.d{n}.example").parse::<DomainName>().unwrap();
            rig.0.admit((1, RouteKind::Iterates), name.as_ref(), None, FEW)
        };
        let held: Vec<_> = (0..ALL).map(|n| begin(n).unwrap()).collect();
        assert_eq!(begin(ALL).unwrap_err(), LookupRefusal::All);
        drop(held);
        assert!(begin(0).is_ok());
    }

    #[test]
    fn nothing_is_remembered_without_a_bound() {
        let rig = Rig::new();
        for n in 0..200_000 {
            drop(rig.begin(1, &format!("x.d{}.example", n % 50_000), None));
        }
        assert!(rig.0.counts().shares.len() <= REMEMBERED + 4 * ALL + 4);
    }
}
