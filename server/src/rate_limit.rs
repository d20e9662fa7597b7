//! Response rate limiting: how many answers that say the same a network of clients gets by UDP, so that forged questions make
//! no flood of them.
//!
//! Which answers say the same: those for one name; those for all names that a wildcard, a delegation or a DNAME stands for;
//! all denials of names in one zone; all errors. Clients that ask by TCP, or have shown by a cookie that their address is
//! theirs, are for the caller to let through.

mod table;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use rhumb_config::IpNetwork;
use rhumb_wire::NameRef;
use siphasher::sip::SipHasher13;

use watch::{LimitEnd, LimitedNetworks};

pub use table::RateTable;

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;
/// Bytes that are hashed before a name: kind, family, address.
const FIXED: usize = 2 + 16;

/// What an answer says, as far as limits go.
#[derive(Debug, Clone, Copy)]
pub enum ResponseClass<'n> {
    /// What belongs to this name: asked for, or standing for what was asked for.
    Name(NameRef<'n>),
    /// That a name does not exist in the zone with this apex.
    Denied(NameRef<'n>),
    /// An error.
    Error,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateVerdict {
    /// It is sent.
    Pass,
    /// So little is sent that it is of no use to a flood, and a real client knows to ask otherwise.
    Slip,
    /// Nothing is sent.
    Drop,
}

/// The limits, with the rates that they are held against.
#[derive(Debug, Clone)]
pub struct RateLimit {
    limits: rhumb_config::RateLimitSettings,
    rates: Arc<Rates>,
}

/// What outlives a change of limits: rates, and which networks are being limited.
#[derive(Debug)]
struct Rates {
    key: [u8; 16],
    table: RateTable,
    watch: LimitedNetworks,
}

impl RateLimit {
    /// Limits, held against the rates of `old` if it keeps as many; else against new ones, whose hash has the random `key`.
    pub fn new(limits: &rhumb_config::RateLimitSettings, old: Option<&Self>, key: [u8; 16]) -> Self {
        let fits = |old: &&Self| old.limits.table_size == limits.table_size;
        let rates = old.filter(fits).map(|old| Arc::clone(&old.rates));
        let new = || Rates { key, table: RateTable::new(limits.table_size), watch: LimitedNetworks::new() };
        Self { limits: limits.clone(), rates: rates.unwrap_or_else(|| Arc::new(new())) }
    }

    /// Judges an answer that `says` something to `client`, at `now` in microseconds of a clock that does not go back.
    ///
    /// It counts the answer, waits for nothing and allocates nothing but for what is logged.
    pub fn judge(&self, client: IpAddr, class: ResponseClass<'_>, now: u64) -> RateVerdict {
        let client = client.to_canonical();
        if self.limits.exempt.iter().any(|network| network.contains(client)) {
            return RateVerdict::Pass;
        }
        let seconds = (now / SECOND) as u32;
        self.rates.watch.sweep(seconds, tell_end);
        let network = self.network_of(client);
        let rate = match class {
            ResponseClass::Error => self.limits.errors_per_second,
            ResponseClass::Name(_) | ResponseClass::Denied(_) => self.limits.responses_per_second,
        };
        let each = SECOND / u64::from(rate.max(1));
        if self.rates.table.take(self.hash(network, class), now, each, SECOND) {
            return RateVerdict::Pass;
        }
        let (count, begins) = self.rates.watch.limited(network, seconds);
        if begins {
            tracing::warn!(%network, "the rate of answers is limited from now on");
        }
        if self.slips(count) { RateVerdict::Slip } else { RateVerdict::Drop }
    }

    /// Whether the `count`th answer over the limit is sent. Chance, for a pattern would let one client have every turn.
    fn slips(&self, count: u32) -> bool {
        let turn = || SipHasher13::new_with_key(&self.rates.key).hash(&count.to_le_bytes());
        match self.limits.slip {
            0 => false,
            1 => true,
            slip => turn().is_multiple_of(u64::from(slip)),
        }
    }

    fn network_of(&self, client: IpAddr) -> IpNetwork {
        let (addr, prefix) = match client {
            IpAddr::V4(address) => {
                let prefix = self.limits.ipv4_prefix.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                (IpAddr::V4((address.to_bits() & mask).into()), prefix)
            }
            IpAddr::V6(address) => {
                let prefix = self.limits.ipv6_prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                (IpAddr::V6((address.to_bits() & mask).into()), prefix)
            }
        };
        IpNetwork { addr, prefix }
    }

    /// A hash that nobody can foresee without the key.
    fn hash(&self, network: IpNetwork, class: ResponseClass<'_>) -> u64 {
        let (kind, name) = match class {
            ResponseClass::Name(name) => (1, name.as_bytes()),
            ResponseClass::Denied(zone) => (2, zone.as_bytes()),
            ResponseClass::Error => (3, &[][..]),
        };
        let (family, address) = match network.addr {
            IpAddr::V4(address) => (4, u128::from(address.to_bits())),
            IpAddr::V6(address) => (6, address.to_bits()),
        };
        let mut input = [0; FIXED + 255];
        let (fixed, rest) = input.split_at_mut(FIXED);
        let (head, tail) = fixed.split_at_mut(2);
        head.copy_from_slice(&[kind, family]);
        tail.copy_from_slice(&address.to_le_bytes());
        if let Some(place) = rest.get_mut(..name.len()) {
            place.copy_from_slice(name);
            place.make_ascii_lowercase();
        }
        let input = input.get(..FIXED + name.len()).unwrap_or(&input);
        SipHasher13::new_with_key(&self.rates.key).hash(input)
    }
}

fn tell_end(ended: &LimitEnd) {
    let LimitEnd { network, answers } = ended;
    tracing::info!(%network, answers, "the rate of answers is no longer limited");
}

#[cfg(test)]
mod tests;
