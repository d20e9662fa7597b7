//! The names of a zone in canonical order, each once, with those between them and the apex.

use super::log::{LoggedRecord, RecordLog, RecordRun, TypeFlags};
use crate::contents::canonical;
use crate::fold;

/// "Not occluded": no name has so many labels.
const NOT_OCCLUDED: u8 = u8::MAX;

/// A name below the apex, perhaps an empty non-terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameEntry {
    name: u32,
    /// The first of its runs, and how many there are.
    first: u32,
    runs: u32,
    length: u8,
    /// Labels below the apex.
    pub(super) depth: u8,
    pub(super) kinds: TypeFlags,
    occluded_by: u8,
}

impl NameEntry {
    /// Its name below the apex.
    #[inline]
    pub(super) fn name<'l>(&self, log: &'l RecordLog) -> &'l [u8] {
        log.slice(self.name, self.length)
    }

    /// Labels below the apex of the topmost cut or DNAME above.
    #[inline]
    pub(super) const fn occluded_by(&self) -> Option<u8> {
        if self.occluded_by == NOT_OCCLUDED { None } else { Some(self.occluded_by) }
    }

    /// Whether it is a zone cut.
    pub(super) const fn is_cut(&self) -> bool {
        self.depth > 0 && self.kinds.has(TypeFlags::NS)
    }

    /// What occludes the names right below, as [`Self::occluded_by`] has it.
    const fn occlusion_below(&self) -> u8 {
        let covers = self.is_cut() || self.kinds.has(TypeFlags::DNAME);
        if self.occluded_by == NOT_OCCLUDED && covers { self.depth } else { self.occluded_by }
    }
}

/// Where a run is, and how many records it has.
#[derive(Clone, Copy, Debug)]
struct RunPlace {
    at: u32,
    count: u16,
}

/// The names of a log.
#[derive(Debug)]
pub(super) struct NameTree {
    runs: Vec<RunPlace>,
    pub(super) entries: Vec<NameEntry>,
}

impl NameTree {
    /// Brings the owners of `runs` into order.
    pub(super) fn new(log: &RecordLog, mut runs: Vec<RecordRun>) -> Self {
        // Runs of the same name stay in the order they came.
        runs.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| canonical(log.name(a.at), log.name(b.at))));
        let mut entries = Vec::with_capacity(runs.len());
        let mut path = Vec::with_capacity(8);
        for (run, number) in runs.iter().zip(0..) {
            enter(log, &mut entries, &mut path, run, number);
        }
        let runs = runs.iter().map(|run| RunPlace { at: run.at, count: run.count }).collect();
        Self { runs, entries }
    }

    fn runs(&self, entry: &NameEntry) -> &[RunPlace] {
        let first = entry.first as usize;
        self.runs.get(first..first + entry.runs as usize).unwrap_or(&[])
    }

    /// The records of an entry in the order they came.
    #[inline]
    pub(super) fn records<'l>(
        &self,
        log: &'l RecordLog,
        entry: &NameEntry,
    ) -> impl Iterator<Item = LoggedRecord<'l>> {
        self.runs(entry).iter().flat_map(|run| log.records(run.at, run.count))
    }

    /// The records of an entry are not read any more.
    pub(super) fn release(&self, log: &mut RecordLog, entry: &NameEntry) {
        for run in self.runs(entry) {
            log.release(run.at);
        }
    }

    pub(super) fn apex(&self) -> Option<&NameEntry> {
        self.entries.first().filter(|entry| entry.depth == 0)
    }
}

