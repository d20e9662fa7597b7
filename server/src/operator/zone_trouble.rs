//! What is wrong with zones and forwarded domains: one rule for the status, its page, `/ready` and the metrics.

use crate::snapshot::{RouteEntry, ServerSnapshot, ServerState, ZoneEntry};

/// Why a zone is broken: its file cannot be read, or it has nothing to serve. None for one that is served as it should be, and for
/// one of other servers that is awaited: it has not been transferred yet, and nothing says that it cannot be.
pub(super) fn zone_trouble(live: &ServerState, entry: &ZoneEntry) -> Option<String> {
    let zone = &entry.zone;
    if let Some(trouble) = zone.trouble() {
        return Some(trouble.0.to_string());
    }
    if zone.load().is_some() {
        return None;
    }
    if entry.origin.secondary.is_none() {
        return Some("its file has not been read yet".to_owned());
    }
    let failure = live.refreshes.status(zone.name()).filter(|status| status.failures > 0);
    let cause = failure.as_ref().map(|status| status.failure.as_deref().unwrap_or("the last look failed"));
    absence(zone.is_expired(), cause)
}

/// Why a zone of other servers has nothing to serve, `failure` being what the last look at its primaries failed by.
fn absence(is_expired: bool, failure: Option<&str>) -> Option<String> {
    match (is_expired, failure) {
        (true, None) => Some("it has expired".to_owned()),
        (true, Some(failure)) => Some(format!("it has expired: {failure}")),
        (false, Some(failure)) => Some(format!("it has never been transferred: {failure}")),
        (false, None) => None,
    }
}

/// Whether a forwarded domain has no upstream that answers, and nothing stands in for them.
pub(super) fn lacks_upstream(snapshot: &ServerSnapshot, entry: &RouteEntry) -> bool {
    let course = snapshot.iteration.course(entry.route.id());
    course.needs_upstreams() && !entry.route.state().pool.is_healthy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_of_other_servers_is_broken_once_it_expires_or_cannot_be_had() {
        for (is_expired, failure, expected) in [
            (false, None, None),
            (false, Some("no reply"), Some("it has never been transferred: no reply")),
            (true, None, Some("it has expired")),
            (true, Some("no reply"), Some("it has expired: no reply")),
        ] {
            assert_eq!(absence(is_expired, failure).as_deref(), expected, "{is_expired} {failure:?}");
        }
    }
}
