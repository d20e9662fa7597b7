//! Validation along a chain of signed zones.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use rhumb_cache::{CachedRecords, RecordSet};
use rhumb_wire::{MessageView, Type, header};

use super::Resolver;
use super::internet::{AskedQuestion, ScriptedInternet, ServerSays, denial, name, rdata_of, referral};
use crate::iterate::limits;
use crate::question::OutboundQuestion;
use crate::validate::{KeyDigest, RrsigRecord, TrustSettings, ZoneKey};

/// Seconds since 1970 at which the tests play.
pub(super) const NOW: u32 = 1_700_000_000;

/// A zone's key.
pub(super) struct Signer {
    zone: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(super) fn new(zone: &'static str, seed: u8) -> Self {
        Self { zone, pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    pub(super) fn key(&self) -> Vec<u8> {
        [&[1, 1, 3, 15], self.pair.public_key().as_ref()].concat()
    }

    pub(super) fn dnskey(&self) -> String {
        format!("{} 3600 DNSKEY \\# {}", self.zone, hex(&self.key()))
    }

    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(name(self.zone).as_ref(), &ZoneKey::parse(&self.key()).unwrap())
    }

    pub(super) fn ds(&self) -> String {
        let KeyDigest { tag, algorithm, kind, digest } = self.digest();
        let rdata = [&tag.to_be_bytes()[..], &[algorithm, kind], &digest].concat();
        format!("{} 3600 DS \\# {}", self.zone, hex(&rdata))
    }

    /// The records and a signature over them, which are one set; `labels` of it count.
    pub(super) fn sign_with(
        &self,
        records: &[&str],
        labels: usize,
        (inception, expiration): (u32, u32),
    ) -> Vec<String> {
        let words: Vec<&str> = records[0].split(' ').collect();
        let rtype: Type = words[2].parse().unwrap();
        let bytes: Vec<Vec<u8>> = records
            .iter()
            .map(|record| rdata_of(rtype, &record.split(' ').skip(3).collect::<Vec<_>>()))
            .collect();
        let set = RecordSet {
            owner: name(words[0]),
            rtype,
            ttl: 3600,
            records: bytes.iter().map(Vec::as_slice).collect(),
            signatures: CachedRecords::default(),
        };
        let tag = self.digest().tag;
        let mut rdata = rtype.0.to_be_bytes().to_vec();
        rdata.extend([15, labels as u8]);
        rdata.extend([3600, expiration, inception].iter().flat_map(|word: &u32| word.to_be_bytes()));
        rdata.extend(tag.to_be_bytes());
        rdata.extend(name(self.zone).as_ref().as_bytes());
        let data = RrsigRecord::parse(&rdata).unwrap().signed_data(&set).unwrap();
        rdata.extend(self.pair.sign(&data).as_ref());
        let mut lines: Vec<String> = records.iter().map(ToString::to_string).collect();
        lines.push(format!("{} 3600 RRSIG \\# {}", words[0], hex(&rdata)));
        lines
    }

    pub(super) fn sign(&self, records: &[&str]) -> Vec<String> {
        let owner = name(records[0].split(' ').next().unwrap());
        let labels = owner.as_ref().label_count() - usize::from(owner.as_ref().is_wildcard());
        self.sign_with(records, labels, (NOW - 1000, NOW + 1000))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An NSEC record with a bitmap of types below 64.
pub(super) fn nsec(owner: &str, next: &str, types: &[Type]) -> String {
    let mut bits = [0u8; 8];
    for rtype in types {
        bits[usize::from(rtype.0 / 8)] |= 0x80 >> (rtype.0 % 8);
    }
    let length = bits.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let rdata = [name(next).as_ref().as_bytes(), &[0, length as u8], &bits[..length]].concat();
    format!("{owner} 3600 NSEC \\# {}", hex(&rdata))
}

/// A signed root and `test.`; what `test.` answers is changed by the test.
pub(super) fn resolver(
    change: impl Fn(&AskedQuestion, &Signer, ServerSays) -> ServerSays + Send + Sync + 'static,
) -> Resolver {
    resolver_of(&[("ns.test.", "192.0.2.2")], change)
}

/// The same with these servers of `test.`, all of which say the same, as far as the test does not change it.
pub(super) fn resolver_of(
    servers: &'static [(&'static str, &'static str)],
    change: impl Fn(&AskedQuestion, &Signer, ServerSays) -> ServerSays + Send + Sync + 'static,
) -> Resolver {
    let change = std::sync::Arc::new(change);
    let net = ScriptedInternet::default()
        .with("192.0.2.1", move |asked| {
            let (root, test) = (Signer::new(".", 1), Signer::new("test.", 2));
            let said = |answer| ServerSays { authoritative: true, answer, ..ServerSays::default() };
            Some(match (asked.name.as_str(), asked.qtype) {
                (".", Type::DNSKEY) => said(root.sign(&[&root.dnskey()])),
                ("test.", Type::DS) => said(root.sign(&[&test.ds()])),
                (name, _) if name.ends_with("test.") => {
                    let mut said = referral("test.", servers);
                    said.authority.extend(root.sign(&[&test.ds()]));
                    said
                }
                (name, _) if name.ends_with("plain.") => {
                    let mut said = referral("plain.", &[("ns.plain.", "192.0.2.3")]);
                    let proof = nsec("plain.", "test.", &[Type::NS, Type::RRSIG, Type::NSEC]);
                    said.authority.extend(root.sign(&[&proof]));
                    said
                }
                _ => denial(3, "."),
            })
        })
        .with("192.0.2.3", |asked| {
            let answer = vec![format!("{} 300 A 198.51.100.3", asked.name)];
            Some(ServerSays { authoritative: true, answer, ..ServerSays::default() })
        });
    let net = servers.iter().fold(net, |net, (_, address)| {
        let change = std::sync::Arc::clone(&change);
        net.with(address, move |asked| {
            let test = Signer::new("test.", 2);
            let soa = test.sign(&["test. 3600 SOA ns.test. 60"]);
            let said = |answer| ServerSays { authoritative: true, answer, ..ServerSays::default() };
            let denied = |rcode, proofs: &[String]| ServerSays {
                rcode,
                authoritative: true,
                authority: [soa.clone(), proofs.to_vec()].concat(),
                ..ServerSays::default()
            };
            let apex = test.sign(&[&nsec("test.", "www.test.", &[Type::SOA, Type::NS, Type::DNSKEY])]);
            let www = test.sign(&[&nsec("www.test.", "test.", &[Type::A])]);
            let usual = match (asked.name.as_str(), asked.qtype) {
                ("test.", Type::DNSKEY) => said(test.sign(&[&test.dnskey()])),
                ("www.test.", Type::A) => said(test.sign(&["www.test. 300 A 198.51.100.1"])),
                ("www.test.", _) => denied(0, &www),
                ("test.", _) => denied(0, &apex),
                _ => denied(3, &apex),
            };
            Some(change(asked, &test, usual))
        })
    });
    let mut resolver = Resolver::new(net);
    let mut trust = TrustSettings::default();
    trust.add(name(".").as_ref(), Signer::new(".", 1).digest());
    resolver.settings.trust = Some(trust);
    resolver
}

/// The response code with `AD` behind it where that is set, or why there is none.
pub(super) async fn told(resolver: &Resolver, text: &str, qtype: Type) -> String {
    match resolver.ask(text, qtype).await {
        Ok(found) => {
            let flags = MessageView::parse(&found.message).unwrap().header().flags;
            format!("{}{}", found.rcode, if flags & header::AD == 0 { "" } else { " AD" })
        }
        Err(failure) => failure.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_is_secure_and_so_are_denials() {
    let resolver = resolver(|_, _, said| said);
    assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
    assert_eq!(told(&resolver, "www.test", Type::AAAA).await, "NOERROR AD");
    assert_eq!(told(&resolver, "none.test", Type::A).await, "NXDOMAIN AD");
    assert_eq!(told(&resolver, "test", Type::DS).await, "NOERROR AD");
    // From the cache.
    assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR AD");
    let asked = resolver.asked().len();
    assert!(asked <= 8, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_delegation_that_is_proven_to_be_unsigned_is_insecure() {
    let resolver = resolver(|_, _, said| said);
    assert_eq!(told(&resolver, "www.plain", Type::A).await, "NOERROR");
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_signature_is_bogus() {
    let mut resolver = resolver(|asked, _, mut said| {
        if asked.name == "www.test." && asked.qtype != Type::DS {
            said.answer.retain(|record| !record.contains("RRSIG"));
            said.authority.clear();
        }
        said
    });
    resolver.settings.aggressive_nsec = false;
    assert_eq!(told(&resolver, "www.test", Type::A).await, "www.test. A: no signature");
    assert!(told(&resolver, "www.test", Type::MX).await.contains("is not proven"));
    let question = OutboundQuestion {
        checking_disabled: true,
        ..OutboundQuestion::new(name("www.test").as_ref(), Type::A)
    };
    let Resolver { net, state, settings } = &resolver;
    let scope = crate::iterate::ResolutionScope::whole();
    let asked = crate::iterate::resolve(net, state, settings, &question, scope, (1000, NOW));
    let flags = MessageView::parse(&asked.await.unwrap().message).unwrap().header().flags;
    assert_eq!(flags & (header::AD | header::CD), header::CD);
    // What was asked for with CD is not believed without.
    assert_eq!(told(&resolver, "www.test", Type::A).await, "www.test. A: no signature");
}

/// The CNAME itself has no signature.
#[tokio::test(start_paused = true)]
async fn an_alias_made_by_a_dname_is_secure_where_it_is_asked_for_itself() {
    let mut resolver = resolver(|asked, test, said| {
        if asked.name != "a.sub.test." || asked.qtype != Type::CNAME {
            return said;
        }
        let mut answer = test.sign(&["sub.test. 300 DNAME other.test."]);
        answer.push("a.sub.test. 300 CNAME a.other.test.".to_owned());
        ServerSays { authoritative: true, answer, ..ServerSays::default() }
    });
    resolver.settings.aggressive_nsec = false;
    assert_eq!(told(&resolver, "a.sub.test", Type::CNAME).await, "NOERROR AD");
}

/// That nobody else has an answer is not what is wrong with it.
#[tokio::test(start_paused = true)]
async fn what_is_bogus_is_said_to_be_so_though_the_second_look_finds_nothing() {
    let before = AtomicBool::new(false);
    let resolver = resolver(move |asked, _, mut said| {
        if asked.name != "www.test." || asked.qtype != Type::A {
            return said;
        }
        if before.swap(true, Relaxed) {
            return ServerSays { rcode: 5, ..ServerSays::default() };
        }
        said.answer.retain(|record| !record.contains("RRSIG"));
        said
    });
    assert_eq!(told(&resolver, "www.test", Type::A).await, "www.test. A: no signature");
}

#[tokio::test(start_paused = true)]
async fn signatures_have_their_time() {
    for (times, cause) in
        [((NOW - 20, NOW - 10), "expired 10 s ago"), ((NOW + 10, NOW + 20), "is valid in 10 s")]
    {
        let resolver = resolver(move |asked, test, said| {
            if asked.name != "www.test." || asked.qtype != Type::A {
                return said;
            }
            ServerSays { answer: test.sign_with(&["www.test. 300 A 198.51.100.1"], 2, times), ..said }
        });
        let told = told(&resolver, "www.test", Type::A).await;
        assert!(told.contains(cause), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signature_of_another_key_or_of_fewer_labels_than_its_zone_is_wrong() {
    for (other, labels) in [(true, 2), (false, 0)] {
        let resolver = resolver(move |asked, test, said| {
            if asked.name != "www.test." || asked.qtype != Type::A {
                return said;
            }
            let stranger = Signer::new("test.", 9);
            let signer = if other { &stranger } else { test };
            let times = (NOW - 1000, NOW + 1000);
            ServerSays { answer: signer.sign_with(&["www.test. 300 A 203.0.113.66"], labels, times), ..said }
        });
        let told = told(&resolver, "www.test", Type::A).await;
        assert!(told.contains("no such key") || told.contains("no signature"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_needs_the_proof_that_the_name_does_not_exist() {
    for (proven, end) in [(true, "NOERROR AD"), (false, "that any.test. has no A is not proven")] {
        let resolver = resolver(move |asked, test, said| {
            if asked.name != "any.test." || asked.qtype != Type::A {
                return said;
            }
            let times = (NOW - 1000, NOW + 1000);
            let proof = test.sign(&[&nsec("test.", "www.test.", &[Type::SOA, Type::NS, Type::DNSKEY])]);
            ServerSays {
                rcode: 0,
                answer: test.sign_with(&["any.test. 300 A 198.51.100.7"], 1, times),
                authority: if proven { proof } else { Vec::new() },
                ..said
            }
        });
        assert_eq!(told(&resolver, "any.test", Type::A).await, end);
    }
}

/// Sixty keys of one tag and sixty signatures that name it (CVE-2023-50387).
#[tokio::test(start_paused = true)]
async fn colliding_keys_and_signatures_cost_few_checks() {
    let resolver = resolver(|asked, test, said| {
        if asked.name != "www.test." || asked.qtype != Type::A {
            return said;
        }
        let mut answer = test.sign(&["www.test. 300 A 198.51.100.1"]);
        let signature = answer.pop().unwrap();
        let (head, _) = signature.split_at(signature.len() - 128);
        answer.extend((0..60).map(|n| format!("{head}{}", hex(&[n; 64]))));
        ServerSays { answer, ..said }
    });
    let told = told(&resolver, "www.test", Type::A).await;
    assert!(told.contains("wrong signature"), "{told}");
    assert!(resolver.asked().len() <= limits::SENDS_OF_FETCH);
}

/// Names from `test.` down that their own zone denies, with signatures by it.
#[tokio::test(start_paused = true)]
async fn a_zone_that_denies_itself_ends() {
    for qtype in [Type::A, Type::DS, Type::DNSKEY, Type::SOA] {
        let resolver = resolver(|asked, _, _| {
            let own: &'static str = if asked.name.starts_with("sub.") { "sub.test." } else { "test." };
            let signer = Signer::new(own, 2);
            let proof = nsec(own, own, &[Type::SOA, Type::NS]);
            let soa = signer.sign(&[&format!("{own} 3600 SOA ns.test. 60")]);
            let authority = [soa, signer.sign(&[&proof])].concat();
            ServerSays { rcode: 3, authoritative: true, authority, ..ServerSays::default() }
        });
        for name in ["test", "sub.test", "a.sub.test", "a.b.c.d.sub.test"] {
            let told = told(&resolver, name, qtype).await;
            assert!(!told.contains("AD") || name == "test", "{name} {qtype}: {told}");
        }
        assert!(resolver.asked().len() <= 4 * limits::SENDS_OF_FETCH);
    }
}

#[tokio::test(start_paused = true)]
async fn a_negative_trust_anchor_makes_insecure() {
    let mut resolver = resolver(|asked, _, mut said| {
        if asked.name == "www.test." {
            said.answer.retain(|record| !record.contains("RRSIG"));
        }
        said
    });
    if let Some(trust) = &mut resolver.settings.trust {
        trust.negative.push((name("test"), Some(NOW + 10)));
    }
    assert_eq!(told(&resolver, "www.test", Type::A).await, "NOERROR");
    if let Some(trust) = &mut resolver.settings.trust {
        trust.negative = vec![(name("test"), Some(NOW - 10))];
    }
    resolver.state.clear();
    assert_eq!(told(&resolver, "www.test", Type::A).await, "www.test. A: no signature");
}

/// The proofs of a zone that is insecure say nothing of names that are not its own.
#[tokio::test(start_paused = true)]
async fn a_denial_is_proven_by_a_zone_around_the_name() {
    for (case, signer, owner, told_so) in [
        ("the zone itself", "test.", "www.test.", "NOERROR AD"),
        (
            "an insecure zone beside the name",
            "plain.test.",
            "x.plain.test.",
            "that www.test. has no MX is not proven",
        ),
        ("the name itself", "www.test.", "www.test.", "whether www.test. is signed is not proven"),
    ] {
        let mut resolver = resolver(move |asked, test, said| match (asked.name.as_str(), asked.qtype) {
            ("www.test.", Type::MX) => {
                let zone = Signer::new(signer, if signer == "test." { 2 } else { 9 });
                let proof = zone.sign(&[&nsec(owner, "zzz.test.", &[Type::A])]);
                ServerSays { authority: proof, ..said }
            }
            ("plain.test.", Type::DS) => {
                let proof = test.sign(&[&nsec("plain.test.", "www.test.", &[Type::NS, Type::NSEC])]);
                let soa = test.sign(&["test. 3600 SOA ns.test. 60"]);
                ServerSays { rcode: 0, authority: [soa, proof].concat(), ..said }
            }
            _ => said,
        });
        resolver.settings.aggressive_nsec = false;
        assert_eq!(told(&resolver, "www.test", Type::MX).await, told_so, "{case}");
    }
}
