//! An attacker's servers, and what they say; the rows are those of the project's table of attacks.

use std::sync::LazyLock;

use crate::rig::internet::{Delegation, authoritative, denial, referral, sized};
use crate::rig::message::{Message, TC, rcode};
use crate::rig::record::{Record, type_number};
use crate::rig::script::{Act, Asked};
use crate::rig::signer::{ZoneSigner, junk_signature, key_of, key_tag, nsec3};

/// Where the attacker's domain is served.
pub const ATTACKER: &str = "198.18.6.6";
/// Where the domain is served that the attack is against.
pub const VICTIM: &str = "198.18.7.7";
/// Where the domain of an innocent is served.
pub const GOOD: &str = "198.18.8.8";

/// The innocent's domain, unsigned.
pub const UNSIGNED_GOOD: Delegation = Delegation { domain: "good.", address: GOOD, digests: Vec::new };

/// All of them unsigned.
pub const PLAIN: &[Delegation] = &[
    Delegation { domain: "attack.", address: ATTACKER, digests: Vec::new },
    Delegation { domain: "victim.", address: VICTIM, digests: Vec::new },
    UNSIGNED_GOOD,
];

/// A zone `attack.` whose key is that of its signer, number 0.
pub const SIGNED: &[Delegation] = &[
    Delegation { domain: "attack.", address: ATTACKER, digests: || vec![signer().digest()] },
    UNSIGNED_GOOD,
];

/// One attack: what is asked for, and what the attacker's servers answer.
pub struct HostileZone {
    /// What it is, with its row.
    pub title: &'static str,
    /// Whether its zone is signed.
    pub signed: bool,
    /// The name that is asked for.
    pub name: fn() -> String,
    /// What the attacker's servers say.
    pub script: fn(&Asked) -> Act,
}

const fn plain(title: &'static str, name: fn() -> String, script: fn(&Asked) -> Act) -> HostileZone {
    HostileZone { title, signed: false, name, script }
}

/// Attacks by one question, for comparisons of resolvers.
pub const ZONES: &[HostileZone] = &[
    plain("1 a hundred servers below a victim", || "a.attack.".to_owned(), below_a_victim),
    plain("2 fifteen hundred servers that refuse", || "x.a.attack.".to_owned(), that_refuse),
    plain("3 ten servers with twenty addresses each", || "x.a.attack.".to_owned(), many_addresses),
    plain("4 thirteen silent servers", || "x.a.attack.".to_owned(), silent),
    plain("5 two hundred aliases", || "c0.attack.".to_owned(), |asked| aliases(asked, 1)),
    plain("6 forty aliases of each name", || "c0.attack.".to_owned(), alias_sets),
    plain("7 aliases through dead delegations", || "c.z0.attack.".to_owned(), dead_delegations),
    plain("9 zones that need each other", || "www.one.attack.".to_owned(), circle),
    plain("11 cut for ever", || "www.attack.".to_owned(), cut_for_ever),
    plain("12 a name of a hundred labels", || format!("{}attack.", "a.".repeat(100)), empty),
    HostileZone {
        title: "16 colliding keys and signatures",
        signed: true,
        name: || "www.attack.".to_owned(),
        script: key_trap,
    },
    HostileZone {
        title: "19 hashes of a name of a hundred labels",
        signed: true,
        name: || format!("{}attack.", "a.".repeat(105)),
        script: many_hashes,
    },
];

/// The servers of the victim, whose names do not exist, of the innocent, and of the attacker.
pub fn with_others(script: impl Fn(&Asked) -> Act + Send + Sync) -> impl Fn(&Asked) -> Act + Send + Sync {
    move |asked| match asked.to.to_string().as_str() {
        VICTIM => Act::Reply(denial(asked, "victim.", rcode::NXDOMAIN)),
        GOOD => innocent(asked),
        _ => script(asked),
    }
}

/// The innocent's server: an address for each name.
pub fn innocent(asked: &Asked) -> Act {
    if asked.message.kind() == type_number("A") {
        let address = if asked.name() == "ns.good" { GOOD } else { "198.18.8.80" };
        let line = format!("{} 300 IN A {address}", asked.message.name());
        return Act::Reply(authoritative(asked).answers(&[&line]));
    }
    Act::Reply(denial(asked, "good.", rcode::NOERROR))
}

/// A reply of an authoritative server with these records, given as text.
pub fn answer(asked: &Asked, lines: &[&str]) -> Act {
    Act::Reply(authoritative(asked).answers(lines))
}

