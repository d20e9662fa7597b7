//! A clock that is plainly wrong: before the release of this version, so that signatures seem not valid yet.

use std::sync::Once;

use rhumb_resolver::validate::limits::RELEASED;

/// What is added to the reason of a failure.
pub(super) const CLOCK_IS_WRONG: &str = "the clock of this host is wrong";

static SAID: Once = Once::new();

/// Whether `unix`, seconds since 1970, cannot be.
pub(super) const fn is_wrong(unix: u32) -> bool {
    unix < RELEASED
}

/// Says in the log, once, that `unix` cannot be.
pub(super) fn look(unix: u32) {
    if is_wrong(unix) {
        SAID.call_once(|| {
            tracing::error!(
                "the clock of this host is {} days before the release of this version: signatures seem not valid yet until it is set; \
                 `recursion.dnssec-clock: lenient-until-set` resolves names all the same",
                (RELEASED - unix).div_ceil(86_400)
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_the_release_is_wrong() {
        assert!(is_wrong(0) && is_wrong(RELEASED - 1));
        assert!(!is_wrong(RELEASED) && !is_wrong(u32::MAX));
    }
}
