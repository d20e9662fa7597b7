use super::*;
use crate::validate::limits;

const SALT: &[u8] = &[0xaa, 0xbb, 0xcc, 0xdd];
const PROVEN: DenialVerdict = DenialVerdict::Proven { delegation: false };
const DELEGATION: DenialVerdict = DenialVerdict::Proven { delegation: true };
const NOTHING: DenialVerdict = DenialVerdict::Unproven;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn hash_of(text: &str, iterations: u16) -> Hash {
    let records = Vec::new();
    let proofs = Nsec3Proofs { zone: name("test"), iterations, salt: SALT, records };
    proofs.hash(name(text).as_ref(), &mut HashBudget::new(1, iterations)).unwrap()
}

fn set(owner: DomainName, rdata: &[u8]) -> RecordSet {
    let signatures = std::iter::empty().collect();
    RecordSet { owner, rtype: Type::NSEC3, ttl: 60, records: std::iter::once(rdata).collect(), signatures }
}

/// RDATA with a bitmap of types below 256.
fn rdata((flags, iterations): (u8, u16), salt: &[u8], next: &[u8], types: &[Type]) -> Vec<u8> {
    let mut bits = [0u8; 32];
    for rtype in types {
        bits[usize::from(rtype.0 / 8)] |= 0x80 >> (rtype.0 % 8);
    }
    let [high, low] = iterations.to_be_bytes();
    let head = [1, flags, high, low, salt.len() as u8];
    [&head[..], salt, &[next.len() as u8], next, &[0, 32], &bits].concat()
}

/// The chain of a zone with a delegation, an alias, a DNAME, a wildcard, and names without records.
fn chain(flags: u8, iterations: u16) -> Vec<RecordSet> {
    let names: [(&str, &[Type]); 9] = [
        ("test", &[Type::SOA, Type::NS]),
        ("alias.test", &[Type::CNAME]),
        ("child.test", &[Type::NS, Type::DS]),
        ("dname.test", &[Type::DNAME]),
        ("empty.test", &[]),
        ("a.empty.test", &[Type::A]),
        ("host.test", &[Type::A]),
        ("wild.test", &[]),
        ("*.wild.test", &[Type::TXT]),
    ];
    let mut hashes: Vec<_> = names.iter().map(|(at, types)| (hash_of(at, iterations), *types)).collect();
    hashes.sort_unstable_by_key(|(hash, _)| *hash);
    let nexts = hashes.iter().cycle().skip(1);
    let records = hashes.iter().zip(nexts).map(|((hash, types), (next, _))| {
        let owner = DomainName::prepend(&label_of_hash(hash), name("test").as_ref()).unwrap();
        set(owner, &rdata((flags, iterations), SALT, next, types))
    });
    records.collect()
}

/// Verdicts of no data, of a name error, and of the expansion of a wildcard with so many labels.
fn judge(flags: u8, asked: &str, rtype: Type, labels: usize) -> [DenialVerdict; 3] {
    let (sets, zone, asked) = (chain(flags, 1), name("test"), name(asked));
    let proofs = Nsec3Proofs::new(&sets.iter().collect::<Vec<_>>(), zone.as_ref(), 10).unwrap();
    let claim = DenialClaim { name: asked.as_ref(), rtype, zone: zone.as_ref() };
    let hashes = || HashBudget::new(limits::HASHES, limits::ITERATIONS);
    [
        proofs.no_data(claim, &mut hashes()),
        proofs.name_error(claim, &mut hashes()),
        proofs.expanded(claim, labels, &mut hashes()),
    ]
}

#[test]
fn labels_of_hashes_are_read_as_they_are_written() {
    let hash: Hash = std::array::from_fn(|at| (at * 37 + 5) as u8);
    let label = label_of_hash(&hash);
    assert_eq!(hash_of_label(&label), Some(hash));
    assert_eq!(hash_of_label(&label.to_ascii_uppercase()), Some(hash));
    assert_eq!(label_of_hash(&[0xff; HASH]), [b'v'; 32]);
    for wrong in [&label[1..], &[b'w'; 32], &[b'-'; 32], &[b'a'; 33], b""] {
        assert_eq!(hash_of_label(wrong), None, "{wrong:?}");
    }
}

/// RFC 5155 appendix A.
#[test]
fn names_are_hashed_as_in_the_example() {
    let records = Vec::new();
    let proofs = Nsec3Proofs { zone: name("example"), iterations: 12, salt: SALT, records };
    for (asked, label) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("AI.Example", "gjeqe526plbf1g8mklp59enfd789njgi"),
    ] {
        let mut hashes = HashBudget::new(1, 12);
        let owner = proofs.owner_of(name(asked).as_ref(), &mut hashes).unwrap();
        assert_eq!(owner.to_string(), format!("{label}.example."), "{asked}");
        assert!(hashes.is_spent() && hashes.spent() == 1);
        assert_eq!(proofs.owner_of(name(asked).as_ref(), &mut hashes), None);
    }
}

