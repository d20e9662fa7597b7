//! What is resolved by iteration: the root, where the configuration leaves it to that, and stub domains.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rhumb_config::{
    CalendarDay, DnssecClock, DnssecValidation, FilePlace, ForwardEntry, ForwardFallback,
    NegativeTrustAnchor, QnameMinimisation, RecursionLimits, RecursionSettings, RootServer, ServerConfig,
    TrustedKey, UpstreamServer,
};
use rhumb_resolver::validate::{KeyDigest, limits};
use rhumb_resolver::{IterationSettings, NameMinimisation, NameServer, StubZone, TrustSettings, WorkLimits};
use rhumb_wire::{DomainName, NameRef, Type};

use super::resolved::resolved_server;
use crate::snapshot::{FallbackCourse, ForwardCourse, IterationPlan, LiveAnchors, RouteCourse};

/// The port of nameservers.
const PORT: u16 = 53;

/// The domains that are resolved by iteration, and where the configuration asks for that.
pub(super) fn domains(config: &ServerConfig) -> Vec<(DomainName, FilePlace)> {
    let stubs = config.stub.iter().map(|stub| (stub.domain.clone(), stub.place.clone()));
    let mut domains: Vec<_> = stubs.collect();
    let is_root = |domain: &DomainName| domain.as_ref().is_root();
    let forwarded = config.forward.iter().any(|forward| is_root(&forward.domain));
    let root_is_stub = domains.iter().any(|(domain, _)| is_root(domain));
    if config.recursion.iterate && !forwarded && !root_is_stub {
        let file = config.file.as_deref().unwrap_or_else(|| Path::new("built-in default"));
        domains.push((NameRef::ROOT.to_name(), FilePlace { file: file.into(), line: 1, column: 1 }));
    }
    domains
}

/// How the routes of these domains and numbers are answered, and how iteration goes about it.
pub(super) fn plan(
    config: &ServerConfig,
    routes: &[(DomainName, u32)],
    anchors: &LiveAnchors,
) -> IterationPlan {
    let iterated = domains(config);
    let course = |domain: &DomainName| {
        if iterated.iter().any(|(iterated, _)| iterated == domain) {
            return RouteCourse::Iterate;
        }
        let entry = config.forward.iter().find(|forward| forward.domain == *domain);
        RouteCourse::Forward(entry.map(|entry| forward_course(config, entry)).unwrap_or_default())
    };
    let courses: HashMap<u32, RouteCourse> = routes
        .iter()
        .map(|(domain, id)| (*id, course(domain)))
        .filter(|(_, course)| *course != RouteCourse::default())
        .collect();
    let settings = (!courses.is_empty()).then(|| Arc::new(settings(config, anchors)));
    let validating = settings.as_ref().map(|settings| {
        if settings.trust.is_some() {
            return Arc::clone(settings);
        }
        let trust = Some(trust(&config.recursion, anchors));
        Arc::new(IterationSettings { trust, ..IterationSettings::clone(settings) })
    });
    IterationPlan {
        settings,
        validating,
        courses,
        sources: config.recursion.source_addresses.clone(),
        dns64: config.recursion.dns64,
        rebinding_protection: config.recursion.rebinding_protection,
    }
}

fn forward_course(config: &ServerConfig, entry: &ForwardEntry) -> ForwardCourse {
    let says = entry.dnssec.unwrap_or(config.recursion.dnssec);
    let fallback = match entry.fallback {
        ForwardFallback::None => FallbackCourse::Fail,
        ForwardFallback::Iterate => FallbackCourse::Iterate { validates: says != DnssecValidation::Off },
    };
    ForwardCourse { validates: says == DnssecValidation::Validate, fallback }
}

fn settings(config: &ServerConfig, anchors: &LiveAnchors) -> IterationSettings {
    let recursion = &config.recursion;
    let root = |server: &RootServer| NameServer {
        name: server.name.clone(),
        addresses: server.addresses.iter().map(|address| SocketAddr::new(*address, PORT)).collect(),
    };
    let addresses = |servers: &[UpstreamServer]| {
        let found = servers.iter().filter_map(resolved_server);
        found.map(|server| server.address).collect()
    };
    IterationSettings {
        root: recursion.root_servers.iter().map(root).collect(),
        stubs: config
            .stub
            .iter()
            .map(|stub| StubZone { domain: stub.domain.clone(), servers: addresses(&stub.servers) })
            .collect(),
        minimisation: match recursion.qname_minimisation {
            QnameMinimisation::Relaxed => NameMinimisation::Relaxed,
            QnameMinimisation::Strict => NameMinimisation::Strict,
            QnameMinimisation::Off => NameMinimisation::Off,
        },
        ipv4: recursion.ipv4,
        ipv6: recursion.ipv6,
        loopback: recursion.query_loopback,
        limits: work_limits(&recursion.limits),
        lenient_before: if recursion.dnssec_clock == DnssecClock::LenientUntilSet {
            limits::RELEASED
        } else {
            0
        },
        minimal_responses: recursion.minimal_responses,
        aggressive_nsec: recursion.aggressive_nsec,
        trust: (recursion.dnssec != DnssecValidation::Off).then(|| trust(recursion, anchors)),
    }
}

fn work_limits(limits: &RecursionLimits) -> WorkLimits {
    WorkLimits {
        sends: limits.queries,
        sends_of_fetch: limits.queries_per_zone,
        places_of_server: limits.under_way_per_server,
        time: limits.time,
        received: usize::try_from(limits.received).unwrap_or(usize::MAX),
        failed_addresses: limits.failed_addresses,
        depth: limits.depth,
        checks: limits.signatures,
        hashes: limits.hashes,
        iterations: limits.nsec3_iterations,
    }
}

fn trust(recursion: &RecursionSettings, anchors: &LiveAnchors) -> TrustSettings {
    let mut trust = TrustSettings::default();
    match anchors.trusted() {
        Some(anchors) => trust.anchors = anchors,
        None => recursion.trusted_keys.iter().for_each(|key| add(key, &mut trust)),
    }
    let ends = |anchor: &NegativeTrustAnchor| anchor.until.map(CalendarDay::end);
    let negative = recursion.negative_trust_anchors.iter();
    trust.negative = negative.map(|anchor| (anchor.domain.clone(), ends(anchor))).collect();
    trust
}

/// Trusts a key that stays as it is.
fn add(key: &TrustedKey, trust: &mut TrustSettings) {
    if key.rtype == Type::DS {
        if let Some(digest) = KeyDigest::parse(&key.rdata) {
            trust.add(key.zone.as_ref(), digest);
        }
    } else if !trust.add_key(key.zone.as_ref(), &key.rdata) {
        tracing::warn!("recursion.trust-anchors: {} has a DNSKEY that signs no zone or is revoked", key.zone);
    }
}
