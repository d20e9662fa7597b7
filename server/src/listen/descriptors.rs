//! Descriptors are shared: connections of clients leave enough for upstreams and files.

/// Of the descriptors that the process may have, this part is not for connections of clients ...
const RESERVED_PART: usize = 2;
/// ... and no more than this: as many look-ups as can be under way at once, each with a socket, and some files.
const MOST_RESERVED: usize = 4096 + 256;
/// Connections that there may be in any case.
const LEAST_CLIENTS: usize = 8;

/// How many of `wanted` connections of clients fit, where the process may have `limit` descriptors, and `open` are open beside
/// those of clients.
pub(super) fn fitting_clients(wanted: usize, limit: usize, open: usize) -> usize {
    let reserved = (limit / RESERVED_PART).min(MOST_RESERVED);
    let fitting = limit.saturating_sub(reserved).saturating_sub(open).max(LEAST_CLIENTS);
    wanted.min(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_for_others_up_to_what_they_can_need() {
        for (wanted, limit, open, fitting) in [
            (1000, 524_288, 40, 1000),
            (1000, 1024, 24, 488),
            (1000, 128, 24, 40),
            (10, 128, 24, 10),
            (1000, 64, 60, 8),
            (100_000, 65_536, 36, 65_536 - 4352 - 36),
        ] {
            assert_eq!(fitting_clients(wanted, limit, open), fitting, "{wanted} of {limit}, {open} open");
        }
    }
}
