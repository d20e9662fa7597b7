//! What comes of a question, by what is wrong with its zone.

use super::questions::Question;
use super::zones::Fault;

/// What is expected of rhumb, beside what others say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// An answer, or that there is none.
    Resolves,
    /// SERVFAIL with one of these causes (RFC 8914 section 4).
    Fails(&'static [u16]),
}

const BOGUS: u16 = 6;
const EXPIRED: u16 = 7;
const NOT_YET_VALID: u16 = 8;
const DNSKEY_MISSING: u16 = 9;
const RRSIGS_MISSING: u16 = 10;
const NSEC_MISSING: u16 = 12;
const NO_REACHABLE_AUTHORITY: u16 = 22;

impl Question {
    /// What is expected.
    pub(super) fn expected(&self) -> Expected {
        // The parent answers for its DS records, which are right whatever comes of them.
        let own = self.name == self.zone.origin;
        if own && self.kind == "DS" && self.zone.fault != Fault::Unreachable {
            return Expected::Resolves;
        }
        match self.zone.fault {
            Fault::None | Fault::UnknownAlgorithm | Fault::UnknownDigest | Fault::Island => {
                Expected::Resolves
            }
            Fault::Expired => Expected::Fails(&[EXPIRED]),
            Fault::Early => Expected::Fails(&[NOT_YET_VALID]),
            // RFC 8914 section 4.10: a DS record that fits no key.
            Fault::WrongDigest | Fault::OtherKey => Expected::Fails(&[DNSKEY_MISSING]),
            Fault::NotSigned => Expected::Fails(&[DNSKEY_MISSING, RRSIGS_MISSING]),
            Fault::Stripped if self.ends_at_www() && self.kind == "A" => Expected::Fails(&[RRSIGS_MISSING]),
            Fault::Undenied if self.is_denied() => Expected::Fails(&[NSEC_MISSING, BOGUS]),
            Fault::Stripped | Fault::Undenied => Expected::Resolves,
            Fault::Unreachable => Expected::Fails(&[NO_REACHABLE_AUTHORITY]),
        }
    }

    fn label(&self) -> &str {
        self.name.strip_suffix(self.zone.origin).map_or("", |label| label.trim_end_matches('.'))
    }

    fn ends_at_www(&self) -> bool {
        ["www", "alias"].contains(&self.label())
    }

    /// Whether the zone has to prove something for the answer: that there is no such name or type, or that no name stands before a
    /// wildcard.
    pub(super) fn is_denied(&self) -> bool {
        let has: &[&str] = match self.label() {
            "" => &["A", "AAAA", "MX", "TXT", "NS", "DNSKEY", "SOA"],
            "www" | "alias" => &["A", "AAAA"],
            "mail" => &["A"],
            "*.wild" => &["A", "TXT"],
            "a.b.deep" | "big" => &["TXT"],
            // An alias by itself needs no proof; those of a wildcard do.
            "far" | "nowhere" | "www.old" => return false,
            _ => &[],
        };
        !has.contains(&self.kind)
    }
}
