//! A zone and its servers, as far as they are known.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rhumb_cache::{CredibilityRank, LearntRecords, RecordContent, RecordSet, SecurityStatus};
use rhumb_wire::{DomainName, NameRef, Type};

use super::failure::IterationFailure;
use super::limits;
use super::resolution_scope::ForwardZone;
use super::settings::{IterationSettings, NameServer, StubZone};
use crate::forward::UpstreamPool;

/// The type under which delegations are kept, apart from the NS records that the zone itself has.
pub(super) const DELEGATION: Type = Type(u16::MAX);
/// The type under which addresses are kept that a parent gave for servers whose names lie outside of it. They are good for the servers
/// of that one delegation, once nothing else has led to them: its parent could as well have named others.
pub(super) const OUTSIDE_GLUE: Type = Type(u16::MAX - 1);
/// The type under which NS records are kept that a zone names beside its answers: good for clients, and never to go on by.
pub(super) const APEX: Type = Type(u16::MAX - 2);
/// The port of nameservers.
const PORT: u16 = 53;

/// A zone and the servers to ask about names in it.
#[derive(Clone, Debug)]
pub(super) struct ZoneCut {
    pub(super) zone: DomainName,
    pub(super) servers: Vec<NameServer>,
    /// Until when its parents vouch for it, in seconds of the cache's clock.
    pub(super) expires: u32,
    /// Whether the configuration names its servers.
    pub(super) configured: bool,
    /// The recursive servers that are asked in their place.
    pub(super) forward: Option<Arc<UpstreamPool>>,
}

/// A kept delegation that is asked of the parent again, and what became of the question to its servers.
pub(super) struct DoubtedCut {
    pub(super) cut: ZoneCut,
    pub(super) failure: IterationFailure,
}

impl ZoneCut {
    /// The root, by the servers that the configuration names.
    pub(super) fn hints(settings: &IterationSettings) -> Self {
        Self {
            zone: DomainName::root(),
            servers: settings.root.clone(),
            expires: u32::MAX,
            configured: true,
            forward: None,
        }
    }

    /// A forwarded domain.
    pub(super) fn forwarded(forward: &ForwardZone) -> Self {
        Self {
            zone: forward.domain.clone(),
            servers: Vec::new(),
            expires: u32::MAX,
            configured: true,
            forward: Some(Arc::clone(&forward.pool)),
        }
    }

    /// A domain whose servers the configuration names.
    pub(super) fn stub(stub: &StubZone) -> Self {
        let server = NameServer { name: stub.domain.clone(), addresses: stub.servers.clone() };
        Self {
            zone: stub.domain.clone(),
            servers: vec![server],
            expires: u32::MAX,
            configured: true,
            forward: None,
        }
    }

    /// A delegation that was kept.
    pub(super) fn kept(learnt: &LearntRecords) -> Option<Self> {
        let set = learnt.records()?;
        let expires = learnt.stored.saturating_add(learnt.ttl);
        Some(Self { expires, ..Self::delegated(set, &learnt.attached) })
    }

    /// A delegation by NS records and the addresses that came with them.
    pub(super) fn delegated(set: &RecordSet, glue: &[RecordSet]) -> Self {
        let mut servers: Vec<NameServer> = Vec::new();
        for rdata in set.records.iter() {
            let Ok(name) = NameRef::parse(rdata) else { continue };
            if servers.len() == limits::NAME_SERVERS
                || servers.iter().any(|server| server.name.as_ref() == name)
            {
                continue;
            }
            let mut addresses = Vec::new();
            for found in glue.iter().filter(|found| found.owner.as_ref() == name) {
                add_addresses(found, &mut addresses);
            }
            servers.push(NameServer { name: name.to_lowercase(), addresses });
        }
        Self { zone: set.owner.to_lowercase(), servers, expires: u32::MAX, configured: false, forward: None }
    }
}

/// Adds the addresses of a set of A or AAAA records, each once.
pub(super) fn add_addresses(set: &RecordSet, to: &mut Vec<SocketAddr>) {
    for rdata in set.records.iter() {
        let ip = match (set.rtype, rdata.first_chunk::<4>(), rdata.first_chunk::<16>()) {
            (Type::A, Some(&v4), _) => IpAddr::V4(Ipv4Addr::from(v4)),
            (Type::AAAA, _, Some(&v6)) => IpAddr::V6(Ipv6Addr::from(v6)),
            _ => continue,
        };
        let address = SocketAddr::new(ip, PORT);
        if to.len() < limits::ADDRESSES && !to.contains(&address) {
            to.push(address);
        }
    }
}

/// A delegation as it is kept: the parent's NS records, which are good to go on by and never an answer.
pub(super) fn delegation(set: &RecordSet, glue: Vec<RecordSet>, ttl: u32, now: u32) -> LearntRecords {
    LearntRecords {
        owner: set.owner.to_lowercase(),
        rtype: DELEGATION,
        content: RecordContent::Records(set.clone()),
        attached: glue.into(),
        credibility: CredibilityRank::Referral,
        security: SecurityStatus::Unchecked,
        ttl,
        stored: now,
    }
}
