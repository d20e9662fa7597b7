//! What a zone is after edits of its file and updates of clients, as the documentation has it.

use std::collections::{BTreeMap, BTreeSet};

/// The records of a zone, by owner and type, without those that it always has.
pub(super) type Records = BTreeMap<(String, Kind), BTreeSet<String>>;

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    A,
    Cname,
    Txt,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Cname => "CNAME",
            Self::Txt => "TXT",
        }
    }
}

/// What an update does.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Add(String, Kind, String),
    Delete(String, Kind, String),
    DeleteSet(String, Kind),
    DeleteName(String),
}

/// One zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ZoneModel {
    /// What stands in the file that was merged last.
    pub(super) file: Records,
    pub(super) served: Records,
    pub(super) is_frozen: bool,
}

/// Puts a record to the others of its set.
pub(super) fn insert(records: &mut Records, owner: &str, kind: Kind, data: &str) {
    records.entry((owner.to_owned(), kind)).or_default().insert(data.to_owned());
}

fn has(records: &Records, owner: &str, is_meant: impl Fn(Kind) -> bool) -> bool {
    records.iter().any(|((name, kind), set)| name == owner && is_meant(*kind) && !set.is_empty())
}

impl ZoneModel {
    /// An update that is carried out (RFC 2136 section 3.4.2): an alias stands alone, and what does not go with it is left out.
    pub(super) fn update(&mut self, operations: &[Operation]) {
        for operation in operations {
            match operation {
                Operation::Add(owner, Kind::Cname, data) => {
                    if !has(&self.served, owner, |kind| kind != Kind::Cname) {
                        self.served.remove(&(owner.clone(), Kind::Cname));
                        insert(&mut self.served, owner, Kind::Cname, data);
                    }
                }
                Operation::Add(owner, kind, data) => {
                    if !has(&self.served, owner, |kind| kind == Kind::Cname) {
                        insert(&mut self.served, owner, *kind, data);
                    }
                }
                Operation::Delete(owner, kind, data) => {
                    self.served.entry((owner.clone(), *kind)).or_default().remove(data);
                }
                Operation::DeleteSet(owner, kind) => drop(self.served.remove(&(owner.clone(), *kind))),
                Operation::DeleteName(owner) => self.served.retain(|(name, _), _| name != owner),
            }
        }
        self.served.retain(|_, set| !set.is_empty());
    }

    /// The file says this now. What it has removed goes and what it has added comes; the rest of what updates have made stays, but where
    /// both have put something in the place of the same record, or an alias does not go with the rest.
    pub(super) fn edit(&mut self, file: &Records) {
        let old = std::mem::replace(&mut self.file, file.clone());
        let none = BTreeSet::new();
        let sets: BTreeSet<_> = old.keys().chain(file.keys()).cloned().collect();
        let of = |records: &Records, set| records.get(set).unwrap_or(&none).clone();
        let mut coming = Vec::new();
        for set in &sets {
            let (before, after) = (of(&old, set), of(file, set));
            let removed: Vec<_> = before.difference(&after).cloned().collect();
            let added: Vec<_> = after.difference(&before).cloned().collect();
            let served = self.served.entry(set.clone()).or_default();
            let is_new = added.iter().any(|data| !served.contains(data));
            let both = is_new && removed.iter().any(|data| !served.contains(data));
            if both || set.1 == Kind::Cname && !added.is_empty() {
                served.retain(|data| before.contains(data) || added.contains(data));
            }
            served.retain(|data| !removed.contains(data));
            coming.extend(added.into_iter().map(|data| (set.clone(), data)));
        }
        self.served.retain(|_, set| !set.is_empty());
        for ((owner, kind), data) in coming {
            let clashes = |other: Kind| other != kind && (kind == Kind::Cname || other == Kind::Cname);
            self.served.retain(|(name, other), _| *name != owner || !clashes(*other));
            insert(&mut self.served, &owner, kind, &data);
        }
    }

    /// The lines of the records that are served, as [`rhumb_tests::rig::Record::key`] writes them.
    pub(super) fn lines(&self, zone: &str) -> BTreeSet<String> {
        let line = |((owner, kind), data): (&(String, Kind), &String)| {
            format!("{owner}.{zone}. {} {data}", kind.name()).to_lowercase()
        };
        self.served.iter().flat_map(|(set, all)| all.iter().map(move |data| line((set, data)))).collect()
    }
}
