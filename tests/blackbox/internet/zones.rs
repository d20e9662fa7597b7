//! The zones of the internet: who serves them, how they are signed, and what is wrong with them.

/// A zone and its delegation.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostedZone {
    /// Its name, with the final dot.
    pub(super) origin: &'static str,
    /// Labels of the nameservers that serve it, as `addresses.rs` has them.
    pub(super) servers: &'static [&'static str],
    /// Nameservers that it is delegated to beside these, and that do not serve it.
    pub(super) lame: &'static [&'static str],
    /// How it is signed.
    pub(super) signing: Option<Signing>,
    /// What is wrong with it.
    pub(super) fault: Fault,
}

/// Algorithm, keys and proofs of denial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signing {
    pub(super) algorithm: Algorithm,
    /// A key for keys and one for the rest; else one for all.
    pub(super) split: bool,
    /// Iterations of NSEC3; without any it is NSEC.
    pub(super) hashed: Option<u16>,
    /// Names without a secure delegation are left out of the chain of NSEC3.
    pub(super) opt_out: bool,
    /// Signed by ldns, not by BIND's tool.
    pub(super) ldns: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    Ecdsa,
    Edwards,
}

/// What is wrong with a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Its signatures have expired.
    Expired,
    /// Its signatures begin in a month.
    Early,
    /// The digest of its parent is of nothing.
    WrongDigest,
    /// The DS of its parent is that of another key.
    OtherKey,
    /// The address of www has lost its signature.
    Stripped,
    /// Its proofs of denial are gone.
    Undenied,
    /// Its parent has a DS record, and it is not signed.
    NotSigned,
    /// Its parent's DS record is of an algorithm that nobody knows.
    UnknownAlgorithm,
    /// Its parent's DS record is of a digest that nobody knows.
    UnknownDigest,
    /// Signed, and its parent does not say so.
    Island,
    /// Nobody answers for it.
    Unreachable,
}

const fn signed(algorithm: Algorithm, split: bool, hashed: Option<u16>) -> Signing {
    Signing { algorithm, split, hashed, opt_out: false, ldns: false }
}

const RSA: Option<Signing> = Some(signed(Algorithm::Rsa, true, None));
const ECDSA: Option<Signing> = Some(signed(Algorithm::Ecdsa, true, None));
const SINGLE: Option<Signing> = Some(signed(Algorithm::Ecdsa, false, None));
const HASHED: Option<Signing> = Some(signed(Algorithm::Ecdsa, true, Some(0)));
const OPT_OUT: Option<Signing> =
    Some(Signing { algorithm: Algorithm::Ecdsa, split: true, hashed: Some(0), opt_out: true, ldns: false });
const LDNS: Option<Signing> =
    Some(Signing { algorithm: Algorithm::Ecdsa, split: true, hashed: None, opt_out: false, ldns: true });
const LDNS_HASHED: Option<Signing> =
    Some(Signing { algorithm: Algorithm::Rsa, split: true, hashed: Some(1), opt_out: false, ldns: true });

const fn zone(
    origin: &'static str,
    servers: &'static [&'static str],
    signing: Option<Signing>,
) -> HostedZone {
    HostedZone { origin, servers, lame: &[], signing, fault: Fault::None }
}

impl HostedZone {
    const fn fault(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    const fn lame(self, lame: &'static [&'static str]) -> Self {
        Self { lame, ..self }
    }

    /// The zone it is delegated from; none above the root.
    pub(super) fn parent(&self) -> Option<&'static Self> {
        let above = |zone: &&Self| is_below(self.origin, zone.origin);
        ZONES.iter().filter(above).max_by_key(|zone| zone.origin.len())
    }

    /// How many zones or empty names lie above it.
    pub(super) fn depth(&self) -> usize {
        if self.origin == "." { 0 } else { self.origin.matches('.').count() }
    }

    /// Whether it lies right below the root, or is the root.
    pub(super) fn is_top(&self) -> bool {
        self.depth() <= 1
    }
}

fn is_below(origin: &str, above: &str) -> bool {
    origin != above && (above == "." || origin.ends_with(&format!(".{above}")))
}

