//! What becomes of one name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rhumb_wire::Type;

use super::key::key;
use super::rdata_list::RdataList;
use crate::builder::denial::canonical;
use crate::contents::arena::NodeRef;
use crate::contents::node::{NodeFlags, ZoneNode};
use crate::contents::set::StoredRrset;
use crate::contents::{ZoneContents, ZoneRrset, label_offsets};

/// Names that are touched, by key: in canonical order.
pub(super) type NameChanges = BTreeMap<Box<[u8]>, NameChange>;

/// The touched names of the zone, or the touched owners of NSEC3.
#[derive(Debug)]
pub(super) struct ChangedNames {
    pub(super) changes: NameChanges,
    /// What the names touched since [`Self::save`] were before; none for those that were not among the changes.
    saved: Option<BTreeMap<Box<[u8]>, Option<NameChange>>>,
    /// How a node of the contents is found.
    find: fn(&ZoneContents, &[u8]) -> Option<NodeRef>,
}

impl ChangedNames {
    pub(super) const fn new(find: fn(&ZoneContents, &[u8]) -> Option<NodeRef>) -> Self {
        Self { changes: NameChanges::new(), saved: None, find }
    }

    /// What is done from now on can be undone by [`Self::roll_back`].
    pub(super) fn save(&mut self) {
        self.saved = Some(BTreeMap::new());
    }

    /// Undoes what was done since [`Self::save`].
    pub(super) fn roll_back(&mut self) {
        for (key, before) in self.saved.take().into_iter().flatten() {
            match before {
                Some(change) => drop(self.changes.insert(key, change)),
                None => drop(self.changes.remove(&key)),
            }
        }
    }

    /// Notes what a name is before it is touched.
    fn note(&mut self, key: &[u8]) {
        if let Some(saved) = &mut self.saved
            && !saved.contains_key(key)
        {
            saved.insert(key.into(), self.changes.get(key).cloned());
        }
    }

    /// What changes of a name, which may be a new one.
    pub(super) fn change(&mut self, base: &ZoneContents, below: &[u8]) -> &mut NameChange {
        let find = self.find;
        let key = key(below);
        self.note(&key);
        self.changes.entry(key).or_insert_with(|| NameChange::new(base, below, find(base, below)))
    }

    /// What changes of a name that the contents or the change know.
    pub(super) fn known(&mut self, base: &ZoneContents, below: &[u8]) -> Option<&mut NameChange> {
        let key = key(below);
        self.note(&key);
        match self.changes.entry(key) {
            Entry::Occupied(change) => Some(change.into_mut()),
            Entry::Vacant(place) => {
                let at = (self.find)(base, below)?;
                Some(place.insert(NameChange::new(base, below, Some(at))))
            }
        }
    }

    /// What `ask` finds of a name as it stands; none where there is no such name.
    pub(super) fn look<T>(
        &self,
        base: &ZoneContents,
        below: &[u8],
        ask: impl FnOnce(&NameChange) -> T,
    ) -> Option<T> {
        if let Some(change) = self.changes.get(&key(below)) {
            return Some(ask(change));
        }
        (self.find)(base, below).map(|at| ask(&NameChange::new(base, below, Some(at))))
    }
}

/// An RRset and its signatures, copied from the contents to be changed.
#[derive(Clone, Debug, Default)]
pub(super) struct RrsetChange {
    pub(super) records: RdataList,
    pub(super) signatures: RdataList,
    /// TTL in seconds: of the record given last, or else of the signature given last.
    pub(super) ttl: u32,
    /// Records and signatures that it has in the contents.
    pub(super) was: usize,
}

impl RrsetChange {
    fn of(rrset: &ZoneRrset<'_>) -> Self {
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
    pub(super) fn list(&mut self, rtype: Type) -> &mut RdataList {
        if rtype == Type::RRSIG { &mut self.signatures } else { &mut self.records }
    }

    /// Number of records and signatures.
    pub(super) const fn len(&self) -> usize {
        self.records.len() + self.signatures.len()
    }
}

/// A name of the zone that is touched.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    /// The name below the apex.
    pub(super) below: Box<[u8]>,
    /// Its node in the contents.
    pub(super) base: Option<NodeRef>,
    /// What is changed of it, by type; all else stays.
    pub(super) sets: BTreeMap<Type, RrsetChange>,
    /// Whether it exists after the change. This and what follows is found out when all is there.
    pub(super) exists: bool,
    pub(super) flags: NodeFlags,
    pub(super) occluded_by: Option<u8>,
}