#[test]
fn no_data_is_proven_by_the_name_or_its_wildcard() {
    for (case, asked, rtype, verdict, opt_out) in [
        ("another type", "host.test", Type::AAAA, PROVEN, PROVEN),
        ("in another case", "HOST.Test", Type::AAAA, PROVEN, PROVEN),
        ("its own type", "host.test", Type::A, NOTHING, NOTHING),
        ("an alias", "alias.test", Type::A, NOTHING, NOTHING),
        ("DS of a signed delegation", "child.test", Type::DS, NOTHING, NOTHING),
        ("another type of a delegation", "child.test", Type::A, NOTHING, NOTHING),
        ("below a delegation", "www.child.test", Type::A, NOTHING, NOTHING),
        ("below a DNAME", "www.dname.test", Type::A, NOTHING, NOTHING),
        ("DS by the apex", "test", Type::DS, NOTHING, NOTHING),
        ("another type of the apex", "test", Type::A, PROVEN, PROVEN),
        ("a name without records", "empty.test", Type::A, PROVEN, PROVEN),
        ("by a wildcard", "x.wild.test", Type::A, PROVEN, DenialVerdict::OptOut),
        ("far below it", "y.x.wild.test", Type::A, PROVEN, DenialVerdict::OptOut),
        ("the type of a wildcard", "x.wild.test", Type::TXT, NOTHING, NOTHING),
        ("a name that does not exist", "none.test", Type::DS, NOTHING, DenialVerdict::OptOut),
        ("outside of the zone", "other", Type::A, NOTHING, NOTHING),
    ] {
        let found = [judge(0, asked, rtype, 0)[0], judge(OPT_OUT, asked, rtype, 0)[0]];
        assert_eq!(found, [verdict, opt_out], "{case}");
    }
}

#[test]
fn a_delegation_without_ds_is_said_to_be_one() {
    let owner = DomainName::prepend(&label_of_hash(&hash_of("sub.test", 0)), name("test").as_ref()).unwrap();
    let set = set(owner, &rdata((0, 0), SALT, &[7; HASH], &[Type::NS]));
    let (zone, sub) = (name("test"), name("sub.test"));
    let claim = |rtype| DenialClaim { name: sub.as_ref(), rtype, zone: zone.as_ref() };
    let mut hashes = HashBudget::new(10, 0);
    assert_eq!(claim(Type::DS).no_data(&[&set], &mut hashes), DELEGATION);
    assert_eq!(claim(Type::A).no_data(&[&set], &mut hashes), NOTHING);
}

#[test]
fn a_name_is_denied_together_with_its_wildcard() {
    for (case, asked, verdict) in [
        ("one label", "none.test", PROVEN),
        ("far below", "x.y.none.test", PROVEN),
        ("below a host", "x.host.test", PROVEN),
        ("below a name without records", "b.empty.test", PROVEN),
        ("a name that exists", "host.test", NOTHING),
        ("a name without records", "empty.test", NOTHING),
        ("below a wildcard's parent", "x.wild.test", NOTHING),
        ("below a delegation", "www.child.test", NOTHING),
        ("below a DNAME", "www.dname.test", NOTHING),
        ("outside of the zone", "other", NOTHING),
    ] {
        let opt_out = if verdict == PROVEN { DenialVerdict::OptOut } else { verdict };
        let found = [judge(0, asked, Type::A, 0)[1], judge(OPT_OUT, asked, Type::A, 0)[1]];
        assert_eq!(found, [verdict, opt_out], "{case}");
    }
}

#[test]
fn a_wildcard_answers_where_it_is_the_closest() {
    for (case, asked, labels, verdict) in [
        ("the wildcard of the closest name", "x.wild.test", 2, PROVEN),
        ("far below it", "y.x.wild.test", 2, PROVEN),
        ("one further up", "x.wild.test", 1, NOTHING),
        ("of the apex", "none.test", 1, PROVEN),
        ("a name that exists", "host.test", 1, NOTHING),
        ("below a host", "x.host.test", 1, NOTHING),
    ] {
        let opt_out = if verdict == PROVEN { DenialVerdict::OptOut } else { verdict };
        let found = [judge(0, asked, Type::A, labels)[2], judge(OPT_OUT, asked, Type::A, labels)[2]];
        assert_eq!(found, [verdict, opt_out], "{case}");
    }
}