/// Every zone there is; the root is the first.
pub(super) const ZONES: &[HostedZone] = &[
    zone(".", &["root-nsd", "root-knot"], RSA),
    zone("com.", &["tld-nsd"], OPT_OUT),
    zone("net.", &["tld-knot"], RSA),
    zone("org.", &["tld-bind"], SINGLE),
    zone("plain.", &["tld-nsd", "tld-bind"], None),
    // The names of all nameservers are in it.
    zone("hosting.net.", &["nsd", "knot"], ECDSA),
    zone("rsa.com.", &["knot"], Some(signed(Algorithm::Rsa, true, Some(0)))),
    zone("one-rsa.com.", &["bind"], Some(signed(Algorithm::Rsa, false, None))),
    zone("ecdsa.com.", &["nsd"], ECDSA),
    zone("one-ecdsa.org.", &["knot", "bind"], Some(signed(Algorithm::Ecdsa, false, Some(0)))),
    zone("edwards.org.", &["nsd", "bind"], Some(signed(Algorithm::Edwards, false, None))),
    zone("edwards.net.", &["knot"], Some(signed(Algorithm::Edwards, true, Some(0)))),
    zone("ldns.net.", &["bind"], LDNS),
    zone("ldns.com.", &["nsd"], LDNS_HASHED),
    zone("iterated.net.", &["bind"], Some(signed(Algorithm::Ecdsa, true, Some(5)))),
    zone("much-iterated.net.", &["nsd"], Some(signed(Algorithm::Ecdsa, true, Some(100)))),
    zone("optional.org.", &["knot"], OPT_OUT),
    zone("below.optional.org.", &["nsd"], None),
    zone("signed.optional.org.", &["bind"], SINGLE),
    zone("unsigned.com.", &["nsd"], None),
    zone("unsigned.org.", &["bind"], None),
    zone("unsigned.net.", &["knot"], None),
    zone("unsigned.plain.", &["knot"], None),
    zone("sub.ecdsa.com.", &["bind"], HASHED),
    zone("unsigned.ecdsa.com.", &["knot"], None),
    zone("signed.plain.", &["bind"], ECDSA).fault(Fault::Island),
    zone("island.org.", &["nsd"], HASHED).fault(Fault::Island),
    zone("four.com.", &["nsd-four"], ECDSA),
    zone("four.plain.", &["knot-four"], None),
    zone("six.com.", &["knot-six"], HASHED),
    zone("six.plain.", &["bind-six"], None),
    zone("dead-four.org.", &["nsd-dead-four"], ECDSA),
    zone("dead-six.org.", &["bind-dead-six"], SINGLE),
    zone("lame-beside.com.", &["nsd"], ECDSA).lame(&["knot"]),
    zone("lame-beside.plain.", &["bind"], None).lame(&["nsd", "knot"]),
    zone("silent-beside.org.", &["bind"], SINGLE).lame(&["silent"]),
    zone("lost-beside.org.", &["knot"], HASHED).lame(&["missing"]),
    zone("slow.com.", &["slow"], ECDSA),
    zone("slow.plain.", &["slow"], None),
    zone("tcp.com.", &["tcp"], RSA),
    zone("tcp.plain.", &["tcp"], None),
    zone("expired.com.", &["nsd"], ECDSA).fault(Fault::Expired),
    zone("expired.org.", &["knot"], HASHED).fault(Fault::Expired),
    zone("early.net.", &["bind"], RSA).fault(Fault::Early),
    zone("wrong-digest.com.", &["knot"], ECDSA).fault(Fault::WrongDigest),
    zone("other-key.org.", &["nsd"], HASHED).fault(Fault::OtherKey),
    zone("stripped.org.", &["knot"], ECDSA).fault(Fault::Stripped),
    zone("undenied.net.", &["nsd"], ECDSA).fault(Fault::Undenied),
    zone("not-signed.com.", &["bind"], None).fault(Fault::NotSigned),
    zone("unknown-algorithm.org.", &["knot"], None).fault(Fault::UnknownAlgorithm),
    zone("unknown-digest.net.", &["nsd"], ECDSA).fault(Fault::UnknownDigest),
    zone("lame.com.", &[], None).lame(&["knot", "nsd"]).fault(Fault::Unreachable),
    zone("silent.net.", &[], None).lame(&["silent"]).fault(Fault::Unreachable),
    zone("lost.org.", &[], None).lame(&["missing"]).fault(Fault::Unreachable),
];