/// Row 1 (CVE-2020-8616): a hundred servers below the victim's domain.
pub fn below_a_victim(asked: &Asked) -> Act {
    let names: Vec<String> = (0..100).map(|n| format!("{}n{n}.victim.", asked.name().len())).collect();
    let servers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    sized(asked, referral(asked, &format!("{}.", asked.name()), &servers))
}

/// Row 2 (CVE-2022-2795): fifteen hundred servers that have addresses and refuse.
pub fn that_refuse(asked: &Asked) -> Act {
    if asked.to.to_string() != ATTACKER {
        return asked.code(rcode::REFUSED);
    }
    let name = asked.name();
    if let Some(number) = name.strip_prefix('n').and_then(|rest| rest.split('.').next()?.parse::<u32>().ok())
    {
        let line = format!("{name}. 300 IN A 198.19.{}.{}", number / 250, number % 250 + 1);
        return answer(asked, &[&line]);
    }
    if !name.ends_with("a.attack") {
        return Act::Reply(denial(asked, "attack.", rcode::NOERROR));
    }
    let names: Vec<String> = (0..1500).map(|n| format!("n{n}.attack.")).collect();
    let servers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    sized(asked, referral(asked, "a.attack.", &servers))
}

fn many_addresses(asked: &Asked) -> Act {
    addresses(asked, false)
}

/// Row 3 (CVE-2026-3592): ten servers with twenty addresses each, the same ones if `shared`, all of which fail.
pub fn addresses(asked: &Asked, shared: bool) -> Act {
    if asked.to.to_string() != ATTACKER || !asked.name().ends_with("a.attack") {
        return asked.code(rcode::SERVFAIL);
    }
    let mut reply = referral(asked, "a.attack.", &[]);
    for server in 0..10 {
        let owner = format!("n{server}.a.attack.");
        reply.authority.push(Record::from_text(&format!("a.attack. 300 IN NS {owner}")));
        let network = if shared { 0 } else { server };
        let lines = (1..=20).map(|address| format!("{owner} 300 IN A 198.19.{network}.{address}"));
        reply.additional.extend(lines.map(|line| Record::from_text(&line)));
    }
    sized(asked, reply)
}

/// Row 4: thirteen servers that say nothing.
pub fn silent(asked: &Asked) -> Act {
    if asked.to.to_string() != ATTACKER {
        return Act::Silent;
    }
    let names: Vec<(String, String)> =
        (1..=13).map(|n| (format!("n{n}.a.attack."), format!("198.19.0.{n}"))).collect();
    let servers: Vec<(&str, &str)> = names.iter().map(|(name, ip)| (name.as_str(), ip.as_str())).collect();
    sized(asked, referral(asked, "a.attack.", &servers))
}

/// The number in the first label, behind one letter.
pub fn number(asked: &Asked) -> Option<u32> {
    asked.name().split('.').next()?.get(1..)?.parse().ok()
}

