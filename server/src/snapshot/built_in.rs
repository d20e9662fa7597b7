//! The names that are answered here and never asked elsewhere: `localhost` and its like (RFC 6761), and the reverse names of
//! addresses that mean something to this host or site alone (RFC 6303, RFC 6890, RFC 7793).

use rhumb_wire::{DomainName, NameRef, Type};
use rhumb_zones::{NameTable, ZoneBuilder, ZoneContents};

/// Names that do not exist anywhere: `invalid` (RFC 6761 section 6.4), `onion` (RFC 7686), `home.arpa` (RFC 8375), `resolver.arpa`,
/// whose one service is answered apart (RFC 9462 section 6.4), and reverse names of RFC 6303 section 4, RFC 6890 and RFC 7793, the
/// blocks of 172.16/12 and 100.64/10 left out.
const EMPTY: &[&str] = &[
    "invalid",
    "onion",
    "home.arpa",
    "resolver.arpa",
    "0.in-addr.arpa",
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
];
const LOOPBACK6: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";
/// TTL and negative TTL of all of them, in seconds: a day and three hours (RFC 6303 section 3).
const TTL: u32 = 86_400;
const NEGATIVE_TTL: u32 = 10_800;

/// Names of applications, of tests and of the resolver itself: upstreams never get them (RFC 6761 sections 6.3 and 6.4, RFC 7686
/// section 2, RFC 9462 section 6.4).
const NEVER_FORWARDED: &[&str] = &["localhost", "invalid", "onion", "resolver.arpa"];

/// All of them, by apex, but for those at or below one of `handed_over`, which upstreams are asked for. The texts are constants, so that one that cannot be built is a fault of this
/// file, which its test would show.
pub fn built_in_zones(handed_over: &[DomainName]) -> NameTable<ZoneContents> {
    let sixteen = (16..32).map(|n| format!("{n}.172.in-addr.arpa"));
    let shared = (64..128).map(|n| format!("{n}.100.in-addr.arpa"));
    let empty = EMPTY.iter().map(ToString::to_string).chain(sixteen).chain(shared);
    let zones = empty.filter_map(|apex| zone(&apex, &[]));
    let v4: (&str, Type, &[u8]) = ("localhost", Type::A, &[127, 0, 0, 1]);
    let v6: (&str, Type, &[u8]) =
        ("localhost", Type::AAAA, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let below = [("*.localhost", v4.1, v4.2), ("*.localhost", v6.1, v6.2)];
    let name: &[u8] = b"\x09localhost\0";
    let special = [
        zone("localhost", &[v4, v6, below[0], below[1]]),
        zone("127.in-addr.arpa", &[("1.0.0.127.in-addr.arpa", Type::PTR, name)]),
        zone(LOOPBACK6, &[(LOOPBACK6, Type::PTR, name)]),
    ];
    let stays = |apex: &DomainName| {
        let below = |name: &DomainName| apex.as_ref().is_at_or_below(name.as_ref());
        is_never_forwarded(apex) || !handed_over.iter().any(below)
    };
    NameTable::build(zones.chain(special.into_iter().flatten()).filter(|(apex, _)| stays(apex)))
}

fn is_never_forwarded(apex: &DomainName) -> bool {
    NEVER_FORWARDED.iter().any(|name| name.parse::<DomainName>().is_ok_and(|name| name == *apex))
}

fn zone(apex: &str, records: &[(&str, Type, &[u8])]) -> Option<(DomainName, ZoneContents)> {
    let apex: DomainName = apex.parse().ok()?;
    let host: &[u8] = b"\x09localhost\0";
    let mut soa = [host, b"\x06nobody\x07invalid\0".as_slice()].concat();
    for number in [1, 3600, 1200, 604_800, NEGATIVE_TTL] {
        soa.extend_from_slice(&u32::to_be_bytes(number));
    }
    let mut builder = ZoneBuilder::new(apex.as_ref());
    builder.add(apex.as_ref(), Type::SOA, TTL, &soa, 0).ok()?;
    builder.add(apex.as_ref(), Type::NS, TTL, host, 0).ok()?;
    for (owner, rtype, rdata) in records {
        let owner: DomainName = owner.parse().ok()?;
        builder.add(owner.as_ref(), *rtype, TTL, rdata, 0).ok()?;
    }
    let (contents, _) = builder.finish().ok()?;
    debug_assert_ne!(apex.as_ref(), NameRef::ROOT);
    Some((apex, contents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_of_them_is_built() {
        let zones = built_in_zones(&[]);
        let all = EMPTY.len() + 16 + 64 + 3;
        let shared = (64..128).map(|n| format!("{n}.100.in-addr.arpa"));
        let sixteen = (16..32).map(|n| format!("{n}.172.in-addr.arpa"));
        let found = EMPTY
            .iter()
            .map(ToString::to_string)
            .chain(shared)
            .chain(sixteen)
            .chain(["localhost".into(), "127.in-addr.arpa".into(), LOOPBACK6.into()])
            .filter(|name| zones.find_exact(name.parse::<DomainName>().unwrap().as_ref()).is_some())
            .count();
        assert_eq!(found, all);
        assert!(zones.find("www.example".parse::<DomainName>().unwrap().as_ref()).is_none());
    }

    #[test]
    fn names_are_handed_over_one_by_one_or_all() {
        let left = |handed_over: &[&str]| {
            let names: Vec<DomainName> = handed_over.iter().map(|name| name.parse().unwrap()).collect();
            built_in_zones(&names)
        };
        let has = |zones: &NameTable<ZoneContents>, name: &str| {
            zones.find(name.parse::<DomainName>().unwrap().as_ref()).is_some()
        };
        let one = left(&["10.in-addr.arpa", "172.in-addr.arpa"]);
        assert!(!has(&one, "1.0.0.10.in-addr.arpa") && !has(&one, "1.0.20.172.in-addr.arpa"));
        assert!(has(&one, "1.0.168.192.in-addr.arpa") && has(&one, "nas.home.arpa"));
        // What lies below one of them takes nothing away: it is an entry of `forward`.
        assert!(has(&left(&["1.10.in-addr.arpa"]), "1.0.1.10.in-addr.arpa"));
        let all = left(&["."]);
        for name in ["1.0.0.10.in-addr.arpa", "nas.home.arpa", "1.0.0.127.in-addr.arpa", "1.d.f.ip6.arpa"] {
            assert!(!has(&all, name), "{name}");
        }
        assert!(has(&all, "www.localhost") && has(&all, "x.onion") && has(&all, "y.invalid"));
        assert!(has(&all, "_dns.resolver.arpa"));
    }
}
