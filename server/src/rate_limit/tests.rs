use std::collections::HashMap;
use std::net::Ipv4Addr;

use rhumb_wire::DomainName;

use super::*;

fn limits() -> rhumb_config::RateLimitSettings {
    rhumb_config::RateLimitSettings {
        responses_per_second: 20,
        errors_per_second: 5,
        slip: 2,
        ipv4_prefix: 24,
        ipv6_prefix: 56,
        exempt: vec!["198.51.100.0/24".parse().unwrap()],
        table_size: 1024,
    }
}

fn limit() -> RateLimit {
    RateLimit::new(&limits(), None, [3; 16])
}

fn passed(limit: &RateLimit, client: &str, says: ResponseClass<'_>, now: u64, times: usize) -> usize {
    let client = client.parse().unwrap();
    (0..times).filter(|_| limit.judge(client, says, now) == RateVerdict::Pass).count()
}

#[test]
fn networks_and_what_is_said_are_told_apart() {
    let limit = limit();
    let names: Vec<DomainName> =
        ["www.example.", "WWW.Example.", "ftp.example."].map(|n| n.parse().unwrap()).into();
    let [www, again, ftp] = [0, 1, 2].map(|i| names[i].as_ref());
    for (client, says, expected) in [
        ("192.0.2.1", ResponseClass::Name(www), 20),
        ("192.0.2.99", ResponseClass::Name(again), 0),
        ("::ffff:192.0.2.7", ResponseClass::Name(www), 0),
        ("192.0.2.1", ResponseClass::Name(ftp), 20),
        ("192.0.2.1", ResponseClass::Denied(www), 20),
        ("192.0.2.1", ResponseClass::Error, 5),
        ("192.0.3.1", ResponseClass::Name(www), 20),
        ("2001:db8::1", ResponseClass::Name(www), 20),
        ("2001:db8:0:ff::1", ResponseClass::Name(www), 0),
        ("2001:db8:0:100::1", ResponseClass::Name(www), 20),
        ("198.51.100.9", ResponseClass::Name(www), 50),
    ] {
        assert_eq!(passed(&limit, client, says, 1_000_000, 50), expected, "{client} {says:?}");
    }
    assert_eq!(
        passed(&limit, "192.0.2.1", ResponseClass::Name(www), 1_500_000, 50),
        10,
        "half a second later"
    );
}

#[test]
fn what_slips_is_the_part_that_was_asked_for() {
    for (slip, least, most) in [(0, 0, 0), (1, 1000, 1000), (2, 420, 580), (10, 60, 150)] {
        let limit = RateLimit::new(&rhumb_config::RateLimitSettings { slip, ..limits() }, None, [9; 16]);
        let client = "192.0.2.1".parse().unwrap();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for _ in 0..1005 {
            let word = match limit.judge(client, ResponseClass::Error, 5) {
                RateVerdict::Pass => "pass",
                RateVerdict::Slip => "slip",
                RateVerdict::Drop => "drop",
            };
            *seen.entry(word).or_default() += 1;
        }
        let slipped = seen.get("slip").copied().unwrap_or(0);
        assert_eq!(seen["pass"], 5);
        assert!((least..=most).contains(&slipped), "slip {slip}: {seen:?}");
    }
}

#[test]
fn rates_stay_when_limits_change_and_go_with_the_size() {
    let first = limit();
    assert_eq!(passed(&first, "192.0.2.1", ResponseClass::Error, 0, 10), 5);
    let more = rhumb_config::RateLimitSettings { errors_per_second: 6, ..limits() };
    let second = RateLimit::new(&more, Some(&first), [4; 16]);
    assert_eq!(passed(&second, "192.0.2.1", ResponseClass::Error, 0, 10), 0);
    let larger = rhumb_config::RateLimitSettings { table_size: 2048, ..limits() };
    let third = RateLimit::new(&larger, Some(&second), [4; 16]);
    assert_eq!(passed(&third, "192.0.2.1", ResponseClass::Error, 0, 10), 5);
}

/// A client that keeps to the limit is answered while a million others, all of them forged, fill the table.
#[test]
fn a_flood_from_everywhere_does_not_limit_who_keeps_to_the_limit() {
    let limit = limit();
    let name: DomainName = "www.example.".parse().unwrap();
    let mut answered = 0;
    for n in 0..1_000_000_u32 {
        let now = u64::from(n);
        let forged = Ipv4Addr::from_bits(n.wrapping_mul(0x9e37_79b9));
        limit.judge(forged.into(), ResponseClass::Name(name.as_ref()), now);
        if n.is_multiple_of(60_000) {
            answered += passed(&limit, "192.0.2.1", ResponseClass::Name(name.as_ref()), now, 1);
        }
    }
    assert_eq!(answered, 17);
}
