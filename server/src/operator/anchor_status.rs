//! How the trust anchors are.

use rhumb_resolver::validate::AnchorKeyState;
use serde::{Deserialize, Serialize};

use crate::metrics::{MetricSamples, names};
use crate::snapshot::{FollowedAnchor, ServerState};

/// A trust anchor that is followed (RFC 5011). Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrustAnchorStatus {
    /// The zone.
    pub zone: String,
    /// Its keys.
    pub keys: Vec<AnchorKeyStatus>,
    /// When its keys were last refreshed.
    pub refreshed: Option<u64>,
    /// When its servers are asked for them next.
    pub next: u64,
    /// How many times in a row that failed.
    pub failures: u32,
    /// Why.
    pub failure: Option<String>,
}

/// A key of a trust anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnchorKeyStatus {
    /// Its tag.
    pub tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// `pending`, `valid`, `missing`, `revoked` or `removed`.
    pub state: String,
    /// Since when.
    pub since: u64,
    /// From when on a pending key will be trusted.
    pub trusted_from: Option<u64>,
}

/// Those that are followed.
pub(super) fn trust_anchors(live: &ServerState) -> Vec<TrustAnchorStatus> {
    live.anchors.followed().iter().map(status).collect()
}

fn status(anchor: &FollowedAnchor) -> TrustAnchorStatus {
    let FollowedAnchor { tracked, refresh, .. } = anchor;
    let keys = tracked.keys.iter().map(|key| AnchorKeyStatus {
        tag: key.tag(),
        algorithm: key.algorithm(),
        state: key.state.as_str().to_owned(),
        since: key.since,
        trusted_from: key.trusted_from(),
    });
    TrustAnchorStatus {
        zone: tracked.zone.to_string(),
        keys: keys.collect(),
        refreshed: refresh.refreshed,
        next: refresh.next,
        failures: refresh.failures,
        failure: refresh.failure.clone(),
    }
}

/// The same as metrics.
pub(super) fn sample_anchors(live: &ServerState, out: &mut MetricSamples) {
    let followed = live.anchors.followed();
    if followed.is_empty() {
        return;
    }
    out.set(&names::ANCHOR_FAILURES, &[], live.anchors.failures());
    out.set(&names::ANCHOR_FILE_FAILURES, &[], live.anchors.file_failures());
    for FollowedAnchor { tracked, refresh, .. } in &followed {
        let zone = tracked.zone.to_string();
        for state in AnchorKeyState::ALL {
            let count = tracked.keys.iter().filter(|key| key.state == state).count();
            out.set(&names::ANCHOR_KEYS, &[&zone, state.as_str()], count as u64);
        }
        out.set(&names::ANCHOR_REFRESHED, &[&zone], refresh.refreshed.unwrap_or(0));
    }
}
