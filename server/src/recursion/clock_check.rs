//! A clock that is plainly wrong: before the release of this version, or far from the times that the root's keys are signed for.

use std::sync::Once;

use rhumb_resolver::validate::limits::RELEASED;

use crate::snapshot::ServerState;

/// What is added to the reason of a failure.
pub(super) const CLOCK_IS_WRONG: &str = "the clock of this host is wrong";

static SAID: Once = Once::new();

/// Whether `unix`, seconds since 1970, cannot be.
pub(super) fn is_wrong(live: &ServerState, unix: u32) -> bool {
    is_before_release(unix) || live.resolver.is_far_from_signatures(unix)
}

const fn is_before_release(unix: u32) -> bool {
    unix < RELEASED
}

/// Says in the log, once, that the time of this host cannot be, and has the metric say so as long as it is true.
pub(super) fn look(live: &ServerState) {
    if live.snapshot.load().iteration.validating.is_none() {
        return;
    }
    let unix = live.clock.with_wall_clock().1;
    let wrong = is_wrong(live, unix);
    live.metrics.clock_is_wrong(wrong);
    if !wrong {
        return;
    }
    SAID.call_once(|| {
        let days = RELEASED.saturating_sub(unix).div_ceil(86_400);
        let what = if is_before_release(unix) {
            format!("is {days} days before the release of this version")
        } else {
            "is far from the times that the keys of the root are signed for".to_owned()
        };
        tracing::error!(
            "the clock of this host {what}: signatures seem not to be valid until it is set; \
             `recursion.dnssec-clock: lenient-until-set` resolves names all the same"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_the_release_is_wrong() {
        assert!(is_before_release(0) && is_before_release(RELEASED - 1));
        assert!(!is_before_release(RELEASED) && !is_before_release(u32::MAX));
    }
}
