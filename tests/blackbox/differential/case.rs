//! One question that rhumb and a peer answer differently, and what can be asked about it.

use std::collections::BTreeSet;

use rhumb_tests::rig::record::type_number;

use super::generator::Family;
use super::name;
use super::name::prepend;
use super::normal::Normal;
use super::questions::Question;
use super::zone::Zone;

/// One question, rhumb's answer and that of one peer, which differ.
pub(super) struct Case<'a> {
    pub(super) family: &'a Family,
    pub(super) question: &'a Question,
    pub(super) ours: &'a Normal,
    pub(super) theirs: &'a Normal,
}

impl Case<'_> {
    pub(super) fn asks(&self, kind: &str) -> bool {
        self.question.kind == type_number(kind)
    }

    /// The zone responsible for the question.
    pub(super) fn zone(&self) -> Option<&Zone> {
        self.zone_of(&self.question.name)
    }

    /// The zone responsible for a name on the way: for DS of a zone the one above it.
    pub(super) fn zone_of(&self, name: &str) -> Option<&Zone> {
        let zone = self.family.zone_of(name)?;
        if self.asks("DS") && zone.origin == *name {
            return name::parent(name).and_then(|above| self.family.zone_of(above)).or(Some(zone));
        }
        Some(zone)
    }

    /// Whether both chains come by a name of another zone than the question's.
    pub(super) fn goes_elsewhere(&self) -> bool {
        let theirs = chain(&self.question.name, self.theirs);
        let origin = |zone: Option<&Zone>| zone.map(|zone| zone.origin.clone());
        let elsewhere =
            |name: &String| theirs.contains(name) && origin(self.family.zone_of(name)) != origin(self.zone());
        chain(&self.question.name, self.ours).iter().skip(1).any(elsewhere)
    }

    /// Whether rhumb's chain has so many links, and theirs is a part of it or goes on from it.
    pub(super) fn exceeds(&self, links: usize) -> bool {
        let (ours, theirs) = (chain(&self.question.name, self.ours), chain(&self.question.name, self.theirs));
        ours.len() > links && (ours.starts_with(&theirs) || theirs.starts_with(&ours))
    }

    /// Whether the chain leads to the apex of a zone.
    pub(super) fn comes_by_a_zone(&self) -> bool {
        let names = chain(&self.question.name, self.ours);
        names.iter().skip(1).any(|name| self.family.zones.iter().any(|zone| zone.origin == *name))
    }

    /// Whether a name on the way lies below a DNAME.
    pub(super) fn comes_by_a_dname(&self) -> bool {
        self.names().iter().any(|name| {
            let zone = self.zone_of(name);
            zone.is_some_and(|zone| name::upwards(name).skip(1).any(|above| zone.has(above, "DNAME")))
        })
    }

    /// Whether rhumb says YXDOMAIN.
    pub(super) fn is_overflow(&self) -> bool {
        self.ours.rcode == 6
    }

    /// Whether the chain comes back to its last name.
    pub(super) fn goes_round(&self) -> bool {
        let names = chain(&self.question.name, self.ours);
        names.last().is_some_and(|last| names.iter().filter(|name| *name == last).count() > 1)
    }

    /// Their answer is a part of rhumb's, and rhumb's goes on.
    pub(super) fn stops_early(&self) -> bool {
        self.theirs.answer.is_subset(&self.ours.answer) && self.theirs.answer.len() < self.ours.answer.len()
            || self.theirs.answer == self.ours.answer
    }

    /// Where the chain of aliases in their answer ends.
    pub(super) fn their_end(&self) -> String {
        chain(&self.question.name, self.theirs).pop().unwrap_or_default()
    }

    pub(super) fn our_end(&self) -> String {
        chain(&self.question.name, self.ours).pop().unwrap_or_default()
    }

    /// The names of both chains.
    pub(super) fn names(&self) -> BTreeSet<String> {
        [self.ours, self.theirs].into_iter().flat_map(|normal| chain(&self.question.name, normal)).collect()
    }

    pub(super) fn has_alias_at(&self, name: &str) -> bool {
        let Some(zone) = self.zone_of(name) else { return false };
        zone.has(name, "CNAME")
            || self.wildcard_of(name).is_some_and(|(zone, wildcard)| zone.has(&wildcard, "CNAME"))
    }

    /// The wildcard at the closest encloser of a name that does not exist, be it there or not.
    fn wildcard_of(&self, name: &str) -> Option<(&Zone, String)> {
        let zone = self.zone_of(name)?;
        let encloser = name::upwards(name).find(|above| zone.exists(above))?;
        (encloser != name).then(|| (zone, prepend("*", encloser)))
    }

    pub(super) fn source_of_synthesis(&self, is: fn(&Zone, &str) -> bool) -> bool {
        self.names()
            .iter()
            .filter_map(|name| self.wildcard_of(name))
            .any(|(zone, wildcard)| is(zone, &wildcard))
    }

    pub(super) fn differs_in_proofs(&self) -> bool {
        self.ours.without_proofs() == self.theirs.without_proofs()
    }

    pub(super) fn lacks_proofs(&self) -> bool {
        self.differs_in_proofs() && self.theirs.authority.is_subset(&self.ours.authority)
    }

    /// Whether a name on the way or the wildcard for it, which is not in its zone, is there in another one.
    pub(super) fn others_have_the_name(&self) -> bool {
        self.names().iter().any(|name| {
            let Some(zone) = self.zone_of(name) else { return false };
            let inside = |above: &&str| name::at_or_below(above, &zone.origin) && !zone.exists(above);
            let others = || self.family.zones.iter().filter(|other| other.origin != zone.origin);
            let wildcard = self.wildcard_of(name).map(|(_, wildcard)| wildcard);
            let mut missing = name::upwards(name).chain(wildcard.as_deref()).filter(inside);
            missing.any(|above| others().any(|other| other.exists(above)))
        })
    }

    /// Whether a name, or one above it, is in no zone, but something points at it.
    pub(super) fn only_pointed_at(&self, name: &str) -> bool {
        let Some(zone) = self.zone_of(name) else { return false };
        let missing = |above: &&str| name::at_or_below(above, &zone.origin) && !zone.exists(above);
        let lines = || self.family.zones.iter().flat_map(|zone| &zone.lines);
        let target = |data: &str| name::lower(data.rsplit(' ').next().unwrap_or(data));
        name::upwards(name)
            .filter(missing)
            .any(|above| lines().any(|line| name::at_or_below(&target(&line.data), above)))
    }

    /// Whether a label on the way begins with, or the zone has below its closest encloser one with, a zero byte.
    pub(super) fn meets_a_zero(&self) -> bool {
        self.names().iter().any(|name| {
            let Some(zone) = self.zone_of(name) else { return false };
            let encloser = name::upwards(name).find(|above| zone.exists(above)).unwrap_or(name);
            name.contains("\\000") || zone.exists(&prepend("\\000", encloser))
        })
    }

    /// Whether a name on the way or the wildcard for it is, or lies below, one that has nothing but delegations without DS below it, in a
    /// zone signed with opt-out.
    pub(super) fn opted_out(&self) -> bool {
        self.names().iter().any(|name| {
            let Some(zone) = self.zone_of(name) else { return false };
            let insecure = |above: &str| {
                zone.exists(above) && zone.types(above).is_none() && {
                    let mut below = zone.owners().filter(|owner| name::at_or_below(owner, above));
                    below.all(|owner| !zone.is_secure(owner))
                }
            };
            let wildcard = self.wildcard_of(name).map(|(_, wildcard)| wildcard);
            is_opt_out(zone) && name::upwards(name).chain(wildcard.as_deref()).any(insecure)
        })
    }
}

fn is_opt_out(zone: &Zone) -> bool {
    zone.signing.is_some_and(|signing| signing.hashed.is_some_and(|(_, _, opt_out)| opt_out))
}

/// The names of the chain of aliases that begins at a name: at least that one.
fn chain(name: &str, normal: &Normal) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    while names.len() <= normal.answer.len() {
        let start = format!("{} cname ", names[names.len() - 1]);
        match normal.answer.iter().find_map(|key| key.strip_prefix(&start)) {
            Some(target) => names.push(target.to_owned()),
            None => break,
        }
    }
    names
}
