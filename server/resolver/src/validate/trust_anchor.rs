//! Keys that are trusted because the configuration says so (RFC 4033 section 2).

use rhumb_wire::{DomainName, NameRef};

use super::zone_key::{KeyDigest, ZoneKey};

/// The keys of a zone that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The apex that validation begins at.
    pub zone: DomainName,
    /// Digests of its keys.
    pub digests: Vec<KeyDigest>,
}

/// What validation goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustSettings {
    /// Trusted keys; data above all of their zones is insecure.
    pub anchors: Vec<TrustAnchor>,
    /// Domains that are taken as insecure whatever is signed there (RFC 7646), each until a moment in seconds since 1970, or for good.
    pub negative: Vec<(DomainName, Option<u32>)>,
}

impl TrustSettings {
    /// Adds a trusted key of a zone.
    pub fn add(&mut self, zone: NameRef<'_>, digest: KeyDigest) {
        match self.anchors.iter_mut().find(|anchor| anchor.zone.as_ref() == zone) {
            Some(anchor) => anchor.digests.push(digest),
            None => self.anchors.push(TrustAnchor { zone: zone.to_lowercase(), digests: vec![digest] }),
        }
    }

    /// The same by the key itself; false if it is no key of a zone.
    pub fn add_key(&mut self, zone: NameRef<'_>, rdata: &[u8]) -> bool {
        let key = ZoneKey::parse(rdata);
        let found = key.is_some();
        if let Some(key) = key {
            self.add(zone, KeyDigest::of(zone, &key));
        }
        found
    }

    /// The anchor closest to `name`, at it or above.
    pub(crate) fn above(&self, name: NameRef<'_>) -> Option<&TrustAnchor> {
        let anchors = self.anchors.iter().filter(|anchor| name.is_at_or_below(anchor.zone.as_ref()));
        anchors.max_by_key(|anchor| anchor.zone.as_ref().len())
    }

    /// Whether `name` is taken as insecure at `now`; an anchor further down counts more.
    pub(crate) fn denies(&self, name: NameRef<'_>, now: u32) -> bool {
        self.negative_above(name, now).is_some()
    }

    /// The domain as part of which `name` is taken as insecure at `now`, and until when.
    pub(crate) fn negative_above(&self, name: NameRef<'_>, now: u32) -> Option<&(DomainName, Option<u32>)> {
        let anchor = self.above(name).map_or(0, |anchor| anchor.zone.as_ref().len());
        self.negative.iter().find(|(domain, until)| {
            name.is_at_or_below(domain.as_ref())
                && domain.as_ref().len() >= anchor
                && until.is_none_or(|until| now < until)
        })
    }
}
