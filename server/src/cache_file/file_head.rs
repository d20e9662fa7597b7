//! What a file says of itself: when it was written, where its records were learnt, and by what they were validated.

use rhumb_resolver::{IterationSettings, ServerIdentity};
use rhumb_wire::{DomainName, NameRef};

use crate::snapshot::{RouteCourse, ServerSnapshot};

/// The head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileHead {
    /// Seconds since 1970.
    pub(super) written: u64,
    /// What validation went by, in bytes that are equal where it goes by the same.
    pub(super) trust: Vec<u8>,
    /// The domains that are asked of servers of their own, the root among them, each with those servers in words.
    pub(super) sources: Vec<(DomainName, String)>,
}

impl FileHead {
    /// The one that a file gets which is written now.
    pub(super) fn of(snapshot: &ServerSnapshot, written: u64) -> Self {
        let plan = &snapshot.iteration;
        let mut trust = Vec::new();
        for settings in [&plan.settings, &plan.validating] {
            append_trust(settings.as_deref(), &mut trust);
        }
        let sources = snapshot.view.routes.iter().map(|(_, entry)| {
            let domain = entry.route.domain().clone();
            let source = match plan.course(entry.route.id()) {
                RouteCourse::Iterate => iterated(plan.settings.as_deref(), domain.as_ref()),
                RouteCourse::Forward(_) => {
                    let state = entry.route.state();
                    forwarded(state.members.iter().map(|member| &member.identity))
                }
            };
            (domain, source)
        });
        let mut sources: Vec<_> = sources.collect();
        sources.sort_by(|(a, _), (b, _)| a.as_ref().canonical_cmp(b.as_ref()));
        Self { written, trust, sources }
    }

    /// The domains that one of the two has and the other has not, or with other servers: what was learnt below them is of no use.
    pub(super) fn changed_domains<'h>(&'h self, other: &'h Self) -> Vec<NameRef<'h>> {
        let missing = |of: &'h Self, from: &'h Self| {
            let sources = of.sources.iter().filter(|source| !from.sources.contains(source));
            sources.map(|(domain, _)| domain.as_ref())
        };
        missing(self, other).chain(missing(other, self)).collect()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.written.to_be_bytes().to_vec();
        append(&self.trust, &mut bytes);
        for (domain, source) in &self.sources {
            bytes.extend_from_slice(domain.as_ref().as_bytes());
            append(source.as_bytes(), &mut bytes);
        }
        bytes
    }

    /// None where it cannot be read.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (written, rest) = bytes.split_first_chunk::<8>()?;
        let (trust, mut rest) = split(rest)?;
        let mut sources = Vec::new();
        while !rest.is_empty() {
            let domain = NameRef::parse(rest).ok()?;
            let (source, behind) = split(rest.get(domain.len()..)?)?;
            sources.push((domain.to_name(), String::from_utf8(source.to_vec()).ok()?));
            rest = behind;
        }
        Some(Self { written: u64::from_be_bytes(*written), trust: trust.to_vec(), sources })
    }
}

/// Appends bytes behind their length.
fn append(part: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&(part.len() as u32).to_be_bytes());
    into.extend_from_slice(part);
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn append_trust(settings: Option<&IterationSettings>, into: &mut Vec<u8>) {
    let Some((settings, trust)) = settings.and_then(|settings| Some((settings, settings.trust.as_ref()?)))
    else {
        return into.push(0);
    };
    into.push(1);
    into.extend_from_slice(&settings.limits.iterations.to_be_bytes());
    into.extend_from_slice(&settings.lenient_before.to_be_bytes());
    for anchor in &trust.anchors {
        for digest in &anchor.digests {
            append(anchor.zone.as_ref().as_bytes(), into);
            into.extend_from_slice(&digest.tag.to_be_bytes());
            into.extend_from_slice(&[digest.algorithm, digest.kind]);
            append(&digest.digest, into);
        }
    }
    append(&[], into);
    for (domain, until) in &trust.negative {
        append(domain.as_ref().as_bytes(), into);
        into.extend_from_slice(&until.unwrap_or(u32::MAX).to_be_bytes());
    }
}

/// The servers of a stub; the root's own are found by hints, and are the same whichever of them were asked first.
fn iterated(settings: Option<&IterationSettings>, domain: NameRef<'_>) -> String {
    let stub =
        settings.and_then(|settings| settings.stubs.iter().find(|stub| stub.domain.as_ref() == domain));
    let Some(stub) = stub else { return "iterated".to_owned() };
    let mut servers: Vec<String> = stub.servers.iter().map(ToString::to_string).collect();
    servers.sort();
    format!("stub {}", servers.join(" "))
}

fn forwarded<'i>(upstreams: impl Iterator<Item = &'i ServerIdentity>) -> String {
    let mut upstreams: Vec<String> = upstreams.map(ToString::to_string).collect();
    upstreams.sort();
    format!("forwarded {}", upstreams.join(" "))
}
