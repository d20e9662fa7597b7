//! A small zone that an input describes, and what is true of it.

use std::collections::BTreeMap;

use rhumb_wire::{DomainName, NameRef, Type};

/// Labels of its names.
const LABELS: [&[u8]; 8] = [b"*", b"a", b"b", b"c", b"ab", b"\0", b"\xff", b"B"];
/// What may stand at a name, a bit each.
const TYPES: [Type; 7] = [Type::A, Type::TXT, Type::CNAME, Type::NS, Type::DS, Type::DNAME, Type::MX];
/// Types that are asked for.
const ASKED: [Type; 8] =
    [Type::A, Type::TXT, Type::CNAME, Type::NS, Type::DS, Type::DNAME, Type::MX, Type::SOA];

/// The zone: its names with what stands there, those without records left out.
pub struct ZoneModel {
    pub apex: DomainName,
    pub names: BTreeMap<DomainName, Vec<Type>>,
}

impl ZoneModel {
    /// The apex, and a name for each three bytes: two are its labels, one its types.
    pub fn new(apex: &DomainName, bytes: &[u8]) -> Self {
        let mut names = BTreeMap::from([(apex.clone(), vec![Type::SOA, Type::NS])]);
        for &[high, low, types] in bytes.as_chunks::<3>().0 {
            let name = name_of(apex, u16::from_be_bytes([high, low])).as_ref().to_lowercase();
            let types = possible(&name, types);
            if !types.is_empty() {
                names.entry(name).or_insert(types);
            }
        }
        let mut zone = Self { apex: apex.clone(), names };
        let hidden: Vec<_> =
            zone.names.keys().filter(|name| zone.is_hidden(name.as_ref())).cloned().collect();
        zone.names.retain(|name, _| !hidden.contains(name));
        zone
    }

    /// Whether it lies below a delegation or a DNAME, where the zone says nothing.
    pub fn is_hidden(&self, name: NameRef<'_>) -> bool {
        let hides = |types: &Vec<Type>| is_delegation(types) || types.contains(&Type::DNAME);
        self.names
            .iter()
            .any(|(at, types)| hides(types) && name.is_at_or_below(at.as_ref()) && name != at.as_ref())
    }

    /// Whether there are records at the name or below it.
    pub fn exists(&self, name: NameRef<'_>) -> bool {
        self.names.keys().any(|at| at.as_ref().is_at_or_below(name))
    }

    /// The longest name above that exists.
    pub fn closest_encloser<'n>(&self, name: NameRef<'n>) -> NameRef<'n> {
        let mut at = name;
        while let Some(above) = at.parent() {
            at = above;
            if self.exists(at) {
                break;
            }
        }
        at
    }

    /// The wildcard that answers for a name which does not exist.
    pub fn wildcard(&self, name: NameRef<'_>) -> Option<DomainName> {
        let wildcard = DomainName::prepend(b"*", self.closest_encloser(name)).ok()?;
        self.exists(wildcard.as_ref()).then_some(wildcard)
    }

    /// Whether there is nothing to answer with: neither the name nor a wildcard for it.
    pub fn denies_name(&self, name: NameRef<'_>) -> bool {
        !self.is_hidden(name) && !self.exists(name) && self.wildcard(name).is_none()
    }

    /// Whether the name exists, or a wildcard answers for it, and there are no such records.
    pub fn denies_type(&self, name: NameRef<'_>, rtype: Type) -> bool {
        if self.is_hidden(name) {
            return false;
        }
        if self.exists(name) {
            return !self.types(name).contains(&rtype) && self.speaks_of(name, rtype);
        }
        let wildcard = self.wildcard(name);
        wildcard.is_some_and(|wildcard| {
            let types = self.types(wildcard.as_ref());
            !types.contains(&rtype) && !types.contains(&Type::CNAME)
        })
    }

    /// Whether the zone, and not its parent or a child, says what there is of the type at the name; an alias is no denial.
    fn speaks_of(&self, name: NameRef<'_>, rtype: Type) -> bool {
        let types = self.types(name);
        let side = if rtype == Type::DS { name != self.apex.as_ref() } else { !is_delegation(types) };
        side && !types.contains(&Type::CNAME)
    }

    /// What stands at the name.
    pub fn types(&self, name: NameRef<'_>) -> &[Type] {
        self.names.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }
}

/// Whether these are the types of a delegation.
pub fn is_delegation(types: &[Type]) -> bool {
    types.contains(&Type::NS) && !types.contains(&Type::SOA)
}

/// A name of up to three labels below `apex`: two bits say how many, three each of them.
pub fn name_of(apex: &DomainName, number: u16) -> DomainName {
    (0..usize::from(number >> 14)).fold(apex.clone(), |name, at| {
        let label = LABELS.get(usize::from(number >> (3 * at)) % LABELS.len()).copied().unwrap_or(b"a");
        DomainName::prepend(label, name.as_ref()).unwrap_or(name)
    })
}

/// A type that is asked for.
pub fn type_of(number: u8) -> Type {
    ASKED.get(usize::from(number) % ASKED.len()).copied().unwrap_or(Type::A)
}

/// The types of `bits` that may stand together at a name.
fn possible(name: &DomainName, bits: u8) -> Vec<Type> {
    let chosen = TYPES.iter().enumerate().filter(|(at, _)| bits >> at & 1 != 0).map(|(_, rtype)| *rtype);
    let chosen: Vec<Type> = chosen.collect();
    let keep = |allowed: &[Type]| chosen.iter().filter(|rtype| allowed.contains(rtype)).copied().collect();
    if chosen.contains(&Type::CNAME) {
        return vec![Type::CNAME];
    }
    if name.as_ref().is_wildcard() {
        return keep(&[Type::A, Type::TXT, Type::MX]);
    }
    if chosen.contains(&Type::NS) {
        return keep(&[Type::NS, Type::DS]);
    }
    keep(&[Type::A, Type::TXT, Type::MX, Type::DNAME])
}
