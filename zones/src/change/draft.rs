//! What becomes of one name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rhumb_wire::Type;

use super::key::key;
use super::records::Records;
use crate::contents::arena::Ref;
use crate::contents::node::{Flags, Node};
use crate::contents::set::Set;
use crate::contents::{Contents, Rrset, label_offsets};

/// Names that are touched, by key: in canonical order.
pub(super) type Drafts = BTreeMap<Box<[u8]>, Draft>;

/// The touched names of the zone, or the touched owners of NSEC3.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) drafts: Drafts,
    /// How a node of the contents is found.
    find: fn(&Contents, &[u8]) -> Option<Ref>,
}

impl Part {
    pub(super) const fn new(find: fn(&Contents, &[u8]) -> Option<Ref>) -> Self {
        Self { drafts: Drafts::new(), find }
    }

    /// The draft of a name, which may be a new one.
    pub(super) fn draft(&mut self, base: &Contents, below: &[u8]) -> &mut Draft {
        let find = self.find;
        self.drafts.entry(key(below)).or_insert_with(|| Draft::new(base, below, find(base, below)))
    }

    /// The draft of a name that the contents or the change know.
    pub(super) fn known(&mut self, base: &Contents, below: &[u8]) -> Option<&mut Draft> {
        match self.drafts.entry(key(below)) {
            Entry::Occupied(draft) => Some(draft.into_mut()),
            Entry::Vacant(place) => {
                let at = (self.find)(base, below)?;
                Some(place.insert(Draft::new(base, below, Some(at))))
            }
        }
    }

    /// As [`Draft::count`]; none where there is no such name.
    pub(super) fn count(&self, base: &Contents, below: &[u8], rtype: Type) -> usize {
        if let Some(draft) = self.drafts.get(&key(below)) {
            return draft.count(base, rtype);
        }
        (self.find)(base, below).map_or(0, |at| Draft::new(base, below, Some(at)).count(base, rtype))
    }
}

/// An RRset and its signatures, taken out of the contents to be changed.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) records: Records,
    pub(super) signatures: Records,
    /// TTL in seconds: of the record given last, or else of the signature given last.
    pub(super) ttl: u32,
    /// Records and signatures that it has in the contents.
    pub(super) was: usize,
}

impl Taken {
    fn of(rrset: &Rrset<'_>) -> Self {
        let mut taken = Self { ttl: rrset.ttl(), ..Self::default() };
        let mut rdata = Vec::new();
        for record in rrset.records().chain(rrset.signatures()) {
            rdata.clear();
            record.rdata(&mut rdata);
            taken.list(record.rtype()).add(record.rtype(), &rdata);
        }
        taken.was = taken.len();
        taken
    }

    /// The records, or the signatures where `rtype` is RRSIG.
    pub(super) fn list(&mut self, rtype: Type) -> &mut Records {
        if rtype == Type::RRSIG { &mut self.signatures } else { &mut self.records }
    }

    /// Number of records and signatures.
    pub(super) const fn len(&self) -> usize {
        self.records.len() + self.signatures.len()
    }
}

/// A name of the zone that is touched.
#[derive(Debug)]
pub(super) struct Draft {
    /// The name below the apex.
    pub(super) below: Box<[u8]>,
    /// Its node in the contents.
    pub(super) base: Option<Ref>,
    /// What is changed of it, by type; all else stays.
    pub(super) sets: BTreeMap<Type, Taken>,
    /// Whether it exists after the change. This and what follows is found out when all is there.
    pub(super) exists: bool,
    pub(super) flags: Flags,
    pub(super) cover: Option<u8>,
}

impl Draft {
    /// A name that keeps all it has.
    pub(super) fn new(base: &Contents, below: &[u8], at: Option<Ref>) -> Self {
        let node = at.map(|at| base.node(at));
        let below = node.map_or(below, Node::name).into();
        Self { below, base: at, sets: BTreeMap::new(), exists: true, flags: Flags::default(), cover: None }
    }

    /// Its node in the contents.
    pub(super) fn node<'c>(&self, base: &'c Contents) -> Option<Node<'c>> {
        self.base.map(|at| base.node(at))
    }

    fn set<'c>(&self, base: &'c Contents, rtype: Type) -> Option<(Node<'c>, Set<'c>)> {
        let node = self.node(base)?;
        node.set(rtype).map(|set| (node, set))
    }

    /// The RRset of a type, to be changed.
    pub(super) fn take(&mut self, base: &Contents, rtype: Type) -> &mut Taken {
        let known = if self.sets.contains_key(&rtype) { None } else { self.set(base, rtype) };
        self.sets.entry(rtype).or_insert_with(|| match known {
            Some((node, set)) => Taken::of(&Rrset::new(base.apex(), node, set)),
            None => Taken::default(),
        })
    }

    /// The types it has something of, signatures counted under what they cover.
    pub(super) fn types(&self, base: &Contents) -> Vec<Type> {
        let stay = self.node(base).into_iter().flat_map(Node::sets).map(|set| set.rtype);
        let stay = stay.filter(|rtype| !self.sets.contains_key(rtype));
        let taken = self.sets.iter().filter(|(_, taken)| taken.len() > 0).map(|(rtype, _)| *rtype);
        stay.chain(taken).collect()
    }

    /// Number of records of a type; of RRSIG over all types.
    pub(super) fn count(&self, base: &Contents, rtype: Type) -> usize {
        if rtype == Type::RRSIG {
            let stay = self.node(base).into_iter().flat_map(Node::sets);
            let stay =
                stay.filter(|set| !self.sets.contains_key(&set.rtype)).map(|set| set.signatures as usize);
            return stay.chain(self.sets.values().map(|taken| taken.signatures.len())).sum();
        }
        match self.sets.get(&rtype) {
            Some(taken) => taken.records.len(),
            None => self.set(base, rtype).map_or(0, |(_, set)| set.records as usize),
        }
    }

    /// Whether it owns a record or a signature.
    pub(super) fn owns_any(&self, base: &Contents) -> bool {
        self.sets.values().any(|taken| taken.len() > 0)
            || self.node(base).is_some_and(|node| node.sets().any(|set| !self.sets.contains_key(&set.rtype)))
    }

    /// The flags that its own records give it.
    pub(super) fn own_flags(&self, base: &Contents) -> Flags {
        let before = self.node(base).map_or(Flags::default(), Node::flags);
        let is = |rtype: Type, flag: Flags| match self.sets.get(&rtype) {
            Some(taken) => taken.records.len() > 0,
            None => before.has(flag),
        };
        Flags::default()
            .with(Flags::CUT, !self.below.is_empty() && is(Type::NS, Flags::CUT))
            .with(Flags::DNAME, is(Type::DNAME, Flags::DNAME))
            .with(Flags::CNAME, is(Type::CNAME, Flags::CNAME))
    }

    /// The cover of what lies below it.
    pub(super) fn passes_on(&self) -> Option<u8> {
        passed_on(&self.below, self.flags, self.cover)
    }
}

/// The cover of what lies below a name: what covers the name, or else the name itself if it is a cut or owns a DNAME.
pub(super) fn passed_on(below: &[u8], flags: Flags, cover: Option<u8>) -> Option<u8> {
    let covers = flags.has(Flags::CUT) || flags.has(Flags::DNAME);
    cover.or_else(|| covers.then(|| label_offsets(below).1 as u8))
}