/// Adds a run to the entry it belongs to. `path` has the entries from the top down to the last one, by depth.
fn enter(log: &RecordLog, entries: &mut Vec<NameEntry>, path: &mut Vec<u32>, run: &RecordRun, number: u32) {
    let name = log.name(run.at);
    // The depth of the lowest name of the path that is this one or above it. What lies above a name comes before it.
    let mut shared = path.len().min(usize::from(run.depth) + 1);
    while let Some(&above) = shared.checked_sub(1).and_then(|depth| path.get(depth)) {
        let Some(entry) = entries.get(above as usize) else { break };
        if ends_in(name, run.depth, entry.name(log), entry.depth) {
            break;
        }
        shared -= 1;
    }
    path.truncate(shared);
    if shared == usize::from(run.depth) + 1 {
        if let Some(entry) = path.last().and_then(|&at| entries.get_mut(at as usize)) {
            entry.runs += 1;
            entry.kinds.0 |= run.kinds.0;
        }
        return;
    }
    for depth in shared..=usize::from(run.depth) {
        let skipped = skip_labels(name, usize::from(run.depth) - depth);
        let is_wildcard = name.get(skipped..).is_some_and(|name| name.starts_with(b"\x01*"));
        let above = path.last().and_then(|&at| entries.get_mut(at as usize));
        let occluded_by = above.map_or(NOT_OCCLUDED, |above| {
            above.kinds.0 |= if is_wildcard { TypeFlags::WILDCARD } else { 0 };
            above.occlusion_below()
        });
        let is_owner = depth == usize::from(run.depth);
        path.push(entries.len() as u32);
        entries.push(NameEntry {
            name: run.at + skipped as u32,
            first: number,
            runs: u32::from(is_owner),
            length: (name.len() - skipped) as u8,
            depth: depth as u8,
            kinds: if is_owner { run.kinds } else { TypeFlags::default() },
            occluded_by,
        });
    }
}

/// Whether `name` is `above` or lies below it.
#[inline]
fn ends_in(name: &[u8], depth: u8, above: &[u8], above_depth: u8) -> bool {
    let Some(start) = name.len().checked_sub(above.len()) else { return false };
    name.get(start..).is_some_and(|tail| fold::eq(tail, above))
        && skip_labels(name, usize::from(depth.saturating_sub(above_depth))) == start
}

/// The offset behind so many labels.
#[inline]
fn skip_labels(name: &[u8], labels: usize) -> usize {
    (0..labels).fold(0, |at, _| at + 1 + usize::from(name.get(at).copied().unwrap_or(0)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::contents::label_offsets;
    use proptest::prelude::*;
    use rhumb_wire::Type;

    fn wire(labels: &[Vec<u8>]) -> Vec<u8> {
        labels.iter().flat_map(|label| [vec![label.len() as u8], label.clone()].concat()).collect()
    }

    pub(in crate::builder) fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![Just(0u8), Just(1), Just(2), Just(b'a'), Just(b'B'), Just(b'*'), Just(255)];
        let label = proptest::collection::vec(byte, 1..10);
        let name = proptest::collection::vec(label, 0..4).prop_map(|labels| wire(&labels));
        proptest::collection::vec(name, 0..40)
    }

    proptest! {
        #[test]
        fn all_names_and_their_ancestors_in_canonical_order(list in names()) {
            let mut log = RecordLog::new();
            let mut runs = vec![log.begin(&[], 0).unwrap()];
            let mut wanted = vec![Vec::new()];
            for (below, line) in list.iter().zip(0..) {
                let record = LoggedRecord { rtype: Type::NS, ttl: 1, line, rdata: below };
                runs.push(log.begin_with(below, &record).unwrap());
                let (offsets, count) = label_offsets(below);
                wanted.extend(offsets[..count].iter().map(|&at| below[usize::from(at)..].to_ascii_lowercase()));
            }
            wanted.sort_by(|a, b| canonical(a, b));
            wanted.dedup();
            let tree = NameTree::new(&log, runs);
            let lower = |entry: &NameEntry| entry.name(&log).to_ascii_lowercase();
            prop_assert_eq!(tree.entries.iter().map(lower).collect::<Vec<_>>(), wanted);
            for entry in &tree.entries {
                let name = lower(entry);
                let own: Vec<u32> =
                    (0..).zip(&list).filter(|(_, n)| n.eq_ignore_ascii_case(&name)).map(|(i, _)| i).collect();
                prop_assert_eq!(tree.records(&log, entry).map(|r| r.line).collect::<Vec<_>>(), own.clone());
                let wild = [b"\x01*", name.as_slice()].concat();
                let has_wild = tree.entries.iter().any(|entry| lower(entry) == wild);
                prop_assert_eq!(entry.kinds.has(TypeFlags::WILDCARD), has_wild);
                let (offsets, count) = label_offsets(&name);
                prop_assert_eq!(usize::from(entry.depth), count);
                // Every name that was given is a cut.
                let is_given = |at: &u8| list.iter().any(|n| n.eq_ignore_ascii_case(&name[usize::from(*at)..]));
                let occluded_by = (1..count).rev().find(|&at| is_given(&offsets[at])).map(|at| (count - at) as u8);
                prop_assert_eq!(entry.occluded_by(), occluded_by);
            }
        }
    }
}
