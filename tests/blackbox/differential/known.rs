//! The differences that are right: who differs from rhumb, when, and by which section of which RFC.

use super::case::Case;
use super::name;
use super::name::prepend;
use super::zone::Zone;

/// An explained difference.
pub(super) struct Known {
    /// What is right, and rhumb does.
    pub(super) what: &'static str,
    /// Where it is said.
    pub(super) section: &'static str,
    /// The peers that differ.
    pub(super) who: &'static [&'static str],
    /// Exactly when they do.
    pub(super) when: fn(&Case<'_>) -> bool,
}

/// The table.
pub(super) const TABLE: &[Known] = &[
    Known {
        what: "a chain of aliases goes on in other zones that are served",
        section: "RFC 1034 section 4.3.2 steps 2 and 3a",
        who: &["Knot", "BIND"],
        when: |case| case.goes_elsewhere(),
    },
    Known {
        what: "a chain that comes back to itself is told as it is",
        section: "RFC 1034 section 3.6.2",
        who: &["BIND"],
        when: |case| case.theirs.rcode == 2 && case.theirs.answer == case.ours.answer && case.goes_round(),
    },
    Known {
        what: "a chain is followed for eight links; servers have limits of their own",
        section: "RFC 1035 section 7.1",
        who: &["NSD", "Knot", "BIND"],
        when: |case| case.exceeds(8),
    },
    Known {
        what: "a name is looked for in the zone responsible for it; what is in others makes it neither exist nor not",
        section: "RFC 1034 section 4.3.2 step 2",
        who: &["NSD"],
        when: |case| case.others_have_the_name(),
    },
    Known {
        what: "ANY and RRSIG are no CNAME: a DNAME is followed",
        section: "RFC 6672 section 3.2",
        who: &["BIND"],
        when: |case| {
            (case.asks("ANY") || case.asks("RRSIG")) && case.stops_early() && case.comes_by_a_dname()
        },
    },
    Known {
        what: "NSEC and RRSIG, which may stand beside a CNAME, are not sought behind it",
        section: "RFC 4035 section 2.5",
        who: &["NSD"],
        when: |case| (case.asks("NSEC") || case.asks("RRSIG")) && case.has_alias_at(&case.our_end()),
    },
    Known {
        what: "a CNAME is followed for NSEC3, which is no type of the name",
        section: "RFC 1034 section 4.3.2 step 3a",
        who: &["NSD"],
        when: |case| case.asks("NSEC3") && case.stops_early() && case.has_alias_at(&case.their_end()),
    },
    Known {
        what: "at a cut nothing but DS is the parent's to answer: a referral for NSEC too",
        section: "RFC 1034 section 4.3.2 step 3b",
        who: &["BIND"],
        when: |case| {
            case.asks("NSEC") && case.ours.is_referral() && case.theirs.authoritative && {
                let end = case.our_end();
                case.family.zone_of(&end).is_some_and(|zone| zone.has(&end, "NS"))
            }
        },
    },
    Known {
        what: "a DNAME at a wildcard is one for names below that owner alone",
        section: "RFC 6672 section 3.3",
        who: &["Knot"],
        when: |case| {
            let under = |zone: &Zone, name: &str| name.starts_with("*.") && zone.has(name, "DNAME");
            case.names().iter().any(|name| {
                let zone = case.family.zone_of(name);
                zone.is_some_and(|zone| name::upwards(name).skip(1).any(|above| under(zone, above)))
            })
        },
    },
    Known {
        what: "a wildcard has other types beside its NS",
        section: "RFC 4592 section 4.2",
        who: &["NSD", "Knot"],
        when: |case| {
            case.names().iter().any(|name| {
                let zone = case.family.zone_of(name);
                let wild = |above: &str| zone.is_some_and(|zone| zone.has(&prepend("*", above), "NS"));
                name::upwards(name).any(wild)
            })
        },
    },
    Known {
        what: "that a wildcard is an empty non-terminal is proved",
        section: "RFC 4035 section 3.1.3.4",
        who: &["Knot", "BIND"],
        when: |case| {
            case.lacks_proofs()
                && case.source_of_synthesis(|zone, wildcard| {
                    zone.exists(wildcard) && zone.types(wildcard).is_none()
                })
        },
    },
    Known {
        what: "an empty non-terminal with an asterisk in it is proved by the name before it",
        section: "RFC 4592 section 2.2.2",
        who: &["BIND"],
        when: |case| {
            let name = case.our_end();
            let empty =
                case.zone_of(&name).is_some_and(|zone| zone.exists(&name) && zone.types(&name).is_none());
            empty && name.split('.').any(|label| label == "*") && case.differs_in_proofs()
        },
    },
    Known {
        what: "a name that begins with an asterisk and does not exist is proved not to exist",
        section: "RFC 4592 section 2.3",
        who: &["Knot"],
        when: |case| case.lacks_proofs() && case.names().iter().any(|name| name.starts_with("*.")),
    },
    Known {
        what: "a name that begins with an asterisk needs no other proof than others",
        section: "RFC 4592 section 2.3",
        who: &["NSD"],
        when: |case| {
            case.differs_in_proofs()
                && case.theirs.authority.is_superset(&case.ours.authority)
                && case.names().iter().any(|name| name.starts_with("*."))
        },
    },
    Known {
        what: "zero bytes in labels sort before all others, and so before an asterisk",
        section: "RFC 4034 section 6.1",
        who: &["NSD", "Knot"],
        when: |case| case.differs_in_proofs() && case.meets_a_zero(),
    },
    Known {
        what: "what a DNAME leads to is proved as every other name",
        section: "RFC 4035 section 3.1.3",
        who: &["NSD"],
        when: |case| case.differs_in_proofs() && case.comes_by_a_dname(),
    },
    Known {
        what: "that no closer name exists is proved for an NSEC of a wildcard too",
        section: "RFC 4035 section 3.1.3.3",
        who: &["Knot"],
        when: |case| case.asks("NSEC") && case.lacks_proofs() && case.source_of_synthesis(Zone::exists),
    },
    Known {
        what: "a name that a DNAME makes too long needs no denial",
        section: "RFC 6672 section 2.2",
        who: &["Knot"],
        when: |case| case.is_overflow() && case.theirs.rcode == 6 && case.theirs.answer == case.ours.answer,
    },
    Known {
        what: "a chain is followed until a DNAME makes a name too long",
        section: "RFC 6672 section 2.2",
        who: &["NSD"],
        when: |case| case.is_overflow() && case.stops_early(),
    },
    Known {
        what: "that a wildcard lacks a type is proved together with its closest encloser",
        section: "RFC 5155 section 7.2.5",
        who: &["NSD"],
        when: |case| {
            let hashed = |zone: &Zone, name: &str| zone.is_hashed() && zone.exists(name);
            case.lacks_proofs() && case.source_of_synthesis(hashed)
        },
    },
    Known {
        what: "DS of a zone at the end of a chain is asked of the zone above",
        section: "RFC 4035 section 3.1.4.1",
        who: &["Knot", "BIND"],
        when: |case| case.asks("DS") && case.comes_by_a_zone(),
    },
    Known {
        what: "DS of a zone that has no delegation is denied as that of every other name above",
        section: "RFC 4035 section 3.1.4.1",
        who: &["NSD"],
        when: |case| {
            let name = case.our_end();
            let served = case.family.zones.iter().any(|zone| zone.origin == name);
            let delegated = case.zone_of(&name).is_some_and(|zone| zone.has(&name, "NS"));
            case.asks("DS") && served && !delegated && case.differs_in_proofs()
        },
    },
    Known {
        what: "a name that stands in RDATA alone does not exist",
        section: "RFC 4592 section 2.2.3",
        who: &["NSD"],
        when: |case| case.ours.rcode == 3 && case.theirs.rcode == 0 && case.only_pointed_at(&case.our_end()),
    },
    Known {
        what: "an empty non-terminal without NSEC3, above delegations that opted out, exists",
        section: "RFC 5155 section 7.2.2",
        who: &["NSD", "Knot", "BIND"],
        when: |case| case.opted_out(),
    },
];

/// The entry that explains the difference of this peer.
pub(super) fn explain(peer: &str, case: &Case<'_>) -> Option<usize> {
    TABLE.iter().position(|known| known.who.contains(&peer) && (known.when)(case))
}
