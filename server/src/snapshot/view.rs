//! What a client is answered from: who may ask, zones, built-in names, forwarded domains.

use std::net::IpAddr;
use std::sync::Arc;

use rhumb_wire::{DomainName, NameRef, Type};
use rhumb_zones::{NameTable, ZoneContents};

use super::access::ClientAccess;
use super::route::RouteEntry;
use super::zone::ZoneEntry;

/// Access, zones and routes, as a client sees them.
#[derive(Debug, Clone)]
pub struct SnapshotView {
    /// Who may ask for what the zones do not hold.
    pub allow: ClientAccess,
    /// The zones served, by apex.
    pub zones: NameTable<ZoneEntry>,
    /// The names that are answered here for those who may ask (RFC 6761, RFC 6303).
    pub built_in: Arc<NameTable<ZoneContents>>,
    /// Whether names of one label are kept from upstreams that are asked for everything.
    pub domain_needed: bool,
    /// The forwarded domains.
    pub routes: NameTable<RouteEntry>,
}

/// Who answers a name.
#[derive(Debug, Clone, Copy)]
pub enum AnswerAuthority<'s> {
    /// A zone of ours.
    Zone(&'s ZoneEntry),
    /// A name that never leaves this host.
    BuiltIn(&'s ZoneContents),
    /// Upstreams.
    Forward(&'s RouteEntry),
    /// Neither: the name is refused.
    None,
}

impl SnapshotView {
    /// Whether `client` may ask for what the zones do not hold.
    pub fn allows(&self, client: IpAddr) -> bool {
        self.allow.holds(client)
    }

    /// The zone that answers `name`: the longest match, but for DS the parent's side of the cut (RFC 4035 section 3.1.4.1).
    #[inline]
    pub fn zone_of(&self, name: NameRef<'_>, qtype: Type) -> Option<&ZoneEntry> {
        let served = |name| self.zones.find(name).filter(|entry| !entry.is_local_root());
        if qtype == Type::DS
            && let Some(above) = name.parent().and_then(served)
        {
            return Some(above);
        }
        served(name)
    }

    /// The copy of the root that is transferred for the resolver.
    pub fn local_root(&self) -> Option<&ZoneEntry> {
        self.zones.find_exact(NameRef::ROOT).filter(|entry| entry.is_local_root())
    }

    /// Who answers `name` once no zone does. A forwarded domain at or below a built-in one comes first, for whoever wrote it
    /// meant it; `localhost` has no such exception (RFC 6761 section 6.3).
    pub fn authority_beyond_zones(&self, name: NameRef<'_>) -> AnswerAuthority<'_> {
        let route = self.routes.find(name);
        let Some(built_in) = self.built_in.find(name) else {
            return route.map_or(AnswerAuthority::None, AnswerAuthority::Forward);
        };
        match route {
            Some(entry)
                if entry.route.domain().as_ref().is_at_or_below(built_in.apex())
                    && !built_in.apex().as_bytes().eq_ignore_ascii_case(b"\x09localhost\0") =>
            {
                AnswerAuthority::Forward(entry)
            }
            _ => AnswerAuthority::BuiltIn(built_in),
        }
    }

    /// Whether a name of one label is kept from the upstreams of this route. What a domain of the top level itself has goes to
    /// them: who validates asks for it.
    #[inline]
    pub fn keeps_from(&self, entry: &RouteEntry, name: NameRef<'_>, qtype: Type) -> bool {
        self.domain_needed
            && name.label_count() == 1
            && entry.route.domain().as_ref().is_root()
            && !matches!(qtype, Type::NS | Type::SOA | Type::DS | Type::DNSKEY)
    }

    /// The route of a forwarded domain below the zone that would answer `name`: for clients that may recurse the longest
    /// match among zones and forwarded domains counts.
    pub fn route_below(&self, zone: &ZoneEntry, name: NameRef<'_>, qtype: Type) -> Option<&RouteEntry> {
        if self.routes.is_empty() {
            return None;
        }
        let name = if qtype == Type::DS { name.parent()? } else { name };
        // Both are ancestors of one name, so that the longer one lies below the other.
        let longer =
            |entry: &&RouteEntry| entry.route.domain().as_ref().len() > zone.zone.name().as_ref().len();
        self.routes.find(name).filter(longer)
    }

    /// What answers `name` for a client that may recurse.
    pub fn authority_of(&self, name: NameRef<'_>, qtype: Type) -> AnswerAuthority<'_> {
        match self.zone_of(name, qtype) {
            Some(zone) => self
                .route_below(zone, name, qtype)
                .map_or(AnswerAuthority::Zone(zone), AnswerAuthority::Forward),
            None => self.authority_beyond_zones(name),
        }
    }

    /// The zone with this apex.
    pub fn zone_at(&self, apex: &DomainName) -> Option<&ZoneEntry> {
        self.zones.find_exact(apex.as_ref())
    }
}
