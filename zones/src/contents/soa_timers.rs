//! The numbers of a SOA.

use std::time::Duration;

/// When secondaries ask again, and when they give up (RFC 1035 section 3.3.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoaTimers {
    /// Between two questions for the serial.
    pub refresh: Duration,
    /// Between two questions after one that failed.
    pub retry: Duration,
    /// After which a zone that could not be refreshed is not served any more.
    pub expire: Duration,
}

impl SoaTimers {
    /// From the RDATA of a SOA; none if it is too short for one.
    pub fn of_rdata(rdata: &[u8]) -> Option<Self> {
        let (numbers, []) = rdata.last_chunk::<20>()?.as_chunks::<4>() else { return None };
        let &[_, refresh, retry, expire, _] = numbers else { return None };
        let seconds = |bytes| Duration::from_secs(u32::from_be_bytes(bytes).into());
        Some(Self { refresh: seconds(refresh), retry: seconds(retry), expire: seconds(expire) })
    }
}