/// RFC 9276 section 3.2.
#[test]
fn so_many_iterations_are_followed_and_no_more() {
    let (zone, host) = (name("test"), name("host.test"));
    let claim = DenialClaim { name: host.as_ref(), rtype: Type::AAAA, zone: zone.as_ref() };
    for (iterations, verdict, spent) in
        [(0, PROVEN, 1), (9, PROVEN, 1), (10, PROVEN, 1), (11, DenialVerdict::TooManyIterations, 0)]
    {
        let sets = chain(0, iterations);
        let at = hash_of("host.test", iterations);
        let of_host = |set: &&RecordSet| set.owner.as_ref().first_label() == Some(&label_of_hash(&at)[..]);
        let proofs: Vec<_> = sets.iter().filter(of_host).collect();
        let mut hashes = HashBudget::new(5, 10);
        assert_eq!(claim.no_data(&proofs, &mut hashes), verdict, "{iterations}");
        assert_eq!(hashes.spent(), spent, "{iterations}");
        let too_many = (verdict == DenialVerdict::TooManyIterations).then_some(iterations);
        assert_eq!(hashes.refused_iterations(), too_many);
        let mut none = HashBudget::new(0, 100);
        assert_eq!(claim.no_data(&proofs, &mut none), NOTHING);
        assert_eq!((none.spent(), none.is_spent()), (0, true));
    }
}

/// RFC 5155 sections 8.1 and 8.2: what is not known, or is not of the same chain, is as if it were not there.
#[test]
fn records_that_do_not_count() {
    let (zone, host) = (name("test"), name("host.test"));
    let label = label_of_hash(&hash_of("host.test", 0));
    let owner = DomainName::prepend(&label, zone.as_ref()).unwrap();
    let good = rdata((0, 0), SALT, &[7; HASH], &[Type::A]);
    let changed = |at: usize, value: u8| {
        let mut rdata = good.clone();
        rdata[at] = value;
        rdata
    };
    let of = |sets: &[RecordSet]| {
        let claim = DenialClaim { name: host.as_ref(), rtype: Type::AAAA, zone: zone.as_ref() };
        claim.no_data(&sets.iter().collect::<Vec<_>>(), &mut HashBudget::new(10, 10))
    };
    assert_eq!(of(&[set(owner.clone(), &good)]), PROVEN);
    for (case, rdata) in [
        ("another hash", changed(0, 2)),
        ("an unknown flag", changed(1, 2)),
        ("an unknown flag beside opt-out", changed(1, 3)),
        ("a short hash", rdata((0, 0), SALT, &[7; HASH - 1], &[])),
        ("a long hash", rdata((0, 0), SALT, &[7; HASH + 1], &[])),
        ("cut in its hash", good[..20].to_vec()),
        ("cut in its salt", good[..7].to_vec()),
        ("cut in its head", good[..4].to_vec()),
    ] {
        assert_eq!(of(&[set(owner.clone(), &rdata)]), NOTHING, "{case}");
    }
    let further = DomainName::prepend(&label, name("sub.test").as_ref()).unwrap();
    let no_hash = name("host.test");
    let nsec = RecordSet { rtype: Type::NSEC, ..set(owner.clone(), &good) };
    for wrong in [set(further, &good), set(no_hash, &good), nsec] {
        assert_eq!(of(std::slice::from_ref(&wrong)), NOTHING, "{wrong:?}");
    }
    // Those of another chain do not count with it, wherever they stand.
    let other =
        set(DomainName::prepend(&[b'0'; 32], zone.as_ref()).unwrap(), &rdata((0, 0), b"", &[7; HASH], &[]));
    let more = set(other.owner.clone(), &rdata((0, 1), SALT, &[7; HASH], &[]));
    let far = set(other.owner.clone(), &rdata((0, 500), SALT, &[7; HASH], &[]));
    let good = set(owner, &good);
    for beside in [other, more, far] {
        assert_eq!(of(&[beside.clone(), good.clone()]), PROVEN, "{beside:?}");
        assert_eq!(of(&[good.clone(), beside.clone()]), PROVEN, "{beside:?}");
    }
}

/// The records that deny none.test with so many iterations: of the apex, before the name and before the wildcard.
fn denial_of_none(iterations: u16) -> Vec<RecordSet> {
    let (sets, zone, none) = (chain(0, iterations), name("test"), name("none.test"));
    let all: Vec<_> = sets.iter().collect();
    let claim = DenialClaim { name: none.as_ref(), rtype: Type::A, zone: zone.as_ref() };
    let needed = |kept: &[&RecordSet]| {
        let proofs = Nsec3Proofs::new(kept, zone.as_ref(), 10).unwrap();
        proofs.name_error(claim, &mut HashBudget::new(limits::HASHES, limits::ITERATIONS)) == PROVEN
    };
    let is_needed = |set: &&&RecordSet| {
        let others: Vec<_> = all.iter().copied().filter(|other| other.owner != set.owner).collect();
        !needed(&others)
    };
    all.iter().filter(is_needed).map(|set| (*set).clone()).collect()
}