impl NameChange {
    /// A name that keeps all it has.
    pub(super) fn new(base: &ZoneContents, below: &[u8], at: Option<NodeRef>) -> Self {
        let node = at.map(|at| base.node(at));
        let below = node.map_or(below, ZoneNode::name).into();
        Self {
            below,
            base: at,
            sets: BTreeMap::new(),
            exists: true,
            flags: NodeFlags::default(),
            occluded_by: None,
        }
    }

    /// Its node in the contents.
    pub(super) fn node<'c>(&self, base: &'c ZoneContents) -> Option<ZoneNode<'c>> {
        self.base.map(|at| base.node(at))
    }

    fn set<'c>(&self, base: &'c ZoneContents, rtype: Type) -> Option<(ZoneNode<'c>, StoredRrset<'c>)> {
        let node = self.node(base)?;
        node.set(rtype).map(|set| (node, set))
    }

    /// The RRset of a type as it is in the contents.
    pub(super) fn rrset<'c>(&self, base: &'c ZoneContents, rtype: Type) -> Option<ZoneRrset<'c>> {
        self.set(base, rtype).map(|(node, set)| ZoneRrset::new(base.apex(), node, set))
    }

    /// The RRset of a type, to be changed.
    pub(super) fn take(&mut self, base: &ZoneContents, rtype: Type) -> &mut RrsetChange {
        let known = if self.sets.contains_key(&rtype) { None } else { self.rrset(base, rtype) };
        self.sets.entry(rtype).or_insert_with(|| known.as_ref().map(RrsetChange::of).unwrap_or_default())
    }

    /// The types it has something of, signatures counted under what they cover.
    pub(super) fn types(&self, base: &ZoneContents) -> Vec<Type> {
        let stay = self.node(base).into_iter().flat_map(ZoneNode::sets).map(|set| set.rtype);
        let stay = stay.filter(|rtype| !self.sets.contains_key(rtype));
        let taken = self.sets.iter().filter(|(_, taken)| taken.len() > 0).map(|(rtype, _)| *rtype);
        stay.chain(taken).collect()
    }

    /// RDATA of the records of a type, in canonical form and sorted.
    pub(super) fn canonical_rdata(&self, base: &ZoneContents, rtype: Type) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = if let Some(taken) = self.sets.get(&rtype) {
            taken.records.iter().map(|rdata| canonical(rtype, rdata)).collect()
        } else {
            let stored = self.rrset(base, rtype);
            let records = stored.iter().flat_map(ZoneRrset::records);
            let rdata = records.map(|record| {
                let mut rdata = Vec::new();
                record.rdata(&mut rdata);
                canonical(rtype, &rdata)
            });
            rdata.collect()
        };
        all.sort_unstable();
        all
    }

    /// Number of records of a type; of RRSIG over all types.
    pub(super) fn count(&self, base: &ZoneContents, rtype: Type) -> usize {
        if rtype == Type::RRSIG {
            let stay = self.node(base).into_iter().flat_map(ZoneNode::sets);
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
    pub(super) fn owns_any(&self, base: &ZoneContents) -> bool {
        self.sets.values().any(|taken| taken.len() > 0)
            || self.node(base).is_some_and(|node| node.sets().any(|set| !self.sets.contains_key(&set.rtype)))
    }

    /// The flags that its own records give it.
    pub(super) fn own_flags(&self, base: &ZoneContents) -> NodeFlags {
        let before = self.node(base).map_or(NodeFlags::default(), ZoneNode::flags);
        let is = |rtype: Type, flag: NodeFlags| match self.sets.get(&rtype) {
            Some(taken) => taken.records.len() > 0,
            None => before.has(flag),
        };
        NodeFlags::default()
            .with(NodeFlags::CUT, !self.below.is_empty() && is(Type::NS, NodeFlags::CUT))
            .with(NodeFlags::DNAME, is(Type::DNAME, NodeFlags::DNAME))
            .with(NodeFlags::CNAME, is(Type::CNAME, NodeFlags::CNAME))
    }

    /// What occludes the names below it.
    pub(super) fn occlusion_below(&self) -> Option<u8> {
        occlusion_below(&self.below, self.flags, self.occluded_by)
    }
}

/// What occludes the names below a name: what occludes that name, or else the name itself if it is a cut or owns a DNAME.
pub(super) fn occlusion_below(below: &[u8], flags: NodeFlags, occluded_by: Option<u8>) -> Option<u8> {
    let covers = flags.has(NodeFlags::CUT) || flags.has(NodeFlags::DNAME);
    occluded_by.or_else(|| covers.then(|| label_offsets(below).1 as u8))
}