/// Row 5: an alias for each name, `each` of a chain a reply.
pub fn aliases(asked: &Asked, each: u32) -> Act {
    let Some(first) = number(asked) else { return Act::Reply(denial(asked, "attack.", rcode::NXDOMAIN)) };
    let lines: Vec<String> =
        (first..first + each).map(|n| format!("c{n}.attack. 300 IN CNAME c{}.attack.", n + 1)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    sized(asked, authoritative(asked).answers(&lines))
}

/// Row 6: forty CNAME records at each owner, each to another name.
pub fn alias_sets(asked: &Asked) -> Act {
    let Some(first) = number(asked) else { return Act::Reply(denial(asked, "attack.", rcode::NXDOMAIN)) };
    let lines: Vec<String> = (1..=40)
        .map(|n| format!("{}. 300 IN CNAME c{}.attack.", asked.name(), first.wrapping_mul(40) + n))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    sized(asked, authoritative(asked).answers(&lines))
}

/// Row 7 (CAMP): each link of a chain lies in a delegation of its own, whose servers are dead names of the victim and one good one.
pub fn dead_delegations(asked: &Asked) -> Act {
    let name = asked.name();
    let labels: Vec<&str> = name.split('.').collect();
    let zone = labels.iter().rev().nth(1).and_then(|label| label.get(1..)?.parse::<u32>().ok());
    let Some(zone) = zone else { return Act::Reply(denial(asked, "attack.", rcode::NOERROR)) };
    if asked.to.to_string() == ATTACKER && name.starts_with("good") {
        return answer(asked, &[&format!("{name}. 300 IN A 198.19.0.1")]);
    }
    if asked.to.to_string() == ATTACKER {
        let names: Vec<String> = (0..12).map(|n| format!("n{n}z{zone}.victim.")).collect();
        let mut servers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let cut = format!("z{zone}.attack.");
        let good = format!("good{zone}.attack.");
        servers.push((&good, ""));
        return sized(asked, referral(asked, &cut, &servers));
    }
    answer(asked, &[&format!("{name}. 300 IN CNAME c.z{}.attack.", zone + 1)])
}

/// Row 9 (TsuNAME): two zones whose servers are in each other.
pub fn circle(asked: &Asked) -> Act {
    let name = asked.name();
    let (cut, server) = if name.ends_with("one.attack") {
        ("one.attack.", "ns.two.attack.")
    } else if name.ends_with("two.attack") {
        ("two.attack.", "ns.one.attack.")
    } else {
        return Act::Reply(denial(asked, "attack.", rcode::NXDOMAIN));
    };
    Act::Reply(referral(asked, cut, &[(server, "")]))
}

/// Row 11: TC, over TCP too.
pub fn cut_for_ever(asked: &Asked) -> Act {
    let reply = authoritative(asked);
    Act::Reply(Message { flags: reply.flags | TC, ..reply })
}

/// Row 12: there is nothing at any name.
pub fn empty(asked: &Asked) -> Act {
    Act::Reply(denial(asked, "attack.", rcode::NOERROR))
}

/// The signer of the attacker's zone.
pub fn signer() -> ZoneSigner {
    ZoneSigner::new("attack.", 0)
}

/// Whether the keys of the attacker's zone are asked for.
pub fn asks_keys(asked: &Asked) -> bool {
    asked.name() == "attack" && asked.message.kind() == type_number("DNSKEY")
}

/// An answer of these records.
pub fn says(asked: &Asked, answer: Vec<Record>) -> Act {
    sized(asked, Message { answer, ..authoritative(asked) })
}

/// The address of the name asked for.
pub fn address(asked: &Asked) -> Record {
    Record::from_text(&format!("{}. 300 IN A 198.18.6.80", asked.name()))
}

/// Sixty keys with the tag and algorithm of the true one.
static COLLIDING: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let tag = signer().tag();
    let key = |number: u8| {
        let with = |word: u16| key_of("attack.", 15, &[&[number; 30][..], &word.to_be_bytes()].concat());
        (0..=u16::MAX).map(with).find(|key| key_tag(&key.rdata) == tag)
    };
    (1..=60).filter_map(key).collect()
});

/// The set, and sixty signatures by a key of the true one's tag, all of them wrong.
pub fn junk(set: Record) -> Vec<Record> {
    let signatures = (1..=60).map(|n| junk_signature(&set, "attack.", 15, signer().tag(), (n, 64)));
    let signatures: Vec<Record> = signatures.collect();
    [vec![set], signatures].concat()
}

/// Row 16 (CVE-2023-50387): the keys are right, and nothing else is.
pub fn key_trap(asked: &Asked) -> Act {
    if asks_keys(asked) {
        let set = [vec![signer().key()], COLLIDING.clone()].concat();
        return says(asked, signer().sign(&set));
    }
    says(asked, junk(address(asked)))
}

/// NXDOMAIN by the attacker's zone with these proofs, each signed by it.
pub fn denies(asked: &Asked, proofs: &[Record]) -> Message {
    let soa = "attack. 60 IN SOA ns.attack. host.attack. 1 3600 600 86400 60";
    let proofs = proofs.iter().flat_map(|proof| signer().sign(std::slice::from_ref(proof)));
    let authority = [signer().sign_lines(&[soa]), proofs.collect()].concat();
    Message { authority, ..authoritative(asked).with_rcode(rcode::NXDOMAIN) }
}

/// Row 19 (CVE-2023-50868): eight NSEC3 records of fifty iterations that match nothing.
pub fn many_hashes(asked: &Asked) -> Act {
    if asks_keys(asked) {
        return says(asked, signer().sign(&[signer().key()]));
    }
    let proof =
        |n: u8| nsec3("attack.", 50, (&format!("x{n}.attack."), 0), (&format!("x{n}.attack."), 1), &["A"]);
    let proofs: Vec<Record> = (0..8).map(proof).collect();
    sized(asked, denies(asked, &proofs))
}