/// RFC 5155 section 8.2: one chain proves whatever stands beside it, and two prove nothing together.
#[test]
fn each_chain_proves_by_itself() {
    let (zone, none) = (name("test"), name("none.test"));
    let judge = |sets: &[RecordSet], hashes: &mut HashBudget| {
        let claim = DenialClaim { name: none.as_ref(), rtype: Type::A, zone: zone.as_ref() };
        claim.name_error(&sets.iter().collect::<Vec<_>>(), hashes)
    };
    let hashes = || HashBudget::new(limits::HASHES, 10);
    for (one, two) in [(0, 1), (3, 2), (1, 7)] {
        let (one, two) = (denial_of_none(one), denial_of_none(two));
        let both = [&one[..], &two].concat();
        assert_eq!(judge(&one, &mut hashes()), PROVEN);
        for turn in 0..both.len() {
            let mut turned = both.clone();
            turned.rotate_left(turn);
            assert_eq!(judge(&turned, &mut hashes()), PROVEN, "from {turn}");
            // One chain that lacks a record leaves the other, and both of them nothing.
            let (lost, rest) = turned.split_first().unwrap();
            assert_eq!(judge(rest, &mut hashes()), PROVEN, "without {lost:?}");
            let of_one = |set: &RecordSet| one.iter().any(|each| each.owner == set.owner);
            let second = rest.iter().find(|set| of_one(set) != of_one(lost)).unwrap();
            let rest: Vec<_> = rest.iter().filter(|set| set.owner != second.owner).cloned().collect();
            assert_eq!(judge(&rest, &mut hashes()), NOTHING, "without {lost:?} and {second:?}");
        }
    }
}

/// More chains cost no more names than one question may have, and one of too many iterations excuses none that is followed.
#[test]
fn chains_share_the_bounds() {
    let (zone, none) = (name("test"), name("none.test"));
    let claim = DenialClaim { name: none.as_ref(), rtype: Type::A, zone: zone.as_ref() };
    let (good, far) = (denial_of_none(1), denial_of_none(11));
    let mut broken: Vec<RecordSet> = (2..10).map(|iterations| denial_of_none(iterations).remove(0)).collect();
    for (most, expected) in [(150, NOTHING), (5, NOTHING), (0, NOTHING)] {
        let mut hashes = HashBudget::new(most, 10);
        assert_eq!(claim.name_error(&broken.iter().collect::<Vec<_>>(), &mut hashes), expected);
        assert!(hashes.spent() <= most && hashes.refused_iterations().is_none(), "{hashes:?}");
    }
    broken.truncate(1);
    for (sets, expected, refused) in [
        ([&far[..], &good].concat(), PROVEN, None),
        ([&good[..], &far].concat(), PROVEN, None),
        ([&far[..], &broken].concat(), NOTHING, None),
        (far.clone(), DenialVerdict::TooManyIterations, Some(11)),
    ] {
        let mut hashes = HashBudget::new(limits::HASHES, 10);
        assert_eq!(claim.name_error(&sets.iter().collect::<Vec<_>>(), &mut hashes), expected);
        assert_eq!(hashes.refused_iterations(), refused);
    }
}

#[test]
fn each_record_has_its_role() {
    let roles = |asked: &str| {
        let (sets, zone, asked) = (chain(0, 1), name("test"), name(asked));
        let proofs = Nsec3Proofs::new(&sets.iter().collect::<Vec<_>>(), zone.as_ref(), 10).unwrap();
        let claim = DenialClaim { name: asked.as_ref(), rtype: Type::A, zone: zone.as_ref() };
        let roles = proofs.roles(claim, &mut HashBudget::new(limits::HASHES, 1));
        roles.iter().map(|role| (role.name.to_string(), role.stands)).collect::<Vec<_>>()
    };
    let row = |name: &str, stands| (name.to_owned(), stands);
    assert_eq!(roles("host.test"), [row("host.test.", true)]);
    assert_eq!(roles("x.none.test"), [row("test.", true), row("none.test.", false), row("*.test.", false)]);
    assert_eq!(
        roles("y.x.wild.test"),
        [row("wild.test.", true), row("x.wild.test.", false), row("*.wild.test.", true)]
    );
    assert_eq!(roles("other"), []);
}

/// What each proof says of a name is only told of where its iterations are followed.
#[test]
fn proofs_of_many_iterations_have_no_roles() {
    let (sets, zone, asked) = (chain(0, 5), name("test"), name("host.test"));
    let proofs: Vec<&RecordSet> = sets.iter().collect();
    let claim = DenialClaim { name: asked.as_ref(), rtype: Type::MX, zone: zone.as_ref() };
    for (followed, told) in [(4, false), (5, true)] {
        assert_eq!(!claim.roles(&proofs, followed).is_empty(), told, "{followed}");
    }
}
