//! What is known of a name, for those who ask where an answer out of the cache comes from.

use rhumb_wire::DomainName;

use super::limits;
use super::resolver_state::ResolverState;
use super::trace::{ResolutionEvent, ResolutionStep, TrustFound};
use crate::question::OutboundQuestion;
use crate::validate::signers;

/// The records along the aliases of a question that are known at `now`, in seconds of the cache's clock, and which zones' keys they were
/// validated by.
pub fn known_steps(state: &ResolverState, question: &OutboundQuestion, now: u32) -> Vec<ResolutionStep> {
    let mut steps = Vec::new();
    let mut name = question.name.clone();
    while let Some(known) = state.known(name.as_ref(), question.qtype, now, 0) {
        steps.push(ResolutionStep { depth: 0, event: ResolutionEvent::known(&known, now) });
        let mut zones: Vec<DomainName> = Vec::new();
        for set in known.records().into_iter().chain(&known.attached) {
            for zone in signers(set) {
                if !zones.iter().any(|known| known.as_ref() == zone) {
                    zones.push(zone.to_lowercase());
                }
            }
        }
        for zone in zones {
            let trust = state.zone_trust(&zone, now);
            steps.extend(trust.map(|trust| {
                let found = TrustFound::of(&trust);
                ResolutionStep { depth: 1, event: ResolutionEvent::Trust { zone, found, known: true } }
            }));
        }
        match known.target(question.qtype) {
            Some(target) if steps.len() <= 4 * limits::LINKS => name = target,
            _ => break,
        }
    }
    steps
}
