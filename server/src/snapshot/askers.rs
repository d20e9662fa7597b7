//! Who has asked for transfers of zones lately, and which version each has had.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use rhumb_wire::DomainName;

/// The most clients of a zone; the one that asked longest ago goes.
const MOST_CLIENTS: usize = 32;
/// The most zones; of others nothing is noted.
const MOST_ZONES: usize = 10_000;

/// A client that may transfer a zone and has asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneAsker {
    /// From where.
    pub client: IpAddr,
    /// When, in seconds since 1970.
    pub time: u64,
    /// The serial that it had, if it said so.
    pub had: Option<u32>,
    /// The serial that it was answered with.
    pub serial: u32,
}

/// The clients of each zone.
#[derive(Debug, Default)]
pub struct ZoneAskers(Mutex<HashMap<DomainName, Vec<ZoneAsker>>>);

impl ZoneAskers {
    /// A client has asked.
    pub fn note(&self, zone: &DomainName, asker: ZoneAsker) {
        let mut zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if zones.len() >= MOST_ZONES && !zones.contains_key(zone) {
            return;
        }
        let clients = zones.entry(zone.clone()).or_default();
        clients.retain(|known| known.client != asker.client);
        if clients.len() >= MOST_CLIENTS {
            clients.remove(0);
        }
        clients.push(asker);
    }

    /// Those of a zone, the one that asked last at the end.
    pub fn of(&self, zone: &DomainName) -> Vec<ZoneAsker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(zone).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_clients_are_known_each_once() {
        let (askers, zone): (_, DomainName) = (ZoneAskers::default(), "a.test.".parse().unwrap());
        for round in 0..100_u8 {
            let asker = ZoneAsker {
                client: [192, 0, 2, round % 40].into(),
                time: round.into(),
                had: None,
                serial: 7,
            };
            askers.note(&zone, asker);
        }
        let times: Vec<u64> = askers.of(&"A.test.".parse().unwrap()).iter().map(|asker| asker.time).collect();
        assert_eq!(times, (68..100).collect::<Vec<_>>());
        assert!(askers.of(&"b.test.".parse().unwrap()).is_empty());
    }

    #[test]
    fn so_many_zones_and_no_more() {
        let askers = ZoneAskers::default();
        for zone in 0..MOST_ZONES + 10 {
            let asker = ZoneAsker { client: [192, 0, 2, 1].into(), time: 1, had: None, serial: 1 };
            askers.note(&format!("z{zone}.test.").parse().unwrap(), asker);
        }
        assert_eq!(askers.0.lock().unwrap().len(), MOST_ZONES);
    }
}
